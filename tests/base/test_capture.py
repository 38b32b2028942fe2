"""What C++ libraries print is caught."""

from __future__ import annotations

import os
import sys

import pytest

from danas_hil.base import captured_stderr


def test_the_text_of_other_libraries_is_caught_and_goes_with_the_error(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def fail() -> None:
        with captured_stderr() as told:
            os.write(2, b"from C++\n")
            assert told() == "from C++\n"
            raise ValueError("no")

    with pytest.raises(ValueError, match="no") as caught:
        fail()
    assert caught.value.captured_stderr == "from C++\n"  # type: ignore[attr-defined]
    print("after", file=sys.stderr)
    os.write(2, b"wards\n")
    assert capfd.readouterr().err == "after\nwards\n"

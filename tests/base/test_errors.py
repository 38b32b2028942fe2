"""What errors of libraries say, in one line."""

import pytest

from danas_hil.base import first_line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError("no route to host.\nSee the manual."), "no route to host"),
        (ValueError("\n  connection refused \n"), "connection refused"),
        (TimeoutError(), "TimeoutError"),
        (RuntimeError(" \n"), "RuntimeError"),
    ],
)
def test_an_error_is_told_in_one_line_even_if_it_says_nothing(error, line):
    assert first_line(error) == line

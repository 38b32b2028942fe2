"""What a batch of measurements shows while it runs, where its output is piped."""

from __future__ import annotations

from pathlib import Path

import pytest

from danas_hil.cli.measuring import MeasureProgress
from danas_hil.measure import Item


def test_a_wait_for_another_build_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with MeasureProgress(2, "qemu-m4") as progress:
        progress.starting(Item("1f0c22ab", Path("model.tflite"), None, Path()))
        progress.compiling("the library", 1)  # within the first ten seconds: no line
        progress.waiting("another build in builds/qemu-m4-tflm, 20 min at most")
    assert capsys.readouterr().err.splitlines() == [
        "1f0c22ab: waiting for another build in builds/qemu-m4-tflm, 20 min at most"
    ]

"""Tests that run on every board: `pytest tests/board --board NAME`; without it, emulated."""

from __future__ import annotations

import os

import pytest

from danas_hil.base import DanasError
from danas_hil.measure import check_library
from danas_hil.pytest_plugin import Dut
from danas_hil.sketch import LIBRARY_VARIABLE

HOME = os.environ.get("DANAS_HIL_HOME")  # before the test session puts its own there


@pytest.fixture(autouse=True)
def _builds_that_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling the library takes minutes: where DANAS_HIL_HOME was set, it is kept there."""
    if HOME is not None:
        monkeypatch.setenv("DANAS_HIL_HOME", HOME)


@pytest.fixture
def tflm_dut(dut: Dut, request: pytest.FixtureRequest) -> Dut:
    """`dut`, where TensorFlow Lite Micro can be built for it or is here already.

    A board that was asked for must have it: a skip would be green.
    """
    if dut.board.kind == "host":
        pytest.importorskip("tflite_micro", reason="needs the extra host")
        return dut
    asked_for = bool(request.config.getoption("danas_board"))
    if not asked_for and LIBRARY_VARIABLE not in os.environ:
        pytest.skip(f"the library is downloaded only with --board; {LIBRARY_VARIABLE} is not set")
    try:
        check_library(dut.board)
    except DanasError as error:
        if asked_for:
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
    return dut

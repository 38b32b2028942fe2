"""The self-test of a simulated board: every check is a line, whatever becomes of the others."""

from __future__ import annotations

import pytest

from danas_hil.base import DanasError
from danas_hil.board import load_board, locate
from danas_hil.measure.selftest import CHECKS, SelfTestResult, selftest
from danas_hil.targets import SerialDevice
from devices.ports import NANO_BOOTLOADER
from devices.selftest import HANG

pytestmark = pytest.mark.usefixtures("short_waits")


def proved(folder, seconds=1.0) -> SelfTestResult:
    return selftest(SerialDevice(locate(load_board("nano33ble"), None), seconds), folder)


def assert_ends_at(result: SelfTestResult, name: str, stage: str) -> None:
    """The checks before `name` are good, that one failed at `stage`, and no other was run."""
    assert [check.name for check in result.checks] == list(CHECKS)
    at = CHECKS.index(name)
    outcomes = [check.good for check in result.checks]
    assert outcomes == [True] * at + [False] + [None] * (len(CHECKS) - at - 1)
    assert result.failure is not None
    assert result.failure.stage == stage
    assert result.checks[at].detail == result.failure.reason
    assert not result.good


def test_a_good_board_is_good_in_every_check(board, selftested, tmp_path):
    result = proved(tmp_path)
    assert [check.name for check in result.checks] == list(CHECKS)
    assert [check for check in result.checks if not check.good] == []
    assert result.good
    assert result.failure is None
    details = {check.name: check.detail for check in result.checks}
    assert "hardfault at 00000f90" in details["fault"]
    assert f"{HANG:08x}" in details["watchdog"]


def test_a_check_that_fails_ends_nothing(board, selftested, tmp_path):
    board.tells = {"flash_bytes": 1}
    result = proved(tmp_path)
    assert [check.name for check in result.checks if not check.good] == ["image"]
    assert result.failure is None
    assert not result.good


def test_a_hang_that_is_told_at_another_place_than_its_loop_is_a_failed_check(
    board, selftested, tmp_path, monkeypatch
):
    monkeypatch.setattr("danas_hil.measure.selftest.function_at", lambda _elf, _at: "loop")
    result = proved(tmp_path)
    assert [check.name for check in result.checks if not check.good] == ["watchdog"]
    assert result.checks[-1].detail.endswith(", in loop")


@pytest.mark.parametrize(
    ("request_", "check"),
    [
        ("prepare", "memory"),
        ("invoke", "parity"),
        ("time", "timer"),
        ("clock", "clock"),
        ("crash", "fault"),
        ("hang", "watchdog"),
    ],
)
def test_a_board_that_falls_silent_is_told_at_the_check_where_it_did(
    board, selftested, tmp_path, request_, check
):
    def fall_silent(data):
        if f" {request_} ".encode() in data:
            board.to_host = lambda answer: b""
        return data

    board.to_device = fall_silent
    assert_ends_at(proved(tmp_path), check, "PROTOCOL")


def test_a_board_that_never_answers_was_built_and_flashed(board, selftested, tmp_path):
    board.to_host = lambda answer: b""
    result = proved(tmp_path)
    assert_ends_at(result, "boot", "BOOT")
    assert len(selftested) == 3
    assert result.hello is None
    assert result.sizes is not None


def test_another_program_on_the_board_is_asked_nothing_more(board, selftested, tmp_path):
    board.tells = {"build": "0123456789abcdef"}
    result = proved(tmp_path)
    assert_ends_at(result, "identity", "IDENTITY")
    assert "0123456789abcdef" in result.checks[3].detail


def test_a_program_that_is_not_built_is_the_first_line(board, selftested, tmp_path, monkeypatch):
    def fail(*_):
        raise DanasError("It does not compile.")

    monkeypatch.setattr("danas_hil.targets.firmware.build", fail)
    assert_ends_at(proved(tmp_path), "build", "BUILD")


def test_a_board_that_the_old_programs_watchdog_restarts_while_it_is_flashed_is_flashed_again(
    board, selftested, tmp_path
):
    """It is then left in its bootloader, under another name and another USB id."""

    def interrupted():
        board.unplug()
        board.ids = NANO_BOOTLOADER
        board.plug()
        board.ids = (0x2341, 0x805A)  # once a program runs again
        raise DanasError("Flashing for nano33ble failed: the port vanished.")

    board.spoil = [interrupted]
    result = proved(tmp_path)
    assert result.good, result
    assert len(selftested) == 2
    assert selftested[1] == board.names[1], "at the bootloader's port"
    assert result.checks[1].detail == "on the board, at attempt 2"


def test_one_that_can_not_be_flashed_is_told_after_three_attempts(board, selftested, tmp_path):
    def fail():
        raise DanasError("No device found.", "Press reset twice.")

    board.spoil = [fail, fail, fail]
    result = proved(tmp_path)
    assert_ends_at(result, "flash", "FLASH")
    assert result.failure.hint == "Press reset twice."


def test_a_clock_that_is_asked_more_slowly_than_its_time_is_asked_twice_all_the_same(
    board, selftested, tmp_path, monkeypatch
):
    """As in an emulator that runs at a fraction of real time."""
    monkeypatch.setattr("danas_hil.measure.selftest._CLOCK_SECONDS", 0.0)
    checks = {check.name: check for check in proved(tmp_path).checks}
    assert "s passed here" in checks["clock"].detail
    assert checks["watchdog"].good

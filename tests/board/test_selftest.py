"""The self-test on an emulated board: the same test that a real board gets."""

import shutil

import pytest

from danas_hil.board import load_board
from danas_hil.measure.selftest import selftest
from danas_hil.targets import QemuDevice

NEEDED = ("qemu-system-arm", "arm-none-eabi-g++")
pytestmark = [
    pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")
    for program in NEEDED
]


def test_the_self_test_is_good_on_the_emulated_board(tmp_path):
    pytest.importorskip("SCons", reason="the build tool scons is not installed")
    result = selftest(QemuDevice(load_board("qemu-m4")), tmp_path)
    assert [check for check in result.checks if not check.good] == []
    assert {check.name for check in result.checks} == {
        "image", "memory", "parity", "timer", "clock", "stack", "wire", "fault",
    }  # fmt: skip
    assert result.good
    assert result.hello.timer == "platform"
    assert (tmp_path / "firmware.elf").is_file()
    assert (tmp_path / "sketch" / "src" / "model.cpp").is_file()

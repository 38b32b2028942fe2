"""QEMU as a target: the contract, kept by the self-test's firmware, which needs no library."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal

import numpy as np
import pytest

from danas_hil.board import load_board
from danas_hil.sketch import SelfTest, render_selftest
from danas_hil.targets import (
    BuildIdentity,
    ModelFile,
    Program,
    TargetError,
    build_into,
    emulated_device,
    open_session,
)
from danas_hil.tflm import Golden
from processes import below

from .contract import Contract

pytestmark = [
    pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")
    for program in ("qemu-system-arm", "arm-none-eabi-g++")
]


class SelfTestTarget:
    """Runs the self-test; a model is the number that its weights are made from."""

    kind = "emulated"
    name = board = "qemu-m4"

    def __init__(self):
        self.device = emulated_device(load_board(self.board))

    def identity(self, model):
        return BuildIdentity(self._sketch(model).identity, {"model": model.sha256})

    def build(self, model, folder):
        try:
            sketch = self._sketch(model)
        except ValueError as error:
            raise TargetError("RENDER", f"{model.name} is no number.") from error
        return Program(model, self.identity(model), folder, build_into(sketch, folder))

    def flash(self, program):
        self.device.flash(self._sketch(program.model), program.folder / "flash.log")

    @contextlib.contextmanager
    def open(self, program):
        test = self_test(program.model)
        shape = (test.side - 2, test.side - 2, test.outputs)
        with open_session(self.device, program.folder, shape, "int8") as session:
            yield session

    def _sketch(self, model):
        return render_selftest(self.device.board, self_test(model))


def self_test(model) -> SelfTest:
    return SelfTest.make(int(model.content))


class TestQemu(Contract):
    @pytest.fixture
    def target(self):
        pytest.importorskip("SCons", reason="the build tool scons is not installed")
        return SelfTestTarget()

    @pytest.fixture
    def model(self):
        return ModelFile("one", b"1")

    @pytest.fixture
    def other_model(self):
        return ModelFile("two", b"2")

    def golden(self, model, count):
        test = self_test(model)
        images = [test.image(number) for number in range(count)]
        return Golden(np.stack(images), np.stack([test.answer(image) for image in images]))

    def test_an_emulator_that_dies_is_told_with_its_status(self, target, program):
        with target.open(program) as session:
            for child in children():
                os.kill(child, signal.SIGKILL)
            with pytest.raises(TargetError, match="QEMU ended with status -9") as caught:
                session.memory()
        assert caught.value.stage == "PROTOCOL"

    def test_no_emulator_is_left_behind_however_the_session_ends(self, target, program):
        def interrupted():
            with target.open(program) as session:
                session.memory()
                assert children()
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert not children()


def children() -> list[int]:
    """The emulators that run for this process, not those who keep them."""
    return [one for one in below(os.getpid(), "qemu-system") if not below(one)]

"""What a test gets: a board that models are flashed to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from danas_hil.base import DanasError

if TYPE_CHECKING:  # imported where they are used: a session without boards loads none of it
    from danas_hil.board import Board
    from danas_hil.measure import Measurement
    from danas_hil.measure.selftest import SelfTestResult
    from danas_hil.targets import Device, Kind, ModelFile, Target
    from danas_hil.tflm import Golden

ITEM = pytest.StashKey[pytest.Item]()
"""The test that runs, whose report gets the figures."""


class Dut:
    """A board that models are flashed to; `host` is TensorFlow Lite Micro on this computer."""

    def __init__(
        self,
        board: Board,
        device: Device | None,
        config: pytest.Config,
        folders: pytest.TempPathFactory,
    ) -> None:
        self.board = board
        self.device = device
        self._config = config
        self._folders = folders
        self._boot_seconds: float | None = config.getoption("danas_board_timeout")
        self._measured: dict[tuple[object, ...], Measurement] = {}

    @property
    def name(self) -> str:
        """BOARD, or BOARD@SERIAL."""
        return self.device.name if self.device else self.board.id

    @property
    def kind(self) -> Kind:
        """Of its figures: `measured` on a real board, `emulated`, or `host`."""
        return self.device.kind if self.device else "host"

    def flash(
        self,
        model: str | Path,
        *,
        golden: str | Path | None = None,
        arena_margin_bytes: int = 0,
        profile: bool = False,
    ) -> Measurement:
        """Build and flash a .tflite file, and measure it; its figures go to the JUnit report too.

        golden: a golden.npz with inputs and outputs that must come, byte for byte; without it they
        are made of random inputs by TensorFlow Lite Micro on this computer (extra `host`).
        arena_margin_bytes: more arena than the estimated minimum. profile: ask for the time of each
        operator. The test fails with the reason where there is no measurement; outputs that differ
        are for the test to judge (`measurement.parity`). The same model is measured once a session.
        """
        from danas_hil.estimate import read_file
        from danas_hil.measure import MeasureSettings, measure_candidate
        from danas_hil.targets import ModelFile

        path = Path(model)
        try:
            file = ModelFile(path.stem, read_file(path))
            outputs = _golden(file, golden)
            key = (file.sha256, outputs.sha256, arena_margin_bytes, profile)
            flash = not self._config.getoption("danas_no_flash")
            settings = MeasureSettings(profile=profile, flash=flash)
            found = self._measured.get(key)
            if found is None:
                found = self._measured[key] = measure_candidate(
                    self._target(arena_margin_bytes),
                    file,
                    outputs,
                    self._folder(file.name),
                    settings,
                )
        except DanasError as error:
            fail(str(error))
        self._tell(found)
        if found.failure is not None and found.status != "PARITY":
            failure = found.failure
            log = f" Log: {failure.log}" if failure.log else ""
            fail(f"{self.name}: {failure.stage}: {failure.reason} {failure.hint}{log}")
        return found

    def selftest(self) -> SelfTestResult:
        """Build, flash and run the self-test, which needs no TensorFlow Lite Micro."""
        from danas_hil.measure.selftest import selftest

        if self.device is None:
            pytest.skip(f"{self.board.id} runs no firmware, so it has no self-test")
        try:
            result = selftest(
                self.device, self._folder("selftest"), boot_seconds=self._boot_seconds
            )
        except DanasError as error:
            fail(f"{self.name}: self-test: {error}")
        if (failure := result.failure) is not None:
            fail(f"{self.name}: {failure.stage}: {failure.reason} {failure.hint}".rstrip())
        return result

    def _target(self, margin: int) -> Target:
        from danas_hil.targets import FirmwareTarget, HostTarget

        if self.device is None:
            return HostTarget()
        return FirmwareTarget(self.device, margin, boot_seconds=self._boot_seconds)

    def _folder(self, name: str) -> Path:
        safe = "".join(sign if sign.isalnum() else "-" for sign in f"{self.name}-{name}")
        return self._folders.mktemp(safe)

    def _tell(self, found: Measurement) -> None:
        item = self._config.stash.get(ITEM, None)
        if item is not None:
            start = f"{found.model}@{found.target}"
            item.user_properties += [(f"{start}.{key}", v) for key, v in _figures(found).items()]


def _figures(found: Measurement) -> dict[str, Any]:
    """What goes to the report, plain values only; a figure that is not there is left out."""
    memory, sizes, latency = found.memory, found.sizes, found.latency
    figures = {
        "kind": found.kind,
        "status": found.status,
        "build": found.build.id,
        "tflm": found.tflm_version,
        "arena_used_bytes": memory.arena_used_bytes if memory else None,
        "arena_bytes": found.arena_bytes,
        "stack_peak_bytes": memory.stack_peak_bytes if memory else None,
        "flash_bytes": sizes.flash_bytes if sizes else None,
        "static_ram_bytes": sizes.static_ram_bytes if sizes else None,
        "latency_us": latency.median_us if latency else None,
        "outputs_equal": found.parity.equal if found.parity else None,
    }
    return {key: value for key, value in figures.items() if value is not None}


def _golden(model: ModelFile, golden: str | Path | None) -> Golden:
    from danas_hil import tflm

    if golden is not None:
        return tflm.read_golden(Path(golden))
    return tflm.golden_of_random(model.content, name=model.name)


def fail(reason: str) -> NoReturn:
    """End the test as failed, with a sentence and without our own lines in the traceback."""
    raise pytest.fail.Exception(reason, pytrace=False) from None

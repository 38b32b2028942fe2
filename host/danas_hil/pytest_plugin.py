"""The pytest plugin: tests that flash a model to a board and look at what it shows.

A test asks for the fixture `dut` and runs once for each `--board`. Markers narrow that down:
`board("nano33ble", …)`, `hardware`, `emulated`. They count for tests with `dut` only, so that
other tests may use these names as they like.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
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

_LOCK_SECONDS = 60.0
_MARKERS = (
    "board(name, ...): run with these boards of --board only (tests with the fixture dut)",
    "hardware: run with real boards only (tests with the fixture dut)",
    "emulated: run with emulated boards only (tests with the fixture dut)",
)
_ITEM = pytest.StashKey[pytest.Item]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("danas-hil", "models on boards (danas-hil)")
    group.addoption(
        "--board",
        action="append",
        default=[],
        metavar="NAME[@SERIAL]",
        help="board for the fixture dut, also emulated or `host`; repeatable",
    )
    group.addoption(
        "--hardware-map",
        type=Path,
        metavar="FILE",
        help="which boards are at hand (danas-hil boards scan --write FILE)",
    )
    group.addoption(
        "--board-timeout",
        type=float,
        metavar="SECONDS",
        help="wait so long for a board: until another process lets it go (without this option "
        f"{_LOCK_SECONDS:g}), until its port is back after flashing (20), until it answers (15)",
    )
    group.addoption(
        "--no-flash",
        action="store_true",
        help="leave on the boards what runs there; another build than the one meant is refused",
    )
    parser.addini("danas_boards", "boards for dut where no --board is given", "args", [])


def pytest_configure(config: pytest.Config) -> None:
    for line in _MARKERS:
        config.addinivalue_line("markers", line)
    for name in config.getoption("--board"):
        try:
            _board(name)
        except DanasError as error:
            raise pytest.UsageError(f"--board: {error}") from error


def pytest_report_header(config: pytest.Config) -> str | None:
    names = _boards(config)
    return f"boards: {', '.join(names)}" if names else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    names = _boards(metafunc.config)
    if "dut" in metafunc.fixturenames and names:
        metafunc.parametrize("dut", names, indirect=True, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "dut" not in getattr(item, "fixturenames", ()):
            continue
        wanted = _wanted(item)
        callspec = getattr(item, "callspec", None)
        name = callspec.params.get("dut") if callspec else None
        if isinstance(name, str) and (reason := _passed_over(item, wanted, _board(name))):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    item.config.stash[_ITEM] = item  # whose report gets the figures
    return (yield)


@pytest.fixture(scope="session")
def dut(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dut]:
    """The board that a test runs with (device under test), ours alone until the session ends."""
    if not hasattr(request, "param"):
        pytest.skip("no --board given, such as --board nano33ble, qemu-m4 or host")
    from danas_hil.measure import Address, lacking_tools, reach_device
    from danas_hil.targets import PORT_SECONDS

    config: pytest.Config = request.config
    board = _board(request.param)
    address = Address(board, _place(request.param), config.getoption("--hardware-map"))
    with contextlib.ExitStack() as stack:
        device = None
        if board.kind != "host":
            missing = lacking_tools(board)
            if missing:
                pytest.skip(f"{board.id} needs {' and '.join(missing)}, not on PATH")
            seconds = config.getoption("--board-timeout")
            waits = (_LOCK_SECONDS, PORT_SECONDS) if seconds is None else (seconds, seconds)
            try:
                device = stack.enter_context(
                    reach_device(address, lock_seconds=waits[0], port_seconds=waits[1])
                )
            except DanasError as error:
                _fail(str(error))
        yield Dut(board, device, config, tmp_path_factory)


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
        self._boot_seconds: float | None = config.getoption("--board-timeout")
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
        from danas_hil.measure import measure_candidate
        from danas_hil.targets import ModelFile

        path = Path(model)
        try:
            file = ModelFile(path.stem, path.read_bytes())
            outputs = _golden(file, golden)
            key = (file.sha256, outputs.sha256, arena_margin_bytes, profile)
            found = self._measured.get(key)
            if found is None:
                found = self._measured[key] = measure_candidate(
                    self._target(arena_margin_bytes),
                    file,
                    outputs,
                    self._folder(file.name),
                    profile=profile,
                    flash=not self._config.getoption("--no-flash"),
                )
        except DanasError as error:
            _fail(str(error))
        except OSError as error:
            _fail(f"The model {path} can't be read: {error.strerror}.")
        self._tell(found)
        if found.failure is not None and found.status != "PARITY":
            failure = found.failure
            log = f" Log: {failure.log}" if failure.log else ""
            _fail(f"{self.name}: {failure.stage}: {failure.reason} {failure.hint}{log}")
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
            _fail(f"{self.name}: self-test: {error}")
        if (failure := result.failure) is not None:
            _fail(f"{self.name}: {failure.stage}: {failure.reason} {failure.hint}".rstrip())
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
        item = self._config.stash.get(_ITEM, None)
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


def _boards(config: pytest.Config) -> list[str]:
    names: list[str] = config.getoption("--board") or config.getini("danas_boards")
    return list(dict.fromkeys(names))


def _board(address: str) -> Board:
    from danas_hil.board import split_address

    return split_address(address)[0]


def _place(address: str) -> str | None:
    from danas_hil.board import split_address

    return split_address(address)[1]


def _wanted(item: pytest.Item) -> list[set[str]]:
    """The names of each `board` marker of a test. Raises UsageError for a marker that is wrong."""
    from danas_hil.board import board_names

    for name in ("hardware", "emulated"):
        for marker in item.iter_markers(name):
            if marker.args or marker.kwargs:
                raise pytest.UsageError(f"{item.nodeid}: the marker {name} takes no arguments")
    wanted = []
    for marker in item.iter_markers("board"):
        if not marker.args or marker.kwargs:
            raise pytest.UsageError(f'{item.nodeid}: the marker is board("NAME", …)')
        unknown = [name for name in marker.args if name not in board_names()]
        if unknown:
            raise pytest.UsageError(
                f"{item.nodeid}: there is no board {unknown[0]!r}; boards:"
                f" {', '.join(board_names())}"
            )
        wanted.append(set(marker.args))
    return wanted


def _passed_over(item: pytest.Item, wanted: list[set[str]], board: Board) -> str:
    """Why a test does not run with `board`; empty where it does."""
    for names in wanted:
        if board.id not in names:
            return f"for the board {' or '.join(sorted(names))}, not {board.id}"
    for marker, kind in (("hardware", "real"), ("emulated", "emulated")):
        if item.get_closest_marker(marker) and board.kind != kind:
            what = "this computer" if board.kind == "host" else board.kind
            return f"for {kind} boards, and {board.id} is {what}"
    return ""


def _fail(reason: str) -> NoReturn:
    raise pytest.fail.Exception(reason, pytrace=False) from None

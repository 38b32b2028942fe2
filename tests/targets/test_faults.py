"""What goes wrong between a host and its board, up to the measurement: no wrong figure, none lost.

The board is simulated, at a pseudo-terminal. Its output is its input plus one, and each timed run
takes a tick more than the one before: a run that was lost or counted twice would show.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest

from danas_hil.base import DanasError
from danas_hil.board import load_board, locate
from danas_hil.measure import Measurement, MeasureSettings, TimingRule, measure_candidate
from danas_hil.sketch import SelfTest, render_selftest
from danas_hil.targets import (
    BuildIdentity,
    ModelFile,
    Program,
    SerialDevice,
    TargetError,
    open_session,
)
from danas_hil.targets.streams import SerialStream
from danas_hil.targets.wire_session import WireSession
from danas_hil.tflm import Golden
from devices.board import FIRST_TICKS, TIMER_HZ
from devices.simulated import noisy

SIZE = 40
INPUTS = np.arange(3 * SIZE, dtype=np.uint8).reshape(3, SIZE)
GOLDEN = Golden(INPUTS, INPUTS + np.uint8(1))
RUNS = 5


class BoardTarget:
    """The simulated board as a target whose firmware need not be built."""

    kind = "measured"
    board = "nano33ble"

    def __init__(self) -> None:
        self.device = SerialDevice(locate(load_board(self.board), None), seconds=1.0)
        self.sketch = render_selftest(self.device.board, SelfTest.make())
        self.name = self.device.name

    def identity(self, model):
        return BuildIdentity(self.sketch.identity, {"model": model.sha256})

    def build(self, model, folder):
        return Program(model, self.identity(model), folder)

    def flash(self, program):
        try:
            self.device.flash(self.sketch, program.folder / "flash.log")
        except DanasError as error:
            raise TargetError("FLASH", error.what, error.hint) from error

    @contextlib.contextmanager
    def open(self, program):
        with open_session(self.device, program.folder, (SIZE,), "uint8") as session:
            yield session


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """What never comes is waited for briefly."""
    monkeypatch.setattr("danas_hil.targets.firmware.BOOT_SECONDS", 1.5)
    monkeypatch.setattr("danas_hil.targets.wire_session.REPLY_SECONDS", 2.0)


@pytest.fixture
def flashed(board, monkeypatch):
    """Puts what was built onto the board; a list of the builds that were flashed."""
    builds = []

    def upload(sketch, port, log, *, flags=(), **_):
        builds.append(sketch.identity)
        with board.moving:
            board.firmware.about |= {"build": sketch.identity, "board": sketch.board.id}
            board.replug()

    monkeypatch.setattr("danas_hil.targets.devices.upload", upload)
    return builds


def measured(folder: Path) -> Measurement:
    rule = TimingRule(RUNS, 0.0, float("inf"))
    return measure_candidate(
        BoardTarget(), ModelFile("m", b"m"), GOLDEN, folder, MeasureSettings(rule=rule)
    )


def assert_right(found: Measurement, attempts: int = 1) -> None:
    """All figures are there, and they are those that the board gave, each once, in order."""
    assert (found.status, found.attempts) == ("OK", attempts), found.failure
    assert found.parity is not None
    assert found.parity.equal
    assert found.memory is not None
    assert (found.memory.arena_used_bytes, found.memory.stack_peak_bytes) == (900, 64)
    assert found.latency is not None
    ticks = [round(run * TIMER_HZ / 1e6) for run in found.latency.runs_us]
    assert len(ticks) == RUNS
    assert ticks[0] >= FIRST_TICKS
    assert ticks == list(range(ticks[0], ticks[0] + RUNS))


def once(board, request: bytes, act, *, way: str = "to_device") -> list[bytes]:
    """Do `act` to the first bytes with `request` in them; the list then holds them."""
    seen: list[bytes] = []

    def on_bytes(data):
        if request in data and not seen:
            seen.append(data)
            return act(data)
        return data

    setattr(board, way, on_bytes)
    return seen


def test_a_quiet_line_gives_all_figures(board, flashed, tmp_path):
    assert_right(measured(tmp_path))
    assert board.firmware.invocations == len(INPUTS)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_flipped_dropped_and_doubled_bytes_change_no_figure(board, flashed, tmp_path, seed):
    board.to_host, board.to_device = noisy(0.004, seed), noisy(0.004, seed + 10)
    assert_right(measured(tmp_path))
    assert board.firmware.invocations == len(INPUTS), "none ran twice"


@pytest.mark.parametrize("request_", ["hello", "prepare", "put", "loaded", "invoke", "get", "time"])
@pytest.mark.parametrize("fate", ["lost", "cut in half"])
def test_a_reply_that_is_lost_or_cut_costs_time_only(board, flashed, tmp_path, request_, fate):
    spoiled = []

    def lose(data):
        # Of the answer to this request, nothing or one half arrives.
        board.to_host = lambda answer: spoil(answer)
        return data

    def spoil(answer):
        board.to_host = lambda data: data
        spoiled.append(answer)
        return b"" if fate == "lost" else answer[: len(answer) // 2]

    once(board, f" {request_} ".encode(), lose)
    assert_right(measured(tmp_path))
    assert spoiled
    assert board.firmware.invocations == len(INPUTS)


def test_noise_before_hello_and_a_host_that_opens_late_do_no_harm(board, flashed, tmp_path):
    noise = b"boot v1.2\r\n\xff\x00@@3 OK {} *00000000\n@half a li"
    board.babble = noise
    answers = []

    def late(data):  # the first answer is lost in the noise, which then ends
        board.babble = b""
        answers.append(data)
        return noise if len(answers) == 1 else data

    board.to_host = late
    assert_right(measured(tmp_path))
    assert "boot v1.2" in (tmp_path / "serial.log").read_text()


@pytest.mark.parametrize("request_", ["prepare", "put", "invoke", "get", "time"])
def test_a_reset_in_the_middle_begins_the_measurement_anew(board, flashed, tmp_path, request_):
    def reset(data):
        board.firmware.start()
        return data

    seen = once(board, f" {request_} ".encode(), reset)
    assert_right(measured(tmp_path), attempts=2)
    assert seen
    assert len(flashed) == 2


def test_a_fault_of_the_program_is_told_and_gives_no_latency(board, flashed, tmp_path):
    def crash(data):
        board.firmware.start()
        board.firmware.about |= {
            "fault": "hardfault", "pc": "00000f90", "lr": "00000cd3", "status": "1",
        }  # fmt: skip
        return data

    once(board, b" time ", crash)
    found = measured(tmp_path)
    assert (found.status, found.attempts, found.latency) == ("FAULT", 1, None)
    assert "hardfault at 00000f90" in found.failure.reason
    assert "addr2line" in found.failure.hint
    assert found.parity.equal, "what came before it is kept"


@pytest.mark.parametrize("request_", ["invoke", "time"])
def test_a_watchdogs_restart_that_takes_the_port_along_is_told_once_it_is_back(
    board, flashed, tmp_path, request_
):
    def hang(data):
        board.firmware.about |= {"reset": "fault", "fault": "watchdog"}
        board.replug()
        return b""

    once(board, f" {request_} ".encode(), hang)
    found = measured(tmp_path)
    assert (found.status, found.attempts, found.latency) == ("FAULT", 1, None)
    assert found.failure.reason == "The program stopped with a fault: watchdog."
    assert len(set(board.names)) > 1


@pytest.mark.parametrize("request_", ["hello", "invoke", "time"])
def test_a_port_that_vanishes_and_comes_back_under_another_name(board, flashed, tmp_path, request_):
    def leave(data):
        board.replug()
        return b""

    once(board, f" {request_} ".encode(), leave)
    assert_right(measured(tmp_path), attempts=2)
    assert len(set(board.names)) > 1


def test_a_board_that_is_pulled_out_is_told_by_name(board, flashed, tmp_path):
    once(board, b" time ", lambda data: board.unplug() or b"")
    found = measured(tmp_path)
    assert (found.status, found.latency) == ("FLASH", None)
    assert "nano33ble is not connected any more" in found.failure.reason
    assert "cable" in found.failure.hint


@pytest.mark.parametrize(
    ("babble", "told"), [(b"", "0 bytes came"), (b"flood " * 50 + b"\n", "floods the line")]
)
def test_a_device_that_is_silent_or_floods_fails_at_boot(
    board, flashed, tmp_path, monkeypatch, babble, told
):
    monkeypatch.setattr("danas_hil.targets.firmware.BOOT_SECONDS", 0.4)
    board.babble, board.to_host = babble, lambda data: b""
    found = measured(tmp_path)
    assert (found.status, found.attempts, found.memory) == ("BOOT", 3, None)
    log = Path(found.failure.log).read_text().splitlines()
    assert sum(line.startswith("--- nano33ble, 20") for line in log) == 3, "all tries are kept"
    assert any("flood" in line for line in log) == bool(babble)
    assert told in found.failure.reason
    assert "doctor --board" in found.failure.hint


def test_a_device_that_talks_all_the_time_is_measured_all_the_same(board, flashed, tmp_path):
    board.babble = b"still here\n"
    assert_right(measured(tmp_path))


@pytest.mark.parametrize(
    ("about", "told"),
    [
        ({"build": "0123456789abcdef"}, "runs build 0123456789abcdef"),
        ({"board": "nucleo_f446re"}, "for nucleo_f446re"),
    ],
)
def test_firmware_of_another_build_or_board_gives_no_figure(
    board, flashed, tmp_path, monkeypatch, about, told
):
    monkeypatch.setattr(
        "danas_hil.targets.devices.upload",
        lambda sketch, *_, **__: board.firmware.about.update(
            {"build": sketch.identity, "board": sketch.board.id, **about}
        ),
    )
    found = measured(tmp_path)
    assert (found.status, found.attempts) == ("IDENTITY", 1)
    assert found.memory is found.parity is found.latency is None
    assert told in found.failure.reason
    assert board.firmware.invocations == 0


def test_outputs_that_differ_in_one_byte_are_told_exactly(board, flashed, tmp_path):
    def wrong(data):
        output = bytearray((byte + 1) % 256 for byte in data)
        if data == INPUTS[1].tobytes():
            output[17] -= 1
        return bytes(output)

    board.firmware.model = wrong
    found = measured(tmp_path)
    assert found.status == "PARITY"
    assert (found.parity.differing, found.parity.first_difference) == (1, (1, 17))
    assert found.parity.largest_difference == 1
    assert len(found.latency.runs_us) == RUNS, "the figures are kept"


@pytest.mark.parametrize(
    ("code", "told"),
    [("allocate", "arena of 1000 bytes"), ("operator", "operator of the model is missing")],
)
def test_a_model_that_is_not_made_ready_says_why(board, flashed, tmp_path, code, told):
    board.firmware.refuses["prepare"] = code
    found = measured(tmp_path)
    assert (found.status, found.attempts, found.latency) == ("ALLOCATE", 1, None)
    assert told in found.failure.reason


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_disk_that_is_full_while_the_board_talks_ends_it_with_that_word(
    board, flashed, tmp_path, monkeypatch
):
    def session(stream, shape, type_, log, *rest, **named):
        return WireSession(stream, shape, type_, Path("/dev/full"), *rest, **named)

    monkeypatch.setattr("danas_hil.targets.firmware.WireSession", session)
    once(board, b" prepare ", lambda data: setattr(board.firmware, "log_lines", 1) or data)
    with pytest.raises(DanasError, match=r"/dev/full can't be written: No space left") as caught:
        measured(tmp_path)
    assert "goes on from there" in caught.value.hint


@pytest.mark.parametrize("request_", ["hello", "prepare", "put", "invoke", "get", "time"])
def test_ctrl_c_ends_it_at_once_and_leaves_the_board_usable(
    board, flashed, tmp_path, monkeypatch, request_
):
    write = SerialStream.write

    def interrupt(self, data):
        if f" {request_} ".encode() in data:
            raise KeyboardInterrupt
        write(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(SerialStream, "write", interrupt)
        with pytest.raises(KeyboardInterrupt):
            measured(tmp_path)
    assert not (tmp_path / "measurement.json").exists()
    assert_right(measured(tmp_path))

"""Whatever a device says in a good frame: a figure that makes sense, or a TargetError."""

from __future__ import annotations

import contextlib
import json
import math
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from danas_hil.targets import TargetError
from danas_hil.targets.wire_session import WireSession
from danas_hil.wire import Decoder, Frame, Text, encode
from devices.board import SimulatedFirmware
from devices.simulated import Line

SIZE = 40
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([-1, 0, 1, 2**31, 2**32, 2**63, 2**64, 10**19]),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["{", "{0}", "[red]", "\x1b[2J", "9" * 200, "0x", "zz"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=1),
)
KEYS = [
    "arena", "arena_bytes", "board", "build", "bytes", "clock_hz", "code", "crc", "detail",
    "error", "fault", "flash_bytes", "head", "heap", "heap_peak", "lr", "name", "operators", "pc",
    "protocol", "ram_bytes", "reset", "stack_peak", "stacks", "status", "tail", "ticks", "tflm",
    "timer", "timer_hz",
]  # fmt: skip
DROPPED = object()
CHANGES = st.dictionaries(
    st.sampled_from(KEYS), st.one_of(st.just(DROPPED), VALUES), min_size=1, max_size=4
)
WHOLE = st.sampled_from(
    ["", "null", "[]", "[" * 60, "NaN", '{"a":', "9" * 70, '"text"', "{}", '{"a":1}{}']
)


class Odd(SimulatedFirmware):
    """Answers with another body where `bodies` has one for that request, changed by `changes`."""

    def __init__(self, changes, requests, body=None, kind=None):
        super().__init__("b", "nano33ble", SIZE)
        self.changes, self.requests, self.body, self.kind = changes, requests, body, kind

    def _answer(self, request):
        kind, body = super()._answer(request)
        if request.kind == "clock":
            kind, body = "OK", '{"ticks":5}'
        elif request.kind == "profile":
            kind, body = "OK", '{"operators":2}'
        elif request.kind == "operator":
            kind, body = "OK", '{"name":"CONV_2D","ticks":7}'
        if request.kind not in self.requests:
            return kind, body
        if self.body is not None:
            return self.kind or kind, self.body
        fields = json.loads(self.text if kind == "LONG" else body)
        for key, value in self.changes.items():
            if value is DROPPED:
                fields.pop(key, None)
            else:
                fields[key] = value
        text = json.dumps(fields).replace("@", "\\u0040")
        if kind == "LONG" or len(text) > 60:
            self.text = text.encode()
            return "LONG", f"{len(self.text)} {zlib.crc32(self.text):08x}"
        return self.kind or kind, text


def steps(session):
    """All that can be asked for, each in a call of its own."""
    session.start(0.5)
    yield session.identify
    yield session.memory
    yield lambda: session.infer(np.zeros(SIZE, np.uint8))
    yield lambda: session.time(3)
    yield session.clock_seconds
    yield session.profile
    yield session.memory
    yield lambda: session.static_ram_bytes
    yield session.crash


def assert_sensible(value):
    """Numbers are finite and not negative, text is printable."""
    if value is None or isinstance(value, bool | np.ndarray):
        return
    if isinstance(value, int | float):
        assert math.isfinite(value)
        assert value >= 0
    elif isinstance(value, str):
        assert value.isprintable()
    elif isinstance(value, tuple):
        for one in value:
            assert_sensible(one)
    else:
        assert_sensible(tuple(vars(value).values()))


def talk_through(device, folder):
    session = WireSession(Line(device.feed), (SIZE,), "uint8", folder / "serial.log", 900)
    with contextlib.suppress(TargetError):
        for step in steps(session):
            with contextlib.suppress(TargetError):
                assert_sensible(step())


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    for name in ("REPLY_SECONDS", "RUN_SECONDS", "_FAULT_SECONDS"):
        monkeypatch.setattr(f"danas_hil.targets.wire_session.{name}", 0.1)


REQUESTS = st.sets(
    st.sampled_from(
        ["hello", "prepare", "memory", "invoke", "time", "clock", "profile", "operator", "loaded"]
    ),
    min_size=1,
)


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(CHANGES, REQUESTS)
def test_a_good_frame_with_odd_fields_gives_sense_or_a_target_error(tmp_path, changes, requests):
    talk_through(Odd(changes, requests), tmp_path)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(WHOLE, REQUESTS, st.sampled_from([None, "OK", "ERR", "DATA", "LONG"]))
def test_a_good_frame_with_any_body_gives_a_target_error(tmp_path, body, requests, kind):
    talk_through(Odd({}, requests - {"hello"}, body, kind), tmp_path)


def refused(tmp_path, request, ask, **fields):
    device = Odd(fields, {request})
    session = WireSession(Line(device.feed), (SIZE,), "uint8", tmp_path / "serial.log")
    session.start(0.5)
    with pytest.raises(TargetError) as caught:
        ask(session)
    assert caught.value.stage == "PROTOCOL"
    return caught.value.what


@pytest.mark.parametrize("ticks", [-1, None, True, "7", 1.5, 1e300, float("nan"), 2**63])
def test_ticks_that_are_no_time_are_no_latency(tmp_path, ticks):
    for request, ask in (
        ("time", lambda s: (s.memory(), s.time(1))),
        ("operator", lambda s: (s.memory(), s.profile())),
        ("clock", lambda s: s.clock_seconds()),
    ):
        if request == "clock" and ticks == 2**63:
            continue  # a clock may have run for long
        assert "ticks" in refused(tmp_path, request, ask, ticks=ticks)


def test_a_rate_of_zero_divides_nothing(tmp_path):
    device = Odd({"timer_hz": 0}, {"hello"})
    session = WireSession(Line(device.feed), (SIZE,), "uint8", tmp_path / "serial.log")
    with pytest.raises(TargetError, match="timer_hz = 0"):
        session.start(0.5)


def test_an_output_of_another_size_is_not_waited_for(tmp_path):
    told = refused(
        tmp_path,
        "invoke",
        lambda s: (s.memory(), s.infer(np.zeros(SIZE, np.uint8))),
        bytes=4_000_000_000,
    )
    assert "an output of 4000000000 bytes" in told


def test_braces_in_a_devices_last_words_are_words(tmp_path):
    device = SimulatedFirmware("b", "nano33ble", SIZE)
    device.refuses["prepare"] = "allocate"
    session = WireSession(
        Line(device.feed, noise=b"lost {arena} {} {0!r} \x1b[31mred\n"), (SIZE,), "uint8",
        tmp_path / "serial.log",
    )  # fmt: skip
    session.start(0.5)
    with pytest.raises(TargetError) as caught:
        session.memory()
    assert caught.value.stage == "ALLOCATE"
    assert "in an arena of 1000 bytes" in caught.value.what
    assert caught.value.what.endswith(r"last words: lost {arena} {} {0!r} \x1b[31mred")
    assert "\x1b" not in (tmp_path / "serial.log").read_text(encoding="utf-8")


def test_a_long_reply_has_an_end(tmp_path):
    device = Odd({}, {"memory"}, "99999999 00000000", "LONG")
    session = WireSession(Line(device.feed), (SIZE,), "uint8", tmp_path / "serial.log")
    session.start(0.5)
    with pytest.raises(TargetError, match="makes no sense: '99999999") as caught:
        session.memory()
    assert caught.value.stage == "PROTOCOL"


def test_control_characters_of_a_log_line_are_spelt_out():
    assert Decoder().feed(b"\x1b]0;title\x07\tred\x7f\n") == [
        Text(r"\x1b]0;title\x07" + "\tred\\x7f")
    ]
    assert Decoder().feed(encode(Frame(1, "OK", "{}"))) == [Frame(1, "OK", "{}")]

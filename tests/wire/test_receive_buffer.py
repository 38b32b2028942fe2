"""A device whose bytes arrive all at once, and whose receive buffer loses what does not go in."""

from __future__ import annotations

import os

import pytest

from danas_hil.wire import Conversation
from devices.simulated import Line, SimulatedDevice


class Small(Line):
    """Of what is written before the next read, the first `room` bytes arrive."""

    def __init__(self, device: SimulatedDevice, room: int) -> None:
        super().__init__(device.feed)
        self.room = room
        self.most = self.waiting = 0
        self.sent = b""

    def read(self, seconds: float) -> bytes:
        sent, self.sent = self.sent[: self.room], b""
        super().write(sent)
        return super().read(seconds)

    def write(self, data: bytes) -> None:
        self.sent += data
        self.most = max(self.most, len(self.sent))


@pytest.mark.parametrize("room", [63, 64, 100, 255, 256, 4096])
@pytest.mark.parametrize("size", [1, 490, 27_648])
def test_nothing_is_lost_or_sent_twice(room: int, size: int) -> None:
    device = SimulatedDevice(size, {"board": "b"})
    line = Small(device, room)
    talk = Conversation(line, receive_bytes=room)
    talk.hello(5)
    data = os.urandom(size)
    talk.upload(data, 30)
    assert bytes(device.input) == data
    assert talk.ask("invoke", 5)["bytes"] == size
    assert talk.repeats == 0
    assert line.most <= room
    if size == 27_648:
        assert line.most > room * 0.6 or room == 4096, "and its room is used"


def test_one_that_is_sent_all_at_once_comes_to_nothing_or_costs_many_repeats() -> None:
    """What the bound is for: 16 lines at once, of which a buffer of 255 bytes takes two."""
    talk = Conversation(Small(SimulatedDevice(4500, {"board": "b"}), 255))
    talk.hello(5)
    talk.upload(os.urandom(4500), 30)
    assert talk.repeats > 3 * talk.requests


def test_without_a_bound_lines_are_as_long_as_the_wire_has_them() -> None:
    device = SimulatedDevice(4500, {"board": "b"})
    line = Small(device, 100_000)
    talk = Conversation(line)
    talk.hello(5)
    talk.upload(bytes(4500), 30)
    assert line.most > 16 * 90

"""A device that takes longer for a line than a host has patience, as in an emulator."""

from __future__ import annotations

import os
import time
from collections import deque

from danas_hil.wire import Conversation
from devices.simulated import SimulatedDevice

SECONDS = 0.05  # that it takes for a line


class Slow:
    """Takes one line after the other, each in its time, however many wait."""

    def __init__(self, device: SimulatedDevice) -> None:
        self.device = device
        self.free = 0.0
        self.lines: deque[tuple[float, bytes]] = deque()

    def write(self, data: bytes) -> None:
        for line in filter(None, data.split(b"\n")):
            self.free = max(self.free, time.monotonic()) + SECONDS
            self.lines.append((self.free, line + b"\n"))

    def read(self, seconds: float) -> bytes:
        until = time.monotonic() + seconds
        if not self.lines or self.lines[0][0] > until:
            time.sleep(seconds)
            return b""
        due, line = self.lines.popleft()
        time.sleep(max(0.0, due - time.monotonic()))
        return self.device.feed(line)


def test_it_is_not_buried_in_repetitions() -> None:
    device = SimulatedDevice(450, {"board": "b"})
    talk = Conversation(Slow(device), patience=0.02, receive_bytes=255)
    talk.hello(10)
    data = os.urandom(450)
    repeated = talk.repeats
    talk.upload(data, 8)
    assert bytes(device.input) == data
    assert talk.repeats - repeated <= 15

"""A simulated board on USB: a firmware in Python behind a pseudo-terminal that comes and goes."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import threading
import tty
import zlib
from collections.abc import Callable

from devices.ports import NANO, Ports
from devices.simulated import SimulatedDevice

TIMER_HZ = 64_000_000
FIRST_TICKS = 2 * TIMER_HZ  # of the first timed run; each later one takes a tick more
_NEED_MODEL = ("put", "loaded", "invoke", "time", "get")


def _increment(data: bytes) -> bytes:
    return bytes((byte + 1) % 256 for byte in data)


class SimulatedFirmware(SimulatedDevice):
    """The measuring loop of firmware/ with a model in Python.

    refuses: the answer to a request of this kind, instead of the right one.
    """

    def __init__(self, build: str, board: str, size: int = 40) -> None:
        self.model: Callable[[bytes], bytes] = _increment
        self.refuses: dict[str, str] = {}
        self.timed = 0
        self.run_ticks = self._more_each_time
        super().__init__(
            size,
            {
                "build": build, "board": board, "model": "m", "tflm": "simulated",
                "clock_hz": TIMER_HZ, "timer": "dwt", "timer_hz": TIMER_HZ, "arena_bytes": 1000,
                "flash_bytes": 4096, "ram_bytes": 1024, "reset": "power", "starts": 1,
                "fault": None,
            },
        )  # fmt: skip

    def start(self) -> None:
        super().start()
        self.prepared = False

    def _more_each_time(self) -> int:
        """A tick more than the run before: one that is lost or counted twice shows."""
        self.timed += 1
        return FIRST_TICKS + self.timed - 1

    def _answer(self, request):
        if self.greeted and request.kind in self.refuses:
            return "ERR", json.dumps({"error": self.refuses[request.kind]})
        if self.greeted and not self.prepared and request.kind in _NEED_MODEL:
            return "ERR", '{"error":"prepare"}'
        match request.kind if self.greeted else "":
            case "prepare":
                self.prepared = True
                return "OK", json.dumps({"arena": 900, "input": self.size, "output": self.size})
            case "memory":
                return "OK", json.dumps({"stack_peak": 64})
            case "time":
                return "OK", json.dumps({"ticks": self.run_ticks()})
            case "invoke" if self.loaded:
                self.loaded = False
                self.invocations += 1
                self.output = self.model(bytes(self.input))
                return "OK", json.dumps(
                    {"bytes": len(self.output), "crc": f"{zlib.crc32(self.output):08x}"}
                )
        return super()._answer(request)


class SimulatedBoard:
    """A board with USB ids and a serial number, whose port may have another name each time.

    to_host, to_device: called with what goes there, and giving what arrives; b"" loses it.
    babble: what it says all the time, unasked.
    """

    def __init__(self, ports: Ports, serial: str = "7E1A", ids: tuple[int, int] = NANO) -> None:
        self.ports, self.serial, self.ids = ports, serial, ids
        self.firmware = SimulatedFirmware("none", "none")
        self.to_host: Callable[[bytes], bytes] = lambda data: data
        self.to_device: Callable[[bytes], bytes] = lambda data: data
        self.babble = b""
        self.names: list[str] = []
        self.location = "1-2"  # of its USB socket
        self._later: threading.Timer | None = None
        self._listed = None
        self._ends: tuple[int, int] | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self.moving = threading.RLock()  # held while it is plugged in or out

    def replug(self) -> None:
        """Vanish and come back, as after a reset by its own USB."""
        with self.moving:
            ends = pty.openpty()  # before the old one goes, whose name is free then
            self.unplug()
            self.plug(ends)

    def plug(self, ends: tuple[int, int] | None = None) -> None:
        """Appear on USB, with the firmware started."""
        ours, theirs = ends or pty.openpty()
        tty.setraw(theirs)
        self.firmware.start()
        self._ends, self._stop = (ours, theirs), threading.Event()
        self.names.append(os.ttyname(theirs))
        self._listed = self.ports.plug(self.names[-1], self.ids, self.serial, self.location)
        self._thread = threading.Thread(target=self._serve, args=(ours, self._stop), daemon=True)
        self._thread.start()

    def plug_later(self, seconds: float) -> None:
        self._later = threading.Timer(seconds, self.plug)
        self._later.start()

    def end(self) -> None:
        if self._later is not None:
            self._later.join()
        self.unplug()

    def unplug(self) -> None:
        """Vanish, also from a host that has the port open."""
        if self._ends is None:
            return
        self._stop.set()
        if self._thread is not threading.current_thread():
            self._thread.join(timeout=5)
        self.ports.remove(self._listed)
        for end in self._ends:
            os.close(end)
        self._ends = None

    def _serve(self, ours: int, stop: threading.Event) -> None:
        os.set_blocking(ours, False)  # nobody may read
        while not stop.is_set():
            with contextlib.suppress(OSError):  # the host closed its end, or we are unplugged
                if self.babble:
                    os.write(ours, self.babble)
                if not select.select([ours], [], [], 0.02)[0]:
                    continue
                asked = self.to_device(os.read(ours, 65536))
                answer = self.to_host(self.firmware.feed(asked)) if asked else b""
                if not stop.is_set():
                    os.write(ours, answer)

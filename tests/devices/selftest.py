"""The self-test's firmware in Python, and a build of it that needs no compiler."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import numpy as np

from danas_hil.platformio import ElfSizes, Section, Shares
from danas_hil.platformio.build import Built
from danas_hil.sketch import SelfTest
from danas_hil.wire import Frame
from devices.board import TIMER_HZ, SimulatedFirmware
from devices.simulated import RestartedError

FLASH_BYTES, DATA_BYTES, BSS_BYTES = 4096, 24, 1000
HANG = 0x1234  # where its hang loops
SIZES = ElfSizes(
    FLASH_BYTES,
    (
        Section(".text", 0, FLASH_BYTES - DATA_BYTES, loaded=True, in_ram=False),
        Section(".data", 0x20000000, DATA_BYTES, loaded=True, in_ram=True),
        Section(".bss", 0x20000000 + DATA_BYTES, BSS_BYTES, loaded=False, in_ram=True),
    ),
)


class SimulatedSelfTest(SimulatedFirmware):
    """Answers as the self-test does, and crashes and hangs when it is told to.

    fault, hang: what the machine under it makes of that, called before it starts anew. They give
    what its fault record holds after that, as hello tells it.
    """

    def __init__(self, build: str, board: str) -> None:
        test = SelfTest.make()
        shape = (test.side, test.side, test.inputs)
        super().__init__(build, board, test.side * test.side * test.inputs)
        self.model = lambda data: test.answer(np.frombuffer(data, np.int8).reshape(shape)).tobytes()
        self.about |= {"flash_bytes": FLASH_BYTES, "ram_bytes": DATA_BYTES + BSS_BYTES}
        self.fault: Callable[[], dict[str, object]] = lambda: {
            "fault": "hardfault", "pc": "00000f90", "lr": "00000cd3", "status": "00010000",
        }  # fmt: skip
        self.hang: Callable[[], dict[str, object]] = lambda: {
            "fault": "watchdog", "pc": f"{HANG:08x}", "lr": "00000cd3", "status": "00000000",
        }  # fmt: skip

    def _answer(self, request):
        match request.kind if self.greeted else "":
            case "clock":
                return "OK", json.dumps({"ticks": int(time.monotonic() * TIMER_HZ)})
            case "crash":
                self.restart(self.fault())
                raise RestartedError
            case "hang":
                self.restart(self.hang())
                raise RestartedError(Frame(request.seq, "WAIT"))
        return super()._answer(request)

    def restart(self, record: dict[str, object]) -> None:
        """What is told after a start with this fault record; an empty one holds no fault."""
        for key in ("pc", "lr", "status"):
            self.about.pop(key, None)
        self.about |= {"reset": "fault" if record else "reset", "fault": None, **record}


def built(content: Callable[[object], str] = lambda _sketch: ""):
    """Instead of platformio's build: the ELF file holds what `content` makes of the sketch."""

    def build(sketch, elf, log, *_):
        elf.write_text(content(sketch))
        log.write_text("built\n")
        return Built(SIZES, Shares({}, {}), 0.0)

    return build

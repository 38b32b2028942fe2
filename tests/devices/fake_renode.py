"""A program that takes Renode's arguments and scripts, and runs a simulated firmware.

It behaves as Renode 1.16.1 was seen to: a UsageFault is not escalated to a HardFault; a reset of
the machine keeps its memory, clears the core's registers and then runs the macro `reset`, and
LoadELF there would write over what is kept; the independent watchdog restarts the machine and sets
no flag; all bytes that were sent arrive at the UART at once; the cycle counter counts interrupts
with the run that they fall into. Nothing answers from the network.

FAKE_RENODE_LOG names the file where it writes down, as JSON, the commands that it was given; a
script that names what is not there, or starts before its terminal is connected, ends it as Renode
would end. The ELF file is JSON: the fields of Elf; with "fails": text it ends at once.
"""

from __future__ import annotations

import json
import os
import pty
import re
import select
import sys
import tty
from dataclasses import dataclass, field
from pathlib import Path

from devices.board import SimulatedFirmware
from devices.selftest import HANG, SimulatedSelfTest

_DEVICE = re.compile(
    r"(\w+): (\w+\.\w+) @ sysbus(?: (?:<(0x\w+), \+0x\w+>|(0x\w+)))?(?: \{(.*)\})?"
)
FAULTS = ("HardFault", "MemManage", "BusFault", "UsageFault")
_RUN_TICKS = 60_130  # of the work that is timed
_TICK_TICKS = 20  # of the interrupt that counts milliseconds


@dataclass(frozen=True)
class Elf:
    """What a firmware is like. vectors: where its table lies. handlers: the faults that it handles
    itself; the core's handler of the others loops. hung_is_recorded: by it, before the watchdog
    bites. receive_bytes: of its serial port.
    """

    build: str
    board: str
    vectors: int
    selftest: bool = False
    handlers: tuple[str, ...] = FAULTS
    hung_is_recorded: bool = True
    receive_bytes: int = 63
    fails: str = ""


@dataclass
class Device:
    """One line of a platform description and those indented under it."""

    type: str
    address: int | None
    values: dict[str, str] = field(default_factory=dict)
    interrupts: list[str] = field(default_factory=list)


def read_description(path: Path) -> tuple[dict[str, Device], list[str]]:
    """The devices of a platform description by name, and the lines that are run on the bus."""
    devices: dict[str, Device] = {}
    init: list[str] = []
    here: Device | None = None
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.partition("//")[0].rstrip()
        if not text:
            continue
        if text == "sysbus:":
            here = None
        elif not text.startswith(" "):
            found = _DEVICE.fullmatch(text)
            assert found is not None, f"no device: {text}"
            assert found[1] not in devices, f"{found[1]} twice"
            address = found[3] or found[4]
            here = Device(found[2], int(address, 16) if address else None)
            devices[found[1]] = here
            for pair in (found[5] or "").split(";"):
                if pair.strip():
                    here.values.update([pair.strip().split(": ")])
        elif here is None:
            if text.strip() != "init:":
                init.append(text.strip())
        elif "->" in text:
            here.interrupts.append(text.partition("->")[2].strip())
        else:
            here.values.update([text.strip().split(": ")])
    assert not any("ApplySVD" in line or "://" in line for line in init), "no network"
    for device in devices.values():
        for other in [one.partition("@")[0] for one in device.interrupts]:
            assert other in devices, f"no {other}"
    return devices, init


class HaltedError(Exception):
    """The core loops or stands still for ever."""


class Monitor:
    """As much of Renode's monitor as our scripts use."""

    def __init__(self) -> None:
        self.variables: dict[str, str] = {}
        self.macros: dict[str, list[str]] = {}
        self.commands: list[str] = []
        self.terminal: int | None = None
        self.connected = self.created = self.started = False
        self.devices: dict[str, Device] = {}
        self.elf: Elf | None = None
        self.vectors = 0  # cpu VectorTableOffset
        self.kept: dict[str, object] = {}  # in .noinit

    def include(self, path: Path) -> None:
        lines = iter(path.read_text(encoding="utf-8").splitlines())
        for line in lines:
            if line.startswith("macro "):
                assert self.created, "a macro of no machine is not found at its reset"
                assert next(lines) == '"""'
                body = self.macros[line.split()[1]] = []
                while (inner := next(lines)) != '"""':
                    body.append(inner.strip())
            elif line and not line.startswith((":", "#")):
                self.run(line)

    def run(self, line: str) -> None:
        if found := re.fullmatch(r"\$(\w+)=(.*)", line):
            self.variables[found[1]] = found[2]
            return
        if line.startswith("runMacro $"):
            for inner in self.macros[line.removeprefix("runMacro $")]:
                self.run(inner)
            return
        line = re.sub(r"\$(\w+)", lambda name: self.variables[name[1]], line)
        self.commands.append(line)
        words = [word.replace("\\ ", " ") for word in re.findall(r'"[^"]*"|(?:\\ |\S)+', line)]
        match words:
            case ["include", path]:
                self.include(Path(path.removeprefix("@")))
            case ["mach", "create", _]:
                self.created = True
            case ["machine", "LoadPlatformDescription", path]:
                assert self.created, f"no machine for {line}"
                self.devices, _ = read_description(Path(path.removeprefix("@")))
            case ["emulation", "CreateUartPtyTerminal", _, path, "true"]:
                self.terminal, theirs = pty.openpty()
                tty.setraw(theirs)
                link = Path(path.strip('"'))
                link.unlink(missing_ok=True)
                link.symlink_to(os.ttyname(theirs))
            case ["connector", "Connect", uart, "pty"]:
                assert self.terminal is not None, "no terminal to connect"
                device = self.devices[uart.removeprefix("sysbus.")]
                assert device.type.startswith("UART."), device
                self.connected = True
            case ["sysbus", "LoadELF", path]:
                self.load(Path(path.removeprefix("@")))
            case ["cpu", "VectorTableOffset", address]:
                self.vectors = int(address, 16)
            case ["start"]:
                assert self.connected, "bytes would be lost"
                self.started = True
            case _:
                raise AssertionError(f"No such command or device: {line}")

    def load(self, path: Path) -> None:
        told = json.loads(path.read_text(encoding="utf-8"))
        self.elf = Elf(**{**told, "handlers": tuple(told.get("handlers", FAULTS))})
        assert not self.elf.fails, self.elf.fails
        self.kept = {}  # the whole image is written

    def boot(self) -> None:
        """The core takes its first instruction from where its vectors are."""
        if self.elf is None or self.vectors != self.elf.vectors:
            raise HaltedError("PC does not lay in memory")

    def reset(self) -> dict[str, object]:
        """What the firmware finds in its record after a reset of the machine."""
        self.vectors = 0
        for line in self.macros.get("reset", []):
            self.run(line)
        self.boot()
        told, self.kept = self.kept, {}
        return told

    # What the firmware's machine makes of a fault and of a hang, as SimulatedSelfTest calls it.

    def fault(self) -> dict[str, object]:
        assert self.elf is not None
        if "UsageFault" not in self.elf.handlers:
            raise HaltedError("the core's handler loops")
        self.kept = {
            "fault": "hardfault", "pc": "00000f90", "lr": "00000cd3", "status": "00010000",
        }  # fmt: skip
        return self.reset()

    def hang(self) -> dict[str, object]:
        assert self.elf is not None
        types = {device.type for device in self.devices.values()}
        if not types & {"Timers.STM32_IndependentWatchdog", "Timers.NRF52840_Watchdog"}:
            raise HaltedError("nothing ends it")
        if self.elf.hung_is_recorded:
            self.kept = {
                "fault": "watchdog", "pc": f"{HANG:08x}", "lr": "00000cd3", "status": "00000000",
            }  # fmt: skip
        return self.reset()


class Clock:
    """The cycle counter: work, and the interrupt of each millisecond that falls into it."""

    def __init__(self, frequency: int) -> None:
        self.frequency = frequency
        self.now = 0

    def run(self) -> int:
        started, period = self.now, self.frequency // 1000
        work = _RUN_TICKS
        while work:
            step = min(work, period - self.now % period)
            self.now += step
            work -= step
            if self.now % period == 0:
                self.now += _TICK_TICKS
        taken = self.now - started
        self.now += 41_000  # of the talk in between
        return taken


def firmware_of(monitor: Monitor) -> SimulatedFirmware:
    elf = monitor.elf
    assert elf is not None
    firmware: SimulatedFirmware
    if elf.selftest:
        firmware = SimulatedSelfTest(elf.build, elf.board)
        firmware.fault, firmware.hang = monitor.fault, monitor.hang
    else:
        firmware = SimulatedFirmware(elf.build, elf.board)
    counter = next((d for d in monitor.devices.values() if d.type == "Miscellaneous.DWT"), None)
    rate = int(counter.values["frequency"]) if counter else 1_000_000
    clock = Clock(rate)
    firmware.run_ticks = clock.run
    firmware.about |= {"timer": "dwt" if counter else "micros", "timer_hz": rate, "clock_hz": rate}
    return firmware


AT_ONCE_SECONDS = 0.005
"""What is sent with shorter pauses arrives at once, as in Renode, however busy this computer is."""


def main() -> None:
    match sys.argv[1:]:
        case ["--console", "--plain", "-e", line]:
            pass
        case [file]:
            line = f"include @{file}".replace(" ", "\\ ").replace("include\\ ", "include ")
        case _:
            raise AssertionError(sys.argv)
    monitor = Monitor()
    monitor.run(line)
    log = {"commands": monitor.commands, "tmpdir": os.environ.get("TMPDIR"), "pid": os.getpid()}
    Path(os.environ["FAKE_RENODE_LOG"]).write_text(json.dumps(log))
    assert monitor.started
    firmware = firmware_of(monitor)
    assert monitor.elf is not None
    assert monitor.terminal is not None
    print("(machine) " + "x" * 100_000, flush=True)  # it talks a lot, and nobody may read it
    halted = False
    try:
        monitor.boot()
    except HaltedError:
        halted = True
    while True:
        sent = b""
        while select.select([monitor.terminal], [], [], AT_ONCE_SECONDS if sent else 60)[0]:
            sent += os.read(monitor.terminal, 65536)
        if halted:
            continue
        try:
            os.write(monitor.terminal, firmware.feed(sent[: monitor.elf.receive_bytes]))
        except HaltedError:
            halted = True


if __name__ == "__main__":
    main()

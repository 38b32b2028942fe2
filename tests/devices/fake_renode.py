"""A program that takes Renode's arguments and scripts, and runs a simulated firmware.

FAKE_RENODE_LOG names the file where it writes down, as JSON, the commands that it was given; a
script that names what is not there, or starts before its terminal is connected, ends it as Renode
would end. The ELF file is JSON: {"build": …, "board": …}; with "fails": text it ends at once.
"""

from __future__ import annotations

import json
import os
import pty
import re
import select
import sys
import tty
from pathlib import Path

from devices.board import SimulatedFirmware


class Monitor:
    """As much of Renode's monitor as our scripts use."""

    def __init__(self) -> None:
        self.variables: dict[str, str] = {}
        self.macros: dict[str, list[str]] = {}
        self.commands: list[str] = []
        self.terminal: int | None = None
        self.connected = self.machine = self.started = False
        self.elf: dict[str, str] = {}

    def include(self, path: Path) -> None:
        lines = iter(path.read_text(encoding="utf-8").splitlines())
        for line in lines:
            if line.startswith("macro "):
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
        words = line.split()
        match words:
            case ["include", path]:
                self.include(Path(path.removeprefix("@")))
            case ["mach", "create", _]:
                self.machine = True
            case ["emulation", "CreateUartPtyTerminal", _, path, "true"]:
                self.terminal, theirs = pty.openpty()
                tty.setraw(theirs)
                Path(path.strip('"')).symlink_to(os.ttyname(theirs))
            case ["connector", "Connect", uart, "pty"]:
                assert self.terminal is not None, "no terminal to connect"
                assert uart.startswith("sysbus."), uart
                self.connected = True
            case ["sysbus", "LoadELF", path]:
                self.elf = json.loads(Path(path.removeprefix("@")).read_text())
                assert "fails" not in self.elf, self.elf["fails"]
            case ["start"]:
                assert self.connected, "bytes would be lost"
                self.started = True
            case ["machine" | "cpu" | "nvic", _, *_]:
                assert self.machine, f"no machine for {line}"
            case _:
                raise AssertionError(f"No such command or device: {line}")


def main() -> None:
    assert sys.argv[1:-1] == ["--console", "--plain", "-e"], sys.argv
    monitor = Monitor()
    monitor.run(sys.argv[-1])
    log = {"commands": monitor.commands, "tmpdir": os.environ["TMPDIR"], "pid": os.getpid()}
    Path(os.environ["FAKE_RENODE_LOG"]).write_text(json.dumps(log))
    assert monitor.started
    firmware = SimulatedFirmware(monitor.elf["build"], monitor.elf["board"])
    firmware.step = 0  # instructions are counted there
    print("(machine) " + "x" * 100_000, flush=True)  # it talks a lot, and nobody may read it
    while True:
        if select.select([monitor.terminal], [], [], 60)[0]:
            os.write(monitor.terminal, firmware.feed(os.read(monitor.terminal, 65536)))


if __name__ == "__main__":
    main()

"""Where a firmware runs: an emulator that is started for it, or a board at a serial port."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from danas_hil.board import Board
from danas_hil.platformio import upload
from danas_hil.sketch import Sketch, firmware_of
from danas_hil.targets.interface import Kind
from danas_hil.targets.streams import open_process, open_serial
from danas_hil.wire import ByteStream

PORT_SECONDS = 20.0  # for a port to come back after flashing


class Device(Protocol):
    """One place where a firmware runs. name: BOARD, or BOARD@SERIAL."""

    @property
    def name(self) -> str: ...

    @property
    def board(self) -> Board: ...

    @property
    def kind(self) -> Kind: ...

    def flash(self, sketch: Sketch, log: Path) -> None:
        """Bring the program onto it. Raises DanasError."""
        ...

    def connect(self, elf: Path, log: Path) -> contextlib.AbstractContextManager[ByteStream]:
        """Start the program, where that is ours to do, and open its port. Raises DanasError."""
        ...


@dataclass(frozen=True)
class QemuDevice:
    """QEMU's emulation of a board. Its timer counts instructions, so equal runs take equal time."""

    board: Board
    kind: Kind = "emulated"

    @property
    def name(self) -> str:
        return self.board.id

    def flash(self, sketch: Sketch, log: Path) -> None:
        """Nothing: the emulator is started with the program."""

    def command(self, elf: Path) -> list[str]:
        build = firmware_of(self.board).manifest()["build"]
        command = ["qemu-system-arm", "-M", build["machine"], "-display", "none"]
        command += ["-monitor", "none", "-serial", "stdio", "-kernel", str(elf)]
        command += ["-semihosting-config", "enable=on,target=native"]
        return [*command, "-icount", f"shift={build['icount_shift']},align=off,sleep=off"]

    @contextlib.contextmanager
    def connect(self, elf: Path, log: Path) -> Iterator[ByteStream]:
        with open_process(self.command(elf), "QEMU", log) as stream:
            yield stream


@dataclass(frozen=True)
class SerialDevice:
    """A board at a serial port, here or, as `socket://` or `rfc2217://`, elsewhere.

    find: the name of its port as it is now, None while there is none. serial_number: of its USB
    device, where several boards are alike.
    """

    board: Board
    find: Callable[[], str | None]
    serial_number: str | None = None
    kind: Kind = "measured"

    @property
    def name(self) -> str:
        return f"{self.board.id}@{self.serial_number}" if self.serial_number else self.board.id

    def flash(self, sketch: Sketch, log: Path) -> None:
        upload(sketch, self.find(), log)

    @contextlib.contextmanager
    def connect(self, elf: Path, log: Path) -> Iterator[ByteStream]:  # noqa: ARG002
        baud = firmware_of(self.board).serial_baud
        with open_serial(self.find, baud, PORT_SECONDS, self.name) as stream:
            yield stream

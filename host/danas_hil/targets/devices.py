"""Where a firmware runs: an emulator that is started for it, or a board at a serial port."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from danas_hil.base import DanasError, Deadline, folder_name
from danas_hil.board import Board, Connection
from danas_hil.platformio import SILENCE, BuildListener, upload
from danas_hil.sketch import Sketch, firmware_of
from danas_hil.targets.interface import Kind
from danas_hil.targets.streams import LOOK_AGAIN_SECONDS, open_process, open_serial
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

    @property
    def receive_bytes(self) -> int | None:
        """How much may be sent before it is answered; None where nothing is lost."""
        ...

    def flash(self, sketch: Sketch, log: Path, listener: BuildListener = SILENCE) -> None:
        """Bring the program onto it. listener: hears of waiting for that. Raises DanasError."""
        ...

    def connect(self, elf: Path, log: Path) -> contextlib.AbstractContextManager[ByteStream]:
        """Start the program, where that is ours to do, and open its port. Raises DanasError."""
        ...


@dataclass(frozen=True)
class QemuDevice:
    """QEMU's emulation of a board. Its timer counts instructions, so equal runs take equal time."""

    board: Board
    kind: Kind = "emulated"
    receive_bytes: int | None = None

    @property
    def name(self) -> str:
        return self.board.id

    def flash(self, sketch: Sketch, log: Path, listener: BuildListener = SILENCE) -> None:
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

    seconds: for its port to come back after flashing or a reset, perhaps under another name.
    """

    connection: Connection
    seconds: float = PORT_SECONDS
    kind: Kind = "measured"
    receive_bytes: int | None = None

    @property
    def board(self) -> Board:
        return self.connection.board

    @property
    def name(self) -> str:
        """BOARD, or BOARD@PLACE where a person named a place; it does for a folder's name."""
        place = self.connection.place
        safe = folder_name(place or "")
        return f"{self.board.id}@{safe}" if safe else self.board.id

    def flash(self, sketch: Sketch, log: Path, listener: BuildListener = SILENCE) -> None:
        """Nothing for a board at another computer: it is flashed there, and what it runs then is
        held against the build as always.
        """
        connection = self.connection
        if connection.url is not None and "://" in connection.url:
            return
        # A board that has just started anew is away for a moment.
        deadline = Deadline(self.seconds)
        while (port := connection.find(running=False)) is None:
            if deadline.expired:
                raise DanasError(
                    f"{self.name} is not connected any more: no port of it for {self.seconds:g} s.",
                    "Look at the cable and the board.",
                )
            time.sleep(LOOK_AGAIN_SECONDS)
        flags: list[str] = []
        usb = self.board.usb
        if usb is not None and connection.serial_number is not None:
            number = connection.serial_number
            flags = [flag.replace("{serial_number}", number) for flag in usb.upload_flags]
        upload(sketch, port, log, flags=flags, listener=listener)

    @contextlib.contextmanager
    def connect(self, elf: Path, log: Path) -> Iterator[ByteStream]:  # noqa: ARG002
        find, baud = self.connection.find, self.connection.baud
        with open_serial(find, baud, self.seconds, self.name, self._absent) as stream:
            yield stream

    def _absent(self) -> DanasError | None:
        """What there is to say of a board without the port of a program: it may have another."""
        port = self.connection.find(running=False)
        if port is None:
            return None
        usb = self.board.usb
        ids = " or ".join(usb.bootloader) if usb is not None else ""
        return DanasError(
            f"{self.name} waits in its bootloader, at {port} (USB {ids}): no program was started.",
            "Its button pressed twice brings it there, or a program that is not whole. Press it"
            " once to start what is on it, or flash it again.",
        )

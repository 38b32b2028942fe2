"""Renode's emulation of a board: the firmware that the real board runs, at a pseudo-terminal."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from danas_hil.base import DanasError, running_process, tree_folder, write_atomic
from danas_hil.board import Board
from danas_hil.platformio import SILENCE, BuildListener
from danas_hil.sketch import Sketch, firmware_of
from danas_hil.targets.interface import Kind
from danas_hil.targets.streams import PortLostError, open_serial
from danas_hil.wire import ByteStream

_START_SECONDS = 60.0  # Renode is up after about four; a busy computer takes longer
_END_SECONDS = 2.0  # between losing its terminal and its end


@dataclass(frozen=True)
class RenodeDevice:
    """boards/ID.resc in Renode: one instruction takes one cycle there, so time is emulated.

    program: Renode's, on PATH. seconds: for it to load the script.
    """

    board: Board
    program: str = "renode"
    seconds: float = _START_SECONDS
    kind: Kind = "emulated"

    @property
    def name(self) -> str:
        return self.board.id

    @property
    def receive_bytes(self) -> int | None:
        return firmware_of(self.board).receive_bytes or None

    def flash(self, sketch: Sketch, log: Path, listener: BuildListener = SILENCE) -> None:
        """Nothing: the emulator is started with the program."""

    @contextlib.contextmanager
    def connect(self, elf: Path, log: Path) -> Iterator[ByteStream]:
        """Beside the ELF file it leaves firmware.resc, which `renode` runs without us."""
        log.parent.mkdir(parents=True, exist_ok=True)
        elf = elf.resolve()
        own = script_for(self.board, elf, _description_of(self.board), elf.with_name("uart"))
        write_atomic(elf.with_suffix(".resc"), own)
        # A private TMPDIR: Renode deletes other programs' renode-* folders in the common one.
        with (
            tempfile.TemporaryDirectory(prefix="danas-hil-") as temporary,
            log.open("wb") as output,
        ):
            folder = Path(temporary)
            terminal, script = folder / "uart", folder / "start.resc"
            # Under names of ours, because Renode takes paths without quotes.
            program, description = folder / "firmware.elf", folder / "board.repl"
            program.symlink_to(elf)
            description.symlink_to(_description_of(self.board))
            text = script_for(self.board, program, description, terminal)
            script.write_text(text, encoding="utf-8")
            command = [self.program, "--console", "--plain", "-e", f"include @{script}"]
            with running_process(
                command,
                stdin=subprocess.PIPE,  # its monitor ends at the end of it
                stdout=output,
                stderr=subprocess.STDOUT,
                environment={"TMPDIR": temporary},
            ) as process:
                find = _terminal(process, terminal, log)
                baud = firmware_of(self.board).serial_baud
                with open_serial(find, baud, self.seconds, self.name) as stream:
                    yield _Terminal(stream, process, log)


class _Terminal:
    """Renode's terminal; where it is lost because Renode ended, that is what is told."""

    def __init__(self, stream: ByteStream, process: subprocess.Popen[bytes], log: Path) -> None:
        self._stream = stream
        self._process = process
        self._log = log

    def read(self, seconds: float) -> bytes:
        with self._as_ended():
            return self._stream.read(seconds)

    def write(self, data: bytes) -> None:
        with self._as_ended():
            self._stream.write(data)

    @contextlib.contextmanager
    def _as_ended(self) -> Iterator[None]:
        try:
            yield
        except PortLostError as error:
            try:
                status = self._process.wait(timeout=_END_SECONDS)
            except subprocess.TimeoutExpired:
                raise error from None
            raise PortLostError(*_ended(status, self._log)) from error


def _ended(status: int, log: Path) -> tuple[str, str]:
    return f"Renode ended with status {status}.", f"What it printed is in {log}."


def script_for(board: Board, elf: Path, description: Path, terminal: Path) -> str:
    """The script that runs `elf` on the board, whole in itself.

    description: of the platform. terminal: where Renode makes the pseudo-terminal of its serial
    port. All are absolute.
    """
    lines = script_of(board).read_text(encoding="utf-8").splitlines()
    about = [line for line in lines if line.startswith(":")]
    values = [f"$elf={_at(elf)}", f"$repl={_at(description)}", f'$pty="{terminal}"']
    return "\n".join([*about, *values, *lines[len(about) :]]) + "\n"


def _at(path: Path) -> str:
    """A path as Renode's monitor takes it."""
    return "@" + str(path).replace(" ", "\\ ")


def script_of(board: Board) -> Path:
    """The Renode script of a board. Raises DanasError where there is none."""
    return _file_of(board, ".resc", "script")


def _description_of(board: Board) -> Path:
    """The board's platform description, which needs no network, as Renode's own do."""
    return _file_of(board, ".repl", "platform description")


def _file_of(board: Board, suffix: str, what: str) -> Path:
    path = tree_folder("boards") / f"{board.id}{suffix}"
    if not path.is_file():
        raise DanasError(f"{board.id} has no {what} for Renode.", f"It would be {path}.")
    return path


def _terminal(
    process: subprocess.Popen[bytes], terminal: Path, log: Path
) -> Callable[[], str | None]:
    """What finds the terminal's name, once Renode has made it."""

    def find() -> str | None:
        if process.poll() is not None:
            raise DanasError(*_ended(process.returncode, log))
        return str(terminal) if terminal.exists() else None

    return find

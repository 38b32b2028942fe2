"""From a rendered sketch to an ELF file that fits its board."""

from __future__ import annotations

import contextlib
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import filelock

from danas_hil.base import (
    DanasError,
    Deadline,
    EnvironmentFaultError,
    Finished,
    UnfinishedError,
    atomic_path,
    run_process,
    user_folder,
    write_atomic,
)
from danas_hil.board import Board, format_size
from danas_hil.platformio.elf import ElfSizes, read_elf_sizes
from danas_hil.platformio.listener import SILENCE, BuildListener
from danas_hil.platformio.prune import in_use, prune
from danas_hil.platformio.registry import check_packages
from danas_hil.platformio.settings import core_folder, pio_environment
from danas_hil.platformio.shares import Shares, read_shares
from danas_hil.sketch import LIBRARY_VARIABLE, Sketch, check_downloaded, firmware_of

SILENCE_SECONDS = 300.0
"""A build that prints nothing for so long is given up. It prints each file that it compiles and
each tenth of a download; how long all of it takes is the computer's to say."""
LOCK_SECONDS = 1200.0
UPLOAD_SILENCE_SECONDS = 180.0
UPLOAD_SECONDS = 1200.0  # the first one downloads the uploader

_COMPILED = re.compile(r"^(?:Compiling |Retrieved `)\S*?\.pio/build/[^/]+/(\w+)/\S+\.o\b")
_LIBRARY = re.compile(r"lib[0-9a-f]{3}")  # its folder has three digits of a hash
_HINTS = (
    (
        r"HTTPClientError|InternetConnectionError|Could not (find|install)|UnknownPackageError",
        "PlatformIO can't get a package from its registry. Connect this computer once, or, for the"
        f" library, let {LIBRARY_VARIABLE} name a folder that holds it.",
    ),
    (
        r"arm-none-eabi-\S+: (not found|No such file)|'arm-none-eabi-\S+' is not recognized",
        "The compiler is missing. Debian and Ubuntu: apt install gcc-arm-none-eabi"
        " libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib",
    ),
    (r"No space left on device", "The disk is full."),
    (
        r"Device or resource busy|LIBUSB_ERROR_BUSY",
        "Another program has the board's port, such as a serial monitor or a debugger: close it.",
    ),
    (
        r"Permission denied: '/dev|could not open port.*Permission denied|LIBUSB_ERROR_ACCESS"
        r"|unable to open ftdi",
        "This user may not use the board's port: docs/boards.md has the udev rules.",
    ),
)
"""What no other program for the board would change."""

_BOARD_HINTS = (
    (
        r"No device found on|open failed|unable to open CMSIS|No ST-?LINK|init mode failed"
        r"|could not open port|SAM-BA operation failed|Couldn't find a board on the selected port",
        "Look at the cable. On a board of its own USB port, press reset twice: it then waits to be"
        " flashed.",
    ),
)
_EMPTY_ERROR = re.compile(r"HTTPClientError|InternetConnectionError")
_OVERFLOW = re.compile(r"region `(\w+)' overflowed by (\d+) bytes")
# mbed's linker script leaves the interrupts' stack above the rest, and can't go back to it.
_BACKWARDS = re.compile(r"cannot move location counter backwards \(from (\w+) to (\w+)\)")
_FIRST_ERROR = re.compile(r"^.*(?:error:|Error:|undefined reference).*$", re.MULTILINE)


class BuildError(DanasError):
    """The compiler, the linker or PlatformIO itself failed. log: all that they printed."""

    def __init__(self, what: str, hint: str, log: Path) -> None:
        super().__init__(what, hint)
        self.log = log


class UnusableError(BuildError, EnvironmentFaultError):
    """No other program would be built or flashed either."""


class SizeError(BuildError):
    """The program does not fit its board."""


@dataclass(frozen=True)
class Built:
    """A program that fits. seconds: that the build took."""

    sizes: ElfSizes
    shares: Shares
    seconds: float


def project_folder(board: Board, kind: str) -> Path:
    """The one project of this board for sketches of this kind, where libraries stay compiled."""
    return user_folder("projects") / f"{board.id}-{kind}"


def built_before(board: Board, kind: str) -> bool:
    """Whether a sketch of this kind has been built for `board`: then its libraries are compiled."""
    folder = project_folder(board, kind) / ".pio" / "build" / board.id
    return any(folder.glob("*.elf"))


def build(
    sketch: Sketch,
    elf: Path,
    log: Path,
    listener: BuildListener = SILENCE,
    silence_seconds: float = SILENCE_SECONDS,
) -> Built:
    """Build `sketch` into the file `elf`; what did not change is not compiled again.

    listener: hears of each file that is compiled. Raises BuildError, also where nothing was
    printed for `silence_seconds`, SizeError for a program that is too large, and DanasError where
    a tool or a package is missing.
    """
    started = time.monotonic()
    with _project(sketch, LOCK_SECONDS, listener) as project:
        made = project / ".pio" / "build" / sketch.board.id / "firmware.elf"
        for earlier in (made, made.with_suffix(".map")):  # must not be taken for this one's
            earlier.unlink(missing_ok=True)
        deadline = Deadline(None, f"the build for {sketch.board.id}")
        try:
            done = _pio(sketch, project, (), deadline, log, (), silence_seconds, _Count(listener))
        except UnfinishedError as error:
            raise BuildError(
                f"The build for {sketch.board.id} printed nothing for {silence_seconds:g} s, and"
                " was given up.",
                "What is compiled is kept: the same command goes on where it stopped. All of it is"
                f" in {log}.",
                log,
            ) from error
        libraries = project / ".pio" / "libdeps" / sketch.board.id
        if sketch.library is not None:
            check_downloaded(sketch.library, libraries)
        if done.status != 0 or not made.is_file():
            raise _failure(sketch.board, done.output, log)
        with atomic_path(elf) as path:
            shutil.copyfile(made, path)
        sizes = read_elf_sizes(elf)
        _check_fit(sketch.board, sizes, log)
        shares = read_shares(made.with_suffix(".map"), sizes)
    prune(core_folder())
    return Built(sizes, shares, time.monotonic() - started)


def upload(
    sketch: Sketch,
    port: str | None,
    log: Path,
    *,
    flags: Sequence[str] = (),
    listener: BuildListener = SILENCE,
    silence_seconds: float = UPLOAD_SILENCE_SECONDS,
) -> None:
    """Bring `sketch` onto a board, at `port` or where PlatformIO finds it.

    Builds it if another one was built in between. flags: for PlatformIO's uploader. listener:
    hears of waiting for another build. Raises BuildError, also where nothing was printed for
    `silence_seconds`.
    """
    arguments = ["-t", "upload", *(["--upload-port", port] if port else [])]
    with _project(sketch, LOCK_SECONDS, listener) as project:
        deadline = Deadline(UPLOAD_SECONDS, f"flashing {sketch.board.id}")
        try:
            done = _pio(sketch, project, arguments, deadline, log, flags, silence_seconds)
        except UnfinishedError as error:
            raise BuildError(
                f"Flashing {sketch.board.id} was given up: {error.what}",
                "Look at the cable and the board; another program may have its port.",
                log,
            ) from error
    if done.status != 0:
        raise _failure(sketch.board, done.output, log, "Flashing")


@contextlib.contextmanager
def _project(sketch: Sketch, seconds: float, listener: BuildListener) -> Iterator[Path]:
    """The project of the sketch's kind and board, ours alone and up to date.

    seconds: to wait for another build there.
    """
    project = project_folder(sketch.board, sketch.kind)
    libraries = project / ".pio" / "libdeps" / sketch.board.id
    check_packages(firmware_of(sketch.board), core_folder(), sketch.libraries, libraries)
    try:
        with in_use(project, seconds, listener.waiting):
            _write(sketch, project)
            yield project
    except filelock.Timeout as error:
        raise EnvironmentFaultError(
            f"Another build has held {project} for {seconds:g} s.",
            "Let it end, and run the same command again.",
        ) from error


def _pio(
    sketch: Sketch,
    project: Path,
    arguments: Sequence[str],
    deadline: Deadline,
    log: Path,
    upload_flags: Sequence[str] = (),
    silence_seconds: float | None = None,
    heard: Callable[[str], None] = lambda _: None,
) -> Finished:
    command = [sys.executable, "-m", "platformio", "run", "-e", sketch.board.id]
    command += ["-d", str(project), *arguments]
    environment = pio_environment()
    # SCons keeps its record of what is up to date here too, by paths inside the project: with one
    # folder for all kinds of sketches, an object that one has compiled anew counts as new in all.
    environment["PLATFORMIO_BUILD_CACHE_DIR"] = str(core_folder() / f"objects-{sketch.kind}")
    if upload_flags:
        environment["PLATFORMIO_UPLOAD_FLAGS"] = "\n".join(upload_flags)
    return run_process(
        command,
        deadline=deadline,
        log=log,
        environment=environment,
        silence_seconds=silence_seconds,
        heard=heard,
    )


class _Count:
    """Counts what the lines of a build say is compiled, or was compiled before and is fetched."""

    def __init__(self, listener: BuildListener) -> None:
        self._listener = listener
        self._files: Counter[str] = Counter()

    def __call__(self, line: str) -> None:
        found = _COMPILED.match(line)
        if found is None:
            return
        what = "the framework"
        if found[1] == "src":
            what = "the sketch"
        elif _LIBRARY.fullmatch(found[1]):
            what = "the library"
        self._files[what] += 1
        self._listener.compiling(what, self._files[what])


def _write(sketch: Sketch, project: Path) -> None:
    """Bring the project's files to what the sketch has; a file that is the same stays untouched."""
    for folder in ("src", "lib"):
        for file in sorted((project / folder).rglob("*")):
            if file.is_file() and file.relative_to(project).as_posix() not in sketch.files:
                file.unlink()
    for name, text in sketch.files.items():
        path = project / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_atomic(path, text)


def _overflow(output: str) -> tuple[str, int] | None:
    """The region that a program was too large for, and by how many bytes."""
    if (found := _OVERFLOW.search(output)) is not None:
        return found[1], int(found[2])
    if (found := _BACKWARDS.search(output)) is not None:
        return "RAM", int(found[1], 16) - int(found[2], 16)
    return None


def _failure(board: Board, output: str, log: Path, step: str = "The build") -> BuildError:
    if (overflow := _overflow(output)) is not None:
        region, size = overflow
        return SizeError(
            f"The program needs {format_size(size)} more of {region} than {board.name} has.",
            "Choose a smaller candidate or a larger board.",
            log,
        )
    ours = next((hint for sign, hint in _HINTS if re.search(sign, output)), "")
    boards = next((hint for sign, hint in _BOARD_HINTS if re.search(sign, output)), "")
    kind, hint = (UnusableError, ours) if ours else (BuildError, boards)
    first = _FIRST_ERROR.search(output)
    what = first[0].strip() if first else f"{len(output.splitlines())} lines of output, no error"
    if re.search(_EMPTY_ERROR, output):  # says nothing more than its name
        what = "PlatformIO's registry did not answer"
    return kind(
        f"{step} for {board.id} failed: {what}.", f"{hint} All of it is in {log}.".strip(), log
    )


def _check_fit(board: Board, sizes: ElfSizes, log: Path) -> None:
    """PlatformIO only warns of too little RAM."""
    for what, size, limit in (
        ("flash", sizes.flash_bytes, board.flash_bytes),
        ("RAM", sizes.static_ram_bytes, board.ram_bytes),
    ):
        if limit is not None and size > limit:
            raise SizeError(
                f"The program takes {size} bytes of {what}, and {board.name} has {limit}.",
                "Choose a smaller candidate or a larger board.",
                log,
            )

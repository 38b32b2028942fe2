"""The one place where a board's TOML file is read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

from danas_hil.base import DanasError, known_or_near, read_toml, tree_folder
from danas_hil.board.figures import Figures, Share, build_key, read_figures
from danas_hil.board.firmware import Firmware
from danas_hil.board.limits import Limits, parse_latency, parse_size
from danas_hil.board.places import BoardFile, board_names, check_place, find_board, published
from danas_hil.board.stall import Stall
from danas_hil.board.usb import Usb
from danas_hil.builds import load_build

Kind = Literal["host", "emulated", "real"]
_CLASSES = "classes.toml"
_MOST = 1 << 40  # of bytes and clock ticks
_MOST_CHARACTERS = 200


@dataclass(frozen=True)
class Board:
    """A thing that runs a model.

    id: the name of its file in boards/, and what users type after --board.
    kind: `real` boards give measured figures, `emulated` ones emulated; `host` is this computer.
    clock_hz: of the core; None on the host, where it is not ours to say.
    ram_bytes, flash_bytes: what a firmware may fill; None where there is no limit.
    build, kernels: the TFLM that it runs by default (`danas-hil estimate --list-builds`).
    framework_flash_bytes, static_ram_bytes, stack_bytes, framework_ram_bytes: what a firmware takes
        besides model, library and arena; None where no build or source has told yet. What the
        last good build told goes before what the file says.
    static_behind_bytes: of static_ram_bytes, what the linker places behind the arena: what comes
        before it is filled up to the arena's alignment.
    figures_source: where those of these four come from that tell no source of their own.
    source: where limits, core and clock come from.
    firmware: how one is built; None where none is.
    usb: how the board shows itself on USB; None where it does not, or is emulated.
    file: where it is described, if it is none of those that are shipped.
    stall: by what its times are estimated before any was taken; None: they are not.
    """

    id: str
    name: str
    kind: Kind
    core: str
    source: str
    build: str
    kernels: str
    clock_hz: int | None = None
    ram_bytes: int | None = None
    flash_bytes: int | None = None
    framework_flash_bytes: Share | None = None
    static_ram_bytes: Share | None = None
    static_behind_bytes: int = 0
    stack_bytes: Share | None = None
    framework_ram_bytes: Share | None = None
    figures_source: str = ""
    firmware: Firmware | None = None
    usb: Usb | None = None
    file: str = ""
    stall: Stall | None = None

    @property
    def toolchain(self) -> str:
        """Framework and optimisation of its firmware, such as `stm32 -O2`; empty without one."""
        return f"{self.firmware.framework} {self.firmware.optimisation}" if self.firmware else ""

    @property
    def kept_as(self) -> str:
        """The name that what is learned of it is kept under: its id, and for a board of the user's
        a hash of what times and sizes come from, so that two of one name are not mixed up."""
        if not self.file:
            return self.id
        parts = (self.core, self.clock_hz, asdict(self.firmware) if self.firmware else None)
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
        return f"{self.id}-{digest.hexdigest()[:8]}"

    @property
    def limits(self) -> Limits:
        return Limits(self.ram_bytes, self.flash_bytes, self.name)


def load_board(name: str) -> Board:
    """The board with this id, or in this file, as `find_board` finds it.

    Raises DanasError for an unknown one, naming those there are, and for a file that is wrong.
    """
    file = find_board(name)
    path = file.path
    content = _read(path)
    if file.place == "kept" and "runtime" in content:  # beside a run of format 1
        content["build"] = content.pop("runtime")
    known = {field.name: field for field in fields(Board) if field.name not in ("id", "file")}
    types = get_type_hints(Board)
    for key, value in content.items():
        if key not in known:
            raise DanasError(f"{path}: a board has no {key!r}.", f"It has {', '.join(known)}.")
        if key in ("firmware", "usb"):
            if not isinstance(value, dict):
                raise DanasError(f"{path}: {key} = {value!r} is no table: write [{key}].")
            made = Firmware.from_toml if key == "firmware" else Usb.from_toml
            content[key] = made(path, value)
            continue
        if types[key] == Share | None:
            usual = content.get("figures_source", f"{path.parent.name}/{path.name}")
            content[key] = Share.from_toml(f"{path}: {key}", value, usual)
            continue
        if key == "stall" and isinstance(value, dict):
            content[key] = Stall.from_toml(path, value)
            continue
        wanted = int if types[key] in (int, int | None) else str
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise DanasError(f"{path}: {key} = {value!r} is not {wanted.__name__}.")
    missing = [
        key for key, field in known.items() if field.default is MISSING and key not in content
    ]
    if missing:
        raise DanasError(f"{path}: {', '.join(missing)} missing.")
    if content["kind"] not in get_args(Kind):
        raise DanasError(f"{path}: kind is {', '.join(get_args(Kind))}, not {content['kind']!r}.")
    board = _checked(Board(id=file.id, file=file.shown, **content), file)
    if board.firmware is None:
        return board
    key = build_key(board.build, board.kernels, board.toolchain)
    return with_figures(board, read_figures(board.kept_as, key))


def known_boards() -> tuple[list[Board], list[DanasError]]:
    """All boards by id, and what is wrong with the files of those that can't be loaded."""
    boards, wrong = [], []
    for name in board_names():
        try:
            boards.append(load_board(name))
        except DanasError as error:
            wrong.append(error)
    return boards, wrong


def _checked(board: Board, file: BoardFile) -> Board:
    """`board`, if all of it can be. Raises DanasError naming its file."""
    check_place(file, board.firmware, board.usb)
    for key, value in asdict(board).items():
        least = 1 if key in ("clock_hz", "ram_bytes", "flash_bytes") else 0
        if isinstance(value, int) and not least <= value < _MOST:
            raise DanasError(f"{file.path}: {key} = {value} is out of range.")
        if isinstance(value, str) and not (value.isprintable() and len(value) <= _MOST_CHARACTERS):
            raise DanasError(f"{file.path}: {key} is no plain text of one line.")
    if not board.name.strip():
        raise DanasError(f"{file.path}: name is empty.")
    if {"[", "]"} & set(board.name):  # which are markup where it is shown
        raise DanasError(f"{file.path}: name = {board.name!r} has square brackets.")
    emulated = board.firmware is not None and board.firmware.emulator is not None
    if (board.kind == "emulated") != emulated:
        raise DanasError(
            f"{file.path}: kind = {board.kind!r} and [firmware] emulator do not go together.",
            "An emulated board names its emulator, and no other does.",
        )
    if board.kind == "host" and (board.firmware is not None or file.place != "shipped"):
        raise DanasError(
            f"{file.path}: kind = 'host' is this computer, which has a board already.",
            "A board of yours is real or emulated.",
        )
    if file.place == "here" and board.firmware is not None:
        return replace(board, firmware=published(board.firmware))
    return board


def with_figures(board: Board, figures: Figures | None) -> Board:
    """`board` with what builds have told, which goes before what its file says."""
    if figures is None:
        return board
    table = load_build(board.build, board.kernels).code.get(board.toolchain)
    told: dict[str, Any] = dict(figures.shares(board.stack_bytes, table.spread if table else None))
    return replace(board, static_behind_bytes=figures.static_behind_bytes, **told)


def device_class_names() -> tuple[str, ...]:
    """The names of the device classes, largest first."""
    return tuple(_read(tree_folder("boards") / _CLASSES))


def load_device_class(name: str) -> Limits:
    """The limits of a device class (arXiv 2502.12690, Table 1). Raises DanasError if unknown."""
    classes = _read(tree_folder("boards") / _CLASSES)
    if name not in classes:
        raise DanasError(
            f"There is no device class {name!r}.",
            known_or_near(name, classes, "Device classes"),
        )
    row = classes[name]
    return Limits(row["ram_bytes"], row["flash_bytes"], f"device class {name}")


_CHANGED = ", with changes"


def choose_limits(
    board: str | None = None,
    device_class: str | None = None,
    ram: str | None = None,
    flash: str | None = None,
    latency: str | None = None,
    usual: Limits | None = None,
) -> Limits:
    """From a board or a device class, or else `usual`, with `ram` and `flash` (`256kB`) and
    `latency` (`200ms`) over them.

    Raises DanasError for both a board and a class, an unknown one, and what is no size or time.
    """
    if board is not None and device_class is not None:
        raise DanasError("--board and --device-class both set limits.", "Give one of them.")
    given = usual or Limits()
    if board is not None:  # an empty name is none, not no board: a script's variable was not set
        given = load_board(board).limits
    elif device_class is not None:
        given = load_device_class(device_class)
    if ram is None and flash is None and latency is None:
        return given
    return Limits(
        given.ram_bytes if ram is None else parse_size(ram),
        given.flash_bytes if flash is None else parse_size(flash),
        f"{given.origin.removesuffix(_CHANGED)}{_CHANGED}" if given.origin else "",
        given.latency_us if latency is None else parse_latency(latency),
    )


def _read(path: Path) -> dict[str, Any]:
    return read_toml(path)

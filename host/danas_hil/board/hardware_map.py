"""The hardware map: which boards are at hand, in a file with the field names of Zephyr's twister.

It is a YAML list of mappings. What is not ours in it stays as it is when a map is brought up to
date: comments, the order and the quotes of values, fields of twister's such as `fixtures`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from danas_hil.base import DanasError, read_text, write_atomic
from danas_hil.board.board import load_board
from danas_hil.board.ports import Scanned

UNKNOWN = "unknown"
_RUNNER = "platformio"
_BAUD = 115200
_MOST_BYTES = 1024 * 1024  # some thousand boards
_NULLS = ("", "~", "null", "Null", "NULL")
_TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclass(frozen=True)
class MapEntry:
    """One board of the map; the names are twister's.

    id: USB serial number, or what else tells it from others. platform: id of the board, `unknown`
    where several boards look alike on USB: for a person to fill in. serial: the port, also
    `socket://…` or `rfc2217://…`; None while it is not connected.
    """

    connected: bool
    id: str | None
    platform: str
    product: str = ""
    runner: str = _RUNNER
    serial: str | None = None
    serial_baud: int = _BAUD


def entries_of(scanned: Iterable[Scanned]) -> tuple[MapEntry, ...]:
    """What was scanned as entries of a map."""
    entries = []
    for one in scanned:
        platform = one.boards[0] if len(one.boards) == 1 else UNKNOWN
        firmware = load_board(one.boards[0]).firmware
        baud = firmware.serial_baud if firmware else _BAUD
        port = one.port
        entries.append(
            MapEntry(True, port.unique, platform, port.product, _RUNNER, port.device, baud)
        )
    return tuple(entries)


def merge(old: Iterable[MapEntry], found: Iterable[MapEntry]) -> tuple[MapEntry, ...]:
    """The map brought up to date: what a person wrote stays, what is gone is not connected."""
    left = {entry.id: entry for entry in found}
    merged = []
    for entry in old:
        now = left.pop(entry.id, None)
        if now is not None:
            merged.append(replace(entry, connected=True, serial=now.serial))
        elif entry.serial is not None and "://" in entry.serial:
            merged.append(entry)  # at another computer: no scan of this one sees it
        else:
            merged.append(replace(entry, connected=False, serial=None))
    return (*merged, *left.values())


def read_hardware_map(path: Path) -> tuple[MapEntry, ...]:
    """The entries of a map, ours or twister's. Raises DanasError naming the file and the line."""
    text = _text(path)
    return tuple(_entry(path, text, row) for row in _rows(path, text) or ())


def update_hardware_map(path: Path, found: Iterable[MapEntry]) -> tuple[MapEntry, ...]:
    """Merge what was found into the map at `path`, or write a new one; its entries from then on.

    Raises DanasError, naming the file and the line, for what is no map.
    """
    from ruamel.yaml.comments import CommentedSeq

    text = _text(path) if path.exists() else ""
    rows = _rows(path, text)
    if rows is None:
        rows, above = CommentedSeq(), text
    else:
        above = _above(text)
    old = [_entry(path, text, row) for row in rows]
    entries = merge(old, found)
    for row, before, now in zip(rows, old, entries, strict=False):
        for key in ("connected", "serial"):  # all that a merge changes
            if getattr(now, key) != getattr(before, key):
                row[key] = _written(getattr(now, key))
    if entries and not old:
        rows.fa.set_block_style()  # `[]` is what an empty map was written as
    rows += [
        {key: _written(value) for key, value in asdict(entry).items()}
        for entry in entries[len(old) :]
    ]
    stream = io.StringIO()
    _yaml().dump(rows, stream)
    if above and not above.endswith("\n"):
        above += "\n"
    write_atomic(path, above + stream.getvalue())
    return entries


def _text(path: Path) -> str:
    hint = f"A hardware map is made by: danas-hil boards scan --write {path}"
    return read_text(path, hint, _MOST_BYTES)


def _above(text: str) -> str:
    """What precedes the list and ruamel does not keep: a line of `---` with all before it."""
    start = re.match(r"(?:[#%].*\n|[ \t]*\n)*---[ \t]*\n", text)
    return start[0] if start else ""


def _yaml() -> Any:
    """ruamel's YAML that keeps what it does not change, and to which every value is text.

    A serial number may look like a number, as `0669` and `02400e45` do.
    """
    from ruamel.yaml import YAML  # takes 0.1 s to import
    from ruamel.yaml.resolver import VersionedResolver

    class Text(VersionedResolver):
        def resolve(self, kind: Any, value: Any, _implicit: Any) -> Any:
            return super().resolve(kind, value, (False, False))

    yaml = YAML()
    yaml.Resolver = Text
    yaml.preserve_quotes = True
    yaml.width = 2**16  # no value is broken into lines
    return yaml


def _rows(path: Path, text: str) -> Any:
    """ruamel's list of mappings; None where there is nothing but comments."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq
    from ruamel.yaml.error import YAMLError

    try:
        rows = _yaml().load(text)
    except (YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise _unreadable(path, text, mark.line if mark else 0) from error
    if rows is None:
        return None
    if not isinstance(rows, CommentedSeq):
        raise _unreadable(path, text, rows.lc.line if isinstance(rows, CommentedMap) else 0)
    for place, row in enumerate(rows):
        if not isinstance(row, CommentedMap):
            raise _unreadable(path, text, rows.lc.item(place)[0])
    return rows


def _unreadable(path: Path, text: str, line: int) -> DanasError:
    """line: its number, from 0 on."""
    shown = "".join(text.split("\n")[line : line + 1]).strip()
    return DanasError(
        f"{path}, line {line + 1}: {shown!r} is not understood.",
        "A hardware map is a YAML list of mappings: `- connected: true`, then `  id: …` and so on.",
    )


def _entry(path: Path, text: str, row: Any) -> MapEntry:
    values: dict[str, Any] = {}
    for field in fields(MapEntry):
        value = row.get(field.name)
        if type(value) is str and value in _NULLS:  # a quoted one is of a class of its own
            value = None
        elif not isinstance(value, str | None):
            raise _unreadable(path, text, row.lc.key(field.name)[0])
        if value is not None:
            values[field.name] = str(value)
    line = row.lc.line + 1
    connected = _TRUTHS.get(values.get("connected", "").lower())
    if connected is None:
        raise DanasError(f"{path}, line {line}: connected is neither true nor false.")
    try:
        values["serial_baud"] = int(values.get("serial_baud", _BAUD))
    except ValueError as error:
        raise DanasError(f"{path}, line {line}: serial_baud is no number.") from error
    return MapEntry(**{"id": None, "platform": UNKNOWN, **values, "connected": connected})


def _written(value: str | int | None) -> str:
    """Text is quoted, so that nobody takes it for anything else."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if isinstance(value, str):
        quoted: str = DoubleQuotedScalarString(value)
        return quoted
    return "null" if value is None else str(value).lower()

"""The hardware map: which boards are at hand, in a file with the field names of Zephyr's twister.

The file is YAML, of which we write and read what such a map needs: a list of mappings with plain
or quoted values. Values that are lists or mappings of their own, such as twister's `fixtures`, are
passed over.
"""

from __future__ import annotations

import json
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
_PAIR = re.compile(r"([A-Za-z_][\w-]*)\s*:(?:\s+(.*))?")


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


def write_hardware_map(path: Path, entries: Iterable[MapEntry]) -> None:
    lines = []
    for entry in entries:
        pairs = [
            f"{key}: {json.dumps(value, ensure_ascii=False)}"
            for key, value in asdict(entry).items()
        ]
        lines += ["- " + pairs[0], *("  " + pair for pair in pairs[1:])]
    write_atomic(path, "\n".join(lines) + "\n" if lines else "[]\n")


def read_hardware_map(path: Path) -> tuple[MapEntry, ...]:
    """The entries of a map, ours or twister's. Raises DanasError naming the file and the line."""
    text = read_text(path, f"A hardware map is made by: danas-hil boards scan --write {path}")
    return tuple(_entry(path, line, row) for line, row in _rows(path, text))


def _rows(path: Path, text: str) -> list[tuple[int, dict[str, str | None]]]:
    """Each mapping of the list, with the number of its first line."""
    rows: list[tuple[int, dict[str, str | None]]] = []
    dash: int | None = None  # where the dashes of the list stand
    column: int | None = None  # where the keys of the present mapping stand
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip()
        if not bare or bare.startswith("#") or bare in ("---", "[]"):
            continue
        indent = len(line) - len(line.lstrip(" "))
        item = re.match(r"-(?: +|$)", bare)
        if item is not None and indent == (indent if dash is None else dash):
            dash, column = indent, None
            rows.append((number, {}))
            bare = bare[item.end() :]
            if not bare:
                continue  # the keys begin in the next line
            indent += item.end()
        elif dash is None or indent <= dash:
            raise _unreadable(path, number, bare)
        elif column is not None and (indent > column or item is not None):
            continue  # inside a value that is a list or a mapping
        column = indent if column is None else column
        pair = _PAIR.fullmatch(bare)
        if pair is None or indent != column:
            raise _unreadable(path, number, bare)
        rows[-1][1][pair[1]] = _scalar(path, number, pair[2] or "")
    return rows


def _unreadable(path: Path, number: int, line: str) -> DanasError:
    return DanasError(
        f"{path}, line {number}: {line!r} is not understood.",
        "A hardware map is a YAML list of mappings: `- connected: true`, then `  id: …` and so on.",
    )


def _scalar(path: Path, number: int, text: str) -> str | None:
    """A plain or quoted value as text; None for YAML's null."""
    quoted = re.fullmatch(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')\s*(?:#.*)?""", text)
    if quoted is not None:
        inner = quoted[1]
        if inner.startswith("'"):
            return inner[1:-1].replace("''", "'")
        try:
            return str(json.loads(inner))
        except ValueError as error:
            raise _unreadable(path, number, text) from error
    if text[:1] in ('"', "'", "{", "&", "*", "!", "|", ">") or (text[:1] == "[" and text != "[]"):
        raise _unreadable(path, number, text)
    plain = re.split(r"(?:^|\s)#", text, maxsplit=1)[0].strip()
    return None if plain in ("", "null", "~", "Null", "NULL", "[]") else plain


def _entry(path: Path, line: int, row: dict[str, str | None]) -> MapEntry:
    known = {field.name for field in fields(MapEntry)}
    values: dict[str, Any] = {
        key: value for key, value in row.items() if key in known and value is not None
    }
    connected = (row.get("connected") or "").lower()
    if connected not in ("true", "false", "yes", "no", "on", "off"):
        raise DanasError(f"{path}, line {line}: connected is neither true nor false.")
    try:
        values["serial_baud"] = int(values.get("serial_baud", _BAUD))
    except ValueError as error:
        raise DanasError(f"{path}, line {line}: serial_baud is no number.") from error
    values["connected"] = connected in ("true", "yes", "on")
    return MapEntry(**{"id": None, "platform": UNKNOWN, **values})

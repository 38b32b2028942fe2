"""What a firmware takes on a board besides model, library code and arena.

No datasheet has these figures: a board's file ships them, and what builds for the board have told
is kept in the user's folder.
"""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from danas_hil.base import (
    DanasError,
    build,
    check_format,
    checking,
    read_json,
    user_folder,
    write_json,
)

_SCHEMA = 1
_MOST = 2**40
_MOST_CHARACTERS = 300
_HINT = "Delete it; the next build for the board makes it."


@dataclass(frozen=True)
class Share:
    """Bytes that one thing takes: the best figure, the band that the truth lies in, and who says
    so. A figure without a band is exact."""

    bytes: int
    least: int
    most: int
    source: str

    @staticmethod
    def exact(size: int, source: str) -> Share:
        return Share(size, size, size, source)

    @staticmethod
    def from_toml(where: str, value: object, source: str) -> Share:
        """An integer, or a table {bytes, least, most, source} that may leave out all but bytes.

        where: how errors name it. source: for a figure that tells none.
        """
        if isinstance(value, int) and not isinstance(value, bool):
            value = {"bytes": value}
        if not isinstance(value, dict) or not {"bytes"} <= set(value) <= _KEYS:
            raise DanasError(f"{where} is a number of bytes, or a table of {', '.join(_KEYS)}.")
        size = value["bytes"]
        told = {"least": size, "most": size, "source": source, **value}
        sizes = [told["least"], size, told["most"]]
        if any(not isinstance(one, int) or isinstance(one, bool) for one in sizes):
            raise DanasError(f"{where}: bytes, least and most are whole numbers.")
        if not 0 <= sizes[0] <= sizes[1] <= sizes[2] < _MOST:
            raise DanasError(f"{where}: {size} is not between least and most.")
        said = told["source"]
        if not (isinstance(said, str) and said.isprintable() and len(said) <= _MOST_CHARACTERS):
            raise DanasError(f"{where}: source is no plain text of one line.")
        return Share(**told)


_KEYS = {field.name: None for field in fields(Share)}.keys()


@dataclass(frozen=True)
class Figures:
    """What a firmware took besides model, library code and arena, in bytes.

    framework_flash_bytes: code and constants of all that is neither model nor library; None where
    the library's share is not known. static_ram_bytes: all static data but the arena and what
    grows with the operators; static_behind_bytes: of it, what lies behind the arena.
    stack_bytes: the highest peak of the stack in the inferences of any model, stack_least_bytes:
    the lowest; 0 where nobody wrote it down. framework_ram_bytes: the heap in use; None where
    the firmware can't tell. source: how and when these came about.
    """

    framework_flash_bytes: int | None
    static_ram_bytes: int
    stack_bytes: int
    framework_ram_bytes: int | None
    source: str
    static_behind_bytes: int = 0
    stack_least_bytes: int = 0

    def shares(self, stack: Share | None, spread: int | None) -> dict[str, Share]:
        """What another model's firmware takes, by the names of a board's shares.

        Static data and heap are the same; the peak of the stack is each model's own, and code comes
        with what the sum over operators leaves open. stack: of the board's file. spread: of
        its code table; None where there is none, and nothing is known of the code.
        """
        told = {
            "static_ram_bytes": Share.exact(self.static_ram_bytes, self.source),
            "stack_bytes": self._stack(stack),
        }
        if self.framework_ram_bytes is not None:
            told["framework_ram_bytes"] = Share.exact(self.framework_ram_bytes, self.source)
        if self.framework_flash_bytes is not None and spread is not None:
            best = self.framework_flash_bytes
            least, most = max(0, best - spread), best + spread
            told["framework_flash_bytes"] = Share(best, least, most, self.source)
        return told

    def _stack(self, shipped: Share | None) -> Share:
        """As shipped ones are: below the lowest peak that was seen, and up to twice the highest."""
        peak = self.stack_bytes
        least, most = min(self.stack_least_bytes, peak), 2 * peak
        if shipped is not None:
            least, most = min(least or shipped.least, shipped.least), max(most, shipped.most)
        return Share(peak, min(least, peak), most, self.source)


def build_key(build: str, kernels: str, toolchain: str) -> str:
    """Firmware of one key has the same figures; toolchain: framework and optimisation."""
    return f"{build} {kernels} {toolchain}"


def read_figures(board: str, key: str) -> Figures | None:
    """What the last good build told; None before the first. Raises DanasError if damaged."""
    try:
        path = _file(board)
    except OSError:  # a home that can't be written to keeps no figures
        return None
    row = _content(path).get(key)
    if row is None:
        return None
    with checking(path, _HINT):
        made: Figures = build(Figures, row)
    return made


def read_every_figure() -> dict[str, Any]:
    """What builds told of every board, by board and key; what is damaged is left out."""
    told = {}
    for path in sorted(user_folder("boards").glob("*.json")):
        with contextlib.suppress(DanasError):
            told[path.stem] = _content(path)
    return told


def keep_figures(board: str, key: str, figures: Figures) -> None:
    """Keep what a build told, for `read_figures`."""
    path = _file(board)
    builds = {**_content(path), key: asdict(figures)}
    write_json(path, {"schema": _SCHEMA, "builds": builds})


def _file(board: str) -> Path:
    return user_folder("boards") / f"{board}.json"


def _content(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    value = read_json(path, _HINT)
    check_format(path, value, _SCHEMA, _HINT)
    builds = value.get("builds")
    if not isinstance(builds, dict):
        raise DanasError(f"{path} is damaged.", _HINT)
    return dict(builds)

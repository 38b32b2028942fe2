"""What times of a board are estimated by before any was taken: the table [stall] of its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from danas_hil.base import DanasError

Counted = Literal["cycles", "instructions"]


@dataclass(frozen=True)
class Stall:
    """How many cycles of its core's clock a board takes for each one that is counted.

    of: what is counted: `cycles` that a Cortex-M4 takes by Arm's timings with zero wait states, or
    `instructions`. factor: cycles for each; the more of them are stalls, the larger. band: by which
    share a time may be more or less. source: whose factor it is and where it comes from.
    """

    of: Counted
    factor: float
    band: float
    source: str

    @staticmethod
    def from_toml(path: Path, table: Mapping[str, Any]) -> Stall:
        """Raises DanasError naming the file and the key that is wrong."""
        known = [field.name for field in fields(Stall)]
        for key in table:
            if key not in known:
                raise DanasError(f"{path}: [stall] has no {key!r}.", f"It has {', '.join(known)}.")
        missing = [key for key in known if key not in table]
        if missing:
            raise DanasError(f"{path}: [stall] {', '.join(missing)} missing.")
        if table["of"] not in get_args(Counted):
            raise DanasError(
                f"{path}: [stall] of = {table['of']!r} is not {' or '.join(get_args(Counted))}."
            )
        for key, least, most in (("factor", 0.1, 100.0), ("band", 0.0, 0.99)):
            value = table[key]
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not least <= value <= most:
                raise DanasError(
                    f"{path}: [stall] {key} = {value!r} is no number from {least:g} to {most:g}."
                )
        if not isinstance(table["source"], str) or not table["source"]:
            raise DanasError(f"{path}: [stall] source says where the factor comes from.")
        return Stall(table["of"], float(table["factor"]), float(table["band"]), table["source"])

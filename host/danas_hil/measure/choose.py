"""Which candidates of a front are measured."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Sequence
from typing import NamedTuple

from danas_hil.base import DanasError

TOP = 8


class FrontRow(NamedTuple):
    """A candidate of a front: its id, its estimated RAM in bytes, and how good it is."""

    id: str
    ram_bytes: int
    score: float


def choose(
    front: Sequence[FrontRow],
    *,
    ids: Sequence[str] = (),
    everything: bool = False,
    top: int | None = None,
    picks: Sequence[str] = (),
) -> tuple[str, ...]:
    """Ids of the candidates to measure: those named, or all, or `top` of them, or the picks.

    picks: what was picked from the front before; without picks, TOP.

    The top is spread over RAM: the front, sorted by RAM, is cut into `top` parts of equal count,
    and each gives its best, so that the best of all is always there. Order is ascending RAM, or
    that of `ids` or `picks`. Raises DanasError for an id that is not on the front, and for top
    below 1.
    """
    if ids:
        known = [row.id for row in front]
        for one in ids:
            if one not in known:
                near = difflib.get_close_matches(one, known) or known[:TOP]
                raise DanasError(
                    f"There is no candidate {one} on the front.", f"There are: {', '.join(near)}."
                )
        return tuple(dict.fromkeys(ids))
    if picks and top is None and not everything:
        return tuple(picks)
    top = TOP if top is None else top
    rows = sorted(front, key=lambda row: (row.ram_bytes, row.id))
    if everything or len(rows) <= top:
        return tuple(row.id for row in rows)
    if top < 1:
        raise DanasError(f"The top {top} of a front is nothing.", "Use --top 1 or more, or --all.")
    cuts = [round(part * len(rows) / top) for part in range(top + 1)]
    parts = (rows[start:end] for start, end in itertools.pairwise(cuts))
    return tuple(max(part, key=lambda row: row.score).id for part in parts)

"""How a command ends: the one place that makes an exit code of verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # imported where they are used: they load numpy, and --help is to be quick
    from danas_hil.compare import Comparison


class Ending(IntEnum):
    """Exit codes. FAILED: a verdict is no. USAGE: of usage or environment, as every DanasError.
    UNKNOWN: no verdict where one was asked for."""

    GOOD = 0
    FAILED = 1
    USAGE = 2
    UNKNOWN = 3


_WORST_FIRST = (Ending.USAGE, Ending.FAILED, Ending.UNKNOWN, Ending.GOOD)


class Taken(StrEnum):
    """What stands for a verdict that is not known."""

    fits = "fits"
    fails = "fails"


UnknownOption = Annotated[
    Taken | None,
    typer.Option(
        "--unknown",
        help="What a verdict counts as that is not known: 0 or 1 instead of exit code 3.",
        show_default=False,
    ),
]


def ending_of(fits: bool | None, *, asked: bool = True, unknown: Taken | None = None) -> Ending:
    """Of one verdict. asked: whether an answer was asked for, by a limit or a board that is named;
    without, what is not known is no failure."""
    if fits is None and unknown is not None:
        fits = unknown is Taken.fits
    if fits is None:
        return Ending.UNKNOWN if asked else Ending.GOOD
    return Ending.GOOD if fits else Ending.FAILED


def worst(endings: Iterable[Ending]) -> Ending:
    """Of several; good where there is none."""
    return min(endings, key=_WORST_FIRST.index, default=Ending.GOOD)


def ending_of_measured(comparison: Comparison, unknown: Taken | None = None) -> Ending:
    """Of measurements: what did not end well is a failure, whatever its figures. A target without
    limits, as this computer, asks nothing."""
    return worst(
        Ending.FAILED
        if verdict.status != "OK"
        else ending_of(verdict.fits, asked=verdict.limited, unknown=unknown)
        for verdict in comparison.verdicts
    )


def leave(ending: Ending) -> None:
    """End the command here, unless all is good."""
    if ending is not Ending.GOOD:
        raise typer.Exit(int(ending))

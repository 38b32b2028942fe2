"""What a genome takes of memory and time, before anything is trained; and the rates of a run.

Rates stand in config.toml as the table [latency], so that a calibration meanwhile, or another
computer's, changes nothing in a search that goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from danas_hil.base import DanasError
from danas_hil.board import Board, format_latency, load_board
from danas_hil.estimate import paper
from danas_hil.estimate.latency import LatencyEstimate, LatencyTable, estimate_latency
from danas_hil.estimate.latency_tables import find_table
from danas_hil.estimate.layout import lay_out
from danas_hil.estimate.lines import Line
from danas_hil.estimate.on_board import estimate_on
from danas_hil.estimate.work import work_of
from danas_hil.search.scoring import Costs
from danas_hil.search.settings import SearchSettings
from danas_hil.signals import find_signal
from danas_hil.space import Genome

REFERENCE_BOARD = "nano33ble"
"""Whose TFLM build the exact model takes where no board is named. What its framework and stack take
is left out there: limits that are nobody's know of no core."""
_TABLE, _UNKNOWN = "latency", "unknown"


def rates_now(settings: SearchSettings) -> LatencyTable | str | None:
    """What the board of `settings` has, or why it has none; None without a board."""
    return None if settings.board is None else find_table(load_board(settings.board))


def latency_unknown(board: str, why: str) -> DanasError:
    """The error of a limit of latency on a board without rates. why: as `find_table` tells it."""
    return DanasError(
        f"The latency on {board} is not known, so it can't be limited.",
        f"{why[0].upper()}{why[1:]}.",
    )


def rates_to_config(rates: LatencyTable | str | None) -> dict[str, Any]:
    """[latency] of config.toml; nothing without a board."""
    if rates is None:
        return {}
    if isinstance(rates, str):
        return {_TABLE: {_UNKNOWN: rates}}
    return {_TABLE: {key: value for key, value in rates.to_json().items() if value is not None}}


def rates_of_run(config: Mapping[str, Any]) -> LatencyTable | str | None:
    """What stands in the config.toml of a run; None without a board, and in runs of versions that
    kept nothing. Raises DanasError if it is damaged.
    """
    kept = config.get(_TABLE)
    if kept is None:
        return None
    try:
        return str(kept[_UNKNOWN]) if _UNKNOWN in kept else LatencyTable.from_json(kept)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DanasError(
            f"The table [{_TABLE}] of config.toml is damaged ({error!r}).",
            "Take it from a copy of the run's folder, or start the search under another --name.",
        ) from error


@dataclass(frozen=True)
class _Needs:
    """Of one genome. latency: None where the board has no rates."""

    ram: Line
    flash: Line
    latency: LatencyEstimate | None

    @property
    def costs(self) -> Costs:
        known_us = None if self.latency is None else self.latency.known_us
        return Costs(self.ram.least, self.flash.least, known_us)


class CostEstimator:
    """RAM, flash and latency of genomes, estimated; each genome is worked out once.

    rates: that latency is estimated by, or why there are none, as the run began; None for those
    of today. Raises DanasError where latency is limited and there are none.
    """

    def __init__(self, settings: SearchSettings, rates: LatencyTable | str | None = None) -> None:
        self._exact = settings.memory_model == "exact"
        self._limits = settings.limits
        self._classes = len(settings.task.classes)
        self._board = load_board(settings.board or REFERENCE_BOARD)
        self._counted = self._board if settings.board else _without_shares(self._board)
        self._known: dict[Genome, _Needs] = {}
        self._rates = rates_now(settings) if rates is None else rates
        _check_rates(settings, self._rates)

    def costs(self, genome: Genome) -> Costs:
        """What limits are held against.

        Bytes of RAM and of flash, by the exact model: what it takes at least, so that nothing is
        called too large that might fit; by the paper's: Eq. 2 and Eq. 1. Microseconds of one
        inference, as far as the board's kernels were timed.
        """
        return self._needs(genome).costs

    def fits(self, genome: Genome) -> bool:
        """Whether `costs` are within the limits."""
        return self.costs(genome).within(self._limits)

    def _needs(self, genome: Genome) -> _Needs:
        if genome not in self._known:
            self._known[genome] = self._worked_out(genome)
        return self._known[genome]

    def _worked_out(self, genome: Genome) -> _Needs:
        """A genome is laid out once, for memory and latency together: that takes a third of it."""
        rates = self._rates if isinstance(self._rates, LatencyTable) else None
        if self._exact:
            found = estimate_on(
                self._counted,
                lay_out(genome, self._classes),
                limits=self._limits,
                rates=rates or "not asked for",
            )
            return _Needs(found.ram.total, found.flash.total, found.latency if rates else None)
        by_equations = paper(genome, self._classes)
        latency = (
            estimate_latency(work_of(lay_out(genome, self._classes)), rates) if rates else None
        )
        return _Needs(
            Line("Eq. 2", by_equations.ram_bytes), Line("Eq. 1", by_equations.flash_bytes), latency
        )

    def detail(self, genome: Genome, model: bytes) -> dict[str, Any]:
        """estimate.json of a converted candidate: both models, and the exact one for the host too.

        totals: what the search went by, for the genome: the least it takes, the most (null where
        nothing says so), and whether they are the same; latency where it is estimated, with what
        the rates come from.
        exact: by board, for the file. front_end: how a device makes the input and what that takes,
        counted; none of it is in the other figures.
        """
        needs = self._needs(genome)
        by_equations = paper(genome, self._classes)
        exact = {}
        for board, rates in ((self._board, self._rates), (load_board("host"), None)):
            estimate = estimate_on(board, model, name=genome.id, rates=rates).to_json()
            estimate.pop("plan")  # long; worked out again where it is drawn
            exact[board.id] = estimate
        return {
            "totals": {
                "ram_bytes": needs.ram.least,
                "flash_bytes": needs.flash.least,
                "most_ram_bytes": needs.ram.most,
                "most_flash_bytes": needs.flash.most,
                "complete": needs.ram.exact and needs.flash.exact,
                **self._latency_totals(needs.latency),
            },
            "paper": {
                "ram_bytes": by_equations.ram_bytes,
                "flash_bytes": by_equations.flash_bytes,
            },
            "exact": exact,
            "front_end": find_signal(genome.data.signal).front_end(genome.data).to_json(),
        }

    def _latency_totals(self, latency: LatencyEstimate | None) -> dict[str, Any]:
        if latency is None:
            return {}
        assert isinstance(self._rates, LatencyTable)
        return {
            "latency_us": latency.known_us,
            "latency_complete": latency.total_us is not None,
            "latency_source": self._rates.source_on_board,
            "latency_band": latency.band,
        }


def _without_shares(board: Board) -> Board:
    return replace(
        board,
        static_ram_bytes=None,
        stack_bytes=None,
        framework_ram_bytes=None,
        framework_flash_bytes=None,
    )


def _check_rates(settings: SearchSettings, rates: LatencyTable | str | None) -> None:
    if settings.limits.latency_us is None or isinstance(rates, LatencyTable):
        return
    if rates is None:
        raise DanasError("A limit of latency is one on a board.", "Name it: --board NAME.")
    assert settings.board is not None
    raise latency_unknown(settings.board, rates)


def check_possible(settings: SearchSettings, estimator: CostEstimator | None = None) -> None:
    """Raise DanasError when not even the smallest genome fits the limits."""
    space, estimator = settings.space, estimator or CostEstimator(settings)
    smallest = [genome for data in space.data_configs for genome in space.leanest(data)]
    if any(map(estimator.fits, smallest)):
        return
    costs = [estimator.costs(genome) for genome in smallest]
    ram, flash = min((cost.ram_bytes, cost.flash_bytes) for cost in costs)
    times = [cost.latency_us for cost in costs if cost.latency_us is not None]
    quickest = ""
    if settings.limits.latency_us is not None and times:
        quickest = f", the quickest of the small ones at {format_latency(min(times))}"
    raise DanasError(
        f"No genome fits {settings.limits}: the smallest is estimated at"
        f" {ram:,} bytes of RAM and {flash:,} bytes of flash{quickest}.",
        "Raise the limits, or give the space smaller data and narrower networks.",
    )

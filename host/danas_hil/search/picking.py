"""Picking a few candidates that stand for a whole front."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from danas_hil.board import Board, Limits
from danas_hil.estimate import read_file
from danas_hil.estimate.lines import known_bytes
from danas_hil.estimate.on_board import estimate_on
from danas_hil.run import Evaluation, Front, Pick, Picks, RunFolder
from danas_hil.search.fitness import within
from danas_hil.search.pareto import hypervolume, run_costs

_DECIMALS = 12
"""Gains are taken to so many decimals: less is rounding, and no gain."""


def pick_from_front(run: RunFolder, k: int, limits: Limits, board: Board | None = None) -> Picks:
    """Up to `k` candidates of the exported front that are within `limits`, best together.

    RAM and flash are estimated for `board`, from the candidate's file; without a board they are
    those that the search went by. None fits: `picked` is empty. Raises DanasError when the run has
    no front yet, or for a model that can't be estimated on the board.
    """
    rows = _as_deployed(run, run.front(), limits, board)
    costs = run_costs(rows, limits)
    return Picks(
        limits=limits,
        board=board.id if board else None,
        hypervolume=hypervolume(costs, np.ones(costs.shape[1])),
        picked=greedy(rows, k, limits),
    )


def greedy(rows: Sequence[Evaluation], k: int, limits: Limits) -> tuple[Pick, ...]:
    """Up to `k` of the complete, feasible `rows`, each adding the most hypervolume to those before.

    The volume of the chosen set is at least 1 - 1/e of what any k can have, since no row adds more
    to a larger set than to a smaller one (Nemhauser et al., Math. Programming 14, 1978). Among
    those that add the same, and where none adds anything more, the most accurate comes first,
    then the one with less RAM.
    """
    costs = run_costs(rows, limits)
    corner = np.ones(costs.shape[1])
    left = [place for place, row in enumerate(rows) if row.feasible and row.scores]
    chosen: list[int] = []
    picked: list[Pick] = []
    while left and len(chosen) < k:
        covered = hypervolume(costs[chosen], corner)
        offers = []
        for place in left:
            gain = round(hypervolume(costs[[*chosen, place]], corner) - covered, _DECIMALS)
            offers.append((_offer(rows[place], max(0.0, gain)), place))
        best, place = max(offers, key=lambda offer: _worth(offer[0]))
        picked.append(best)
        chosen.append(place)
        left.remove(place)
    return tuple(picked)


def _offer(row: Evaluation, gain: float) -> Pick:
    assert row.scores is not None
    assert row.ram_bytes is not None
    assert row.flash_bytes is not None
    return Pick(row.genome.id, row.scores.accuracy, row.ram_bytes, row.flash_bytes, gain)


def _worth(pick: Pick) -> tuple[float, float, int, int]:
    return pick.gain, pick.accuracy, -pick.ram_bytes, -pick.flash_bytes


def _as_deployed(
    run: RunFolder, front: Front, limits: Limits, board: Board | None
) -> list[Evaluation]:
    """The candidates as evaluations with int8 validation scores, and `feasible` by `limits`."""
    rows = []
    for candidate in front.candidates:
        totals = candidate.estimate["totals"]
        ram, flash = totals["ram_bytes"], totals["flash_bytes"]
        if board is not None:
            model = read_file(run.candidate(candidate.id) / "model.tflite")
            estimate = estimate_on(board, model, name=candidate.id, limits=limits)
            ram, flash = known_bytes(estimate.ram.lines), known_bytes(estimate.flash.lines)
        rows.append(
            Evaluation(
                candidate.evaluation,
                candidate.genome,
                "complete",
                ram,
                flash,
                candidate.scores["int8_validation"],
                feasible=within(ram, flash, limits),
            )
        )
    return rows

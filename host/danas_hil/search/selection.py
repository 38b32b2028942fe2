"""Which of many stand for all: members of a front to export, to train, to try on a board."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from danas_hil.base import DanasError
from danas_hil.board import Board, Limits
from danas_hil.estimate import read_file
from danas_hil.estimate.held import Held
from danas_hil.estimate.latency import told_on
from danas_hil.estimate.latency_tables import find_table
from danas_hil.estimate.lines import all_fit
from danas_hil.estimate.on_board import estimate_on
from danas_hil.run import Candidate, Evaluation, Pick, Picks, RunFolder
from danas_hil.search import budget
from danas_hil.search.cost import latency_unknown
from danas_hil.search.pareto import hypervolume, run_costs
from danas_hil.search.scoring import within

_DECIMALS = 12
"""Gains are taken to so many decimals: less is rounding, and no gain."""


def pick_from_front(run: RunFolder, k: int, limits: Limits, board: Board | None = None) -> Picks:
    """Up to `k` candidates of the exported front that are within `limits`, best together.

    RAM, flash and latency are estimated for `board`, from the candidate's file and by what is
    known of the board now; without a board they are those that the search went by. None fits:
    `picked` is empty. Raises DanasError when the run has no front yet, for a model that can't be
    estimated on the board, and where latency is limited and not known.
    """
    front = run.front()
    chance = front.task.chance
    costed = [_costs(run, candidate, limits, board) for candidate in front.candidates]
    if limits.latency_us is not None:
        _check_latency(run, costed, board)
    rows = [_row(*pair, limits) for pair in zip(front.candidates, costed, strict=True)]
    costs = run_costs(rows, limits, chance)
    by_id = {c.id: cost for c, cost in zip(front.candidates, costed, strict=True)}
    picked = greedy(rows, k, limits, chance)
    return Picks(
        limits=limits,
        board=board.id if board else None,
        hypervolume=hypervolume(costs, np.ones(costs.shape[1])),
        picked=tuple(by_id[pick.id].judged(pick, limits) for pick in picked),
        latency_source=next((cost.latency_source for cost in costed), ""),
        latency_complete=all(cost.latency_complete for cost in costed),
        latency_band=max((cost.latency_band for cost in costed), default=0.0),
    )


def members_to_export(front: Sequence[Evaluation], limit: int) -> list[Evaluation]:
    """At most `limit` members of a front: the best at each size of RAM, and the best of the rest,
    by the task's metric; in order of RAM.
    """
    by_ram = sorted(front, key=lambda e: (e.ram_bytes or 0, -_metric(e)))
    stairs: list[Evaluation] = []
    for evaluation in by_ram:
        if not stairs or _metric(evaluation) > _metric(stairs[-1]):
            stairs.append(evaluation)
    if len(stairs) > limit:  # the best, and even steps down from it
        places = np.linspace(0, len(stairs) - 1, limit).round().astype(int) if limit > 1 else [-1]
        stairs = [stairs[place] for place in places]
    chosen = {evaluation.index for evaluation in stairs}
    rest = sorted((e for e in front if e.index not in chosen), key=_metric, reverse=True)
    members = stairs + rest[: limit - len(stairs)]
    return sorted(members, key=lambda e: (e.ram_bytes or 0, e.index))


def finalists(members: Sequence[Evaluation]) -> list[Evaluation]:
    """Those to fine-tune: the best members by the task's metric, half of them at most with one data
    configuration.

    Shared weights serve some data better than others, which training alone then evens out.
    """
    found: list[Evaluation] = []
    most = budget.FINETUNED // 2
    for evaluation in sorted(members, key=_metric, reverse=True):
        alike = Counter(e.genome.data for e in found)[evaluation.genome.data]
        if len(found) < budget.FINETUNED and alike < most:
            found.append(evaluation)
    return found


def best(candidates: Sequence[Candidate]) -> str | None:
    """Id of the one that is the best by the task's metric in int8 on validation images, then the
    fittest; None of none."""

    def worth(candidate: Candidate) -> tuple[float, float]:
        return candidate.scores["int8_validation"].worth, candidate.fitness

    return max(candidates, key=worth).id if candidates else None


def greedy(rows: Sequence[Evaluation], k: int, limits: Limits, chance: float) -> tuple[Pick, ...]:
    """Up to `k` of the complete, feasible `rows`, each adding the most hypervolume to those before.

    The volume of the chosen set is at least 1 - 1/e of what any k can have, since no row adds more
    to a larger set than to a smaller one (Nemhauser et al., Math. Programming 14, 1978). Among
    those that add the same, and where none adds anything more, the most accurate comes first,
    then the one with less RAM. chance: the accuracy of guessing.
    """
    costs = run_costs(rows, limits, chance)
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
    return Pick(
        row.id,
        row.scores.accuracy,
        row.ram_bytes,
        row.flash_bytes,
        gain,
        row.latency_us,
    )


def _worth(pick: Pick) -> tuple[float, float, int, int]:
    return pick.gain, pick.accuracy, -pick.ram_bytes, -pick.flash_bytes


@dataclass(frozen=True)
class _Costs:
    """What a candidate takes, estimated, with the names of `totals` in estimate.json.

    ram_bytes, flash_bytes: at least; most_…: at most, None where nothing says so. latency_us: at
    least, where some kernel has no rates. latency_band: by which share it may be more or less.
    """

    ram_bytes: int
    flash_bytes: int
    latency_us: float | None = None
    latency_complete: bool = True
    latency_source: str = ""
    latency_band: float = 0.0
    most_ram_bytes: int | None = None
    most_flash_bytes: int | None = None

    def held(self, limits: Limits) -> dict[str, Held]:
        """RAM, flash and latency, each against its limit."""
        latency = self.latency_us or 0.0
        timed = self.latency_us is not None and self.latency_complete
        return {
            "ram": _held_bytes(self.ram_bytes, self.most_ram_bytes, limits.ram_bytes),
            "flash": _held_bytes(self.flash_bytes, self.most_flash_bytes, limits.flash_bytes),
            "latency": Held(
                latency if timed else None,
                latency * (1 - self.latency_band),
                latency * (1 + self.latency_band) if timed else None,
                limits.latency_us,
                "" if timed else "not all operators were timed",
            ),
        }

    def judged(self, pick: Pick, limits: Limits) -> Pick:
        """`pick` with its verdict, and why there is none."""
        held = self.held(limits)
        fits = all_fit([one.fits for one in held.values()])
        reasons = [f"{what}: {one.unknown}" for what, one in held.items() if one.fits is None]
        return replace(pick, fits=fits, unknown="; ".join(reasons) if fits is None else "")


def _held_bytes(least: int, most: int | None, limit: int | None) -> Held:
    lacking = "" if most is not None else "a build for the board will tell the rest"
    return Held(least if most == least else None, least, most, limit, lacking)


def _costs(run: RunFolder, candidate: Candidate, limits: Limits, board: Board | None) -> _Costs:
    if board is None:
        totals = dict(candidate.estimate["totals"])
        if totals.get("complete", True):  # then these are all there is, in older runs too
            for name in ("ram_bytes", "flash_bytes"):
                totals.setdefault(f"most_{name}", totals[name])
        return _Costs(**{f.name: totals[f.name] for f in fields(_Costs) if f.name in totals})
    file = run.candidate(candidate.id) / "model.tflite"
    estimate = estimate_on(board, read_file(file), name=str(file), limits=limits)
    ram, flash, latency = estimate.ram.total, estimate.flash.total, estimate.latency
    costs = _Costs(ram.least, flash.least, most_ram_bytes=ram.most, most_flash_bytes=flash.most)
    if not latency.source:
        return costs
    return replace(
        costs,
        latency_us=latency.known_us,
        latency_complete=latency.total_us is not None,
        latency_source=told_on(board.id, latency.source, latency.mark),
        latency_band=latency.band,
    )


def _check_latency(run: RunFolder, costed: Sequence[_Costs], board: Board | None) -> None:
    """Raise DanasError unless all latencies are known."""
    if all(cost.latency_us is not None for cost in costed):
        return
    if board is None:
        raise DanasError(
            "This search estimated no latency, so it can't be limited.",
            f"Name a board: danas-hil pick {run.path} --board NAME --latency …",
        )
    why = find_table(board)
    assert isinstance(why, str)
    raise latency_unknown(board.id, why)


def _row(candidate: Candidate, cost: _Costs, limits: Limits) -> Evaluation:
    """A candidate as an evaluation with int8 validation scores, and `feasible` by `limits`."""
    return Evaluation(
        candidate.evaluation,
        candidate.genome,
        "complete",
        cost.ram_bytes,
        cost.flash_bytes,
        candidate.scores["int8_validation"],
        feasible=within(cost.ram_bytes, cost.flash_bytes, limits, cost.latency_us),
        latency_us=cost.latency_us,
        id=candidate.id,
    )


def _metric(evaluation: Evaluation) -> float:
    return evaluation.scores.worth if evaluation.scores else 0.0

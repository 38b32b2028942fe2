"""The numbers behind the figures of an experiment: what is drawn, what is exported."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from danas_hil.board import device_class_names, load_device_class
from danas_hil.experiment import RunResult
from danas_hil.report.rows import System, finds, steps, systems
from danas_hil.run import Evaluation
from danas_hil.search import hypervolume_history, run_hypervolume
from danas_hil.tasks import t_interval

DRAWN = 600
"""Evaluations of a search that are drawn and exported, beside the members of its fronts."""
_POINTS = 80
"""At which curves are taken."""


@dataclass(frozen=True)
class RunFigures:
    """What one run came to. Accuracies: on validation images, but for `int8_test`.

    hypervolume: `danas_hil.search.run_hypervolume`, 0 to 1.
    int8_accuracy: of the best exported candidate; int8_test: the same candidate's on test images.
    above, above_on_front: systems within the limits from the threshold on (float).
    best: the best float accuracy of a system that fits the device class; None where none does.
    """

    run: str
    search: str
    seed: int
    evaluations: int
    training_steps: int
    reason: str
    hypervolume: float
    int8_accuracy: float | None
    int8_test: float | None
    above: int
    above_on_front: int
    best: dict[str, float | None]


@dataclass(frozen=True)
class Mean:
    """A mean over seeds, with the lowest and the highest. None where no seed has a figure."""

    mean: float | None
    low: float | None
    high: float | None

    @staticmethod
    def of(values: Iterable[float | None]) -> Mean:
        known = [value for value in values if value is not None]
        if not known:
            return Mean(None, None, None)
        return Mean(fmean(known), min(known), max(known))


@dataclass(frozen=True)
class SearchFigures:
    """What one search came to: means over its seeds of what `RunFigures` tells."""

    search: str
    baseline: bool
    seeds: int
    evaluations: Mean
    training_steps: Mean
    hypervolume: Mean
    int8_accuracy: Mean
    int8_test: Mean
    above: Mean
    above_on_front: Mean
    best: dict[str, Mean]


@dataclass(frozen=True)
class Difference:
    """How far `search` is ahead of `baseline` in `quantity`, seed by seed.

    low, high: Student's 95 % interval of the mean over the seeds that both have; None for one seed.
    """

    search: str
    baseline: str
    quantity: str
    seeds: int
    mean: float
    low: float | None
    high: float | None

    @property
    def verdict(self) -> str:
        """`better`, `worse`, or `open` where the interval holds 0 or there is none."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return "open"
        return "better" if self.low > 0 else "worse"


@dataclass(frozen=True)
class Point:
    """A search's curve at one place: the mean over seeds, the lowest and the highest."""

    search: str
    at: float
    mean: float
    low: float
    high: float
    seeds: int


def run_figures(result: RunResult, threshold: float) -> RunFigures:
    found = systems(result.evaluations)
    good = [s for s in found if s.feasible and s.accuracy >= threshold]
    candidates = [c for c in result.candidates if "int8_validation" in c.scores]
    best = max(candidates, key=lambda c: c.scores["int8_validation"].worth, default=None)
    test = best.scores.get("int8_test") if best else None
    return RunFigures(
        run=result.run,
        search=result.search,
        seed=result.seed,
        evaluations=len(result.evaluations),
        training_steps=result.training_steps,
        reason=result.reason,
        hypervolume=run_hypervolume(result.evaluations, result.limits, result.task.chance),
        int8_accuracy=best.scores["int8_validation"].accuracy if best else None,
        int8_test=test.accuracy if test else None,
        above=len(good),
        above_on_front=sum(s.pareto for s in good),
        best={name: _best_within(found, name) for name in device_class_names()},
    )


def _best_within(found: Sequence[System], device_class: str) -> float | None:
    limits = load_device_class(device_class)
    assert limits.ram_bytes is not None
    assert limits.flash_bytes is not None
    fitting = [
        s.accuracy
        for s in found
        if s.ram_bytes <= limits.ram_bytes and s.flash_bytes <= limits.flash_bytes
    ]
    return max(fitting, default=None)


def search_figures(results: Sequence[RunResult], runs: Sequence[RunFigures]) -> list[SearchFigures]:
    """For each search of `results`, in their order, the means of its `runs`."""
    baselines = {result.search: result.baseline for result in results}
    rows = []
    for search, baseline in baselines.items():
        mine = [run for run in runs if run.search == search]
        rows.append(
            SearchFigures(
                search,
                baseline,
                len(mine),
                Mean.of(run.evaluations for run in mine),
                Mean.of(run.training_steps for run in mine),
                Mean.of(run.hypervolume for run in mine),
                Mean.of(run.int8_accuracy for run in mine),
                Mean.of(run.int8_test for run in mine),
                Mean.of(run.above for run in mine),
                Mean.of(run.above_on_front for run in mine),
                {name: Mean.of(run.best[name] for run in mine) for name in mine[0].best},
            )
        )
    return rows


def differences(searches: Sequence[SearchFigures], runs: Sequence[RunFigures]) -> list[Difference]:
    """Every search that is no baseline against every one that is; all under the same limits."""
    values: dict[str, Callable[[RunFigures], float | None]] = {
        "hypervolume": lambda run: run.hypervolume,
        "int8 accuracy": lambda run: run.int8_accuracy,
    }
    rows = []
    for search in (row.search for row in searches if not row.baseline):
        for baseline in (row.search for row in searches if row.baseline):
            for quantity, value in values.items():
                ours = {run.seed: value(run) for run in runs if run.search == search}
                theirs = {run.seed: value(run) for run in runs if run.search == baseline}
                ahead = [
                    mine - other
                    for seed, mine in ours.items()
                    if mine is not None and (other := theirs.get(seed)) is not None
                ]
                if ahead:
                    low, high = t_interval(ahead) or (None, None)
                    rows.append(
                        Difference(search, baseline, quantity, len(ahead), fmean(ahead), low, high)
                    )
    return rows


# -- curves --------------------------------------------------------------------------------------

Place = Callable[[Evaluation], float]
"""Where an evaluation stands on the axis of a curve."""
Curve = Callable[[RunResult, Place], list[tuple[float, float]]]
"""Of one run: places, ascending, and the value from there on."""


def by_time(evaluation: Evaluation) -> float:
    """Minutes of search."""
    return evaluation.elapsed_seconds / 60


def by_count(evaluation: Evaluation) -> float:
    return evaluation.index + 1.0


def hypervolume_curve(result: RunResult, place: Place) -> list[tuple[float, float]]:
    ordered = sorted(result.evaluations, key=place)
    history = hypervolume_history(ordered, result.limits, result.task.chance)
    return [(0.0, 0.0), *((place(e), float(v)) for e, v in zip(ordered, history, strict=True))]


def fitness_curve(result: RunResult, place: Place) -> list[tuple[float, float]]:
    """The mean fitness of 25 evaluations (arXiv 2502.12690, Fig. 7)."""
    at = {e.index: place(e) for e in result.evaluations}
    return sorted((at[step.evaluation], step.mean) for step in steps(result.evaluations))


def front_curve(result: RunResult, place: Place) -> list[tuple[float, float]]:
    """The share of the final front that was found (arXiv 2502.12690, Fig. 8)."""
    at = {e.index: place(e) for e in result.evaluations}
    found = finds(result.evaluations)
    places = sorted(at[find.evaluation] for find in found)
    return [(0.0, 0.0), *zip(places, (find.fraction for find in found), strict=True)]


def curve_points(results: Sequence[RunResult], curve: Curve, place: Place) -> list[Point]:
    """The curves of all searches at the same places, each the mean over its seeds.

    A run that ended early keeps its last value. Where a run has no value yet it does not count.
    """
    end = max((place(e) for result in results for e in result.evaluations), default=0.0)
    grid = [end * number / _POINTS for number in range(_POINTS + 1)]
    rows = []
    for search in dict.fromkeys(result.search for result in results):
        curves = [curve(result, place) for result in results if result.search == search]
        for at in grid:
            known = [value for one in curves if (value := _value_at(one, at)) is not None]
            if known:
                rows.append(Point(search, at, fmean(known), min(known), max(known), len(known)))
    return rows


def _value_at(curve: Sequence[tuple[float, float]], at: float) -> float | None:
    place = bisect_right(curve, at, key=lambda point: point[0])
    return curve[place - 1][1] if place else None


# -- pictures ------------------------------------------------------------------------------------


def drawn_systems(results: Sequence[RunResult], search: str) -> list[tuple[int, System]]:
    """(seed, system): the members of the search's fronts, one for each seed, and of the others an
    even choice of `DRAWN`.
    """
    rows = [
        (result.seed, system)
        for result in results
        if result.search == search
        for system in systems(result.evaluations)
    ]
    others = [row for row in rows if not row[1].pareto]
    step = max(1.0, len(others) / DRAWN)
    kept = [others[int(step * number)] for number in range(min(DRAWN, len(others)))]
    return [*(row for row in rows if row[1].pareto), *kept]


def flat(row: Any) -> dict[str, Any]:
    """A row as it is exported; what is nested gets names such as `hypervolume_mean`."""
    return dict(_cells(asdict(row)))


def _cells(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _cells(inner, f"{before}{name}_")
        else:
            yield f"{before}{name}", inner

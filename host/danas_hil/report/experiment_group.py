"""The figures of an experiment's runs, gathered by the limits that they are under."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from danas_hil.board import Limits
from danas_hil.experiment import Experiment, RunResult, gather_results
from danas_hil.report.experiment_rows import (
    Curve,
    Difference,
    Place,
    Point,
    RunFigures,
    SearchFigures,
    by_count,
    by_time,
    curve_points,
    differences,
    drawn_systems,
    fitness_curve,
    flat,
    front_curve,
    hypervolume_curve,
    run_figures,
    search_figures,
)
from danas_hil.report.rows import columns

CURVES: dict[str, Curve] = {
    "hypervolume": hypervolume_curve,
    "fitness": fitness_curve,
    "front_found": front_curve,
}
"""By their names in the export."""


def limit_figures(limits: Limits) -> dict[str, float | None]:
    """What makes searches comparable: all but who set the limits."""
    return {
        "ram_bytes": limits.ram_bytes,
        "flash_bytes": limits.flash_bytes,
        "latency_us": limits.latency_us,
    }


class Group:
    """The runs under the same limits, which alone can be compared; and their figures."""

    def __init__(self, results: Sequence[RunResult], threshold: float, place: Place) -> None:
        self.results = results
        self.limits: Limits = results[0].limits
        self.runs: list[RunFigures] = [run_figures(result, threshold) for result in results]
        self.searches: list[SearchFigures] = search_figures(results, self.runs)
        self.differences: list[Difference] = differences(self.searches, self.runs)
        self.curves: dict[str, list[Point]] = {
            name: curve_points(results, curve, place) for name, curve in CURVES.items()
        }
        self.drawn = {row.search: drawn_systems(results, row.search) for row in self.searches}

    def exported(self) -> dict[str, list[dict[str, Any]]]:
        """The rows of every figure, with the limits that they are under."""
        limits = {f"limit_{name}": value for name, value in limit_figures(self.limits).items()}
        systems = [
            {"search": search, "seed": seed, **columns(system)}
            for search, rows in self.drawn.items()
            for seed, system in rows
        ]
        parts: dict[str, list[dict[str, Any]]] = {
            "searches": [flat(row) for row in self.searches],
            "differences": [{**flat(row), "verdict": row.verdict} for row in self.differences],
            "runs": [flat(row) for row in self.runs],
            "accuracy_against_ram": systems,
            **{name: [flat(point) for point in points] for name, points in self.curves.items()},
        }
        return {name: [{**limits, **row} for row in rows] for name, rows in parts.items()}


def experiment_groups(experiment: Experiment, folder: Path) -> list[Group]:
    """The finished runs of the experiment in `folder`, by their limits."""
    by_limits: dict[tuple[float | None, ...], list[RunResult]] = {}
    for result in gather_results(experiment, folder):
        limits = limit_figures(result.limits)
        by_limits.setdefault(tuple(limits.values()), []).append(result)
    place = by_time if experiment.timed else by_count
    return [Group(results, experiment.threshold, place) for results in by_limits.values()]


def experiment_json(experiment: Experiment, groups: Sequence[Group]) -> dict[str, Any]:
    """What the report's tables tell, for a program."""
    return {
        "experiment": experiment.name,
        "searches_planned": len(experiment.runs),
        "searches_finished": sum(len(group.runs) for group in groups),
        "limits": [
            {
                **limit_figures(group.limits),
                **{name: group.exported()[name] for name in ("searches", "differences", "runs")},
            }
            for group in groups
        ],
    }

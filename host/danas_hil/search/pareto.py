"""Which evaluations no other one dominates, and how much of the objective space they cover.

The hypervolume of a run is one figure for its whole front. Every comparison of searches uses the
same one, `run_hypervolume`:

- objectives: validation accuracy (up), RAM and flash as shares of their limits (down);
- only complete, feasible evaluations count;
- the reference point is the accuracy of guessing (1 / classes), and all of the RAM and flash;
- it is divided by the volume between the reference and the ideal point (accuracy 1 in no memory),
  and so is 0 to 1;
- a memory without a limit has no share and is no objective. Runs can be compared that have the
  same limits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from danas_hil.board import Limits
from danas_hil.run import Evaluation
from danas_hil.study import DIRECTIONS, objectives

Array = npt.NDArray[np.float64]


def pareto_front(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """The complete, feasible evaluations that no other one dominates, in order of their index.

    One is dominated by another that is as good in every objective and better in one. Of several
    with the same objectives all stay; of several of the same genome, the first.
    """
    unique = {e.genome.id: e for e in reversed(evaluations) if e.scores and e.feasible}
    rows = sorted(unique.values(), key=lambda e: e.index)
    if not rows:
        return []
    signs = np.array([-1.0 if d == "maximize" else 1.0 for d in DIRECTIONS])
    keep = non_dominated(np.array([objectives(row) for row in rows]) * signs)
    return [row for row, kept in zip(rows, keep, strict=True) if kept]


def non_dominated(costs: Array) -> npt.NDArray[np.bool_]:
    """For each row of (n, objectives) costs whether no other row dominates it."""
    keep = np.ones(len(costs), dtype=bool)
    for place, row in enumerate(costs):
        others = costs[keep]
        keep[place] = not np.any(np.all(others <= row, axis=1) & np.any(others < row, axis=1))
    return keep


# -- hypervolume of points ---------------------------------------------------------------------


def hypervolume(points: npt.ArrayLike, reference: npt.ArrayLike) -> float:
    """The volume that (n, objectives) costs dominate, up to the reference (objectives,).

    Exact. All objectives are minimised; what is not better than the reference in every one of
    them adds nothing. Meant for up to five objectives and a few hundred points: the last objective
    is cut into slices, as in While et al., IEEE TEC 10(1), 2006.
    """
    rows, corner = _checked(points, reference)
    return _volume(rows[np.all(rows < corner, axis=1)], corner)


def contributions(points: npt.ArrayLike, reference: npt.ArrayLike) -> Array:
    """For each of (n, objectives) costs by how much `hypervolume` would shrink without it, (n,).

    Zero for a point that is dominated, or there twice, or not better than the reference.
    """
    rows, corner = _checked(points, reference)
    return np.array(
        [_gain(row, np.delete(rows, place, axis=0), corner) for place, row in enumerate(rows)]
    )


def _checked(points: npt.ArrayLike, reference: npt.ArrayLike) -> tuple[Array, Array]:
    corner = np.asarray(reference, np.float64)
    rows = np.asarray(points, np.float64).reshape(-1, len(corner))
    if not (np.isfinite(rows).all() and np.isfinite(corner).all()):
        raise ValueError("a hypervolume is of finite points")
    return rows, corner


def _gain(point: Array, others: Array, corner: Array) -> float:
    """The volume that `point` dominates and none of `others` (n, objectives) does."""
    if np.any(point >= corner) or np.any(np.all(others <= point, axis=1)):
        return 0.0
    shadowed = np.maximum(others, point)
    shadowed = shadowed[np.all(shadowed < corner, axis=1)]
    return max(0.0, float(np.prod(corner - point)) - _volume(shadowed, corner))


def _volume(points: Array, corner: Array) -> float:
    """Of points that are better than the corner in every objective."""
    if not len(points):
        return 0.0
    if len(corner) == 1:
        return float(corner[0] - points.min())
    if len(corner) == 2:
        points = points[np.argsort(points[:, 0])]
        widths = np.diff(points[:, 0], append=corner[0])
        return float(widths @ (corner[1] - np.minimum.accumulate(points[:, 1])))
    points = points[non_dominated(points)]
    points = points[np.argsort(points[:, -1])]
    depths = np.diff(points[:, -1], append=corner[-1])
    return sum(
        float(depth) * _volume(points[:end, :-1], corner[:-1])
        for end, depth in enumerate(depths, 1)
        if depth > 0
    )


def gains(points: Array, front: Array) -> Array:
    """By how much the volume that `front` (n, objectives) dominates would grow by each point.

    points: (m, objectives), all at most three; the reference is at all 1. What is below 0
    counts as 0. What `hypervolume` says with and without the point, for many points at once.
    """
    missing = 3 - points.shape[1]  # an objective in which all are perfect changes no volume
    points, front = (
        np.pad(np.clip(rows, 0, 1), ((0, 0), (0, missing))) for rows in (points, front)
    )
    front = front[np.argsort(front[:, 2])]
    levels = np.concatenate([[0.0], front[:, 2], [1.0]])
    boxes = []  # of what the front leaves: from and to in x, up to in y, from and to in z
    for count in range(len(front) + 1):
        below, above = levels[count], levels[count + 1]
        if below < above:
            steps = front[:count][np.argsort(front[:count, 0])]
            heights = np.minimum.accumulate(np.concatenate([[1.0], steps[:, 1]]))
            edges = np.concatenate([[0.0], steps[:, 0], [1.0]])
            wide = np.flatnonzero((np.diff(edges) > 0) & (heights > 0))
            boxes.append(
                np.stack(
                    np.broadcast_arrays(edges[wide], edges[wide + 1], heights[wide], below, above)
                )
            )
    left, right, top, below, above = np.concatenate(boxes, axis=1)
    x, y, z = points.T[:, :, None]
    widths = np.maximum(right - np.maximum(left, x), 0)
    heights = np.maximum(top - y, 0)
    depths = np.maximum(above - np.maximum(below, z), 0)
    return np.asarray(np.sum(widths * heights * depths, axis=1))


# -- hypervolume of runs -----------------------------------------------------------------------


def run_costs(evaluations: Sequence[Evaluation], limits: Limits, chance: float) -> Array:
    """The objectives of the run's hypervolume as costs, (n, 1 to 3), with the reference at all 1.

    chance: the accuracy of guessing (`Task.chance`).

    Error as a share of that of guessing, RAM and flash as shares of their limits. An evaluation
    that is not complete and feasible costs 1 everywhere, which adds nothing.
    """
    bounds = (limits.ram_bytes, limits.flash_bytes)
    costs = np.ones((len(evaluations), 1 + sum(bound is not None for bound in bounds)))
    counted = [place for place, e in enumerate(evaluations) if e.scores and e.feasible]
    if counted:
        rows = np.array([objectives(evaluations[place]) for place in counted])
        costs[counted] = costs_of(rows[:, 0], rows[:, -2], rows[:, -1], limits, chance)
    return costs


def costs_of(
    accuracy: Array, ram_bytes: Array, flash_bytes: Array, limits: Limits, chance: float
) -> Array:
    """Accuracies (n,) and bytes (n,) as the costs of `run_costs`, (n, 1 to 3)."""
    columns = [(1 - accuracy) / (1 - chance)]
    for size, limit in ((ram_bytes, limits.ram_bytes), (flash_bytes, limits.flash_bytes)):
        if limit is not None:
            columns.append(size / limit)
    return np.column_stack(columns)


def run_hypervolume(evaluations: Sequence[Evaluation], limits: Limits, chance: float) -> float:
    """THE hypervolume of a run, 0 to 1 and more is better, as the head of this file defines it."""
    costs = run_costs(evaluations, limits, chance)
    return hypervolume(costs, np.ones(costs.shape[1]))


def hypervolume_history(evaluations: Sequence[Evaluation], limits: Limits, chance: float) -> Array:
    """The run's hypervolume after each evaluation, (n,), in the order given.

    Over time it stands at the evaluations' `elapsed_seconds`; where several workers wrote them,
    sort by that first.
    """
    costs = run_costs(evaluations, limits, chance)
    corner = np.ones(costs.shape[1])
    front = np.empty((0, len(corner)))
    grown = np.zeros(len(costs))
    for place, row in enumerate(costs):
        grown[place] = _gain(row, front, corner)
        if grown[place] > 0:
            front = np.vstack([front[np.any(front < row, axis=1)], row])
    return np.cumsum(grown)

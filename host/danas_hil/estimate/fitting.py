"""Rates of kernels from timed models: non-negative least squares of relative errors."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from danas_hil.base import DanasError
from danas_hil.estimate.latency import Rates, microseconds
from danas_hil.estimate.nnls import Array, nnls
from danas_hil.estimate.work import Work

_LEAST_SHARE = 1e-4  # of the model's time: what takes less counts as if it took so much
_TIE_WEIGHT = 1e-5  # so little that related rates decide only what no time does
_CALL_WEIGHT = 1e-8  # and as to the fixed cost of a call, that it is none


@dataclass(frozen=True)
class Sample:
    """Operators that were timed together: one, or several where no profile tells them apart."""

    work: tuple[Work, ...]
    microseconds: float


@dataclass(frozen=True)
class TimedModel:
    """A model and the time of one inference, `total_us`; the samples say how it divides.

    key: the file's sha256, or a name that tells it from others.
    """

    name: str
    key: str
    total_us: float
    samples: tuple[Sample, ...]

    @property
    def work(self) -> tuple[Work, ...]:
        return tuple(work for sample in self.samples for work in sample.work)


@dataclass(frozen=True)
class LeftOut:
    """A model's time, and what rates fitted on all the other models make of it.

    estimate_us: None where the others lack a kernel; `lacking` names these.
    """

    model: str
    total_us: float
    estimate_us: float | None
    lacking: tuple[str, ...] = ()

    @property
    def error(self) -> float | None:
        """Estimate less time, as a share of the time."""
        return None if self.estimate_us is None else self.estimate_us / self.total_us - 1


def fit(models: Sequence[TimedModel], related: Rates | None = None) -> Rates:
    """Rates for which the squared errors of all samples are least.

    A sample's error is relative to its time, and counts by its share of its model's; so every
    model counts 1. Samples are scaled to add up to their model's time, which a program without a
    profiler tells better. related: rates of another board with these kernels: what the times leave
    open (a kernel that no model has, counts that always go together) gets their proportions, times
    one factor that is fitted too. Without them, what is left open is not the fixed cost of a call.
    """
    if not models:
        raise DanasError("There is nothing to fit rates on.", "Time some models first.")
    system = _System(models, related or {})
    return system.solve(range(len(models)))


def leave_one_out(
    models: Sequence[TimedModel], related: Rates | None = None
) -> tuple[LeftOut, ...]:
    """For each model what the others tell of it; nothing where there are no others."""
    if len(models) < 2:
        return ()
    system = _System(models, related or {})
    result = []
    for place, model in enumerate(models):
        rates = system.solve([other for other in range(len(models)) if other != place])
        lacking = tuple(dict.fromkeys(w.kernel for w in model.work if w.kernel not in rates))
        guess = None if lacking else sum(microseconds(work, rates) for work in model.work)
        result.append(LeftOut(model.name, model.total_us, guess, lacking))
    return tuple(result)


class _System:
    """The normal equations of each model, which add up to those of any choice of models.

    The unknowns are the rates, and last the factor of the related ones.
    """

    def __init__(self, models: Sequence[TimedModel], related: Rates) -> None:
        terms = {(w.kernel, term) for model in models for w in model.work for term in w.counts}
        terms |= {(kernel, term) for kernel, rates in related.items() for term in rates}
        self._columns = {name: place for place, name in enumerate(sorted(terms))}
        self._related = related
        self._kernels = [{work.kernel for work in model.work} for model in models]
        self._parts = [self._normal(*self._rows(model)) for model in models]
        self._tie = self._normal(*self._ties(_mean_times(models)))

    def solve(self, chosen: Iterable[int]) -> Rates:
        """Rates by the models with these places."""
        places = list(chosen)
        gram, moment = (
            sum((self._parts[place][part] for place in places), start=self._tie[part])
            for part in (0, 1)
        )
        found = nnls(gram, moment)
        known = set(self._related).union(*(self._kernels[place] for place in places))
        rates: dict[str, dict[str, float]] = {}
        for (kernel, term), column in self._columns.items():
            if kernel in known:
                rates.setdefault(kernel, {})[term] = float(found[column])
        return rates

    def _rows(self, model: TimedModel) -> tuple[list[Array], list[float]]:
        measured = sum(sample.microseconds for sample in model.samples)
        scale = model.total_us / measured if measured > 0 else 1.0
        rows, right = [], []
        for sample in model.samples:
            taken = scale * sample.microseconds
            weight = (max(taken, _LEAST_SHARE * model.total_us) * model.total_us) ** -0.5
            row = np.zeros(len(self._columns) + 1)
            for work in sample.work:
                for term, count in work.counts.items():
                    row[self._columns[work.kernel, term]] += weight * count
            rows.append(row)
            right.append(weight * taken)
        return rows, right

    def _ties(self, mean_times: Mapping[str, float]) -> tuple[list[Array], list[float]]:
        """Rows that want each rate to be the related one times the factor, or a call to be free."""
        rows = []
        for (kernel, term), column in self._columns.items():
            rate = self._related.get(kernel, {}).get(term, 0.0)
            row = np.zeros(len(self._columns) + 1)
            if rate > 0:
                row[column], row[-1] = _TIE_WEIGHT**0.5 / rate, -(_TIE_WEIGHT**0.5)
            elif term == "call" and mean_times.get(kernel):
                row[column] = _CALL_WEIGHT**0.5 / mean_times[kernel]
            rows.append(row)
        return rows, [0.0] * len(rows)

    def _normal(self, rows: list[Array], right: list[float]) -> tuple[Array, Array]:
        matrix = np.array(rows).reshape(-1, len(self._columns) + 1)
        return matrix.T @ matrix, matrix.T @ np.array(right)


def _mean_times(models: Sequence[TimedModel]) -> dict[str, float]:
    """Microseconds of a call of each kernel, where its sample has others by equal shares."""
    times: dict[str, list[float]] = {}
    for model in models:
        for sample in model.samples:
            for work in sample.work:
                times.setdefault(work.kernel, []).append(sample.microseconds / len(sample.work))
    return {kernel: statistics.mean(taken) for kernel, taken in times.items()}


def errors(left_out: Sequence[LeftOut]) -> tuple[float, float] | None:
    """Median and worst absolute error, of those that could be estimated; None without any."""
    known = [abs(one.error) for one in left_out if one.error is not None]
    return (statistics.median(known), max(known)) if known else None


def counted(models: Sequence[TimedModel]) -> dict[str, int]:
    """How many operators each kernel ran in all models."""
    return dict(Counter(work.kernel for model in models for work in model.work))

"""Estimate beside Measurement: signed errors, and what meets its limits.

An estimate is the content of a candidate's estimate.json. What is read of it, all of it optional:

    {"paper": {"ram_bytes": …, "flash_bytes": …},            Eq. 2 and Eq. 1, for any board
     "exact": {BOARD: {"build": …, "kernels": …,              the byte-exact model, by board id
                       "arena": {"used_bytes": …, "head_bytes": …, "tail_bytes": …,
                                 "minimum_bytes": …},
                       "flash": {"total_bytes": …, "least_bytes": …, "most_bytes": …,
                                 "model_bytes": …, "code_bytes": …},
                       "ram": {"total_bytes": …, "least_bytes": …, "most_bytes": …},
                       "latency": {"total_us": …, "least_us": …, "most_us": …, "mark": …,
                                   "fitted_on_it": …}}}}

An entry of `exact` is what `danas-hil estimate --json` prints for that board; the board `host` is
the build `host`. A figure that is missing, null or the word "unknown" is unknown here as well.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from danas_hil.base import DanasError, read_json, write_json
from danas_hil.board import Board, Limits, board_names, learn_from, load_board
from danas_hil.estimate.held import Held
from danas_hil.estimate.latency_tables import find_table
from danas_hil.estimate.on_board import estimate_on
from danas_hil.estimate.read import read_file
from danas_hil.measure import Measurement
from danas_hil.run import RunFolder, anew
from danas_hil.targets import Kind

Quantity = Literal["arena", "head", "tail", "ram", "model", "flash", "latency"]
"""arena, head, tail: of TFLM's arena. ram: of the whole firmware. model: the .tflite file, which
is all flash where nothing is built. flash: of the whole firmware. latency: the median."""

Model = Literal["exact", "paper", "fitted"]
"""exact: of TFLM's memory. paper: Eq. 1 and 2. fitted: rates from times of the board."""

NO_LIMITS = Limits()

RAN = ("OK", "PARITY")
"""Statuses of a model that ran: its figures are whole, right or not."""

ESTIMATE_FILE = "estimate.json"
"""Beside measurement.json."""


@dataclass(frozen=True)
class Compared:
    """One quantity of one candidate on one target: an estimate beside what was seen there.

    target: BOARD or BOARD@SERIAL. unit: `bytes` or `us`. model: who estimates. limit: the most that
    there may be; None where there is no limit for this quantity. fitted_on_it: whether the
    candidate is among the models whose times the estimate is fitted on. least, most: the band of
    the estimate; None where nothing says so. mark: of an estimated time that is not fitted on times
    of the board, such as `estimated, uncalibrated, ±20 %`.
    """

    candidate: str
    target: str
    board: str
    kind: Kind
    quantity: Quantity
    unit: Literal["bytes", "us"]
    model: Model
    estimate: float | None
    observed: float | None
    limit: int | None = None
    fitted_on_it: bool = False
    least: float | None = None
    most: float | None = None
    mark: str = ""

    @property
    def error(self) -> float | None:
        """Estimate less observation, in the unit: above zero says too much."""
        if self.estimate is None or self.observed is None:
            return None
        return self.estimate - self.observed

    @property
    def error_share(self) -> float | None:
        """The error as a share of the observation."""
        return self.error / self.observed if self.error is not None and self.observed else None

    @property
    def fits(self) -> bool | None:
        """Whether the observation, or else the estimate, is within the limit; None: not known."""
        if self.limit is None:
            return None
        if self.observed is not None:
            return self.observed <= self.limit
        return _within(self.least, self.most, self.limit)

    def to_json(self) -> dict[str, Any]:
        derived = {"error": self.error, "error_share": self.error_share, "fits": self.fits}
        return {**asdict(self), **derived}


@dataclass(frozen=True)
class Verdict:
    """What came of one candidate on one target.

    status: of the measurement, with its reason. parity: None where outputs were not compared.
    fits: whether RAM and flash are within the limits; None where a figure is missing that could
    break one, where the model never ran, and without limits. from_estimate: whether `fits`
    leans on an estimate, for want of a measurement. limited: whether the board has limits.
    unknown: why `fits` is None.
    """

    candidate: str
    target: str
    board: str
    kind: Kind
    status: str
    reason: str
    parity: bool | None
    fits: bool | None
    from_estimate: bool
    limited: bool = True
    unknown: str = ""

    @property
    def good(self) -> bool:
        return self.status == "OK" and self.fits is not False


@dataclass(frozen=True)
class Comparison:
    """Rows and verdicts, in the order of the measurements."""

    rows: tuple[Compared, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def good(self) -> bool:
        """Whether every measurement is good and nothing is known to break its limits."""
        return all(verdict.good for verdict in self.verdicts)

    def to_json(self) -> dict[str, Any]:
        verdicts = [{**asdict(verdict), "good": verdict.good} for verdict in self.verdicts]
        return {"rows": [row.to_json() for row in self.rows], "verdicts": verdicts}


def compare(
    measurements: Iterable[Measurement],
    estimates: Mapping[str, Mapping[str, Any]],
    limits: Mapping[str, Limits] | None = None,
) -> Comparison:
    """Put estimates beside measurements.

    estimates: the content of estimate.json by candidate id; one that is not there is unknown.
    limits: by board id; a board that is not there has none.
    """
    rows: list[Compared] = []
    verdicts: list[Verdict] = []
    for measurement in measurements:
        allowed = (limits or {}).get(measurement.board, NO_LIMITS)
        estimate = estimates.get(measurement.model, {})
        rows.extend(_rows(measurement, estimate, allowed))
        verdicts.append(_verdict(measurement, estimate, allowed))
    return Comparison(tuple(rows), tuple(verdicts))


def compare_run(run: RunFolder) -> tuple[tuple[Measurement, ...], Comparison]:
    """All measurements of `run`, and each beside the estimates of its candidate.

    Raises DanasError when the run has no front, and naming a measurement.json that is damaged.
    """
    measurements = tuple(_read(file, *place) for place, file in run.measurements().items())
    estimates = {candidate.id: candidate.estimate for candidate in run.front().candidates}
    for m in measurements:
        model, folder = run.candidate(m.model) / "model.tflite", run.measured(m.model, m.target)
        learn_from(folder, m.board)
        estimates[m.model] = keep_estimate(estimates.get(m.model, {}), m.board, model, folder)
    return measurements, compare_with_boards(measurements, estimates)


def _read(file: Path, id_: str, target: str) -> Measurement:
    """The measurement in `file`, which is of the candidate and the target of its folder."""
    measurement = Measurement.read(file)
    if (measurement.model, measurement.target) != (id_, target):
        raise DanasError(f"{file} is a measurement of another model or board.", anew(file))
    return measurement


def compare_with_boards(
    measurements: Sequence[Measurement], estimates: Mapping[str, Mapping[str, Any]]
) -> Comparison:
    """As `compare`, with the limits of each measurement's board."""
    boards = {m.board for m in measurements} & set(board_names())
    return compare(measurements, estimates, {name: load_board(name).limits for name in boards})


def keep_estimate(
    estimate: Mapping[str, Any], board: str, model: Path, folder: Path
) -> dict[str, Any]:
    """`estimate`, the content of estimate.json, with the exact one for `board` if it lacks it.

    That is made from the file `model`, and kept in `folder` at the first call: what a build tells
    of its board is part of later estimates, which would then agree with that very build. Left as it
    is where the memory model does not cover the model, and where the model or the board is gone.
    Latency is filled in as soon as rates are known.
    """
    exact = dict(estimate.get("exact", {}))
    file = folder / ESTIMATE_FILE
    if board not in exact and file.is_file():
        exact[board] = read_json(file, anew(file))
    if board not in exact and board in board_names():
        with contextlib.suppress(OSError, DanasError):
            made = estimate_on(load_board(board), read_file(model), name=model.stem).to_json()
            made.pop("plan")  # long; worked out again where it is drawn
            exact[board] = made
            write_json(file, made)
    kept = exact.get(board)
    if isinstance(kept, Mapping) and board in board_names():
        exact[board] = _with_latency(kept, load_board(board), model)
    return {**estimate, "exact": exact}


def _with_latency(kept: Mapping[str, Any], board: Board, model: Path) -> Mapping[str, Any]:
    """`kept` with its latency: that of today, where none was known when it was made, or only an
    uncalibrated one, and times of the board are known now."""
    table = find_table(board)
    known = figure(kept, "latency", "total_us") is not None
    if isinstance(table, str) or (known and (not _mark(kept) or table.mark)):
        return kept
    with contextlib.suppress(DanasError):
        found = estimate_on(board, read_file(model), name=model.stem)
        return {**kept, "latency": found.latency.to_json()}
    return kept


def _mark(exact: Any) -> str:
    """What stands beside an estimated time that is not fitted on times of the board."""
    latency = exact.get("latency") if isinstance(exact, Mapping) else None
    mark = latency.get("mark") if isinstance(latency, Mapping) else None
    return mark if isinstance(mark, str) else ""


def figure(value: Any, *keys: str) -> float | None:
    """The number at `keys` of nested mappings; None where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    return value if usable else None


_ESTIMATED: tuple[tuple[Quantity, Model, tuple[str, ...]], ...] = (
    ("arena", "exact", ("arena", "used_bytes")),
    ("arena", "paper", ("ram_bytes",)),
    ("head", "exact", ("arena", "head_bytes")),
    ("tail", "exact", ("arena", "tail_bytes")),
    ("ram", "exact", ("ram", "total_bytes")),
    ("model", "exact", ("flash", "model_bytes")),
    ("model", "paper", ("flash_bytes",)),
    ("flash", "exact", ("flash", "total_bytes")),
    ("flash", "paper", ("flash_bytes",)),
    ("latency", "fitted", ("latency", "total_us")),
)
"""Who estimates what, and where it stands in estimate.json. Eq. 2 is meant to be all RAM that a
network takes; held against the arena alone it looks better than it is."""


def _rows(
    measurement: Measurement, estimate: Mapping[str, Any], limits: Limits
) -> Iterable[Compared]:
    observed = _observed(measurement)
    for quantity, model, keys in _ESTIMATED:
        seen = observed[quantity]
        built = quantity not in ("ram", "flash") or measurement.sizes is not None
        told = quantity not in ("head", "tail", "latency") or seen is not None
        if not built or not told:  # the target has no such thing
            continue
        source = _source(estimate, model, measurement)
        least, most = _bounds(source, quantity, keys)
        yield Compared(
            candidate=measurement.model,
            target=measurement.target,
            board=measurement.board,
            kind=measurement.kind,
            quantity=quantity,
            unit="us" if quantity == "latency" else "bytes",
            model=model,
            estimate=figure(source, *keys),
            observed=seen,
            limit=_LIMITED[quantity](limits) if quantity in _LIMITED else None,
            fitted_on_it=model == "fitted" and _fitted_on_it(source),
            mark=_mark(source) if model == "fitted" else "",
            least=least,
            most=most,
        )


def _bounds(
    source: Any, quantity: Quantity, keys: tuple[str, ...]
) -> tuple[float | None, float | None]:
    """The band of an estimate; one that tells none is taken for exact."""
    best = figure(source, *keys)
    told = source.get(quantity) if isinstance(source, Mapping) else None
    name, _, unit = keys[-1].rpartition("_")
    if name != "total" or not isinstance(told, Mapping) or f"least_{unit}" not in told:
        return best, best
    return figure(told, f"least_{unit}"), figure(told, f"most_{unit}")


def _within(least: float | None, most: float | None, limit: float) -> bool | None:
    return Held(None, least or 0.0, most, limit).fits


_LIMITED = {
    "arena": lambda limits: limits.ram_bytes,
    "ram": lambda limits: limits.ram_bytes,
    "model": lambda limits: limits.flash_bytes,
    "flash": lambda limits: limits.flash_bytes,
}


def _source(estimate: Mapping[str, Any], model: Model, measurement: Measurement) -> Any:
    """What `model` tells of the build that was measured: of another library than estimates are
    made for, the exact one and the fitted one tell nothing."""
    if model == "paper":
        return estimate.get("paper")
    part = estimate.get("exact")
    if measurement.custom_library or not isinstance(part, Mapping):
        return None
    return part.get(measurement.board)


def _fitted_on_it(exact: Any) -> bool:
    latency = exact.get("latency") if isinstance(exact, Mapping) else None
    return isinstance(latency, Mapping) and latency.get("fitted_on_it") is True


def _observed(measurement: Measurement) -> dict[Quantity, float | None]:
    memory, sizes, latency = measurement.memory, measurement.sizes, measurement.latency
    ram = None
    if sizes is not None and memory is not None and memory.stack_peak_bytes is not None:
        ram = sizes.static_ram_bytes + memory.stack_peak_bytes
    return {
        "arena": None if memory is None else memory.arena_used_bytes,
        "head": None if memory is None else memory.head_bytes,
        "tail": None if memory is None else memory.tail_bytes,
        "ram": ram,
        "model": measurement.model_bytes or None,
        "flash": None if sizes is None else sizes.flash_bytes,
        "latency": None if latency is None else latency.median_us,
    }


def _verdict(measurement: Measurement, estimate: Mapping[str, Any], limits: Limits) -> Verdict:
    observed = _observed(measurement)
    exact = _source(estimate, "exact", measurement)
    leans = False
    held: dict[str, bool | None] = {}
    quantities: tuple[tuple[int | None, Quantity, Quantity], ...] = (
        (limits.ram_bytes, "ram", "arena"),
        (limits.flash_bytes, "flash", "model"),
    )
    for limit, quantity, of_it in quantities:
        whole, part = observed[quantity], observed[of_it]
        if limit is None:
            continue
        if whole is not None:
            held[quantity] = whole <= limit
        elif part is not None and part > limit:
            held[quantity] = False  # a part of it is too much already
        else:
            band = _bounds(exact, quantity, (quantity, "total_bytes"))
            held[quantity] = _within(*band, limit)
            leans = leans or held[quantity] is not None
    fits, unknown = _judged(measurement.status, held)
    return Verdict(
        candidate=measurement.model,
        target=measurement.target,
        board=measurement.board,
        kind=measurement.kind,
        status=measurement.status,
        reason="" if measurement.failure is None else measurement.failure.reason,
        parity=None if measurement.parity is None else measurement.parity.equal,
        fits=fits,
        from_estimate=leans,
        limited=bool(held),
        unknown=unknown,
    )


def _judged(status: str, held: Mapping[str, bool | None]) -> tuple[bool | None, str]:
    """Whether all that is limited is within it, or why that is not known."""
    if status == "SIZE" or False in held.values():
        return False, ""
    if not held or status not in RAN:
        return None, "it did not run" if held else "there is no limit"
    lacking = [what for what, within in held.items() if within is None]
    return (None, f"not certain of {', '.join(lacking)}") if lacking else (True, "")

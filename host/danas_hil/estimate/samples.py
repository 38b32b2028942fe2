"""The samples that the tables which come along were fitted on, so that a new fit takes them too.

A file for each board, beside its table: by kernel a row for each operator that was timed, with
what it did, its time, and the cycles that its instructions take by Arm's timings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from danas_hil.base import DanasError, read_json, write_atomic
from danas_hil.estimate.fitting import Sample, TimedModel
from danas_hil.estimate.work import Work

_SCHEMA = 2
_HEAD = ("board", "build", "kernels", "toolchain", "tflm", "instruction_ns")
_FOLDER = Path(__file__).with_name("samples")


@dataclass(frozen=True)
class Samples:
    """What was timed of one board and build, with a sample for each operator.

    board, build, kernels, toolchain, tflm: as in LatencyTable. instruction_ns: what an instruction
    takes there. models: as they were timed; cycles: of each operator of each of them, on a
    Cortex-M4 with zero wait states.
    """

    board: str
    build: str
    kernels: str
    toolchain: str
    tflm: str
    instruction_ns: int
    models: tuple[TimedModel, ...]
    cycles: tuple[tuple[float, ...], ...]

    @property
    def in_cycles(self) -> tuple[TimedModel, ...]:
        """The models with cycles for microseconds."""
        return tuple(_retimed(*pair) for pair in zip(self.models, self.cycles, strict=True))

    @property
    def in_instructions(self) -> tuple[TimedModel, ...]:
        """The models with instructions for microseconds."""
        each = 1000 / self.instruction_ns
        return tuple(
            _retimed(model, [each * sample.microseconds for sample in model.samples])
            for model in self.models
        )


def _retimed(model: TimedModel, taken: Sequence[float]) -> TimedModel:
    pairs = zip(model.samples, taken, strict=True)
    samples = tuple(Sample(sample.work, of) for sample, of in pairs)
    return TimedModel(model.name, model.key, sum(taken), samples)


def shipped_samples(board: str) -> Samples | None:
    """Those that come along for this board; None where there are none."""
    path = _FOLDER / f"{board}.json"
    return read_samples(path) if path.is_file() else None


def write_samples(path: Path, samples: Samples) -> None:
    """Write `samples` compactly: a line for each model and operator."""
    kernels: dict[str, dict[str, Any]] = {}
    for place, (model, cycles) in enumerate(zip(samples.models, samples.cycles, strict=True)):
        for order, (sample, taken) in enumerate(zip(model.samples, cycles, strict=True)):
            (work,) = sample.work
            of = kernels.setdefault(work.kernel, {"terms": sorted(work.counts), "rows": []})
            counts = [work.counts[term] for term in of["terms"]]
            of["rows"].append([place, order, round(sample.microseconds, 3), round(taken), *counts])
    head = {
        "schema": _SCHEMA,
        "board": samples.board,
        "build": samples.build,
        "kernels": samples.kernels,
        "toolchain": samples.toolchain,
        "tflm": samples.tflm,
        "instruction_ns": samples.instruction_ns,
    }
    lines = [f" {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    models = [json.dumps([m.name, m.key, round(m.total_us, 3)]) for m in samples.models]
    lines += [' "models": [', ",\n".join(models), " ],", ' "operators": {']
    parts = []
    for kernel, of in sorted(kernels.items()):
        rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in of["rows"])
        terms = json.dumps(of["terms"])
        parts.append(f'  {json.dumps(kernel)}: {{"terms": {terms}, "rows": [\n{rows}\n  ]}}')
    write_atomic(path, "\n".join(["{", *lines, ",\n".join(parts), " }", "}", ""]))


def read_samples(path: Path) -> Samples:
    """The inverse of `write_samples`. Raises DanasError if it can't be read or is damaged."""
    value = read_json(path)
    try:
        return _samples(value)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise DanasError(f"{path} is damaged ({error!r}).", "Install danas-hil anew.") from error


def _samples(value: Mapping[str, Any]) -> Samples:
    if value["schema"] != _SCHEMA:
        raise ValueError(f"schema {value['schema']}")
    operators: list[dict[int, tuple[Sample, float]]] = [{} for _ in value["models"]]
    for kernel, of in value["operators"].items():
        for place, order, microseconds, cycles, *counts in of["rows"]:
            work = Work(kernel, dict(zip(of["terms"], counts, strict=True)))
            operators[place][order] = (Sample((work,), float(microseconds)), float(cycles))
    models, cycles = [], []
    for (name, key, total), of in zip(value["models"], operators, strict=True):
        rows = [of[order] for order in range(len(of))]
        models.append(TimedModel(name, key, float(total), tuple(sample for sample, _ in rows)))
        cycles.append(tuple(taken for _, taken in rows))
    return Samples(
        **{key: value[key] for key in _HEAD},
        models=tuple(models),
        cycles=tuple(cycles),
    )

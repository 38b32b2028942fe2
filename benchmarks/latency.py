"""How well latency is estimated: models foretold by rates fitted on other models.

    python benchmarks/latency.py [MEASUREMENTS] [--models FOLDER] [--board qemu-m4] [--json]

With a folder of published measurements (mcufit_bench.csv and mcufit_bench_layers.csv of
avionicharshit-byte/mcufit-bench; default: ../shared/data/measurements) and their models, each model
that was timed on a real Nano 33 BLE is left out once: by counted cycles times the factor of the
other three, as it is before anything was timed; by rates of the other models alone;
with the proportions of the emulated table that comes along for what these leave open; and with
those of a table of --board that is fitted without any of these models. The published times are sums
over all operators of a kind. All four are builds with -Os by GCC 7, and the cycles counted for them
are those of -Os (nano_os.json, made by cycles.py with GCC 12); the product builds with -O2, of
which no time on a real Nano is published.

Then the same for all that `danas-hil calibrate` and `flash` have timed on --board in this user's
folder; where nothing was, it says so.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from danas_hil.base import DanasError
from danas_hil.board import format_latency, load_board
from danas_hil.calibrate import calibrate
from danas_hil.estimate import read_graph
from danas_hil.estimate.fitting import LeftOut, Sample, TimedModel, errors, fit, leave_one_out
from danas_hil.estimate.latency import Rates
from danas_hil.estimate.latency_tables import related_table
from danas_hil.estimate.samples import read_samples, shipped_samples
from danas_hil.estimate.work import Work, work_of
from danas_hil.measure import recall

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
COUNTED = Path(__file__).with_name("nano_os.json")
PUBLISHED = "nano33ble"
"""The board's name in the published files, and here."""


def published(folder: Path, models: Path) -> list[TimedModel]:
    """Each model that was timed on the Nano, with a sample for each kind of operator."""
    kinds: dict[str, dict[str, float]] = {}
    for row in _rows(folder / "mcufit_bench_layers.csv"):
        if row["target"] == PUBLISHED:
            kinds.setdefault(row["model"], {})[row["op"]] = float(row["us_per_inference"])
    totals: dict[str, list[float]] = {}
    for row in _rows(folder / "mcufit_bench.csv"):
        if PUBLISHED in row["board"]:
            totals.setdefault(row["model"], []).append(1000 * float(row["latency_ms"]))
    found = []
    for name, times in kinds.items():
        graph = read_graph((models / name).read_bytes(), name)
        works: dict[str, list[Work]] = {}
        for operator, work in zip(graph.operators, work_of(graph), strict=True):
            works.setdefault(operator.kind, []).append(work)
        samples = tuple(Sample(tuple(works[kind]), taken) for kind, taken in times.items())
        total = statistics.median(totals[name])
        found.append(TimedModel(name.removesuffix(".tflite"), name, total, samples))
    return found


def ratios(models: Sequence[TimedModel], clock_hz: int) -> dict[str, float]:
    """By model, how many times its counted cycles at -Os it took: the factor that is its own."""
    counted = {one.name: one.total_us for one in read_samples(COUNTED).in_cycles}
    return {one.name: one.total_us * clock_hz / 1e6 / counted[one.name] for one in models}


def by_factor(
    models: Sequence[TimedModel], own: Mapping[str, float], others: Callable[[str], Iterable[str]]
) -> tuple[LeftOut, ...]:
    """Each model as the median factor of `others` foretells it."""
    found = []
    for model in models:
        factor = statistics.median(own[name] for name in others(model.name))
        guess = model.total_us * factor / own[model.name]
        found.append(LeftOut(model.name, model.total_us, guess))
    return tuple(found)


def left_out_by_factor(
    models: Sequence[TimedModel], own: Mapping[str, float]
) -> tuple[LeftOut, ...]:
    """Each model by counted cycles times the median of the other models' factors."""
    return by_factor(models, own, lambda name: own.keys() - {name})


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def show(title: str, kind: str, left_out: tuple[LeftOut, ...]) -> None:
    """A Markdown table, and the errors in a line."""
    print(f"\n{title}\n\n| model | {kind} | estimated | error |\n| --- | ---: | ---: | ---: |")
    for one in left_out:
        guess, error = "unknown", f"no {', '.join(one.lacking)}"
        if one.estimate_us is not None and one.error is not None:
            guess, error = format_latency(one.estimate_us), f"{100 * one.error:+.1f} %"
        print(f"| {one.model} | {format_latency(one.total_us)} | {guess} | {error} |")
    found = errors(left_out)
    if found:
        known = sum(one.error is not None for one in left_out)
        print(f"\n{known} of {len(left_out)} models: median error {100 * found[0]:.1f} %,"
              f" worst {100 * found[1]:.1f} %")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("measurements", type=Path, nargs="?", default=SHARED / "measurements")
    parser.add_argument("--models", type=Path, default=SHARED / "models")
    parser.add_argument("--board", default="qemu-m4")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    tables: list[tuple[str, str, tuple[LeftOut, ...]]] = []
    if arguments.measurements.is_dir():
        models = published(arguments.measurements, arguments.models)
        related = related_table(load_board(PUBLISHED))
        own = ratios(models, load_board(PUBLISHED).clock_hz or 0)
        told = ", ".join(f"{name} {ratio:.3f}" for name, ratio in own.items())
        title = f"Nano 33 BLE, -Os, uncalibrated: counted cycles by the others' factor ({told})"
        tables.append((title, "measured", left_out_by_factor(models, own)))
        for name in own:
            words = f"Nano 33 BLE, -Os, uncalibrated: by the factor of {name} alone"
            others = [model for model in models if model.name != name]
            tables.append((words, "measured", by_factor(others, own, lambda _, one=name: [one])))
        choices: list[tuple[str, Rates | None]] = [("by the other models alone", None)]
        if related is not None:
            choices.append((f"with the proportions of {related.board}", related.rates))
        names = {model.name for model in models}
        samples = shipped_samples(arguments.board)
        timed = {one.timed.key: one.timed for one in recall(load_board(arguments.board))}
        along = {one.key: one for one in samples.models} if samples else {}
        others = [one for one in {**along, **timed}.values() if one.name not in names]
        if others:
            words = f"with the proportions of {len(others)} other models of {arguments.board}"
            choices.append((words, fit(others)))
        for words, rates in choices:
            title = f"Nano 33 BLE, -Os, {words}"
            tables.append((title, "measured", leave_one_out(models, rates)))
    try:
        found = calibrate(load_board(arguments.board))
    except DanasError as error:
        tables.append((f"{arguments.board}: {error}", "time", ()))
    else:
        title = f"{arguments.board}, {found.table.toolchain}, {found.table.tflm}"
        tables.append((title, found.table.kind, found.left_out))
    if arguments.json:
        print(json.dumps({title: [asdict(one) for one in rows] for title, _, rows in tables}))
        return
    for title, kind, rows in tables:
        show(title, kind, rows)


if __name__ == "__main__":
    main()

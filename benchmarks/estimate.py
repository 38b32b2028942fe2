"""The memory estimate against real TensorFlow Lite Micro, and how fast it is.

    python benchmarks/estimate.py [--genomes 200] [--models FOLDER] [--json]

Random genomes are converted with random weights and loaded by the tflite-micro wheel: the estimate
from the genome alone is held against its arena (total, head, tail) and the file's size. With a
folder of public models (default: ../shared/data/models) the table of docs/memory.md is printed:
by how much our estimate, Eq. 2 of the paper and activations alone miss the arena.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from danas_hil import tflm
from danas_hil.builds import load_build
from danas_hil.calibrate import random_model
from danas_hil.estimate import (
    activation_bytes,
    estimate_arena,
    estimate_genome,
    estimate_model,
    lay_out,
    read_graph,
)
from danas_hil.signals.image import ImageConfig
from danas_hil.space import DEFAULT_SPACE, Genome

MODELS = Path(__file__).resolve().parents[2] / "shared/data/models"


def genomes_against_tflm(count: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Errors in bytes over `count` random genomes; those that TFLM itself aborts on are counted."""
    host, worst, size, aborted = load_build("host"), 0, 0.0, 0
    for seed in range(count):
        genome = DEFAULT_SPACE.sample(np.random.default_rng(seed))
        content = random_model(genome, seed)
        try:
            with tflm.load(content, str(genome)) as loaded:
                told = loaded.allocations()
        except tflm.CrashedError:
            aborted += 1
            continue
        graph = lay_out(genome, classes=2)
        found = estimate_arena(graph, host)
        error = max(
            abs(found.used_bytes - told.total_bytes),
            abs(found.head_bytes - told.head_bytes),
            abs(found.tail_bytes - told.tail_bytes),
        )
        worst = max(worst, error)
        size = max(size, abs(graph.file_bytes - len(content)) / len(content))
        if error or (seed + 1) % 20 == 0:
            say(f"{seed + 1} genomes; {genome}: {error} bytes off; worst so far {worst}")
    return {
        "genomes": count - aborted,
        "tflm_aborted": aborted,
        "worst_arena_error_bytes": worst,
        "worst_file_size_error_percent": 100 * size,
    }


DEVICE_ARENA = {
    "person_detect": 82740,
    "kws_ref_model": 24164,
    "pretrainedResnet_quant": 55188,
    "ad01_int8": 2596,
    "vww_96_int8": 101108,
    "str_ww_ref_model": 16756,
}
"""arena_used_bytes() of the PlatformIO library. The first four were printed by a real Nano 33 BLE
(avionicharshit-byte/mcufit-bench), the others by firmware for an emulated Cortex-M4."""


def models_against_tflm(folder: Path) -> list[dict[str, Any]]:
    """A row for each model: what was measured, and what each way of counting makes of it; bytes.

    host, device: measured arenas, None where there is no figure; ours_host, ours_device: estimated
    ones. equation_2, activations: the same whatever runs the model.
    """
    rows = []
    for path in sorted(folder.glob("*.tflite")):
        content = path.read_bytes()
        graph = read_graph(content, path.name)
        device = estimate_arena(graph, load_build("arduino"))
        with tflm.load(content, path.name) as loaded:
            host = loaded.allocations().total_bytes
        rows.append(
            {
                "model": path.stem,
                "host": host,
                "ours_host": estimate_arena(graph, load_build("host")).used_bytes,
                "device": DEVICE_ARENA.get(path.stem),
                "ours_device": device.used_bytes,
                "equation_2": activation_bytes(graph),
                "activations": dict(device.by_cause)["activations"],
            }
        )
    return rows


def best_milliseconds(work: Callable[[], object], runs: int = 30) -> float:
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return 1000 * min(times)


def timings(folder: Path) -> dict[str, float]:
    """Milliseconds, best of 30: the largest genome, and a file of VWW's size."""
    largest = DEFAULT_SPACE.subnets("mobilenet_v2").largest
    genome = Genome(ImageConfig(96, "rgb"), largest)
    result = {
        "largest_genome_ms": best_milliseconds(
            lambda: estimate_genome(genome, 2, load_build("arduino"))
        )
    }
    path = folder / "vww_96_int8.tflite"
    if path.is_file():
        content = path.read_bytes()
        result["vww_file_ms"] = best_milliseconds(
            lambda: estimate_model(content, load_build("arduino"))
        )
    return result


def as_table(rows: list[dict[str, Any]]) -> str:
    """Markdown. Eq. 2 and activations alone are held against the device, or else the host."""
    lines = [
        "| model | host | ours | device | ours | Eq. 2 | activations alone |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        measured = row["device"] or row["host"]
        cells = [
            row["model"],
            row["host"],
            f"{row['ours_host'] - row['host']:+d}",
            row["device"] or "",
            f"{row['ours_device'] - row['device']:+d}" if row["device"] else "",
            *(f"{100 * (row[key] / measured - 1):+.0f} %" for key in ("equation_2", "activations")),
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--genomes", type=int, default=200)
    parser.add_argument("--models", type=Path, default=MODELS)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    say = (lambda _: None) if arguments.json else print
    result = {
        **genomes_against_tflm(arguments.genomes, say),
        **timings(arguments.models),
        "models": models_against_tflm(arguments.models),
    }
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    print(as_table(result.pop("models")))
    for name, value in result.items():
        print(f"{name}: {value:.4g}" if isinstance(value, float) else f"{name}: {value}")


if __name__ == "__main__":
    main()

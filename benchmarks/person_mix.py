"""A data-aware search on real photos, against a small MLP and a plain small CNN.

    python benchmarks/person_mix.py [DATA] [--time-budget 1h] [--run RUN] [--json]

DATA is a folder with Parquet files in Wake Vision's schema and a `source` column. The search runs
as a user runs it (`danas-hil search DATA --ram 256kB --flash 1MB --resolutions 32,64,96`); the
candidate is the one that it chose by int8 validation accuracy. The baselines see the same images,
augmented alike, and are converted alike; each is trained at 32 and 64 pixels and the better one on
validation stands for its kind. Printed: int8 accuracy on test images, in all, by source, and
macro-averaged over the sources with a 95 % bootstrap interval.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from danas_hil import convert
from danas_hil.data import SourceOptions
from danas_hil.data.wake_vision import TASK
from danas_hil.run import RunFolder, read_genome
from danas_hil.signals.image import ImageConfig
from danas_hil.signals.image.dataset import Dataset, open_dataset
from danas_hil.signals.image.files import open_images
from danas_hil.signals.image.views import (
    EvaluationView,
    TrainingView,
    representative_images,
)
from danas_hil.signals.shown import LabelledImages
from danas_hil.tasks import Scores

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "person_mix"
RESOLUTIONS = (32, 64, 96)
SEED = 0


def search(data: Path, budget: str, run: Path | None) -> tuple[RunFolder, float, float]:
    """Run the search as a user does: its run folder, seconds, and peak memory in GB."""
    if run is not None:
        return RunFolder.open(run), float("nan"), float("nan")
    folder = Path(tempfile.mkdtemp(prefix="person-mix-"))
    command = [sys.executable, "-m", "danas_hil", "search", str(data.resolve())]
    command += [
        "--ram",
        "256kB",
        "--flash",
        "1MB",
        "--resolutions",
        ",".join(map(str, RESOLUTIONS)),
    ]
    command += ["--time-budget", budget, "--seed", str(SEED), "--name", "person-mix"]
    started = time.monotonic()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    return RunFolder.open(folder / "runs" / "person-mix"), seconds, peak


def mlp(shape: tuple[int, int, int]) -> Any:
    """Two hidden layers, as small as the limits call for: 400 kB at 32x32 rgb."""
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.AveragePooling2D(shape[0] // 32),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(64, activation="relu"),
            layers.Dense(2, activation="softmax"),
        ]
    )


def cnn(shape: tuple[int, int, int]) -> Any:
    """Four 3x3 convolutions with batch norm, halving the map each time."""
    import keras

    layers = keras.layers
    stack = [keras.Input(shape)]
    for filters in (16, 32, 64, 64):
        stack += [
            layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(6.0),
        ]
    side = -(-shape[0] // 16)
    stack += [
        layers.AveragePooling2D(side),
        layers.Flatten(),
        layers.Dense(2, activation="softmax"),
    ]
    return keras.Sequential(stack)


def train(build: Any, dataset: Dataset, data: ImageConfig, steps: int) -> bytes:
    """The baseline trained on `data`, as an int8 .tflite file."""
    import keras

    keras.utils.set_random_seed(SEED)
    model = build(data.shape)
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    model.compile(
        keras.optimizers.AdamW(schedule, weight_decay=0.02),
        keras.losses.SparseCategoricalCrossentropy(),
    )
    view = TrainingView(dataset.split("train"), data, SEED)
    for images, labels in view.batches(0, steps, 64):
        model.train_on_batch(images, labels)
    train_split = dataset.split("train")
    return convert.to_tflite(model, representative_images(train_split, data, 100, SEED))


def baseline(build: Any, dataset: Dataset, steps: int) -> tuple[ImageConfig, bytes]:
    """The one of 32 and 64 pixels that is better on validation images."""
    found = []
    for resolution in (32, 64):
        data = ImageConfig(resolution, "rgb")
        model = train(build, dataset, data, steps)
        images = EvaluationView(dataset.split("validation"), data).arrays()
        accuracy = Scores.of(images.labels, predict(model, images), TASK).accuracy
        found.append((accuracy, data, model))
    _, data, model = max(found, key=lambda item: item[0])
    return data, model


def predict(model: bytes, images: LabelledImages) -> np.ndarray:
    return np.argmax(convert.classify(model, images.images, threads=2), axis=1)


def row(name: str, dataset: Dataset, data: ImageConfig, model: bytes) -> dict[str, Any]:
    """Int8 scores on the test images."""
    images = EvaluationView(dataset.split("test"), data).arrays()
    predicted = predict(model, images)
    right = predicted == images.labels
    groups = np.array(images.groups)
    names = sorted(set(images.groups))
    rng = np.random.default_rng(SEED)
    parts = [right[groups == group] for group in names]
    draws = [
        np.mean([part[rng.integers(len(part), size=len(part))].mean() for part in parts])
        for _ in range(2000)
    ]
    return {
        "name": name,
        "data": data.name,
        "model_bytes": len(model),
        "scores": Scores.of(images.labels, predicted, TASK).to_json(),
        "interval": Scores.of(images.labels, predicted, TASK).interval,
        "macro": float(np.mean([part.mean() for part in parts])),
        "macro_interval": [float(q) for q in np.quantile(draws, (0.025, 0.975))],
        "groups": {
            group: Scores.of(
                images.labels[groups == group], predicted[groups == group], TASK
            ).to_json()
            for group in names
        },
    }


def show(rows: list[dict[str, Any]]) -> None:
    groups = list(rows[0]["groups"])
    print("int8 accuracy on test images, %, with 95 % intervals; precision and recall of person\n")
    columns = ["model", "data", "kB", "all", "macro", "precision", "recall", *groups]
    print("| " + " | ".join(columns) + " |")
    print("|" + " --- |" * len(columns))
    for item in rows:
        scores = item["scores"]
        cells = [item["name"], item["data"], f"{item['model_bytes'] / 1024:.0f}"]
        for value, (low, high) in (
            (scores["accuracy"], item["interval"]),
            (item["macro"], item["macro_interval"]),
        ):
            cells.append(f"{100 * value:.1f} ({100 * low:.1f} to {100 * high:.1f})")
        cells += [f"{100 * scores['precision']:.1f}", f"{100 * scores['recall']:.1f}"]
        cells += [f"{100 * item['groups'][group]['accuracy']:.1f}" for group in groups]
        print("| " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?", default=SHARED)
    parser.add_argument("--time-budget", default="1h")
    parser.add_argument("--run", type=Path, help="a search that was run already")
    parser.add_argument("--baseline-steps", type=int, default=3000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        print(f"skipped: there is no folder {arguments.data}")
        return

    run, seconds, peak = search(arguments.data, arguments.time_budget, arguments.run)
    front = run.front()
    if front.chosen is None:
        parser.exit(1, "The search found nothing that fits.\n")
    source = open_images(str(arguments.data), SourceOptions())
    dataset = open_dataset(source, max(RESOLUTIONS))
    chosen = run.candidate(front.chosen)
    genome = read_genome(chosen / "genome.json").genome
    rows = [row("search", dataset, genome.data, (chosen / "model.tflite").read_bytes())]
    for name, build in (("CNN", cnn), ("MLP", mlp)):
        data, model = baseline(build, dataset, arguments.baseline_steps)
        rows.append(row(name, dataset, data, model))
    result = {
        "genome": str(genome),
        "evaluations": len(front.evaluations),
        "front": len(front.candidates),
        "search_seconds": None if np.isnan(seconds) else round(seconds),
        "peak_gb": None if np.isnan(peak) else round(peak, 2),
        "run": str(run.path),
        "rows": rows,
    }
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    show(rows)
    print(f"\nchosen: {genome}; {result['evaluations']} evaluations, {result['front']} exported")
    if result["search_seconds"] is not None:
        print(f"search {result['search_seconds']} s in all, peak memory {result['peak_gb']} GB")
    print(f"run folder: {run.path}")


if __name__ == "__main__":
    main()

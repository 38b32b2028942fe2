"""A real task of ten classes: a short search on Fashion-MNIST, and a plain small CNN beside it.

    python benchmarks/fashion_mnist.py [--trials 200] [--supernet-steps 800] [--steps 2000]

The data are Debian's package dataset-fashion-mnist: 60,000 training and 10,000 test pictures, 28x28
and grey. They are written as Parquet files with their class names in the schema; validation is
drawn from train. The search runs as a user runs it (`danas-hil search DATA --ram 64kB --flash
256kB`); the candidate is the one that it chose by int8 validation accuracy, trained further by
itself (`danas-hil train`) for as many steps as the CNN. The CNN sees the same pictures, augmented
alike, and is converted alike. Printed: int8 scores on the test pictures.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from danas_hil import convert
from danas_hil.builds import load_build
from danas_hil.estimate import estimate_model
from danas_hil.run import RunFolder, read_genome
from danas_hil.signals.image import ImageConfig
from danas_hil.signals.image.dataset import Dataset, open_dataset
from danas_hil.signals.image.files import open_images
from danas_hil.signals.image.views import EvaluationView, TrainingView, representative_images
from danas_hil.tasks import Scores, Task

PACKAGE = "dataset-fashion-mnist"
FOLDER = Path("/usr/share/datasets/fashion-mnist")
SIDE = 28
RESOLUTIONS = (16, 20, 28)
SEED = 0
CLASSES = (
    *("T-shirt/top", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)
"""In the order of the labels, as the package's README lists them."""


def read_idx(file: Path) -> npt.NDArray[np.uint8]:
    """The bytes of an IDX file with their shape: a magic number, sizes, values."""
    content = gzip.decompress(file.read_bytes())
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def write_parquet(folder: Path) -> None:
    """train.parquet and test.parquet: PNG pictures, labels, and the classes' names."""
    import pyarrow
    import pyarrow.parquet
    from PIL import Image

    names = {"info": {"features": {"label": {"names": CLASSES, "_type": "ClassLabel"}}}}
    for split, stem in (("train", "train"), ("test", "t10k")):
        encoded = []
        for pixels in read_idx(FOLDER / f"{stem}-images-idx3-ubyte.gz"):
            buffer = io.BytesIO()
            Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
            encoded.append(buffer.getvalue())
        labels = read_idx(FOLDER / f"{stem}-labels-idx1-ubyte.gz").astype(np.int64)
        table = pyarrow.table({"image": encoded, "label": labels})
        table = table.replace_schema_metadata({"huggingface": json.dumps(names)})
        pyarrow.parquet.write_table(table, folder / f"{split}.parquet")


def search(data: Path, trials: int, steps: int, folder: Path) -> tuple[RunFolder, float]:
    """Run the search as a user does: its run folder and seconds."""
    sides = ",".join(map(str, RESOLUTIONS))
    limits = ["--ram", "64kB", "--flash", "256kB"]
    command = [sys.executable, "-m", "danas_hil", "search", str(data), *limits]
    command += ["--resolutions", sides, "--colours", "monochrome", "--seed", str(SEED)]
    command += ["--trials", str(trials), "--supernet-steps", str(steps), "--name", "fashion"]
    started = time.monotonic()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return RunFolder.open(folder / "runs" / "fashion"), time.monotonic() - started


def train_further(run: RunFolder, steps: int) -> None:
    """Train the chosen candidate by itself, as a user does."""
    chosen = run.front().chosen
    if chosen is not None:
        command = [sys.executable, "-m", "danas_hil", "train", str(run.path)]
        command += ["--steps", str(steps), "--candidate", chosen]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def plain_cnn(dataset: Dataset, data: ImageConfig, steps: int) -> bytes:
    """Four 3x3 convolutions with batch norm, three of them halving the map; as int8 .tflite."""
    import keras

    keras.utils.set_random_seed(SEED)
    layers = keras.layers
    stack = [keras.Input(data.shape)]
    for filters, stride in ((16, 1), (32, 2), (64, 2), (64, 2)):
        stack += [
            layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(6.0),
        ]
    stack += [layers.AveragePooling2D(4), layers.Flatten()]
    stack += [layers.Dense(len(CLASSES), activation="softmax")]
    model = keras.Sequential(stack)
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    model.compile(
        keras.optimizers.AdamW(schedule, weight_decay=0.02),
        keras.losses.SparseCategoricalCrossentropy(),
    )
    train = dataset.split("train")
    for images, labels in TrainingView(train, data, SEED).batches(0, steps, 64):
        model.train_on_batch(images, labels)
    return convert.to_tflite(model, representative_images(train, data, 100, SEED))


def row(name: str, dataset: Dataset, data: ImageConfig, model: bytes) -> dict[str, Any]:
    """Int8 scores on the test pictures, and what the model takes."""
    images = EvaluationView(dataset.split("test"), data).arrays()
    predicted = np.argmax(convert.classify(model, images.images, threads=2), axis=1)
    scores = Scores.of(images.labels, predicted, Task(CLASSES))
    return {
        "name": name,
        "data": data.name,
        "model_bytes": len(model),
        "arena_bytes": estimate_model(model, load_build("arduino")).arena.minimum_bytes,
        "interval": scores.interval,
        "scores": scores.to_json(),
        "recalls": dict(zip(CLASSES, scores.recall_by_class, strict=True)),
    }


def show(rows: list[dict[str, Any]]) -> None:
    print("int8 scores on 10,000 test pictures, %, with 95 % intervals\n")
    columns = ["model", "data", "kB", "arena kB", "accuracy", "macro F1", "hardest class"]
    print("| " + " | ".join(columns) + " |")
    print("|" + " --- |" * len(columns))
    for item in rows:
        scores = item["scores"]
        low, high = item["interval"]
        recalls = item["recalls"]
        hardest = min(recalls, key=lambda name: recalls[name])
        cells = [
            item["name"],
            item["data"],
            f"{item['model_bytes'] / 1024:.0f}",
            f"{item['arena_bytes'] / 1024:.1f}",
            f"{100 * scores['accuracy']:.1f} ({100 * low:.1f} to {100 * high:.1f})",
            f"{100 * scores['macro_f1']:.1f}",
            f"{hardest} {100 * recalls[hardest]:.0f}",
        ]
        print("| " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--supernet-steps", type=int, default=800)
    parser.add_argument("--run", type=Path, help="a search that was run and trained already")
    parser.add_argument("--steps", type=int, default=2000, help="of the chosen one, of the CNN")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if not FOLDER.is_dir():
        print(f"skipped: {PACKAGE} is not installed (apt-get install {PACKAGE})")
        return

    folder = Path(tempfile.mkdtemp(prefix="fashion-mnist-"))
    data = folder / "fashion"
    data.mkdir()
    write_parquet(data)
    if arguments.run is None:
        run, seconds = search(data, arguments.trials, arguments.supernet_steps, folder)
        train_further(run, arguments.steps)
    else:
        run, seconds = RunFolder.open(arguments.run), None
    front = run.front()
    if front.chosen is None:
        parser.exit(1, "The search found nothing that fits.\n")
    dataset = open_dataset(open_images(str(data)), SIDE)
    chosen = run.candidate(front.chosen)
    genome = read_genome(chosen / "genome.json").genome
    model = (chosen / "model.tflite").read_bytes()
    rows = [row("search", dataset, genome.data, model)]
    grey = ImageConfig(SIDE, "monochrome")
    rows.append(row("plain CNN", dataset, grey, plain_cnn(dataset, grey, arguments.steps)))
    result = {
        "genome": str(genome),
        "evaluations": len(front.evaluations),
        "search_seconds": None if seconds is None else round(seconds),
        "run": str(run.path),
        "rows": rows,
    }
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    show(rows)
    print(f"\nchosen: {genome}; {result['evaluations']} evaluations")
    if seconds is not None:
        print(f"search {seconds:.0f} s in all")
    print(f"run folder: {run.path}")


if __name__ == "__main__":
    main()

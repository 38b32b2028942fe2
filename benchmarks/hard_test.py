"""Photos of another source than the training's: a search's candidate against public models.

    python benchmarks/hard_test.py prepare [--data DATA] [--source coco_mini] [--out FOLDER]
    danas-hil search FOLDER/data ...
    python benchmarks/hard_test.py score RUN [RUN ...] [--out FOLDER] [--zoo FOLDER] [--json]

DATA holds Parquet files in Wake Vision's schema with a `source` column. `prepare` parts them:
FOLDER/data has no photo of `source` in any split, for `danas-hil search`; FOLDER/held-out has all
that there are, in all three splits. `score` takes each RUN's candidate with the best int8
validation accuracy, and the public int8 models that detect persons in the folder --zoo, to all
held-out photos.

Photos are seen as danas-hil sees them, by their middle square. Beside it stands the accuracy when
the whole photo is squeezed to a square, as the zoo of Wake Vision was trained. The arena is
estimated for the library and kernels of the board nano33ble. --check prints the accuracy of the
public models on the test photos of FOLDER/data instead: far below chance, one would have its
classes the other way round.

The public models were trained on far more photos than a RUN of a few thousand: those of Wake Vision
on 1.2 million. And photos of COCO may well be known to those that were trained on Visual Wake
Words: its images are COCO's.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tflite

from danas_hil import convert, tflm
from danas_hil.base import DanasError, captured_stderr, require
from danas_hil.board import load_board
from danas_hil.data import SPLITS, SourceOptions
from danas_hil.data.wake_vision import TASK
from danas_hil.estimate.on_board import estimate_on
from danas_hil.run import RunFolder, read_genome
from danas_hil.signals.image import Colour, ImageConfig
from danas_hil.signals.image.dataset import open_dataset
from danas_hil.signals.image.files import open_images
from danas_hil.signals.image.views import EvaluationView
from danas_hil.tasks import Scores

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
BOARD = "nano33ble"
PERSON = 1
"""The class `person` in all of them: folders 0 and 1 (Wake Vision), non_person and person (MLPerf
Tiny), kPersonIndex (TFLM). `--check` bears it out."""

VWW = "Visual Wake Words (COCO)"
WAKE = "Wake Vision, 1.2 million (Open Images)"
"""Its train_quality, as the names of the zoo's files and its training scripts say
(github.com/harvard-edge/Wake_Vision, model_zoo)."""

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Public:
    """A model that others made: its file in the zoo, what it is called here, its training images.

    Each takes the pixels as they are: the input quantisation maps their 0..255 to the range that
    the network was trained on, so an int8 input is the pixel less 128 and a uint8 one the pixel.
    """

    file: str
    name: str
    trained_on: str


ZOO = (
    Public("vww_96_int8.tflite", "MLPerf Tiny, MobileNetV1", VWW),
    Public("person_detect.tflite", "TFLM person_detect", VWW),
    Public("wake_vision_mobilenetv2.tflite", "Wake Vision, MobileNetV2", WAKE),
    Public("wake_vision_mcunet-10fps_vww.tflite", "Wake Vision, MCUNet 10 fps", WAKE),
    Public("wake_vision_micronets_vww2_50_50_INT8.tflite", "Wake Vision, MicroNets VWW2", WAKE),
    Public("wake_vision_k_8_c_5.tflite", "Wake Vision, ColabNAS k8 c5", WAKE),
    Public("wake_vision_samy.tflite", "Wake Vision, challenge (samy)", WAKE),
)


@dataclass(frozen=True)
class Contender:
    """A model, what it was trained on, the images it takes, and how it is asked for classes."""

    name: str
    trained_on: str
    model: bytes
    data: ImageConfig
    classes: Callable[[Pixels], npt.NDArray[np.int64]]


# -- prepare -----------------------------------------------------------------------------------


def prepare(data: Path, source: str, out: Path) -> dict[str, dict[str, Counter[tuple[str, int]]]]:
    """Part the Parquet files of `data`; tells rows by folder, split file, and (source, label)."""
    pyarrow = require("pyarrow", "search")
    compute, parquet = require("pyarrow.compute", "search"), require("pyarrow.parquet", "search")
    files = sorted(data.glob("*.parquet"))
    if not files:
        raise DanasError(f"There are no Parquet files in {data}.", "Name their folder by --data.")
    counts: dict[str, dict[str, Counter[tuple[str, int]]]] = {"data": {}, "held-out": {}}
    for file in files:
        table = parquet.read_table(file)
        held = compute.equal(table["source"], pyarrow.scalar(source))
        for folder, part in (("held-out", held), ("data", compute.invert(held))):
            rows = table.filter(part)
            (out / folder).mkdir(parents=True, exist_ok=True)
            parquet.write_table(rows, out / folder / file.name)
            pairs = zip(rows["source"].to_pylist(), rows["person"].to_pylist(), strict=True)
            counts[folder][file.name] = Counter(pairs)
    if not any(total.total() for total in counts["held-out"].values()):
        raise DanasError(f"No photo in {data} is of the source {source!r}.")
    return counts


# -- what models see ---------------------------------------------------------------------------


class Photos:
    """The photos of a folder, as models take them: labels (n,) and images (n, h, w, c)."""

    def __init__(self, folder: Path, splits: tuple[str, ...], cache: Path) -> None:
        self._source = open_images(str(folder), SourceOptions())
        self._splits, self._cache = splits, cache
        self.labels: npt.NDArray[np.int64] = np.zeros(0, np.int64)

    def middle(self, data: ImageConfig, pixels: int) -> Pixels:
        """Their middle squares, of photos kept at `pixels`: what danas-hil sees."""
        dataset = open_dataset(self._source, pixels, self._cache)
        views = [EvaluationView(dataset.split(name), data).arrays() for name in self._splits]
        self.labels = np.concatenate([view.labels for view in views])
        return np.concatenate([view.images for view in views])

    def whole(self, data: ImageConfig, pixels: int) -> Pixels:
        """The whole photos, squeezed to squares."""
        from PIL import Image

        dataset = open_dataset(self._source, pixels, self._cache)
        shown = []
        for name in self._splits:
            split = dataset.split(name)
            for place in range(len(split)):
                photo = Image.fromarray(split.image(place))
                photo = photo.convert("L") if data.channels == 1 else photo
                small = photo.resize((data.width, data.height), Image.Resampling.BILINEAR)
                shown.append(np.asarray(small, np.uint8).reshape(data.shape))
        return np.stack(shown)


# -- models ------------------------------------------------------------------------------------


def from_run(path: Path, trained_rows: int) -> Contender:
    """The candidate of a run with the best int8 validation accuracy."""
    run = RunFolder.open(path)
    front, seen = run.front(), run.config()["data"]
    if front.chosen is None:
        raise DanasError(f"The search {path} found nothing that fits.")
    model = (run.candidate(front.chosen) / "model.tflite").read_bytes()
    genome = read_genome(run.candidate(front.chosen) / "genome.json").genome
    count = sum(seen["train_images"].values())
    told = f"{count:,} photos" if count == trained_rows else f"{count:,} photos*"
    name = f"danas-hil {path.name}: {genome.arch}"
    return Contender(name, told, model, genome.data, partial(_best, model))


def _best(model: bytes, images: Pixels) -> npt.NDArray[np.int64]:
    return np.asarray(np.argmax(convert.classify(model, images), axis=1), np.int64)


def public(zoo: Path) -> Iterator[Contender]:
    """Those of ZOO that are there."""
    for entry in ZOO:
        if not (zoo / entry.file).exists():
            continue
        model = (zoo / entry.file).read_bytes()
        graph = tflite.Model.GetRootAs(model).Subgraphs(0)
        tensor = graph.Tensors(graph.Inputs(0))
        _, side, _, channels = tensor.ShapeAsNumpy().tolist()
        colour: Colour = "rgb" if channels == 3 else "monochrome"
        signed = tensor.Type() == tflite.TensorType.INT8
        ask = partial(_ask, model, signed)
        yield Contender(entry.name, entry.trained_on, model, ImageConfig(side, colour), ask)


def _ask(model: bytes, signed: bool, images: Pixels) -> npt.NDArray[np.int64]:
    """Classes (n,) by LiteRT; by TFLM, which is slower, for a file that LiteRT refuses.

    (TFLM's own person_detect: its depthwise convolutions name another axis of quantisation.)
    """
    inputs = (images.astype(np.int16) - 128).astype(np.int8) if signed else images
    try:
        outputs = _by_litert(model, inputs)
    except DanasError:
        outputs = tflm.run(model, inputs)
    return np.asarray(np.argmax(outputs, axis=1) == PERSON, np.int64)


def _by_litert(model: bytes, inputs: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Outputs (n, 2), one input at a time. Raises DanasError for a model that can't be read."""
    with captured_stderr():  # XNNPACK announces itself
        interpreter = convert.lite_interpreter(model)
        interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    result = interpreter.get_output_details()[0]["index"]
    outputs = []
    for one in inputs:
        interpreter.set_tensor(entry, one[np.newaxis])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(result)[0])
    return np.stack(outputs)


# -- scores ------------------------------------------------------------------------------------


def score(contender: Contender, photos: Photos) -> dict[str, Any]:
    pixels = contender.data.width
    predicted = contender.classes(photos.middle(contender.data, pixels))
    labels = photos.labels
    scores = Scores.of(labels, predicted, TASK)
    recalls = [float(np.mean(predicted[labels == value] == value)) for value in (0, 1)]
    squeezed = Scores.of(labels, contender.classes(photos.whole(contender.data, pixels)), TASK)
    try:
        arena = estimate_on(load_board(BOARD), contender.model).arena.minimum_bytes
    except DanasError:  # an operator that the estimate does not know
        arena = None
    return {
        "name": contender.name,
        "trained_on": contender.trained_on,
        "data": contender.data.name.removesuffix("-w1"),
        "model_bytes": len(contender.model),
        "arena_bytes": arena,
        "scores": scores.to_json(),
        "interval": scores.interval,
        "balanced": float(np.mean(recalls)),
        "squeezed": squeezed.accuracy,
    }


def show(rows: list[dict[str, Any]], photos: Photos, source: str) -> None:
    persons = int(photos.labels.sum())
    print(
        f"int8 accuracy on {len(photos.labels)} photos of {source} ({persons} with a person), %,"
        " with 95 % Wilson intervals; precision and recall of person\n"
        f"arena: estimated for {BOARD}\n"
    )
    columns = ["model", "trained on", "data", "kB", "arena, kB", "accuracy", "balanced"]
    columns += ["precision", "recall", "squeezed"]
    print("| " + " | ".join(columns) + " |\n|" + " --- |" * len(columns))
    for row in rows:
        low, high = row["interval"]
        accuracy = row["scores"]["accuracy"]
        arena = "unknown" if row["arena_bytes"] is None else f"{row['arena_bytes'] / 1024:.0f}"
        cells = [row["name"], row["trained_on"], row["data"], f"{row['model_bytes'] / 1024:.0f}"]
        cells += [arena, f"{100 * accuracy:.1f} ({100 * low:.1f} to {100 * high:.1f})"]
        rest = (row["balanced"], row["scores"]["precision"], row["scores"]["recall"])
        cells += [f"{100 * value:.1f}" for value in (*rest, row["squeezed"])]
        print("| " + " | ".join(cells) + " |")
    if any(row["trained_on"].endswith("*") for row in rows):
        print("\n* not those of FOLDER/data, so it may have been trained on these very photos")
    print("\nVisual Wake Words' images are COCO's: they may hold these photos too.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    steps = parser.add_subparsers(dest="step")
    part = steps.add_parser("prepare", help="write FOLDER/data and FOLDER/held-out")
    part.add_argument("--data", type=Path, default=SHARED / "person_mix")
    part.add_argument("--source", default="coco_mini")
    rate = steps.add_parser("score", help="candidates of runs, and public models")
    rate.add_argument("runs", type=Path, nargs="*", metavar="RUN")
    rate.add_argument("--zoo", type=Path, default=SHARED / "models")
    rate.add_argument("--check", action="store_true", help="public models on FOLDER/data's test")
    rate.add_argument("--json", action="store_true", help="print one JSON object")
    for step in (part, rate):
        step.add_argument("--out", type=Path, default=Path("hard-test"))
    options = parser.parse_args()
    if options.step is None:
        print("skipped: name a step, prepare or score")
        return
    try:
        if options.step == "prepare":
            prepared(options)
        else:
            scored(options)
    except DanasError as error:
        parser.exit(2, f"{error}\n")


def prepared(options: argparse.Namespace) -> None:
    for folder, files in prepare(options.data, options.source, options.out).items():
        print(options.out / folder)
        for name, counts in files.items():
            told = [f"{source} {counts[source, 0]}/{counts[source, 1]}" for source in _of(counts)]
            print(f"  {name}: no person/person: {', '.join(told) or 'none'}")


def _of(counts: Counter[tuple[str, int]]) -> list[str]:
    return sorted({source for source, _ in counts})


def scored(options: argparse.Namespace) -> None:
    cache, data = options.out / "cache", options.out / "data"
    folder, splits = (data, ("test",)) if options.check else (options.out / "held-out", SPLITS)
    photos = Photos(folder, splits, cache)
    train = open_images(str(data), SourceOptions()).count("train") or 0
    contenders = [] if options.check else [from_run(run, train) for run in options.runs]
    contenders += public(options.zoo)
    rows = [score(contender, photos) for contender in contenders]
    if options.json:
        print(json.dumps({"photos": len(photos.labels), "rows": rows}))
    else:
        show(rows, photos, f"{folder}")


if __name__ == "__main__":
    main()

"""Random DS-CNNs: the estimate from the genome against real TensorFlow Lite Micro.

    python benchmarks/ds_cnn.py [--genomes 200] [--json]
    python benchmarks/ds_cnn.py --board qemu-m4 [--genomes 10] [--json]

Genomes are drawn over four shapes in turn: 49x40, 49x10 and 25x20 features of sound, and images of
32x32 rgb; any depth and width, any stem up to 16x16, 2 to 35 classes. Each is converted with random
weights. Without --board the tflite-micro wheel loads it: used arena, head, tail and the file's size
are held against what is laid out from the genome alone. With --board, a firmware with each is built
and runs: used arena and minimum against the estimate, and outputs against golden ones. That needs
the board (the emulator), the compiler, and a TensorFlow Lite Micro library in the folder that
DANAS_TFLM_LIBRARY names; the first build compiles the library, which is not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from danas_hil import tflm
from danas_hil.board import load_board
from danas_hil.builds import load_build
from danas_hil.calibrate import random_model
from danas_hil.estimate import estimate_arena, lay_out
from danas_hil.families.ds_cnn import MOST_BLOCKS, MOST_STEM, DsCnn, DsCnnSpace
from danas_hil.measure import Measurement, measure_candidate
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome
from danas_hil.targets import FirmwareTarget, ModelFile, QemuDevice

CLASSES = (2, 10, 12, 35)
"""A wake word, digits or signs, and the two sets of Speech Commands (12 words, 35 words)."""

KEYS = ("arena", "head", "tail", "file")
"""What is held against TFLM and the file."""


@dataclass(frozen=True, order=True)
class Features:
    """Features of sound: (frames, bands, 1). As much of a data configuration as a layout needs."""

    frames: int
    bands: int

    signal: ClassVar[str] = "features"
    kind: ClassVar[str] = "bands"

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.frames, self.bands, 1)

    @property
    def name(self) -> str:
        return f"{self.frames}x{self.bands}"

    @property
    def short(self) -> str:
        return self.name

    @property
    def features(self) -> tuple[float, ...]:
        return (self.frames, self.bands)

    def to_json(self) -> dict[str, Any]:
        return {"frames": self.frames, "bands": self.bands}


SHAPES = (Features(49, 40), Features(49, 10), Features(25, 20), ImageConfig(32, "rgb"))


@dataclass(frozen=True)
class Drawn:
    """A random genome with its number of classes, and the seed of its weights."""

    genome: Genome
    classes: int
    seed: int

    def __str__(self) -> str:
        return f"{self.genome}, {self.classes} classes"

    def model(self) -> bytes:
        return random_model(self.genome, self.seed, classes=self.classes)


def draw(count: int) -> list[Drawn]:
    """`count` different genomes, the shapes in turn; always the same ones.

    Every second one has the published stem of 10x4, which all of a search's networks share.
    """
    rng = np.random.default_rng(0)
    drawn: dict[Genome, Drawn] = {}
    while len(drawn) < count:
        stem = (10, 4)
        if len(drawn) % 8 >= len(SHAPES):
            height, width = (int(side) for side in rng.integers(1, MOST_STEM + 1, 2))
            stem = (height, width)
        blocks = int(rng.integers(1, MOST_BLOCKS + 1))
        arch = DsCnn(blocks, float(rng.choice(DsCnnSpace().alpha)), *stem)
        genome = Genome(SHAPES[len(drawn) % len(SHAPES)], arch)
        drawn.setdefault(genome, Drawn(genome, int(rng.choice(CLASSES)), len(drawn)))
    return list(drawn.values())


# -- on this computer ----------------------------------------------------------------------------


def on_host(drawn: Drawn) -> dict[str, int]:
    """By how many bytes the layout misses TFLM and the file: used arena, head, tail, file."""
    content = drawn.model()
    graph = lay_out(drawn.genome, drawn.classes)
    found = estimate_arena(graph, load_build("host"))
    with tflm.load(content, str(drawn)) as loaded:
        told = loaded.allocations()
    return {
        "arena": found.used_bytes - told.total_bytes,
        "head": found.head_bytes - told.head_bytes,
        "tail": found.tail_bytes - told.tail_bytes,
        "file": graph.file_bytes - len(content),
        "used": told.total_bytes,
    }


def host_rows(count: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """A row for each shape: how many genomes, the range of arenas, and the largest differences."""
    found: dict[str, list[dict[str, int]]] = {data.name: [] for data in SHAPES}
    for number, drawn in enumerate(draw(count), 1):
        off = on_host(drawn)
        found[drawn.genome.data.name].append(off)
        if any(off[key] for key in KEYS) or number % 20 == 0:
            say(f"{number} of {count}: {drawn}: {off}")
    return [
        {
            "shape": name,
            "genomes": len(rows),
            "least_arena": min(row["used"] for row in rows),
            "most_arena": max(row["used"] for row in rows),
            **{key: max(abs(row[key]) for row in rows) for key in KEYS},
        }
        for name, rows in found.items()
        if rows
    ]


def show_host(rows: list[dict[str, Any]]) -> None:
    print("largest differences in bytes\n")
    print("| input | genomes | arenas, bytes | arena | head | tail | file |")
    print("| --- | ---: | --- | ---: | ---: | ---: | ---: |")
    for row in rows:
        print(
            f"| {row['shape']} | {row['genomes']} | {row['least_arena']:,} to"
            f" {row['most_arena']:,} | {row['arena']} | {row['head']} | {row['tail']}"
            f" | {row['file']} |"
        )


# -- on a board ----------------------------------------------------------------------------------


def on_board(target: FirmwareTarget, drawn: Drawn, folder: Path) -> dict[str, Any]:
    """A firmware with the genome's model: what was measured, and what was foretold of it."""
    content = drawn.model()
    golden = tflm.golden_of_random(content, name=str(drawn))
    started = time.monotonic()
    found = measure_candidate(target, ModelFile(str(drawn), content), golden, folder)
    seconds = time.monotonic() - started
    board = target.device.board
    graph = lay_out(drawn.genome, drawn.classes)
    foretold = estimate_arena(graph, load_build(board.build, board.kernels))
    row = {"genome": str(drawn), "estimate": foretold.used_bytes, "seconds": seconds}
    return row | _told(found)


def _told(found: Measurement) -> dict[str, Any]:
    """What a measurement says of memory and outputs; why not, where it failed."""
    if found.memory is None or found.parity is None:
        return {"failure": str(found.failure)}
    return {
        "used": found.memory.arena_used_bytes,
        "minimum_sufficed": found.memory.minimum_sufficed,
        "outputs": found.parity.elements,
        "differing": found.parity.differing,
    }


def board_rows(board: str, count: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """A row for each genome; the first is measured twice, and its first time is not counted."""
    target = FirmwareTarget(QemuDevice(load_board(board)))
    chosen = draw(count)
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        on_board(target, chosen[0], Path(folder))
        say(f"first build, with the library: {time.monotonic() - started:.0f} s")
        return [on_board(target, drawn, Path(folder)) for drawn in chosen]


def show_board(rows: list[dict[str, Any]]) -> None:
    print("| genome | arena | estimate | minimum | outputs off | seconds |")
    print("| --- | ---: | ---: | --- | ---: | ---: |")
    for row in rows:
        if "failure" in row:
            print(f"| {row['genome']} | {row['failure']} |")
            continue
        does = "suffices" if row["minimum_sufficed"] else "does not do"
        print(
            f"| {row['genome']} | {row['used']} | {row['estimate'] - row['used']:+d} | {does}"
            f" | {row['differing']} of {row['outputs']} | {row['seconds']:.1f} |"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--genomes", type=int, help="default: 200, or 10 with --board")
    parser.add_argument("--board", help="an emulated board, as qemu-m4")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    say = (lambda _: None) if arguments.json else lambda text: print(text, file=sys.stderr)
    if arguments.board is None:
        rows = host_rows(arguments.genomes or 200, say)
        wrong = any(row[key] for row in rows for key in KEYS)
        show = show_host
    else:
        rows = board_rows(arguments.board, arguments.genomes or 10, say)
        wrong = any(
            row.get("used") != row["estimate"] or row["differing"] or not row["minimum_sufficed"]
            for row in rows
        )
        show = show_board
    if arguments.json:
        print(json.dumps(rows, indent=2))
    else:
        show(rows)
    return int(wrong)


if __name__ == "__main__":
    raise SystemExit(main())

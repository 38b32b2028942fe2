"""Seconds to convert a candidate to int8 .tflite, by size.

    python benchmarks/conversion.py [--rounds 2] [--json]

Networks are freshly initialised and calibrated on 100 random images, as many as the export takes.
The first conversion of the process is not counted: it loads the converter.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

from danas_hil import convert
from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.search.candidate import CALIBRATION_IMAGES
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome
from danas_hil.supernet import build

GENOMES = (
    Genome(ImageConfig(32, "monochrome"), MobileNetV2(2, 2, 1, 1, 0, 0.5)),
    Genome(ImageConfig(64, "rgb"), MobileNetV2(3, 4, 3, 3, 1, 0.3)),
    Genome(ImageConfig(96, "rgb"), MobileNetV2(3, 4, 3, 3, 1, 0.5)),
    Genome(ImageConfig(96, "rgb"), MobileNetV2(3, 4, 3, 3, 1, 1.0)),
)


def seconds(genome: Genome, images: np.ndarray) -> float:
    model = build(genome, classes=2)
    begin = time.perf_counter()
    convert.to_tflite(model, images)
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()

    rng = np.random.default_rng(0)
    images = {
        genome: rng.uniform(-1, 1, (CALIBRATION_IMAGES, *genome.data.shape)).astype(np.float32)
        for genome in GENOMES
    }
    seconds(GENOMES[0], images[GENOMES[0]])
    found = {
        str(genome): min(seconds(genome, images[genome]) for _ in range(options.rounds))
        for genome in GENOMES
    }
    if options.json:
        print(json.dumps({"seconds": found}))
        return
    for name, taken in found.items():
        print(f"{name:40} {taken:5.2f} s")


if __name__ == "__main__":
    main()

"""How many candidates a minute the supernet evaluates.

Random genomes at 64x64 rgb: batch-norm recalibration on 256 images, evaluation on 1,000.
As in a search on this computer: convolutions in bfloat16 where its processor can do them, and what
subnets share is kept from one to the next. So the first round, of 40 like every other, is slower;
of the rest, the steady state of a search, the best counts: whatever else the computer does only
slows it down.

    python benchmarks/evaluation.py [--rounds 4] [--json]
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

from danas_hil.signals.image import ImageConfig
from danas_hil.space import DEFAULT_SPACE, Genome
from danas_hil.supernet import Subnets, Supernet, quick_precision

FAMILY = "mobilenet_v2"
CANDIDATES, RECALIBRATION_IMAGES, IMAGES = 40, 256, 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()

    data = ImageConfig(64, "rgb")
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (RECALIBRATION_IMAGES + IMAGES, *data.shape)).astype(np.uint8)
    recalibration, images = pixels[:RECALIBRATION_IMAGES], pixels[RECALIBRATION_IMAGES:]
    supernet = Supernet(Subnets(DEFAULT_SPACE, FAMILY, (data,), classes=2))
    precision = quick_precision()

    begin = time.perf_counter()
    smallest = Genome(data, DEFAULT_SPACE.subnets(FAMILY).smallest)
    supernet.evaluate(smallest, recalibration[:8], images[:8], precision)
    tracing = time.perf_counter() - begin
    rounds = []
    for _ in range(options.rounds):
        genomes = [DEFAULT_SPACE.sample(rng, data) for _ in range(CANDIDATES)]
        begin = time.perf_counter()
        for genome in genomes:
            supernet.evaluate(genome, recalibration, images, precision)
        rounds.append(60 * CANDIDATES / (time.perf_counter() - begin))

    if options.json:
        figures = {"candidates_per_minute": max(rounds[1:]), "first_round": rounds[0]}
        print(json.dumps(figures | {"precision": precision}))
        return
    print(f"{'convolutions in':42} {precision}")
    print(f"{'first call, with TensorFlow and tracing':42} {tracing:7.1f} s")
    for number, rate in enumerate(rounds, 1):
        print(f"{f'round {number}':42} {rate:7.0f} candidates a minute")


if __name__ == "__main__":
    main()

"""A training step of the supernet beside one of Keras' own MobileNetV2.

64x64 rgb, batch 64, full width and depth. The two alternate, so that whatever else the computer
does hits both; the best of each counts. A sandwich step is the largest, the smallest and two random
subnets.

    python benchmarks/training_step.py [--rounds 10] [--json]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from danas_hil.signals.image import ImageConfig
from danas_hil.space import DEFAULT_SPACE, Genome
from danas_hil.supernet import Subnets, TrainingSettings
from danas_hil.supernet.backend import keras
from danas_hil.supernet.sandwich import Sandwich
from danas_hil.supernet.training import State, train_step

FAMILY, CLASSES = "mobilenet_v2", 2


def keras_model(data: ImageConfig) -> Any:
    model = keras().applications.MobileNetV2(
        input_shape=data.shape, alpha=1.0, weights=None, classes=CLASSES
    )
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()

    data, settings = ImageConfig(64, "rgb"), TrainingSettings()
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (settings.batch_size, *data.shape)).astype(np.float32)
    labels = rng.integers(0, CLASSES, settings.batch_size)

    network = Subnets(DEFAULT_SPACE, FAMILY, (data,), CLASSES).network
    sandwich = Sandwich.of(DEFAULT_SPACE, FAMILY, data, seed=0)
    largest = Genome(data, DEFAULT_SPACE.subnets(FAMILY).largest)
    state = State.fresh(network.initial(rng))
    peer = keras_model(data)

    def supernet_step(genomes: list[Any]) -> None:
        train_step(network, state, genomes, images, labels, 1e-3, settings)

    steps: dict[str, Callable[[int], Any]] = {
        "keras": lambda _: peer.train_on_batch(images, labels),
        "supernet": lambda _: supernet_step([largest]),
        "sandwich": lambda n: supernet_step(sandwich.genomes(n, settings.random_subnets)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(options.rounds + 1):
        for name, step in steps.items():
            begin = time.perf_counter()
            step(number)
            if number:  # the first call traces
                seconds[name].append(time.perf_counter() - begin)

    result = {
        "keras_seconds": min(seconds["keras"]),
        "supernet_seconds": min(seconds["supernet"]),
        "ratio": min(seconds["supernet"]) / min(seconds["keras"]),
        "sandwich_seconds": float(np.median(seconds["sandwich"])),
    }
    if options.json:
        print(json.dumps(result))
        return
    print(f"{'plain Keras MobileNetV2':32} {result['keras_seconds']:.3f} s a step")
    print(f"{'supernet, largest subnet alone':32} {result['supernet_seconds']:.3f} s a step")
    print(f"{'ratio':32} {result['ratio']:.2f}")
    print(f"{'sandwich step, median':32} {result['sandwich_seconds']:.3f} s a step")


if __name__ == "__main__":
    main()

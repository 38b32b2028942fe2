"""Accuracy on a device: test images are streamed to it, one by one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from danas_hil.base import DanasError, checking, read_arrays
from danas_hil.convert import input_quantisation, quantise_input
from danas_hil.measure.record import Accuracy
from danas_hil.run import anew
from danas_hil.targets import Session, TargetError
from danas_hil.tasks import Scores, Task

Streamed = Callable[[int, int], None]
"""Called with how many images a device has classified, and of how many."""


@dataclass(frozen=True)
class TestImages:
    """Images (n, height, width, channels), uint8, with labels (n,): places in `task.classes`."""

    __test__ = False  # no test class, whatever pytest makes of the name

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.integer]
    task: Task

    @property
    def sha256(self) -> str:
        digest = hashlib.sha256(f"{self.images.shape}".encode())
        digest.update(np.ascontiguousarray(self.images).tobytes())
        small = np.uint8 if len(self.task.classes) <= 256 else np.uint16
        digest.update(np.asarray(self.labels, small).tobytes())
        return digest.hexdigest()


def read_test_images(file: Path, data: str, task: Task, count: int) -> TestImages:
    """`count` images of a run's test-images.npz as the data configuration `data` shows them.

    task: of the run.

    They are spread evenly over the file; all of it where it has no more. Raises DanasError naming
    a file that is missing or damaged, and for a count below 1.
    """
    if count < 1:
        raise DanasError(f"An accuracy of {count} examples is none.", "Ask for 1 or more.")
    hint = anew(file)
    content = read_arrays(file, "The test examples", hint)
    with checking(file, hint):
        labels, images = content["labels"], content[data]
        if images.ndim != 4 or images.dtype != np.uint8 or not 0 < len(labels) == len(images):
            raise ValueError("examples are not one for each label")
        if labels.ndim != 1 or not np.isin(labels, range(len(task.classes))).all():
            raise ValueError(f"labels are not those of {len(task.classes)} classes")
    places = np.linspace(0, len(labels) - 1, min(count, len(labels))).round().astype(int)
    return TestImages(images[places], labels[places], task)


def take_accuracy(
    session: Session, model: bytes, images: TestImages, streamed: Streamed = lambda *_: None
) -> Accuracy:
    """Classify every image on the device.

    The class is the largest output; of equal ones the first, as for int8 on the host. Raises
    TargetError, of stage RENDER where the model's input is not int8.
    """
    try:
        inputs = quantise_input(images.images, input_quantisation(model))
    except DanasError as error:
        raise TargetError("RENDER", error.what, error.hint) from error
    predicted = []
    for done, one in enumerate(inputs):
        streamed(done, len(inputs))
        predicted.append(int(np.argmax(session.infer(one))))
    streamed(len(inputs), len(inputs))
    return Accuracy(Scores.of(images.labels, predicted, images.task), images.sha256)

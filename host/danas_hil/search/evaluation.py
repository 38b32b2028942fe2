"""How good a genome is: its subnet's scores on validation images."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from danas_hil.data import Dataset, EvaluationView, LabelledImages, TrainingView, scale
from danas_hil.metrics import Scores
from danas_hil.run import RunFolder
from danas_hil.search.listener import Listener
from danas_hil.search.settings import SearchSettings
from danas_hil.space import DataConfig, Genome
from danas_hil.supernet import Supernet, TrainingSettings

_BATCH = 256


class StoppedError(Exception):
    """The search was asked to stop in the middle of an evaluation, which is dropped."""


class Evaluator:
    """Supernets by data configuration, trained when first needed, and the images they see."""

    def __init__(
        self,
        settings: SearchSettings,
        run: RunFolder,
        dataset: Dataset,
        steps: Mapping[str, int],
        fits: Callable[[Genome], bool],
        listener: Listener,
        should_stop: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._folder = run.path / (settings.supernets or run.supernets.name)
        self._dataset = dataset
        self._steps = steps
        self._fits = fits
        self._listener = listener
        self._should_stop = should_stop
        self.supernet: Callable[[DataConfig], Supernet] = cache(self._trained_supernet)
        self._view = cache(self._make_view)

    def scores(self, genome: Genome) -> Scores:
        """Float32 scores on validation images. Raises StoppedError when asked to stop."""
        images = self.images("validation", genome.data)
        return Scores.of(images.labels, self.predict(genome, images.images))

    def predict(self, genome: Genome, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        """Classes (n,) that the subnet gives to images (n, h, w, c)."""
        supernet = self.supernet(genome.data)
        recalibration = self.recalibration(genome.data)
        if self._settings.finetune_steps:
            model = self.model(genome)
            cuts = range(0, len(images), _BATCH)
            parts = [model(scale(images[cut : cut + _BATCH]), training=False) for cut in cuts]
            probabilities = np.concatenate(parts)
        else:
            probabilities = supernet.evaluate(genome, recalibration, images)
        return np.asarray(np.argmax(probabilities, axis=1), np.int64)

    def model(self, genome: Genome) -> Any:
        """The subnet as a plain Keras model of its own, fine-tuned if the search does that."""
        supernet = self.supernet(genome.data)
        recalibration = self.recalibration(genome.data)
        if not self._settings.finetune_steps:
            return supernet.extract(genome, recalibration)
        view = TrainingView(self._dataset.split("train"), genome.data, self._settings.seed + 1)
        return supernet.finetune(genome, view.batch, self._settings.finetune_steps, recalibration)

    def images(self, split: str, data: DataConfig) -> LabelledImages:
        """The images of `split` that evaluations use, as `data` shows them."""
        return self._view(split, data).arrays(self._settings.validation_images)

    def all_images(self, split: str, data: DataConfig, limit: int) -> LabelledImages:
        """Up to `limit` images of `split`, as `data` shows them."""
        return self._view(split, data).arrays(limit)

    def recalibration(self, data: DataConfig) -> npt.NDArray[np.uint8]:
        """Training images from which batch-norm statistics are taken."""
        return self._view("train", data).arrays(self._settings.recalibration_images).images

    def _make_view(self, split: str, data: DataConfig) -> EvaluationView:
        return EvaluationView(self._dataset.split(split), data)

    def _trained_supernet(self, data: DataConfig) -> Supernet:
        settings = TrainingSettings(batch_size=self._settings.batch_size)
        supernet = Supernet(
            self._settings.subnets, data, self._settings.seed, settings, self._fits, self._made_for
        )
        view = TrainingView(self._dataset.split("train"), data, self._settings.seed)
        steps = self._steps[data.name]
        self._listener.training(data.name, 0, steps, float("nan"))
        done = supernet.train(
            view.batch,
            steps,
            self._folder / data.name,
            on_step=lambda step, steps, loss: self._listener.training(data.name, step, steps, loss),
            should_stop=self._should_stop,
        )
        if not done:
            raise StoppedError
        return supernet

    @property
    def _made_for(self) -> dict[str, Any]:
        """What a supernet's training depends on beside space and seed: images, and what fits.

        Images are told by their labels: those are the same wherever the data set lies.
        """
        settings, train = self._settings, self._dataset.split("train")
        return {
            "images": {
                "source": self._dataset.source.name,
                "count": len(train),
                "labels": zlib.crc32(train.labels.astype("<i8").tobytes()),
                "pixels": self._dataset.resolution,
            },
            "limits": [settings.limits.ram_bytes, settings.limits.flash_bytes],
            "memory": [settings.memory_model, settings.board],
        }

"""Search without shared weights: every candidate is trained from scratch, by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from danas_hil.search.evaluator import Evaluator, classes
from danas_hil.search.training_plan import CANDIDATE, standalone_settings
from danas_hil.space import Genome
from danas_hil.study import StoppedError
from danas_hil.supernet import Standalone


class FromScratchEvaluator(Evaluator):
    """Networks that share no weights, and the images they see."""

    _last: tuple[Genome, Any] | None = None

    def prepare(self, genome: Genome) -> None:
        """There is nothing that candidates share."""

    def predict(self, genome: Genome, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        """Classes (n,) that the trained network gives to images (n, h, w, c)."""
        return classes(self.model(genome), images)

    def model(self, genome: Genome) -> Any:
        """The trained network as a plain Keras model. Raises StoppedError when asked to stop.

        The weights of those that fit, which alone can be exported, are kept where supernets are, in
        folders that searches of other seeds or steps leave alone.
        """
        if self._last is None or self._last[0] != genome:
            self._last = (genome, self._trained(genome))
        return self._last[1]

    def _trained(self, genome: Genome) -> Any:
        network = Standalone(
            genome,
            len(self.classes),
            self._settings.seed,
            replace(
                standalone_settings(self._settings),
                class_weights=self._class_weights(self._settings),
            ),
            {"images": self._made_for["images"]},
        )
        steps, store = self._plan.steps[CANDIDATE], self._trainings.store
        name = network.name(steps)
        folder = store.folder / name if self._fits(genome) else None
        if folder is not None:
            store.pull(name)
            if network.trained(folder, steps):
                return network.model
        done = network.train(
            self._batches(0),
            steps,
            folder,
            should_stop=self._trainings.should_stop,
            on_step=lambda step, steps, loss: self._listener.training(genome.id, step, steps, loss),
        )
        if not done:
            raise StoppedError
        if folder is not None:
            store.push(name)
        return network.model

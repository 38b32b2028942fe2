"""How good a genome is: its subnet's scores on validation images."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Set
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from danas_hil.search.budget import Share, step_name
from danas_hil.search.data_focus import LOOK_IMAGES, LOOK_RECALIBRATION, look_size, use_on_front
from danas_hil.search.session import Session
from danas_hil.search.settings import SearchSettings
from danas_hil.search.supernet_source import needed_supernets
from danas_hil.search.training_plan import TrainingPlan
from danas_hil.signals import DataConfig
from danas_hil.signals.shown import EvaluationView, LabelledImages, TrainingView, scale
from danas_hil.space import Genome
from danas_hil.study import StoppedError, Trainings
from danas_hil.supernet import Batch, Look, Subnets, Supernet, TrainingSettings, Use, time_finetune
from danas_hil.tasks import Scores, Task, class_weights

FINETUNE_RATE = 5e-3
"""Learning rate of the training of a candidate by itself: a third of the supernet's."""
_BATCH = 256


class Evaluator:
    """Supernets, trained when first needed, and the images they see."""

    def __init__(self, session: Session, plan: TrainingPlan) -> None:
        self._settings, self._dataset = session.settings, session.dataset
        self._estimator, self._listener = session.estimator, session.listener
        self._source = source = session.supernet_source
        self._trained_by = source.settings if source else session.settings
        self._fits = source.fits if source else session.estimator.fits
        self._trainings = Trainings(
            session.shared.locks, session.store, session.should_stop, session.listener.waiting
        )
        self._plan = plan
        self._supernets: dict[str, Supernet] = {}
        self._view = cache(self._make_view)
        self._training_view = cache(self._make_training_view)
        self._finetune_step_seconds = cache(self._time_finetune_step)

    @property
    def classes(self) -> tuple[str, ...]:
        """What is told apart, in the order of the networks' outputs."""
        return self._settings.task.classes

    def prepare(self, genome: Genome) -> None:
        """Train what `genome` shares with others. Raises StoppedError when asked to stop."""
        self.supernet(genome)

    def supernet(self, genome: Genome) -> Supernet:
        """The trained supernet of `genome`. Raises StoppedError when asked to stop meanwhile."""
        names = (name for name, of in self._subnets.items() if of.holds(genome))
        return self._supernet(next(names))

    def train_all(self) -> None:
        """Train all supernets, those that others train just now at the end."""
        left = list(self._subnets)
        while left:
            elsewhere = self._trainings.elsewhere()
            name = next((name for name in left if name not in elsewhere), left[0])
            self._supernet(name)
            left.remove(name)

    def lacking(self) -> Set[Share]:
        """Families with data that can't be evaluated just now: others train their supernets."""
        names = self._subnets.keys() - self._supernets.keys()
        elsewhere = names & self._trainings.elsewhere() if names else ()
        found = (self._subnets[name] for name in elsewhere)
        return {(of.family, data) for of in found for data in of.configs}

    def scores(self, genome: Genome) -> Scores:
        """On validation images, before quantisation. Raises StoppedError when asked to stop."""
        images = self.images("validation", genome.data)
        return Scores.of(images.labels, self.predict(genome, images.images), self.task)

    def predict(self, genome: Genome, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        """Classes (n,) that the subnet gives to images (n, h, w, c)."""
        supernet = self.supernet(genome)
        recalibration = self.recalibration(genome.data)
        if self._settings.evaluation_finetune_steps:
            return classes(self.model(genome), images)
        probabilities = supernet.evaluate(genome, recalibration, images, self._plan.precision)
        return np.asarray(np.argmax(probabilities, axis=1), np.int64)

    def focus(self, genomes: Iterable[Genome]) -> dict[str, dict[str, float]]:
        """For config.toml, by the supernets of `genomes`, which have been evaluated: the steps that
        a focused training took, those before it looked, and the share of the others by data
        configuration. What was not focused is left out; no other supernet is trained for it.
        """
        evaluated = list(genomes)
        found = {}
        for name, of in self._subnets.items():
            if len(of.configs) < 2 or not any(map(of.holds, evaluated)):
                continue
            supernet = self._supernet(name)
            if (focus := supernet.focus) is not None:
                names = [data.name for data in supernet.schedule.configs]
                shares = dict(zip(names, focus.shares, strict=True))
                found[name] = {"steps": focus.steps, "steps_before": focus.begin, **shares}
        return found

    @property
    def task(self) -> Task:
        """What candidates are scored by."""
        return self._settings.task

    @property
    def keeps_shared_weights(self) -> bool:
        """Whether `model` has the weights of the supernet as they are."""
        return self._settings.shares_weights and not self._settings.evaluation_finetune_steps

    def model(self, genome: Genome) -> Any:
        """The subnet as a plain Keras model of its own, fine-tuned if the search does that."""
        supernet = self.supernet(genome)
        recalibration = self.recalibration(genome.data)
        if not self._settings.evaluation_finetune_steps:
            return supernet.extract(genome, recalibration)
        return supernet.finetune(
            genome, self._batches(1), self._settings.evaluation_finetune_steps, recalibration
        )

    def finetuned_model(self, genome: Genome, steps: int, checkpoint: Path) -> Any:
        """The subnet as a plain Keras model, trained by itself for so many steps.

        It goes on from the file `checkpoint`, and is kept there. Raises StoppedError when asked to
        stop.
        """
        model = self.supernet(genome).finetune(
            genome,
            self._batches(1),
            steps,
            self.recalibration(genome.data),
            learning_rate=FINETUNE_RATE,
            checkpoint=checkpoint,
            should_stop=self._trainings.should_stop,
            on_step=lambda done, steps, loss: self._listener.training(genome.id, done, steps, loss),
        )
        if model is None:
            raise StoppedError
        return model

    def finetune_step_seconds(self, genome: Genome) -> float:
        """Seconds that a step of `finetuned_model` takes on this computer."""
        return self._finetune_step_seconds(genome)

    def images(self, split: str, data: DataConfig) -> LabelledImages:
        """The images of `split` that evaluations use, as `data` shows them."""
        return self._view(split, data).arrays(self._settings.validation_images)

    def all_images(self, split: str, data: DataConfig, limit: int) -> LabelledImages:
        """Up to `limit` images of `split`, as `data` shows them."""
        return self._view(split, data).arrays(limit)

    def recalibration(self, data: DataConfig) -> npt.NDArray[np.uint8]:
        """Training images from which batch-norm statistics are taken."""
        return self._view("train", data).arrays(self._settings.recalibration_images).images

    def _time_finetune_step(self, genome: Genome) -> float:
        return time_finetune(self.supernet(genome), genome)

    def _make_view(self, split: str, data: DataConfig) -> EvaluationView:
        return self._dataset.evaluation_view(split, data)

    def _make_training_view(self, data: DataConfig, pass_: int) -> TrainingView:
        seed = self._settings.seed + pass_
        return self._dataset.training_view(data, seed)

    def _batches(self, pass_: int) -> Batch:
        """Training images in an order of their own for each `pass_`."""
        return lambda data, step, size: self._training_view(data, pass_).batch(step, size)

    def _training_settings(self, of: SearchSettings) -> TrainingSettings:
        return TrainingSettings(batch_size=of.batch_size, class_weights=self._class_weights(of))

    def _class_weights(self, of: SearchSettings) -> tuple[float, ...]:
        """How much an example of each class counts in training; empty: all alike."""
        return class_weights(self._dataset.split("train").balance.counts) if of.balance else ()

    @cached_property
    def _subnets(self) -> dict[str, Subnets]:
        """What each supernet holds, by its name."""
        return needed_supernets(self._trained_by, self._settings.space)

    def _supernet(self, name: str) -> Supernet:
        if name not in self._supernets:
            self._supernets[name] = self._trained_supernet(name)
        return self._supernets[name]

    def _trained_supernet(self, name: str) -> Supernet:
        by = self._trained_by
        supernet = Supernet(
            self._subnets[name],
            by.seed,
            self._training_settings(by),
            self._fits,
            self._made_for | {"look": self._look_size(name) or None},
        )
        steps = self._plan.steps[name]
        folder = self._trainings.store.folder / name
        if self._source is not None:
            self._source.check_trained(self._trainings.store, name)
            supernet.trained(folder, steps)
            # From here on: of the training of candidates by themselves.
            supernet.settings = self._training_settings(self._settings)
            return supernet

        def train(should_stop: Callable[[], bool]) -> bool:
            tell = self._listener.training
            tell(name, 0, steps, float("nan"))
            return supernet.train(
                self._batches(0),
                steps,
                folder,
                look=self._look(name, supernet, should_stop),
                on_step=lambda step, steps, loss: tell(name, step, steps, loss),
                should_stop=should_stop,
            )

        self._trainings.bring(name, lambda: supernet.trained(folder, steps), train)
        return supernet

    def _look(self, name: str, supernet: Supernet, should_stop: Callable[[], bool]) -> Look | None:
        """What tells the training of `supernet` which data to go on with; None for all alike."""
        size = self._look_size(name)
        if not size:
            return None
        views = cache(self._make_view)  # its images are not kept

        def scores(genome: Genome) -> Scores:
            images = views("validation", genome.data).arrays(LOOK_IMAGES)
            recalibration = views("train", genome.data).arrays(LOOK_RECALIBRATION).images
            found = supernet.evaluate(genome, recalibration, images.images, self._plan.precision)
            return Scores.of(images.labels, np.argmax(found, axis=1), self.task)

        own = replace(self._settings, space=self._settings.space.only(supernet.of.family))

        def use() -> Use | None:
            found = use_on_front(
                own,
                self._estimator,
                scores,
                size,
                should_stop,
                lambda done: self._listener.looking(name, done, size),
            )
            if found is not None:
                self._listener.focused(name, {data.name: share for data, share in found.items()})
            return found

        seconds, family = self._plan.step_seconds, supernet.of.family
        configs = supernet.schedule.configs
        return Look(
            use,
            {data: seconds[step_name(family, data)] for data in configs} if seconds else None,
        )

    def _look_size(self, name: str) -> int:
        """Evaluations of the look in the training of the supernet `name`; 0 for none."""
        focused = self._trained_by.supernet == "focused" and len(self._subnets[name].configs) > 1
        return look_size(self._plan.steps[name]) if focused else 0

    @property
    def _made_for(self) -> dict[str, Any]:
        """What a supernet's training depends on beside space and seed: images, and what fits.

        Images are told by their labels: those are the same wherever the data set lies.
        """
        settings, train = self._trained_by, self._dataset.split("train")
        bounds: list[float | None] = [settings.limits.ram_bytes, settings.limits.flash_bytes]
        if settings.limits.latency_us is not None:
            bounds.append(settings.limits.latency_us)
        return {
            "images": {
                "source": self._dataset.source.name,
                "count": len(train),
                "labels": zlib.crc32(train.labels.astype("<i8").tobytes()),
                "kept_at": self._dataset.finest,
            },
            "limits": bounds,
            "memory": [settings.memory_model, settings.board],
        }


def classes(model: Any, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Classes (n,) that a Keras model gives to images (n, h, w, c)."""
    cuts = range(0, len(images), _BATCH)
    parts = [model(scale(images[cut : cut + _BATCH]), training=False) for cut in cuts]
    return np.asarray(np.argmax(np.concatenate(parts), axis=1), np.int64)

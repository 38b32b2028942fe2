"""Which subnets a training step trains: the largest, the smallest, and random ones between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from danas_hil.space import ArchConfig, DataConfig, Genome, SearchSpace, layers

Fits = Callable[[Genome], bool]
"""Whether a genome could be chosen at all. It has to give the same answer at every call."""

_TRIES = 50


def anything(_genome: Genome) -> bool:
    """Without limits every genome could be chosen."""
    return True


@dataclass(frozen=True)
class Sandwich:
    """The subnets of every step (sandwich rule, arXiv 1903.05134), as far as they are of use.

    Time spent on subnets that no board within the limits can hold is lost on the others, so
    `largest` is the largest one that fits, and random ones are drawn among those that fit.
    """

    space: SearchSpace
    data: DataConfig
    largest: Genome
    smallest: Genome
    fits: Fits
    seed: int

    @staticmethod
    def of(space: SearchSpace, data: DataConfig, seed: int, fits: Fits = anything) -> Sandwich:
        """The largest is the one with the most multiplications among the deepest for each last
        stage and width that fit; where none does, limits are of no account.
        """
        deepest = space.largest(data)
        cuts = [deepest.subnet, *_shallower(space, deepest)]
        widths = (replace(cut, alpha=alpha) for cut in cuts for alpha in space.alpha)
        fitting = [genome for arch in widths if fits(genome := Genome(data, arch))]
        if not fitting:
            return Sandwich(space, data, deepest, space.smallest(data), anything, seed)
        largest = max(fitting, key=lambda genome: sum(layer.macs for layer in layers(genome)))
        return Sandwich(space, data, largest, space.smallest(data), fits, seed)

    def genomes(self, step: int, random_subnets: int) -> list[Genome]:
        """The subnets of step `step`: largest, smallest, and as many drawn from (seed, step)."""
        rng = np.random.default_rng((self.seed, step))
        return [self.largest, self.smallest, *(self._draw(rng) for _ in range(random_subnets))]

    def _draw(self, rng: np.random.Generator) -> Genome:
        draws = (self.space.sample(rng, self.data) for _ in range(_TRIES))
        return next((genome for genome in draws if self.fits(genome)), self.largest)


@dataclass(frozen=True)
class Schedule:
    """Which data configuration each step is for, and its sandwich.

    A step takes time by the pixels of its images, so it falls on a data configuration with a
    probability of one by the root of that: large images get more time, and small ones more steps.
    Data configurations for which nothing fits are left out, unless nothing fits at all.
    """

    sandwiches: tuple[Sandwich, ...]
    seed: int

    @staticmethod
    def of(
        space: SearchSpace, configs: Sequence[DataConfig], seed: int, fits: Fits = anything
    ) -> Schedule:
        everything = tuple(Sandwich.of(space, data, seed, fits) for data in configs)
        useful = tuple(sandwich for sandwich in everything if fits(sandwich.largest))
        return Schedule(useful or everything, seed)

    @property
    def configs(self) -> tuple[DataConfig, ...]:
        """The data configurations of `sandwiches`."""
        return tuple(sandwich.data for sandwich in self.sandwiches)

    @property
    def shares(self) -> list[float]:
        """Of the steps, for each of `sandwiches`; 1 in all."""
        raw = [1 / data.resolution for data in self.configs]
        return [share / sum(raw) for share in raw]

    def genomes(
        self, step: int, random_subnets: int, shares: Sequence[float] | None = None
    ) -> list[Genome]:
        """The subnets of step `step`, all of one data configuration, drawn from (seed, step).

        shares: of the steps, instead of its own.
        """
        place = 0
        if len(self.sandwiches) > 1:
            rng = np.random.default_rng((self.seed, step, 1))
            place = int(rng.choice(len(self.sandwiches), p=shares or self.shares))
        return self.sandwiches[place].genomes(step, random_subnets)


def _shallower(space: SearchSpace, deepest: Genome) -> list[ArchConfig]:
    """`deepest` with its last stages taken away one after the other, where the space has that."""
    without_b7 = replace(deepest.subnet, b7=0)
    without_b6 = replace(without_b7, b6=0)
    without_b5 = replace(without_b6, b5=0)
    without_b4 = replace(without_b5, b4=0)
    cuts = (without_b7, without_b6, without_b5, without_b4, replace(without_b4, b3=0))
    return [cut for cut in cuts if replace(deepest, arch=cut) in space and cut != deepest.subnet]

"""Which subnets a training step trains: the largest, the smallest, and random ones between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from danas_hil.signals import DataConfig
from danas_hil.space import Genome, Space, layers

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

    space: Space
    family: str
    data: DataConfig
    largest: Genome
    smallest: Genome
    fits: Fits
    seed: int

    @staticmethod
    def of(
        space: Space, family: str, data: DataConfig, seed: int, fits: Fits = anything
    ) -> Sandwich:
        """The largest is the one with the most multiplications among the deepest for each head and
        width that fit; where none does, limits are of no account.
        """
        subnets = space.subnets(family)
        smallest = Genome(data, subnets.smallest)
        fitting = [genome for arch in subnets.extremes if fits(genome := Genome(data, arch))]
        if not fitting:
            deepest = Genome(data, subnets.largest)
            return Sandwich(space, family, data, deepest, smallest, anything, seed)
        return Sandwich(space, family, data, max(fitting, key=_macs), smallest, fits, seed)

    def genomes(self, step: int, random_subnets: int) -> list[Genome]:
        """The subnets of step `step`: largest, smallest, and as many drawn from (seed, step)."""
        rng = np.random.default_rng((self.seed, step))
        return [self.largest, self.smallest, *(self._draw(rng) for _ in range(random_subnets))]

    def _draw(self, rng: np.random.Generator) -> Genome:
        subnets, shape = self.space.of(self.family), self.data.shape
        draws = (Genome(self.data, subnets.sample(rng, shape)) for _ in range(_TRIES))
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
        space: Space, family: str, configs: Sequence[DataConfig], seed: int, fits: Fits = anything
    ) -> Schedule:
        everything = tuple(Sandwich.of(space, family, data, seed, fits) for data in configs)
        useful = tuple(sandwich for sandwich in everything if fits(sandwich.largest))
        return Schedule(useful or everything, seed)

    @property
    def configs(self) -> tuple[DataConfig, ...]:
        """The data configurations of `sandwiches`."""
        return tuple(sandwich.data for sandwich in self.sandwiches)

    @property
    def shares(self) -> list[float]:
        """Of the steps, for each of `sandwiches`; 1 in all."""
        raw = [1 / sqrt(data.shape[0] * data.shape[1]) for data in self.configs]
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


def _macs(genome: Genome) -> int:
    """Multiplications but for those of the classes, which all have."""
    return sum(layer.macs for layer in layers(genome, classes=2))

"""No method: what every other sampler has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from danas_hil.run import Evaluation
from danas_hil.search.samplers.interface import Acceptable, generator, sampled
from danas_hil.space import Genome, Space


@dataclass(frozen=True)
class RandomSampler:
    """Every genome is drawn anew."""

    space: Space
    seed: int

    def propose(self, history: Sequence[Evaluation], acceptable: Acceptable) -> Genome:
        return sampled(self.space, generator(self.seed, history), acceptable)

"""A sampler: it climbs from the fittest genome so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from danas_hil.board import Limits
from danas_hil.run import Evaluation
from danas_hil.search.samplers import Acceptable, SamplerOptions
from danas_hil.search.samplers.interface import bred, generator, sampled, worth
from danas_hil.space import Genome, Space


@dataclass(frozen=True)
class Climber:
    """The first genomes are drawn, the others are mutations of the fittest one."""

    space: Space
    seed: int
    drawn: int = 5

    def propose(self, history: Sequence[Evaluation], acceptable: Acceptable) -> Genome:
        # All randomness comes from the seed and the length of the history: so a search that was
        # killed goes on as if it had not been.
        rng = generator(self.seed, history)
        if len(history) < self.drawn:
            return sampled(self.space, rng, acceptable)
        best = max(history, key=worth).genome
        return bred(lambda: self.space.mutate(best, rng), self.space, rng, acceptable)


def climber(space: Space, seed: int, _limits: Limits, options: SamplerOptions) -> Climber:
    """What the entry point names."""
    return Climber(space, seed, options.population or 5)

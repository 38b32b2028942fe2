"""The toy keeps to the contract of samplers."""

from danas_hil_toys.sampler import Climber

from danas_hil.search.samplers import Sampler
from danas_hil.search.samplers.contract import SamplerContract
from danas_hil.space import Space


class TestClimber(SamplerContract):
    def make(self, space: Space, seed: int) -> Sampler:
        return Climber(space, seed)

"""The toy keeps to the contract of samplers, in danas-hil's own spaces and in those of the toys."""

from danas_hil_toys.sampler import Climber

from danas_hil.search.samplers import Sampler
from danas_hil.search.samplers.contract import SamplerContract
from danas_hil.space import Space, space_from_json


class TestClimber(SamplerContract):
    def make(self, space: Space, seed: int) -> Sampler:
        return Climber(space, seed)


class TestClimberOnMotion(TestClimber):
    def spaces(self) -> list[Space]:
        return [space_from_json({"signal": "motion", "family": "time_cnn"})]

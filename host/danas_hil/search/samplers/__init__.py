"""Which genome to look at next: a function of the seed and of what has been seen, nothing else.

A search that was killed and goes on from its study therefore proposes the same genomes as one that
was never disturbed.
"""

from danas_hil.search.samplers.interface import (
    Acceptable,
    NothingLeftError,
    Sampler,
    SamplerFactory,
    SamplerOptions,
    worth,
)
from danas_hil.search.samplers.nsga2 import Nsga2Sampler
from danas_hil.search.samplers.registry import GROUP, check_sampler, make_sampler, samplers
from danas_hil.search.samplers.regularized import RegularizedSampler
from danas_hil.search.samplers.surrogate import SurrogateSampler
from danas_hil.search.samplers.tournament import TournamentSampler
from danas_hil.search.samplers.uniform import RandomSampler

__all__ = [
    "GROUP",
    "Acceptable",
    "NothingLeftError",
    "Nsga2Sampler",
    "RandomSampler",
    "RegularizedSampler",
    "Sampler",
    "SamplerFactory",
    "SamplerOptions",
    "SurrogateSampler",
    "TournamentSampler",
    "check_sampler",
    "make_sampler",
    "samplers",
    "worth",
]

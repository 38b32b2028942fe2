"""The samplers that there are: ours, and those of other packages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from danas_hil.base import DanasError, Registry, registered
from danas_hil.board import Limits
from danas_hil.search.samplers.interface import Sampler, SamplerFactory, SamplerOptions
from danas_hil.search.samplers.nsga2 import Nsga2Sampler
from danas_hil.search.samplers.regularized import RegularizedSampler
from danas_hil.search.samplers.surrogate import SurrogateSampler
from danas_hil.search.samplers.tournament import TournamentSampler
from danas_hil.search.samplers.uniform import RandomSampler
from danas_hil.space import Space

GROUP = "danas_hil.samplers"
"""The entry points by which another package registers a SamplerFactory."""


def samplers() -> Registry[SamplerFactory]:
    """What makes each sampler, by its name: ours first."""
    return registered(GROUP, _BUILT_IN)


def check_sampler(name: str) -> None:
    """Raise NotInstalledError where there is no sampler of that name."""
    samplers().check(name, "sampler", "Samplers")


def make_sampler(
    name: str, space: Space, seed: int, limits: Limits, options: SamplerOptions
) -> Sampler:
    """The sampler `name`. Raises DanasError where there is none, and for options out of range."""
    check_sampler(name)
    factory = samplers()[name]
    made = factory(space, seed, limits, options) if callable(factory) else factory
    if not callable(getattr(made, "propose", None)):
        raise DanasError(
            f"What the sampler {name!r} is made of has no method `propose`: {made!r}.",
            f"Its package registers something under {GROUP} that is no sampler: see"
            " danas_hil.search.samplers.SamplerFactory.",
        )
    return made


def _population(options: SamplerOptions) -> dict[str, Any]:
    return {} if options.population is None else {"population": options.population}


def _nsga2(space: Space, seed: int, limits: Limits, options: SamplerOptions) -> Sampler:
    return Nsga2Sampler(space, seed, limits, **_population(options))


def _surrogate(space: Space, seed: int, limits: Limits, options: SamplerOptions) -> Sampler:
    return SurrogateSampler(space, seed, limits, chance=options.chance, **_population(options))


def _tournament(space: Space, seed: int, _limits: Limits, options: SamplerOptions) -> Sampler:
    return TournamentSampler(
        space,
        seed,
        update_ratio=options.update_ratio,
        crossover_ratio=options.crossover_ratio,
        **_population(options),
    )


def _regularized(space: Space, seed: int, _limits: Limits, options: SamplerOptions) -> Sampler:
    return RegularizedSampler(space, seed, **_population(options))


def _random(space: Space, seed: int, _limits: Limits, _options: SamplerOptions) -> Sampler:
    return RandomSampler(space, seed)


_BUILT_IN: Mapping[str, SamplerFactory] = {
    "nsga2": _nsga2,
    "surrogate": _surrogate,
    "tournament": _tournament,
    "regularized": _regularized,
    "random": _random,
}

"""Our samplers keep to the contract that is published, and it finds out those that don't."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from danas_hil.board import Limits
from danas_hil.run import Evaluation
from danas_hil.search.samplers import (
    Acceptable,
    Nsga2Sampler,
    RandomSampler,
    RegularizedSampler,
    Sampler,
    SurrogateSampler,
    TournamentSampler,
    samplers,
)
from danas_hil.search.samplers.contract import SamplerContract
from danas_hil.space import Genome, Space

LIMITS = Limits(50_000, 50_000)


class TestRandom(SamplerContract):
    def make(self, space: Space, seed: int) -> Sampler:
        return RandomSampler(space, seed)


class TestTournament(SamplerContract):
    def make(self, space: Space, seed: int) -> Sampler:
        return TournamentSampler(space, seed)


class TestRegularized(SamplerContract):
    def make(self, space: Space, seed: int) -> Sampler:
        return RegularizedSampler(space, seed, population=12)


class TestNsga2(SamplerContract):
    def make(self, space: Space, seed: int) -> Sampler:
        return Nsga2Sampler(space, seed, LIMITS, population=12)


class TestSurrogate(SamplerContract):
    def make(self, space: Space, seed: int) -> Sampler:
        return SurrogateSampler(space, seed, LIMITS, population=12, candidates=12)


def test_every_built_in_sampler_is_held_to_the_contract() -> None:
    held = {kind.__name__.removeprefix("Test").lower() for kind in SamplerContract.__subclasses__()}
    assert set(samplers()) <= held


class _Bad:
    """Draws a genome, and something is wrong with it."""

    def __init__(self, space: Space, seed: int) -> None:
        self.space, self.seed, self.asked = space, seed, 0

    def drawn(self, history: Sequence[Evaluation], acceptable: Acceptable) -> Genome:
        return RandomSampler(self.space, self.seed).propose(history, acceptable)


class _Deaf(_Bad):
    def propose(self, history: Sequence[Evaluation], _acceptable: Acceptable) -> Genome:
        return self.drawn(history, lambda _genome: True)


class _Forgetful(_Bad):
    """What it proposes hangs on how often it was asked."""

    def propose(self, history: Sequence[Evaluation], acceptable: Acceptable) -> Genome:
        self.asked += 1
        return RandomSampler(self.space, self.seed + self.asked).propose(history, acceptable)


class _Global(_Bad):
    def propose(self, history: Sequence[Evaluation], acceptable: Acceptable) -> Genome:
        np.random.rand()
        return self.drawn(history, acceptable)


class _Seedless(_Bad):
    def propose(self, history: Sequence[Evaluation], acceptable: Acceptable) -> Genome:
        return RandomSampler(self.space, 0).propose(history, acceptable)


class _Meddler(_Bad):
    def propose(self, history: Sequence[Evaluation], acceptable: Acceptable) -> Genome:
        genome = self.drawn(history, acceptable)
        if isinstance(history, list):
            history.reverse()
        return genome


class _Despairing(_Bad):
    """Asks ten times, and takes what it has."""

    def propose(self, history: Sequence[Evaluation], acceptable: Acceptable) -> Genome:
        rng = np.random.default_rng((self.seed, len(history)))
        drawn = [self.space.sample(rng) for _ in range(10)]
        return next((genome for genome in drawn if acceptable(genome)), drawn[-1])


CONTRACT = SamplerContract


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        (_Deaf, CONTRACT.test_only_acceptable_genomes_are_proposed),
        (_Deaf, CONTRACT.test_no_genome_comes_twice_and_all_are_of_the_space),
        (_Forgetful, CONTRACT.test_a_search_cut_anywhere_goes_on_as_if_it_had_not_been),
        (_Forgetful, CONTRACT.test_a_proposal_does_not_depend_on_what_was_asked_before),
        (_Global, CONTRACT.test_the_random_numbers_of_others_are_left_alone),
        (_Seedless, CONTRACT.test_another_seed_gives_other_genomes),
        (_Meddler, CONTRACT.test_the_history_is_left_as_it_is),
        (_Despairing, CONTRACT.test_the_one_genome_that_is_acceptable_is_found),
        (_Despairing, CONTRACT.test_a_small_space_is_found_to_the_last_genome_and_then_refused),
    ],
)
def test_a_sampler_that_breaks_the_contract_is_found_out(
    kind: type[_Bad], broken: Callable[[SamplerContract], None]
) -> None:
    class Broken(SamplerContract):
        def make(self, space: Space, seed: int) -> Sampler:
            return kind(space, seed)  # type: ignore[return-value]

    with pytest.raises(AssertionError):
        broken(Broken())

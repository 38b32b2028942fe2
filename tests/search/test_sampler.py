"""Samplers propose by seed and history alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danas_hil.base import DanasError
from danas_hil.metrics import Scores
from danas_hil.run import Evaluation
from danas_hil.search.sampler import (
    Acceptable,
    NothingLeftError,
    RandomSampler,
    Sampler,
    TournamentSampler,
)
from danas_hil.space import Genome, SearchSpace

SPACE = SearchSpace(resolution=(32, 64), alpha=(0.1, 0.2, 0.3))


def worth(genome: Genome) -> float:
    """A made-up fitness: wide and deep is good."""
    return genome.arch.alpha + sum(genome.arch.depths) / 10 + genome.data.resolution / 1000


def run(sampler: Sampler, count: int, history: list[Evaluation] | None = None) -> list[Evaluation]:
    history = list(history or [])
    while len(history) < count:
        seen = {evaluation.genome for evaluation in history}

        def unseen(genome: Genome, seen: set[Genome] = seen) -> bool:
            return genome not in seen

        genome = sampler.propose(history, unseen)
        failed = len(history) % 7 == 3
        history.append(
            Evaluation(
                index=len(history),
                genome=genome,
                outcome="failed" if failed else "complete",
                ram_bytes=1,
                flash_bytes=1,
                scores=None if failed else Scores(0.5, 0.5, 0.5, 10),
                fitness=None if failed else worth(genome),
            )
        )
    return history


@pytest.mark.parametrize("kind", [RandomSampler, TournamentSampler])
class TestEverySampler:
    def test_the_same_seed_gives_the_same_genomes(self, kind: type) -> None:
        assert run(kind(SPACE, 5), 40) == run(kind(SPACE, 5), 40)

    def test_another_seed_gives_other_genomes(self, kind: type) -> None:
        one, other = run(kind(SPACE, 5), 40), run(kind(SPACE, 6), 40)
        assert [e.genome for e in one] != [e.genome for e in other]

    @given(cut=st.integers(0, 39))
    @settings(max_examples=10, deadline=None)
    def test_a_search_cut_anywhere_goes_on_as_if_it_had_not_been(
        self, kind: type, cut: int
    ) -> None:
        whole = run(kind(SPACE, 1), 40)
        assert run(kind(SPACE, 1), 40, whole[:cut]) == whole

    def test_no_genome_comes_twice_and_all_are_of_the_space(self, kind: type) -> None:
        genomes = [evaluation.genome for evaluation in run(kind(SPACE, 2), 120)]
        assert len(set(genomes)) == len(genomes)
        assert all(genome in SPACE for genome in genomes)

    def test_a_small_space_is_found_to_the_last_genome_and_then_refused(self, kind: type) -> None:
        small = SearchSpace((32,), ("rgb",), (0, 1), (0,), (0,), (0,), (0,), (0.1, 0.2, 0.3))
        history = run(kind(small, 0), small.size)
        assert len({evaluation.genome for evaluation in history}) == small.size == 6
        with pytest.raises(NothingLeftError, match="No further genome"):
            run(kind(small, 0), small.size + 1, history)

    def test_only_acceptable_genomes_are_proposed(self, kind: type) -> None:
        narrow: Acceptable = lambda genome: genome.arch.alpha == 0.2  # noqa: E731
        history: list[Evaluation] = []
        for _ in range(25):
            genome = kind(SPACE, 3).propose(history, narrow)
            assert genome.arch.alpha == 0.2
            history.append(Evaluation(len(history), genome, "failed", 1, 1))


def test_the_tournament_finds_better_genomes_than_chance() -> None:
    fitness = {
        kind: np.mean(
            [
                np.mean([worth(e.genome) for e in run(kind(SPACE, seed), 80)[40:]])
                for seed in range(5)
            ]
        )
        for kind in (RandomSampler, TournamentSampler)
    }
    assert fitness[TournamentSampler] > fitness[RandomSampler] + 0.1


def test_winners_of_a_tournament_stay_and_losers_make_room_for_children() -> None:
    sampler = TournamentSampler(SPACE, 0, population=4)
    history = run(sampler, 4)
    winners = sampler._winners(history, 0)
    assert len(winners) == sampler.tournaments == 2
    losers = set(range(4)) - set(winners)
    worths = [-1.0 if e.fitness is None else e.fitness for e in history]
    assert max(worths) in [worths[w] for w in winners]
    assert min(worths) in [worths[loser] for loser in losers]


@pytest.mark.parametrize(
    ("setting", "value"),
    [("population", 1), ("update_ratio", 0.0), ("update_ratio", 0.6), ("crossover_ratio", 1.1)],
)
def test_settings_out_of_range_are_refused(setting: str, value: float) -> None:
    with pytest.raises(DanasError):
        TournamentSampler(SPACE, 0, **{setting: value})  # type: ignore[arg-type]

"""Samplers propose by seed and history alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from danas_hil.base import DanasError
from danas_hil.board import Limits
from danas_hil.families.layers import LayerStack
from danas_hil.run import Evaluation
from danas_hil.search.pareto import run_hypervolume
from danas_hil.search.samplers import (
    Nsga2Sampler,
    RandomSampler,
    RegularizedSampler,
    Sampler,
    SurrogateSampler,
    TournamentSampler,
)
from danas_hil.search.samplers.nsga2 import crowding_distance
from danas_hil.search.scoring import within
from danas_hil.space import Genome, Space
from danas_hil.tasks import Scores
from strategies import make_space, spaces

SPACE = make_space(resolution=(32, 64), alpha=(0.1, 0.2, 0.3))
LIMITS = Limits(50_000, 50_000)

GENOME = SPACE.sample(np.random.default_rng(0))

KINDS = {
    "random": RandomSampler,
    "tournament": TournamentSampler,
    "regularized": lambda space, seed: RegularizedSampler(space, seed, population=12),
    "nsga2": lambda space, seed: Nsga2Sampler(space, seed, LIMITS, population=12),
    "surrogate": lambda space, seed: SurrogateSampler(
        space, seed, LIMITS, population=12, candidates=12
    ),
}
Kind = Callable[[Space, int], Sampler]


def worth(genome: Genome) -> float:
    """A made-up fitness: wide and deep is good."""
    arch, pixels = genome.arch, genome.data.resolution / 1000
    if isinstance(arch, LayerStack):
        return sum(conv.filters for conv in arch.convs) / 1280 + pixels
    return arch.alpha + sum(arch.depths) / 10 + pixels


def run(sampler: Sampler, count: int, history: list[Evaluation] | None = None) -> list[Evaluation]:
    history = list(history or [])
    while len(history) < count:
        seen = {evaluation.genome for evaluation in history}

        def unseen(genome: Genome, seen: set[Genome] = seen) -> bool:
            return genome not in seen

        genome = sampler.propose(history, unseen)
        failed = len(history) % 7 == 3
        ram_bytes = genome.data.resolution * 1000
        flash_bytes = int(getattr(genome.arch, "alpha", 0.5) * 100_000)
        history.append(
            Evaluation(
                index=len(history),
                genome=genome,
                outcome="failed" if failed else "complete",
                ram_bytes=ram_bytes,
                flash_bytes=flash_bytes,
                feasible=not failed and within(ram_bytes, flash_bytes, LIMITS),
                scores=None if failed else Scores(0.5 + worth(genome) / 4, 0.5, 0.5, 10),
                fitness=None if failed else worth(genome),
            )
        )
    return history


def anything(_genome: Genome) -> bool:
    return True


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@given(space=spaces().filter(lambda space: space.size <= 40), seed=st.integers(0, 9))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_any_small_space_is_found_to_the_last_genome(kind: Kind, space: Space, seed: int) -> None:
    found = {evaluation.genome for evaluation in run(kind(space, seed), space.size)}
    assert found == set(space.genomes())


def late_worth(kind: Kind) -> float:
    """Mean worth of the second half of a search."""
    rows = [run(kind(SPACE, seed), 80)[40:] for seed in range(5)]
    return float(np.mean([worth(evaluation.genome) for row in rows for evaluation in row]))


@pytest.mark.parametrize("name", ["tournament", "regularized"])
def test_evolution_by_fitness_finds_better_genomes_than_chance(name: str) -> None:
    assert late_worth(KINDS[name]) > late_worth(RandomSampler) + 0.1


def test_winners_of_a_tournament_stay_and_losers_make_room_for_children() -> None:
    sampler = TournamentSampler(SPACE, 0, population=4)
    history = run(sampler, 4)
    winners = sampler._winners(history, 0)
    assert len(winners) == sampler.tournaments == 2
    losers = set(range(4)) - set(winners)
    worths = [-1.0 if e.fitness is None else e.fitness for e in history]
    assert max(worths) in [worths[w] for w in winners]
    assert min(worths) in [worths[loser] for loser in losers]


def test_the_oldest_die_in_regularized_evolution() -> None:
    history = run(RegularizedSampler(SPACE, 0, population=12), 40)
    best = max(history[:28], key=lambda e: worth(e.genome))
    history[best.index] = replace(best, fitness=100.0)
    blind = RegularizedSampler(SPACE, 0, population=12).propose(history, anything)
    assert blind == RegularizedSampler(SPACE, 0, population=12).propose(
        [*history[1:28], history[0], *history[28:]], anything
    )


def test_nsga2_keeps_to_the_limits_when_it_knows_them() -> None:
    limited, free = (
        run(Nsga2Sampler(SPACE, 3, limits, population=12), 100)[60:]
        for limits in (LIMITS, Limits())
    )
    fitting = [
        sum(e.ram_bytes <= 50_000 and e.flash_bytes <= 50_000 for e in rows)
        for rows in (limited, free)
    ]
    assert fitting[0] > 30 > fitting[1]


def evaluation(
    accuracy: float, ram_kb: int, flash_kb: int, latency_us: float | None = None
) -> Evaluation:
    return Evaluation(
        0,
        GENOME,
        "complete",
        ram_kb * 1024,
        flash_kb * 1024,
        scores=Scores(accuracy, 0.5, 0.5, 10),
        latency_us=latency_us,
    )


def test_nsga2_keeps_the_best_fronts_and_of_the_last_the_least_crowded() -> None:
    sampler = Nsga2Sampler(SPACE, 0, Limits(102_400, 102_400, latency_us=50.0), population=4)
    good, small, between, crowded, beaten = (
        evaluation(0.9, 90, 90),
        evaluation(0.5, 10, 10),
        evaluation(0.7, 50, 50),
        evaluation(0.69, 49, 49),  # beside `between`, which is farther from the other end
        evaluation(0.6, 60, 60),
    )
    slow, large = evaluation(0.99, 10, 10, 55.0), evaluation(0.99, 120, 10, 10.0)
    best = sampler._best([large, beaten, crowded, slow, small, between, good])
    assert {id(one) for one in best[:2]} == {id(small), id(good)}
    assert best[2:] == [between, crowded]
    assert sampler._best([large, beaten, slow]) == [beaten, slow, large]


def test_crowding_distance_is_that_of_the_paper() -> None:
    costs = np.array([[0.0, 4.0, 1.0], [4.0, 0.0, 1.0], [1.0, 3.0, 1.0], [3.0, 1.0, 1.0]])
    assert crowding_distance(costs).tolist() == [np.inf, np.inf, 1.5, 1.5]
    assert crowding_distance(costs[:1]).tolist() == [0.0]


def test_a_generation_of_nsga2_is_of_complete_evaluations() -> None:
    sampler = Nsga2Sampler(SPACE, 3, LIMITS, population=12)
    history = run(sampler, 30)
    complete = [e for e in history if e.scores is not None]
    assert sampler._parents_after(history[: complete[11].index]) == []
    first = sampler._parents_after(history[: complete[11].index + 1])
    assert {e.index for e in first} == {e.index for e in complete[:12]}
    second = sampler._parents_after(history[: complete[23].index + 1])
    assert second == sampler._best([*first, *complete[12:24]])
    assert len(second) == 12
    assert sampler._parents_after(history) == second


def test_nsga2_covers_more_than_chance() -> None:
    def covered(kind: Kind) -> float:
        return sum(run_hypervolume(run(kind(SPACE, seed), 80), LIMITS, 0.5) for seed in range(3))

    assert covered(KINDS["nsga2"]) > 1.05 * covered(RandomSampler)


def test_the_surrogate_covers_more_than_chance() -> None:
    def covered(kind: Kind) -> float:
        return sum(run_hypervolume(run(kind(SPACE, seed), 40), LIMITS, 0.5) for seed in range(2))

    surrogate: Kind = lambda space, seed: SurrogateSampler(space, seed, LIMITS, 12, 40)  # noqa: E731
    assert covered(surrogate) > 1.1 * covered(RandomSampler)


def test_the_surrogate_keeps_to_a_limit_of_latency() -> None:
    rows = [
        replace(
            e,
            latency_us=1000.0 * e.genome.data.resolution,
            feasible=e.feasible and e.genome.data.resolution == 32,
        )
        for e in run(RandomSampler(SPACE, 0), 36)
    ]
    sampler = SurrogateSampler(SPACE, 0, Limits(latency_us=40_000), candidates=40)
    proposed = [sampler.propose(rows[:count], anything) for count in range(26, 36)]
    assert {genome.data.resolution for genome in proposed} == {32}


def test_the_surrogate_heads_for_what_fits_where_nothing_has() -> None:
    tight = Limits(3072, 3072)
    rows = run(SurrogateSampler(SPACE, 0, tight, population=12, candidates=40), 24)
    excess = [e.ram_bytes + e.flash_bytes for e in rows]
    assert np.mean(excess[12:]) < 0.8 * np.mean(excess[:12])


@pytest.mark.parametrize("kind", [RegularizedSampler, Nsga2Sampler, SurrogateSampler])
def test_a_population_of_one_is_refused(kind: type) -> None:
    with pytest.raises(DanasError, match="population of 1"):
        kind(SPACE, 0, population=1)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("population", 1), ("update_ratio", 0.0), ("update_ratio", 0.6), ("crossover_ratio", 1.1)],
)
def test_settings_out_of_range_are_refused(setting: str, value: float) -> None:
    with pytest.raises(DanasError):
        TournamentSampler(SPACE, 0, **{setting: value})  # type: ignore[arg-type]

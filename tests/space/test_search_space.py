import itertools
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from danas_hil.base import DanasError
from danas_hil.space import DEFAULT_SPACE, DataConfig, Genome, SearchSpace, choose_space
from strategies import (
    DEPTH_GENES,
    gapless_spaces,
    generators,
    skippable_spaces,
    spaces,
    spaces_with_genomes,
)

Depths = tuple[int, ...]

# For tests that go through all depths of a space in each example.
few = settings(max_examples=settings.default.max_examples // 4)


def _drawn(space: SearchSpace) -> list[Depths]:
    """Every combination of depths that can be drawn, feasible or not."""
    return list(itertools.product(*(getattr(space, gene) for gene in DEPTH_GENES)))


def _feasible(depths: Depths) -> bool:
    return all(not later or earlier for earlier, later in itertools.pairwise(depths))


def _changed_genes(one: Genome, other: Genome) -> set[str]:
    a, b = one.to_json(), other.to_json()
    return {gene for gene in a if a[gene] != b[gene]}


# -- sampling, mutation, crossover -------------------------------------------------------------


@given(spaces(), generators())
def test_every_sample_is_feasible_and_in_the_space(
    space: SearchSpace, rng: np.random.Generator
) -> None:
    genome = space.sample(rng)
    assert genome.feasible
    assert genome in space
    data = space.data_configs[-1]
    assert space.sample(rng, data).data == data


@given(spaces_with_genomes(), generators())
def test_mutation_stays_in_the_space_and_always_changes_something(
    drawn: tuple[SearchSpace, list[Genome]], rng: np.random.Generator
) -> None:
    space, (genome,) = drawn
    if space.size == 1:
        with pytest.raises(DanasError, match="single genome"):
            space.mutate(genome, rng)
        return
    mutant = space.mutate(genome, rng)
    assert mutant.feasible
    assert mutant in space
    assert mutant != genome


@given(spaces_with_genomes(), generators())
def test_mutation_takes_one_step_in_one_gene_apart_from_repair(
    drawn: tuple[SearchSpace, list[Genome]], rng: np.random.Generator
) -> None:
    space, (genome,) = drawn
    if space.size == 1:
        return
    mutant = space.mutate(genome, rng)
    changed = _changed_genes(genome, mutant)
    if changed & {"b3", "b4", "b5", "b6", "b7"}:
        assert mutant.data == genome.data
        assert mutant.arch.alpha == genome.arch.alpha
        steps = set()
        for place, gene in enumerate(DEPTH_GENES):
            values = getattr(space, gene)
            at = values.index(genome.arch.depths[place])
            for value in values[max(0, at - 1) : at + 2]:
                depths = list(genome.arch.depths)
                depths[place] = value
                steps.add(space.repair(depths))
        assert mutant.arch.depths in steps
    elif "alpha" in changed:
        assert changed == {"alpha"}
        at = space.alpha.index(genome.arch.alpha)
        assert abs(space.alpha.index(mutant.arch.alpha) - at) == 1
    elif "colour" in changed:
        assert changed <= {"colour", "width_factor"}  # the width factor goes with the colour
    else:
        assert changed == {"resolution"}
        at = space.resolution.index(genome.data.resolution)
        assert abs(space.resolution.index(mutant.data.resolution) - at) == 1


def test_mutation_falls_on_data_depth_and_width_as_in_the_reference() -> None:
    rng = np.random.default_rng(0)
    genome = Genome.from_json(
        {"resolution": 96, "colour": "rgb", "width_factor": 1, "alpha": 0.5}
        | dict.fromkeys(DEPTH_GENES, 1)
    )
    count = 4000
    falls = Counter[str]()
    for _ in range(count):
        changed = _changed_genes(genome, DEFAULT_SPACE.mutate(genome, rng))
        data = changed & {"resolution", "colour"}
        falls["data" if data else "width" if "alpha" in changed else "depth"] += 1
    for group, share in {"data": 0.4, "depth": 0.4, "width": 0.2}.items():
        error = (share * (1 - share) / count) ** 0.5
        assert falls[group] / count == pytest.approx(share, abs=4 * error)


@given(spaces_with_genomes(count=2), generators())
def test_a_crossover_is_feasible_in_the_space_and_of_its_parents_apart_from_repair(
    drawn: tuple[SearchSpace, list[Genome]], rng: np.random.Generator
) -> None:
    space, (one, other) = drawn
    child = space.crossover(one, other, rng)
    assert child.feasible
    assert child in space
    assert child.data.resolution in (one.data.resolution, other.data.resolution)
    assert child.data.colour in (one.data.colour, other.data.colour)
    assert child.arch.alpha in (one.arch.alpha, other.arch.alpha)
    mixtures = set(itertools.product(*zip(one.arch.depths, other.arch.depths, strict=True)))
    assert child.arch.depths in {space.repair(list(mixture)) for mixture in mixtures}


@given(spaces_with_genomes(), generators())
def test_a_genome_crossed_with_itself_is_itself(
    drawn: tuple[SearchSpace, list[Genome]], rng: np.random.Generator
) -> None:
    space, (genome,) = drawn
    assert space.crossover(genome, genome, rng) == genome


def test_a_crossover_takes_each_gene_from_either_parent_evenly() -> None:
    rng = np.random.default_rng(0)
    low = DEFAULT_SPACE.smallest(DataConfig(32, "monochrome"))
    high = DEFAULT_SPACE.largest(DataConfig(224, "rgb"))
    count = 2000
    children = [DEFAULT_SPACE.crossover(low, high, rng) for _ in range(count)]
    tolerance = 4 * (0.25 / count) ** 0.5  # four standard errors of a fair coin
    for of_high in (
        [child.data.resolution == 224 for child in children],
        [child.data.colour == "rgb" for child in children],
        [child.arch.alpha == 1 for child in children],
    ):
        assert np.mean(of_high) == pytest.approx(0.5, abs=tolerance)


@pytest.mark.parametrize(
    "draw",
    [
        lambda space, rng: space.sample(rng),
        lambda space, rng: space.mutate(space.largest(space.data_configs[0]), rng),
        lambda space, rng: space.crossover(
            space.largest(space.data_configs[0]), space.smallest(space.data_configs[-1]), rng
        ),
    ],
    ids=["sample", "mutate", "crossover"],
)
def test_the_same_seed_gives_the_same_genomes(
    draw: Callable[[SearchSpace, np.random.Generator], Genome],
) -> None:
    first, second = (
        [draw(DEFAULT_SPACE, rng) for _ in range(20)]
        for rng in (np.random.default_rng(7), np.random.default_rng(7))
    )
    assert first == second
    assert len(set(first)) > 1


# -- repair ------------------------------------------------------------------------------------


@few
@given(spaces())
def test_repair_leaves_feasible_depths_alone_and_makes_all_others_feasible(
    space: SearchSpace,
) -> None:
    for depths in _drawn(space):
        repaired = space.repair(list(depths))
        assert _feasible(repaired)
        assert all(
            value in getattr(space, gene) for gene, value in zip(DEPTH_GENES, repaired, strict=True)
        )
        if _feasible(depths):
            assert repaired == depths


@few
@given(spaces())
def test_repair_changes_the_number_of_blocks_as_little_as_the_space_permits(
    space: SearchSpace,
) -> None:
    totals = {sum(depths) for depths in _drawn(space) if _feasible(depths)}
    for depths in _drawn(space):
        nearest = min(abs(total - sum(depths)) for total in totals)
        assert abs(sum(space.repair(list(depths))) - sum(depths)) == nearest


def _totals(space: SearchSpace) -> tuple[Counter[int], Counter[int]]:
    """How often each number of blocks is drawn, and how often it is there after the repair."""
    drawn = _drawn(space)
    return Counter(map(sum, drawn)), Counter(sum(space.repair(list(d))) for d in drawn)


def test_the_default_space_has_nets_of_each_depth_as_often_after_repair_as_before() -> None:
    before, after = _totals(DEFAULT_SPACE)
    assert sum(not _feasible(depths) for depths in _drawn(DEFAULT_SPACE)) > 300
    assert after == before


@few
@given(gapless_spaces())
def test_narrow_spaces_have_nets_of_each_depth_as_often_after_repair_as_before(
    space: SearchSpace,
) -> None:
    # Exact, as some feasible depths have each number of blocks that can be drawn.
    before, after = _totals(space)
    assert after == before


@few
@given(skippable_spaces())
def test_in_spaces_with_gaps_the_mean_depth_stays_within_half_a_block(space: SearchSpace) -> None:
    # Here not every number of blocks is possible, so single nets round to the nearest one. Over
    # all 5,145 such spaces the mean moves by less than half a block; cutting blocks off behind
    # empty stages would take more than two blocks off the mean of the default space.
    before, after = _totals(space)
    mean_before, mean_after = (
        sum(total * times for total, times in counts.items()) / counts.total()
        for counts in (before, after)
    )
    assert abs(mean_after - mean_before) < 0.5
    assert max(after) == max(before)


def test_samples_are_as_deep_on_average_as_their_genes() -> None:
    rng = np.random.default_rng(0)
    count = 3000
    depths = np.array([sum(DEFAULT_SPACE.sample(rng).arch.depths) for _ in range(count)])
    mean = sum(float(np.mean(getattr(DEFAULT_SPACE, gene))) for gene in DEPTH_GENES)
    assert mean == 7.0
    assert depths.mean() == pytest.approx(mean, abs=4 * depths.std() / count**0.5)


# -- reading, writing, errors ------------------------------------------------------------------


def test_the_default_space_is_that_of_the_paper() -> None:
    assert DEFAULT_SPACE.resolution == (32, 64, 96, 128, 160, 192, 224)
    assert DEFAULT_SPACE.alpha == tuple(tenth / 10 for tenth in range(1, 11))
    assert [max(getattr(DEFAULT_SPACE, gene)) for gene in DEPTH_GENES] == [3, 4, 3, 3, 1]
    assert DEFAULT_SPACE.size == 14 * 10 * sum(map(_feasible, _drawn(DEFAULT_SPACE)))


@given(spaces())
def test_a_space_comes_back_from_json(space: SearchSpace) -> None:
    assert SearchSpace.from_json(json.loads(json.dumps(space.to_json()))) == space


@given(spaces())
def test_the_largest_and_the_smallest_genome_enclose_the_space(space: SearchSpace) -> None:
    data = space.data_configs[0]
    largest, smallest = space.largest(data), space.smallest(data)
    assert largest in space
    assert smallest in space
    totals = [sum(depths) for depths in _drawn(space) if _feasible(depths)]
    assert sum(largest.arch.depths) == max(totals)
    assert sum(smallest.arch.depths) == min(totals)
    assert (largest.arch.alpha, smallest.arch.alpha) == (space.alpha[-1], space.alpha[0])


def test_toml_narrows_the_genes_it_names_and_leaves_the_others(tmp_path: Path) -> None:
    file = tmp_path / "space.toml"
    file.write_text("resolution = 64\ncolour = ['rgb']\nalpha = [0.5, 1, 0.1]\nb7 = [0]\n")
    space = choose_space(str(file))
    assert space.data_configs == (DataConfig(64, "rgb"),)  # hardware-aware search
    assert space.alpha == (0.1, 0.5, 1.0)
    assert space.b7 == (0,)
    assert space.b4 == DEFAULT_SPACE.b4


def test_toml_sets_the_width_of_monochrome_networks(tmp_path: Path) -> None:
    file = tmp_path / "space.toml"
    file.write_text("monochrome_width = 0.5\nresolution = [96]")
    assert [data.width_factor for data in choose_space(str(file)).data_configs] == [0.5, 1.0]


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("resolutions = [32]", "no gene 'resolutions'.*Genes: resolution, colour"),
        ("resolution = ['big']", r"gives resolution the values \['big'\]"),
        ("resolution = [64.5]", r"gives resolution the values \[64\.5\]"),
        ("b3 = [true]", r"gives b3 the values \[True\]"),
        ("colour = [1]", r"gives colour the values \[1\]"),
        ("colour = ['blue']", "no colour 'blue'"),
        ("alpha = []", "gives alpha no values"),
        ("b4 = [1, 1]", "gives b4 a value twice"),
        ("alpha = [1, 1.0]", "gives alpha a value twice"),
        ("resolution = [8, 32]", "resolution of 8 is too small"),
        ("b3 = [-1, 2]", "b3 outside 0 to 3"),
        ("b4 = [5]", "b4 outside 0 to 4"),
        ("alpha = [0.0, 0.5]", "alpha outside 0 to 1"),
        ("alpha = [1.1]", "alpha outside 0 to 1"),
        ("alpha = [0.5, nan]", "can.t be read: nan is no number"),
        ("b3 = [0]\nb4 = [1]", "No genome of this search space is feasible"),
        ("monochrome_width = [0.3, 0.5]", "one number, not a gene"),
        ("monochrome_width = 2", "width factor of 2 is out of range"),
        ("resolution = [32", "space.toml can't be read"),
    ],
)
def test_a_bad_search_space_says_what_is_wrong(tmp_path: Path, toml: str, told: str) -> None:
    file = tmp_path / "space.toml"
    file.write_text(toml)
    with pytest.raises(DanasError, match=told):
        choose_space(str(file))


def test_a_missing_search_space_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DanasError, match=r"no search space file .*nowhere\.toml"):
        choose_space(str(tmp_path / "nowhere.toml"))


def test_a_space_of_one_genome_can_be_sampled_but_not_mutated() -> None:
    space = SearchSpace((32,), ("rgb",), (1,), (0,), (0,), (0,), (0,), (0.5,))
    rng = np.random.default_rng(0)
    genome = space.sample(rng)
    assert space.size == 1
    with pytest.raises(DanasError, match=r"nothing can mutate.*Give at least one gene two values"):
        space.mutate(genome, rng)


def test_a_space_holds_its_own_genomes_alone() -> None:
    rgb = SearchSpace(colour=("rgb",))
    assert rgb.largest(DataConfig(64, "rgb")) in rgb
    assert rgb.largest(DataConfig(64, "monochrome")) not in rgb
    assert DEFAULT_SPACE.largest(DataConfig(64, "monochrome", 0.5)) not in DEFAULT_SPACE
    assert "a genome" not in rgb

"""Search spaces: what is in them, and the ways from one genome to another."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from danas_hil.base import DanasError
from danas_hil.families.mobilenet_v2 import MobileNetV2Space
from danas_hil.signals import DataConfig
from danas_hil.signals.image import ImageConfig
from danas_hil.space import DEFAULT_SPACE, Genome, Space, choose_space, space_from_json
from strategies import (
    DEPTH_GENES,
    generators,
    make_space,
    spaces,
    spaces_with_genomes,
)

Depths = tuple[int, ...]


def _drawn(space: Space) -> list[Depths]:
    """Every combination of depths that can be drawn, feasible or not."""
    return list(itertools.product(*(space.genes[gene] for gene in DEPTH_GENES)))


def _feasible(depths: Depths) -> bool:
    return all(not later or earlier for earlier, later in itertools.pairwise(depths))


def _subnets(space: Space) -> MobileNetV2Space:
    subnets = space.of("mobilenet_v2")
    assert isinstance(subnets, MobileNetV2Space)
    return subnets


def _largest(space: Space, data: DataConfig) -> Genome:
    return Genome(data, _subnets(space).largest)


def _smallest(space: Space, data: DataConfig) -> Genome:
    return Genome(data, _subnets(space).smallest)


def _changed_genes(one: Genome, other: Genome) -> set[str]:
    a, b = one.to_json(), other.to_json()
    return {gene for gene in a if a[gene] != b[gene]}


# -- sampling, mutation, crossover -------------------------------------------------------------


@given(spaces(), generators())
def test_every_sample_is_feasible_and_in_the_space(space: Space, rng: np.random.Generator) -> None:
    genome = space.sample(rng)
    assert genome.feasible
    assert genome in space
    data = space.data_configs[-1]
    assert space.sample(rng, data).data == data


@given(spaces_with_genomes(), generators())
def test_mutation_stays_in_the_space_and_always_changes_something(
    drawn: tuple[Space, list[Genome]], rng: np.random.Generator
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
    drawn: tuple[Space, list[Genome]], rng: np.random.Generator
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
            values = space.genes[gene]
            at = values.index(genome.arch.depths[place])
            for value in values[max(0, at - 1) : at + 2]:
                depths = list(genome.arch.depths)
                depths[place] = value
                steps.add(_subnets(space).repair(depths))
        assert mutant.arch.depths in steps
    elif "alpha" in changed:
        assert changed == {"alpha"}
        alphas = space.genes["alpha"]
        at = alphas.index(genome.arch.alpha)
        assert abs(alphas.index(mutant.arch.alpha) - at) == 1
    elif "colour" in changed:
        assert changed == {"colour"}
    else:
        assert changed == {"resolution"}
        sides = space.genes["resolution"]
        at = sides.index(genome.data.resolution)
        assert abs(sides.index(mutant.data.resolution) - at) == 1


def test_mutation_falls_on_data_depth_and_width_as_in_the_reference() -> None:
    rng = np.random.default_rng(0)
    genome = Genome.from_json(
        DEFAULT_SPACE.sample(rng, ImageConfig(96, "rgb")).to_json()
        | {"alpha": 0.5}
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
    drawn: tuple[Space, list[Genome]], rng: np.random.Generator
) -> None:
    space, (one, other) = drawn
    child = space.crossover(one, other, rng)
    assert child.feasible
    assert child in space
    assert child.data.resolution in (one.data.resolution, other.data.resolution)
    assert child.data.colour in (one.data.colour, other.data.colour)
    assert child.arch.alpha in (one.arch.alpha, other.arch.alpha)
    mixtures = set(itertools.product(*zip(one.arch.depths, other.arch.depths, strict=True)))
    assert child.arch.depths in {_subnets(space).repair(list(mixture)) for mixture in mixtures}


@given(spaces_with_genomes(), generators())
def test_a_genome_crossed_with_itself_is_itself(
    drawn: tuple[Space, list[Genome]], rng: np.random.Generator
) -> None:
    space, (genome,) = drawn
    assert space.crossover(genome, genome, rng) == genome


def test_a_crossover_takes_each_gene_from_either_parent_evenly() -> None:
    rng = np.random.default_rng(0)
    low = _smallest(DEFAULT_SPACE, ImageConfig(32, "monochrome"))
    high = _largest(DEFAULT_SPACE, ImageConfig(224, "rgb"))
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
        lambda space, rng: space.mutate(_largest(space, space.data_configs[0]), rng),
        lambda space, rng: space.crossover(
            _largest(space, space.data_configs[0]), _smallest(space, space.data_configs[-1]), rng
        ),
    ],
    ids=["sample", "mutate", "crossover"],
)
def test_the_same_seed_gives_the_same_genomes(
    draw: Callable[[Space, np.random.Generator], Genome],
) -> None:
    first, second = (
        [draw(DEFAULT_SPACE, rng) for _ in range(20)]
        for rng in (np.random.default_rng(7), np.random.default_rng(7))
    )
    assert first == second
    assert len(set(first)) > 1


# -- reading, writing, errors ------------------------------------------------------------------


def test_the_default_space_is_that_of_the_paper() -> None:
    assert DEFAULT_SPACE.genes["resolution"] == (32, 64, 96, 128, 160, 192, 224)
    assert DEFAULT_SPACE.genes["colour"] == ("monochrome", "rgb")
    assert DEFAULT_SPACE.genes["alpha"] == tuple(tenth / 10 for tenth in range(1, 11))
    assert DEFAULT_SPACE.families == ("mobilenet_v2",)
    assert [max(DEFAULT_SPACE.genes[gene]) for gene in DEPTH_GENES] == [3, 4, 3, 3, 1]
    assert DEFAULT_SPACE.size == 14 * 10 * sum(map(_feasible, _drawn(DEFAULT_SPACE)))


@given(spaces())
def test_a_space_comes_back_from_json(space: Space) -> None:
    assert space_from_json(json.loads(json.dumps(space.to_json()))) == space


@given(spaces())
def test_the_largest_and_the_smallest_genome_enclose_the_space(space: Space) -> None:
    data = space.data_configs[0]
    largest, smallest = _largest(space, data), _smallest(space, data)
    assert largest in space
    assert smallest in space
    totals = [sum(depths) for depths in _drawn(space) if _feasible(depths)]
    assert sum(largest.arch.depths) == max(totals)
    assert sum(smallest.arch.depths) == min(totals)
    assert (largest.arch.alpha, smallest.arch.alpha) == (
        space.genes["alpha"][-1],
        space.genes["alpha"][0],
    )


def test_toml_narrows_the_genes_it_names_and_leaves_the_others(tmp_path: Path) -> None:
    file = tmp_path / "space.toml"
    file.write_text("resolution = 64\ncolour = ['rgb']\nalpha = [0.5, 1, 0.1]\nb7 = [0]\n")
    space = choose_space(str(file))
    assert space.data_configs == (ImageConfig(64, "rgb"),)  # hardware-aware search
    assert space.genes["alpha"] == (0.1, 0.5, 1.0)
    assert space.genes["b7"] == (0,)
    assert space.genes["b4"] == DEFAULT_SPACE.genes["b4"]


def test_toml_sets_the_width_of_monochrome_networks(tmp_path: Path) -> None:
    file = tmp_path / "space.toml"
    file.write_text("monochrome_width = 0.5\nresolution = [96]")
    space = choose_space(str(file))
    assert [data.colour for data in space.data_configs] == ["monochrome", "rgb"]
    for data in space.data_configs:
        genome = space.sample(np.random.default_rng(0), data)
        narrowed = 0.5 if data.colour == "monochrome" else 1.0
        assert genome.arch.width(data.shape[2]) == genome.arch.alpha * narrowed
        assert Genome.from_json(genome.to_json()) == genome


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("resolutions = [32]", "no gene 'resolutions'.*Genes: .*resolution"),
        ("resolution = ['big']", "'big' is no resolution"),
        ("resolution = ['96by64']", "'96by64' is no resolution"),
        ("resolution = [64, '64x64']", "gives resolution a value twice"),
        ("resolution = ['96x8']", "resolution of 96x8 is too small"),
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
        ("monochrome_width = 2", "monochrome_width outside 0 to 1"),
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
    depths = {gene: (1 if gene == "b3" else 0,) for gene in DEPTH_GENES}
    space = make_space((32,), ("rgb",), **depths, alpha=(0.5,))
    rng = np.random.default_rng(0)
    genome = space.sample(rng)
    assert space.size == 1
    with pytest.raises(DanasError, match=r"nothing can mutate.*Give at least one gene two values"):
        space.mutate(genome, rng)


def test_a_space_holds_its_own_genomes_alone() -> None:
    rgb = make_space(colour=("rgb",))
    assert _largest(rgb, ImageConfig(64, "rgb")) in rgb
    assert _largest(rgb, ImageConfig(64, "monochrome")) not in rgb
    wider = replace(_largest(DEFAULT_SPACE, ImageConfig(64, "rgb")).arch, monochrome_width=0.5)
    assert Genome(ImageConfig(64, "monochrome"), wider) not in DEFAULT_SPACE
    assert Genome(ImageConfig(64, "rgb", 96), wider) not in DEFAULT_SPACE
    assert "a genome" not in rgb


# -- images that are not square ----------------------------------------------------------------


def test_images_that_are_not_square_stand_among_the_others_by_area() -> None:
    space = make_space((96, "96x64", 64, "64x96"), ("rgb",))
    assert space.genes["resolution"] == (64, "64x96", "96x64", 96)
    assert [data.shape[:2] for data in space.data_configs] == [
        (64, 64),
        (96, 64),
        (64, 96),
        (96, 96),
    ]
    assert space_from_json(json.loads(json.dumps(space.to_json()))) == space


@given(generators())
def test_genomes_that_see_them_come_back_from_json_and_genes(rng: np.random.Generator) -> None:
    space = make_space((96, "96x64", "48x64"), family=["mobilenet_v2", "ds_cnn"])
    genome = space.sample(rng)
    assert Genome.from_json(json.loads(json.dumps(genome.to_json()))) == genome
    assert space.genome(space.values(genome)) == genome


# -- several families --------------------------------------------------------------------------

BOTH = make_space((32, "64x32"), ("rgb",), ["mobilenet_v2", "ds_cnn"])
TINY = space_from_json(
    {
        "family": ["mobilenet_v2", "ds_cnn"],
        "image": {"resolution": [32, 64], "colour": ["rgb"]},
        "mobilenet_v2": {**{gene: [0] for gene in DEPTH_GENES}, "b3": [0, 1], "alpha": [0.1, 0.2]},
        "ds_cnn": {"blocks": [1, 2, 3], "alpha": [0.25]},
    }
)


def test_genes_of_several_families_bear_their_names() -> None:
    assert BOTH.families == ("mobilenet_v2", "ds_cnn")
    assert list(BOTH.genes) == [
        "resolution",
        "colour",
        "family",
        *(f"mobilenet_v2.{gene}" for gene in (*DEPTH_GENES, "alpha")),
        "ds_cnn.blocks",
        "ds_cnn.alpha",
    ]
    assert BOTH.genes["family"] == ("mobilenet_v2", "ds_cnn")
    assert BOTH.genes["ds_cnn.blocks"] == (1, 2, 3, 4, 5, 6)


def test_a_space_of_several_families_holds_all_of_each() -> None:
    alone = [make_space((32, "64x32"), ("rgb",), family) for family in BOTH.families]
    assert BOTH.size == sum(space.size for space in alone)
    assert {genome.family for genome in TINY.genomes()} == set(TINY.families)
    assert len(set(TINY.genomes())) == TINY.size == 2 * (2 * 2 + 3)
    assert all(genome in TINY for genome in TINY.genomes())
    assert {genome.family for genome in BOTH.leanest(BOTH.data_configs[0])} == set(BOTH.families)
    with pytest.raises(DanasError, match="no networks of the family layers"):
        BOTH.of("layers")


@given(generators())
def test_a_genome_of_any_family_comes_back_from_its_values(rng: np.random.Generator) -> None:
    genome = BOTH.sample(rng)
    values = BOTH.values(genome)
    assert list(values) == list(BOTH.genes)
    assert all(value in BOTH.genes[gene] for gene, value in values.items())
    assert values["family"] == genome.family
    assert BOTH.genome(values) == genome


@given(spaces_with_genomes())
def test_a_genome_comes_back_from_its_values(drawn: tuple[Space, list[Genome]]) -> None:
    space, (genome,) = drawn
    values = space.values(genome)
    assert list(values) == list(space.genes)
    assert space.genome(values) == genome


@given(generators())
def test_what_is_drawn_bred_or_mutated_of_several_families_is_in_the_space(
    rng: np.random.Generator,
) -> None:
    one, other = BOTH.sample(rng), BOTH.sample(rng)
    child, mutant = BOTH.crossover(one, other, rng), BOTH.mutate(one, rng)
    assert all(genome in BOTH for genome in (one, other, child, mutant))
    assert mutant != one
    assert child.data.resolution in (one.data.resolution, other.data.resolution)
    assert child.family in (one.family, other.family)
    if one.family != other.family:
        assert child.arch in (one.arch, other.arch)
    if mutant.family != one.family:
        assert mutant.data == one.data


def test_samples_are_of_each_family_evenly() -> None:
    rng, count = np.random.default_rng(0), 2000
    shares = Counter(BOTH.sample(rng).family for _ in range(count))
    assert shares["ds_cnn"] / count == pytest.approx(0.5, abs=4 * (0.25 / count) ** 0.5)


def test_a_child_of_two_families_is_of_either_evenly() -> None:
    rng, count = np.random.default_rng(0), 2000
    one, other = (
        Genome(BOTH.data_configs[0], BOTH.of(family).sample(rng, (32, 32, 3)))
        for family in BOTH.families
    )
    shares = Counter(BOTH.crossover(one, other, rng).family for _ in range(count))
    assert shares["ds_cnn"] / count == pytest.approx(0.5, abs=4 * (0.25 / count) ** 0.5)


def test_a_mutation_takes_another_family_a_sixth_of_the_time() -> None:
    # 0.2 beside 0.4 for the data and 0.6 for what a family changes of itself.
    rng, count = np.random.default_rng(0), 4000
    genome = Genome(BOTH.data_configs[0], BOTH.of("ds_cnn").from_genes(
        {"blocks": 3, "alpha": 0.5}, (32, 32, 3)))  # fmt: skip
    taken = sum(BOTH.mutate(genome, rng).family != "ds_cnn" for _ in range(count))
    share = 0.2 / 1.2
    assert taken / count == pytest.approx(share, abs=4 * (share * (1 - share) / count) ** 0.5)


def test_walks_reach_every_genome_of_every_family() -> None:
    rng = np.random.default_rng(0)
    genome = TINY.sample(rng)
    seen = {genome}
    for _ in range(1000):
        genome = TINY.mutate(genome, rng)
        seen.add(genome)
    assert seen == set(TINY.genomes())


def test_a_space_of_several_families_comes_back_from_json() -> None:
    for space in (BOTH, TINY):
        assert space_from_json(json.loads(json.dumps(space.to_json()))) == space


def test_genomes_of_several_families_can_be_told_apart_by_id() -> None:
    assert len({genome.id for genome in TINY.genomes()}) == TINY.size


def test_families_that_share_weights_and_those_that_do_not_are_not_searched_together() -> None:
    with pytest.raises(DanasError, match=r"layers are trained from scratch.*ds_cnn share") as told:
        make_space((32,), ("rgb",), ["layers", "ds_cnn"])
    assert "experiment" in told.value.hint
    assert BOTH.shares_weights
    assert not make_space((32,), ("rgb",), "layers").shares_weights
    with pytest.raises(DanasError, match="networks of layers share no weights"):
        make_space((32,), ("rgb",), "layers").subnets("layers")

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.base import DanasError
from danas_hil.space import ArchConfig, DataConfig, Genome
from strategies import genomes

SMALL = Genome(DataConfig(32, "monochrome"), ArchConfig(1, 0, 0, 0, 0, 0.1))
FULL = Genome(DataConfig(64, "rgb"), ArchConfig(3, 4, 3, 3, 1, 1.0))


@given(genomes())
def test_a_genome_comes_back_from_json(genome: Genome) -> None:
    again = Genome.from_json(json.loads(json.dumps(genome.to_json())))
    assert again == genome
    assert again.id == genome.id


@given(genomes(), genomes())
def test_two_genomes_have_one_id_exactly_if_they_are_equal(one: Genome, other: Genome) -> None:
    assert (one.id == other.id) == (one == other)


def test_ids_never_change() -> None:
    # Pinned: they name folders of runs made by earlier versions.
    assert SMALL.id == "5860a056"
    assert FULL.id == "4d3b0c67"


def test_an_id_does_not_depend_on_the_seed_of_pythons_hashes() -> None:
    program = f"from danas_hil.space import *; print({FULL!r}.id)"
    for seed in ("1", "2"):
        ended = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert ended.stdout.strip() == FULL.id


def test_monochrome_has_one_channel_and_a_third_of_the_width_unless_set_otherwise() -> None:
    assert DataConfig(96, "rgb").shape == (96, 96, 3)
    assert DataConfig(96, "rgb").width_factor == 1
    assert DataConfig(96, "monochrome").shape == (96, 96, 1)
    assert DataConfig(96, "monochrome").width_factor == 0.33
    assert DataConfig(96, "monochrome", 0.5).width_factor == 0.5


def test_names_tell_data_configurations_apart() -> None:
    configs = [
        DataConfig(96, "rgb"),
        DataConfig(64, "rgb"),
        DataConfig(96, "monochrome"),
        DataConfig(96, "monochrome", 0.5),
        DataConfig(96, "rgb", 0.33),
    ]
    assert len({config.name for config in configs}) == len(configs)
    assert configs[0].name == "96-rgb"


@pytest.mark.parametrize(
    ("depths", "feasible"),
    [
        ((0, 0, 0, 0, 0), True),
        ((1, 0, 0, 0, 0), True),
        ((3, 4, 3, 3, 1), True),
        ((0, 1, 0, 0, 0), False),
        ((1, 1, 0, 0, 1), False),
        ((1, 0, 1, 1, 1), False),
    ],
)
def test_a_block_behind_an_empty_stage_is_infeasible(
    depths: tuple[int, int, int, int, int], feasible: bool
) -> None:
    assert ArchConfig(*depths, 1.0).feasible is feasible
    value = Genome(DataConfig(64, "rgb"), ArchConfig(*depths, 1.0)).to_json()
    if feasible:
        assert Genome.from_json(value).arch.depths == depths
    else:
        with pytest.raises(DanasError, match="behind an empty stage"):
            Genome.from_json(value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"resolution": 8}, "resolution of 8"),
        ({"resolution": None}, "not a genome"),
        ({"resolution": float("inf")}, "not a genome"),
        ({"resolution": 64.5}, "not a genome"),
        ({"colour": "blue"}, "'blue'.*monochrome, rgb"),
        ({"width_factor": -1}, "width factor of -1"),
        ({"width_factor": 1.5}, "width factor of 1.5"),
        ({"b3": 4}, "b3 = 4 .* 0 to 3"),
        ({"b4": -1}, "b4 = -1 .* 0 to 4"),
        ({"b7": "many"}, "not a genome"),
        ({"alpha": 0}, "alpha = 0"),
        ({"alpha": 1.01}, "alpha = 1.01"),
        ({"alpha": float("nan")}, "alpha = nan"),
    ],
)
def test_bad_genes_are_named(change: dict, told: str) -> None:
    with pytest.raises(DanasError, match=told):
        Genome.from_json(FULL.to_json() | change)


@given(st.sampled_from(sorted(FULL.to_json())))
def test_a_missing_gene_is_named(gene: str) -> None:
    value = FULL.to_json()
    del value[gene]
    with pytest.raises(DanasError, match=gene):
        Genome.from_json(value)

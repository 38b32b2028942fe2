"""Genomes: JSON, ids, feasibility, and which errors name what."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.base import DanasError
from danas_hil.families.ds_cnn import DsCnn
from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome
from strategies import genomes, genomes_of

SMALL = Genome(ImageConfig(32, "monochrome"), MobileNetV2(1, 0, 0, 0, 0, 0.1))
FULL = Genome(ImageConfig(64, "rgb"), MobileNetV2(3, 4, 3, 3, 1, 1.0))


@given(genomes() | genomes_of("ds_cnn") | genomes_of("layers"))
def test_a_genome_comes_back_from_json(genome: Genome) -> None:
    again = Genome.from_json(json.loads(json.dumps(genome.to_json())))
    assert again == genome
    assert again.id == genome.id


@given(genomes() | genomes_of("ds_cnn"), genomes() | genomes_of("ds_cnn"))
def test_two_genomes_have_one_id_exactly_if_they_are_equal(one: Genome, other: Genome) -> None:
    assert (one.id == other.id) == (one == other)


def test_ids_never_change() -> None:
    # Pinned: they name folders of runs.
    assert SMALL.id == "8fe597ab"
    assert FULL.id == "83dab886"
    assert Genome(ImageConfig(96, "rgb", 64), DsCnn(4, 0.5)).id == "c892b81f"


def test_an_id_does_not_depend_on_the_seed_of_pythons_hashes() -> None:
    program = f"""
from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome
print({FULL!r}.id)
"""
    for seed in ("1", "2"):
        ended = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert ended.stdout.strip() == FULL.id


def test_json_names_signal_and_family_and_has_their_genes_beside_them() -> None:
    assert FULL.to_json() == {
        "signal": "image",
        "family": "mobilenet_v2",
        "resolution": 64,
        "colour": "rgb",
        **{"b3": 3, "b4": 4, "b5": 3, "b6": 3, "b7": 1},
        "alpha": 1.0,
        "monochrome_width": 0.33,
    }


def test_names_tell_data_and_network() -> None:
    assert str(FULL) == "64-rgb depth 34331 alpha 1"
    wide = Genome(ImageConfig(96, "rgb", 64), DsCnn(4, 0.5))
    assert str(wide) == "96x64-rgb ds_cnn blocks 4 alpha 0.5"
    assert wide.to_json()["resolution"] == "96x64"


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
    genome = Genome(ImageConfig(64, "rgb"), MobileNetV2(*depths, 1.0))
    assert genome.feasible is feasible
    value = genome.to_json()
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
        ({"resolution": True}, "not a genome"),
        ({"resolution": "64x"}, "'64x' is no resolution"),
        ({"resolution": "64x8"}, "resolution of 64x8 is too small"),
        ({"colour": "blue"}, "'blue'.*monochrome, rgb"),
        ({"monochrome_width": -1}, "monochrome_width = -1"),
        ({"monochrome_width": 1.5}, "monochrome_width = 1.5"),
        ({"monochrome_width": "half"}, "not a genome"),
        ({"signal": "smell"}, "no signal 'smell'"),
        ({"family": "mobilenet_v3"}, "no family of networks 'mobilenet_v3'"),
        ({"family": "ds_cnn"}, "not a genome.*stem_height"),
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

"""genome.json: written and read, also where an older or a newer version wrote it, or a slip."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.base import DanasError
from danas_hil.run import GenomeFile, read_genome, write_genome
from danas_hil.space import Genome
from strategies import genomes

FORMAT1 = {"resolution": 32, "colour": "monochrome", "width_factor": 0.5, "b3": 1, "b4": 0}
FORMAT1 |= {"b5": 0, "b6": 0, "b7": 0, "alpha": 0.1}


@given(genomes(), st.lists(st.text(min_size=1), min_size=2, max_size=9).map(tuple))
def test_a_genome_comes_back_with_its_classes(
    tmp_path_factory: pytest.TempPathFactory, genome: Genome, classes: tuple[str, ...]
) -> None:
    file = tmp_path_factory.mktemp("genome") / "genome.json"
    write_genome(file, genome, classes)
    assert read_genome(file) == GenomeFile(genome, classes)


def test_a_genome_of_the_first_format_is_one_of_persons_in_images(tmp_path: Path) -> None:
    file = tmp_path / "genome.json"
    file.write_text(json.dumps(FORMAT1))
    found = read_genome(file)
    assert found.classes == ("no person", "person")
    assert found.genome.to_json() == {
        "signal": "image",
        "family": "mobilenet_v2",
        "monochrome_width": 0.5,
        **{gene: value for gene, value in FORMAT1.items() if gene != "width_factor"},
    }


def test_a_newer_genome_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "genome.json"
    file.write_text(json.dumps({"format": 99, "network": {}}))
    with pytest.raises(DanasError, match=r"genome\.json has format 99.*newer danas-hil"):
        read_genome(file)


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        {**FORMAT1, "alpha": "wide"},
        {gene: value for gene, value in FORMAT1.items() if gene != "colour"},
        {"format": 2},
        {"format": 2, "classes": ["a", "b"], "genome": FORMAT1},
        {"format": 2, "classes": ["a"], "genome": {}},
        {"format": "2", "classes": ["a", "b"], "genome": {}},
    ],
)
def test_what_is_no_genome_is_named(content: object, tmp_path: Path) -> None:
    file = tmp_path / "genome.json"
    file.write_text(json.dumps(content))
    with pytest.raises(DanasError, match=r"genome\.json is damaged") as error:
        read_genome(file)
    assert "candidates/ID/genome.json" in error.value.hint


def test_one_class_is_too_few(tmp_path: Path) -> None:
    file = tmp_path / "genome.json"
    file.write_text(json.dumps(FORMAT1))
    write_genome(file, read_genome(file).genome, ("one",))
    with pytest.raises(DanasError, match="fewer than two classes"):
        read_genome(file)

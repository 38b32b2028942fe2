"""genome.json of a candidate: its genes, and the classes that it tells apart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from danas_hil.base import build, check_format, checking, read_json, write_json
from danas_hil.run.format1 import TASK_OF_FORMAT1, genome_of_format1
from danas_hil.space import Genome

FORMAT = 2
_HINT = "candidates/ID/genome.json of a run is a genome."


@dataclass(frozen=True)
class GenomeFile:
    """A genome, and the names of the classes in the order of the network's outputs."""

    genome: Genome
    classes: tuple[str, ...]


def write_genome(path: Path, genome: Genome, classes: tuple[str, ...]) -> None:
    write_json(path, {"format": FORMAT, "classes": list(classes), "genome": genome.to_json()})


def read_genome(path: Path) -> GenomeFile:
    """Raises DanasError for a file that is none or damaged, and for a newer format."""
    value: Any = read_json(path, _HINT)
    check_format(path, value, FORMAT, _HINT, "format")
    with checking(path, _HINT):
        if value.get("format", 1) == 1:  # the genes alone
            value = {"classes": TASK_OF_FORMAT1["classes"], "genome": genome_of_format1(value)}
        made: GenomeFile = build(GenomeFile, {k: v for k, v in value.items() if k != "format"})
        if len(made.classes) < 2:
            raise ValueError("it names fewer than two classes")
    return made

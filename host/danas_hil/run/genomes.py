"""genome.json of a candidate: its genes, and the classes that it tells apart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from danas_hil.base import DanasError, read_json, write_json
from danas_hil.base.plain import check_format
from danas_hil.run.format1 import TASK_OF_FORMAT1, genome_of_format1
from danas_hil.space import Genome
from danas_hil.tasks import Task

FORMAT = 2
_HINT = "candidates/ID/genome.json of a run is one."


@dataclass(frozen=True)
class GenomeFile:
    """A genome, and the names of the classes in the order of the network's outputs."""

    genome: Genome
    classes: tuple[str, ...]


def write_genome(path: Path, genome: Genome, classes: tuple[str, ...]) -> None:
    write_json(path, {"format": FORMAT, "classes": list(classes), "genome": genome.to_json()})


def read_genome(path: Path) -> GenomeFile:
    """Raises DanasError for a file that is none, or of another format."""
    value: Any = read_json(path)
    if not isinstance(value, dict):
        raise DanasError(f"{path} is not a genome.", _HINT)
    if "genome" not in value:  # format 1: the genes alone, of two classes
        genome = Genome.from_json(genome_of_format1(value))
        return GenomeFile(genome, Task.from_json(TASK_OF_FORMAT1).classes)
    check_format(path, value, FORMAT, _HINT, "format")
    genes, classes = value["genome"], value.get("classes")
    named = isinstance(classes, list) and all(isinstance(name, str) for name in classes)
    if (
        not isinstance(genes, dict)
        or not isinstance(classes, list)
        or not named
        or len(classes) < 2
    ):
        raise DanasError(f"{path} is damaged: it names no genes, or fewer than two classes.", _HINT)
    return GenomeFile(Genome.from_json(genes), tuple(classes))

"""A genome: what the data looks like, and what the network looks like."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from danas_hil.base import DanasError
from danas_hil.families import Architecture, Layer, find_family
from danas_hil.signals import DataConfig, find_signal


@dataclass(frozen=True, order=True)
class Genome:
    """A candidate system: the data it sees and the network that sees it."""

    data: DataConfig
    arch: Architecture

    @property
    def family(self) -> str:
        """The name of the network's family."""
        return self.arch.family

    @property
    def problem(self) -> str:
        """Why there is no such network; empty where there is one."""
        return self.arch.problem(self.data.shape)

    @property
    def feasible(self) -> bool:
        """Whether there is such a network."""
        return not self.problem

    def check_feasible(self) -> None:
        """Raise DanasError, saying why, for a genome that is not feasible."""
        if problem := self.problem:
            raise DanasError(f"There is no network for the genome {self}: {problem}.")

    @property
    def id(self) -> str:
        """Eight hexadecimal digits that depend on the genes alone, on any machine."""
        text = json.dumps(self.to_json(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    def __str__(self) -> str:
        return f"{self.data.name} {self.arch}"

    def to_json(self) -> dict[str, Any]:
        """Signal and family, and their genes beside them."""
        return {
            "signal": self.data.signal,
            "family": self.family,
            **self.data.to_json(),
            **self.arch.to_json(),
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Genome:
        """The inverse of `to_json`. Raises DanasError for missing genes and bad values."""
        try:
            signal, family = find_signal(value["signal"]), find_family(value["family"])
            genome = Genome(signal.config(value), family.architecture(value))
        except (KeyError, OverflowError, TypeError, ValueError) as error:
            raise DanasError(f"This is not a genome ({error!r}): {str(value)[:200]}.") from error
        genome.check_feasible()
        return genome


def layers(genome: Genome, classes: int) -> tuple[Layer, ...]:
    """The operators of the network that `genome` names, with an output for each of `classes`.

    In the order in which they run. Raises DanasError for a genome that is not feasible.
    """
    genome.check_feasible()
    return genome.arch.layers(genome.data.shape, classes)

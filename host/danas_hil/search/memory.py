"""What a genome takes, by the memory model of the search, before anything is trained."""

from __future__ import annotations

from typing import Any

from danas_hil.estimate import paper
from danas_hil.search.settings import SearchSettings
from danas_hil.space import Genome


class MemoryEstimator:
    """RAM and flash of genomes, estimated; each genome is worked out once."""

    def __init__(self, settings: SearchSettings) -> None:
        self._settings = settings
        self._totals: dict[Genome, tuple[int, int]] = {}

    def totals(self, genome: Genome) -> tuple[int, int]:
        """Bytes of RAM and of flash, which limits are held against."""
        if genome not in self._totals:
            estimate = paper(genome)
            self._totals[genome] = (estimate.ram_bytes, estimate.flash_bytes)
        return self._totals[genome]

    def detail(self, genome: Genome, model: bytes) -> dict[str, Any]:
        """estimate.json of a converted candidate."""
        ram_bytes, flash_bytes = self.totals(genome)
        estimate = paper(genome)
        return {
            "totals": {"ram_bytes": ram_bytes, "flash_bytes": flash_bytes},
            "paper": {"ram_bytes": estimate.ram_bytes, "flash_bytes": estimate.flash_bytes},
        }

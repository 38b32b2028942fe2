"""A signal that a test brings along: features of sound, frames by bands, and nothing to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from danas_hil.base.genes import drawn, either, steps


@dataclass(frozen=True, order=True)
class Features:
    """(frames, bands, 1), as small as one by one."""

    frames: int
    bands: int

    signal: ClassVar[str] = "features"
    kind: ClassVar[str] = "bands"

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.frames, self.bands, 1)

    @property
    def name(self) -> str:
        return f"{self.frames}x{self.bands}"

    @property
    def short(self) -> str:
        return self.name

    @property
    def features(self) -> tuple[float, ...]:
        return (self.frames, self.bands)

    def to_json(self) -> dict[str, Any]:
        return {"frames": self.frames, "bands": self.bands}


@dataclass(frozen=True)
class FeaturesSpace:
    """All frames with all bands; both ascending."""

    frames: tuple[int, ...]
    bands: tuple[int, ...]

    signal: ClassVar[str] = "features"

    @property
    def genes(self) -> dict[str, tuple[Any, ...]]:
        return {"frames": self.frames, "bands": self.bands}

    @property
    def configs(self) -> tuple[Features, ...]:
        return tuple(Features(frames, bands) for frames in self.frames for bands in self.bands)

    @property
    def finest(self) -> int:
        return self.frames[-1]

    def sample(self, rng: np.random.Generator) -> Features:
        return Features(drawn(rng, self.frames), drawn(rng, self.bands))

    def from_genes(self, genes: Mapping[str, Any]) -> Features:
        return Features(genes["frames"], genes["bands"])

    def neighbours(self, data: Features) -> list[Features]:
        longer = [Features(frames, data.bands) for frames in steps(self.frames, data.frames)]
        return longer + [Features(data.frames, bands) for bands in steps(self.bands, data.bands)]

    def crossover(self, one: Features, other: Features, rng: np.random.Generator) -> Features:
        return Features(either(rng, one.frames, other.frames), either(rng, one.bands, other.bands))

    def to_json(self) -> dict[str, Any]:
        return {"frames": list(self.frames), "bands": list(self.bands)}

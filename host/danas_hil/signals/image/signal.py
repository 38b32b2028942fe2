"""The signal itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from danas_hil.signals.image.front_end import front_end
from danas_hil.signals.image.genes import (
    NAME,
    OPTIONS,
    ImageConfig,
    ImageSpace,
    config_from_json,
    space_from_json,
)
from danas_hil.signals.interface import FrontEnd


@dataclass(frozen=True)
class ImageSignal:
    """Photos of any size."""

    name: str = NAME
    title: str = "Images: resolution and colour"

    @property
    def options(self) -> Mapping[str, str]:
        return OPTIONS

    def space(self, genes: Mapping[str, Any]) -> ImageSpace:
        return space_from_json(genes)

    def config(self, genes: Mapping[str, Any]) -> ImageConfig:
        return config_from_json(genes)

    def front_end(self, data: ImageConfig) -> FrontEnd:
        return front_end(data)

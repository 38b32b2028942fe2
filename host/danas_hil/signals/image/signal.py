"""The signal itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:  # what reads images is imported where it is used: the estimate needs none of it
    from danas_hil.data import FileKind, OnProgress, OnWaiting, Source
    from danas_hil.signals.image.dataset import Dataset


@dataclass(frozen=True)
class ImageSignal:
    """Photos of any size."""

    name: str = NAME
    title: str = "Images: resolution and colour"

    @property
    def options(self) -> Mapping[str, str]:
        return OPTIONS

    @property
    def usual(self) -> Mapping[str, Any]:
        """As networks for ImageNet see them, and as arXiv 2502.12690 has it."""
        return {"resolution": 224, "colour": "rgb"}

    def space(self, genes: Mapping[str, Any]) -> ImageSpace:
        return space_from_json(genes)

    def config(self, genes: Mapping[str, Any]) -> ImageConfig:
        return config_from_json(genes)

    def front_end(self, data: ImageConfig) -> FrontEnd:
        return front_end(data)

    def files(self) -> FileKind:
        from danas_hil.signals.image.files import image_files

        return image_files()

    def dataset(
        self, source: Source, finest: int, on_progress: OnProgress, on_waiting: OnWaiting
    ) -> Dataset:
        from danas_hil.signals.image.dataset import open_dataset

        return open_dataset(source, finest, on_progress=on_progress, on_waiting=on_waiting)

"""What a signal is: what a device senses, and how a network may be shown it.

A signal is added by a folder here (or by a package with an entry point `danas_hil.signals`) with
the genes of its data, how records become what the network sees, and how the device makes the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:  # the estimate of a file needs no numpy, and is to be quick
    import numpy as np

    from danas_hil.data import FileKind, OnProgress, OnWaiting, Source
    from danas_hil.signals.shown import Dataset


class DataConfig(Protocol):
    """One way to look at the data: the data genes of a candidate.

    A frozen dataclass that can be ordered.
    """

    signal: ClassVar[str]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of what the network sees; of sound (frames, features, 1)."""
        ...

    @property
    def kind(self) -> str:
        """What the numbers mean, fit for a name: networks share a stem for each kind."""
        ...

    @property
    def name(self) -> str:
        """Short, and fit for a file name."""
        ...

    @property
    def short(self) -> str:
        """For a column of a table."""
        ...

    @property
    def features(self) -> tuple[float, ...]:
        """Numbers that accuracy goes by, as many for each configuration of the signal."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Genes by name; no name is one that a network's genes have."""
        ...

    def __lt__(self, other: Any, /) -> bool: ...
    def __hash__(self) -> int: ...


class DataSpace(Protocol):
    """The values that the genes of the data may take: the data's part of a search space."""

    signal: ClassVar[str]

    @property
    def genes(self) -> dict[str, tuple[Any, ...]]:
        """The values of each gene, by its name in `DataConfig.to_json`."""
        ...

    @property
    def configs(self) -> tuple[Any, ...]:
        """Every data configuration, the smallest first."""
        ...

    @property
    def finest(self) -> int:
        """How fine records have to be kept to serve every configuration, in the signal's unit."""
        ...

    def sample(self, rng: np.random.Generator) -> Any: ...
    def from_genes(self, genes: Mapping[str, Any]) -> Any: ...

    def neighbours(self, data: Any) -> list[Any]:
        """Configurations one gene away."""
        ...

    def crossover(self, one: Any, other: Any, rng: np.random.Generator) -> Any:
        """Each gene from either parent with equal chance."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Lists of values by gene; what `Signal.space` takes."""
        ...


@dataclass(frozen=True)
class FrontEnd:
    """How a device makes a network's input of what its sensor gives, and what that takes.

    The measuring sketch is sent ready inputs: none of this is in its figures or in the limits.

    steps: what is done, in order, for people. ram_bytes: buffers beside the network's input, at
    the least. operations: additions and multiplications for one input, counted and not measured.
    """

    steps: tuple[str, ...]
    ram_bytes: int
    operations: int

    def to_json(self) -> dict[str, Any]:
        return {
            "steps": list(self.steps),
            "ram_bytes": self.ram_bytes,
            "operations": self.operations,
        }


class Signal(Protocol):
    """A kind of data. Whatever reads or shows records is imported when it is first called."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...

    @property
    def options(self) -> Mapping[str, str]:
        """Genes by what options of commands and keys of experiments call their values."""
        ...

    @property
    def usual(self) -> Mapping[str, Any]:
        """The genes of one configuration: what a search sees that leaves the data alone."""
        ...

    def space(self, genes: Mapping[str, Any]) -> DataSpace:
        """The space with these lists of values; genes left out have all their values.

        Raises DanasError for unknown genes and values of no use.
        """
        ...

    def config(self, genes: Mapping[str, Any]) -> DataConfig:
        """The inverse of `DataConfig.to_json`; other keys are ignored.

        Raises DanasError, KeyError, TypeError or ValueError for missing genes and bad values.
        """
        ...

    def front_end(self, data: Any) -> FrontEnd:
        """How a device makes what `data` shows."""
        ...

    def files(self) -> FileKind:
        """Which files hold its records, and which data sets are built in."""
        ...

    def dataset(
        self, source: Source, finest: int, on_progress: OnProgress, on_waiting: OnWaiting
    ) -> Dataset:
        """The data set of `source`, kept fine enough for configurations up to `finest`. Reads
        nothing yet. on_progress: hears how far a split is read; on_waiting: who else reads it."""
        ...

"""What every search space is, and which one a name, a file or a run's settings mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from danas_hil.base import DanasError, read_toml
from danas_hil.space.genome import Colour, DataConfig, Genome
from danas_hil.space.layer_space import FAMILY, LayerSpace
from danas_hil.space.search_space import SearchSpace

if TYPE_CHECKING:  # the estimate of a file needs no numpy, and is to be quick
    import numpy as np

SPACES: Mapping[str, Mapping[str, Any]] = {
    "data-aware": {},
    "hardware-aware": {"resolution": [224], "colour": ["rgb"]},
    "layers": {"family": FAMILY},
}
"""Spaces that have a name, as files would write them. data-aware is the default everywhere."""

_HINT = f"There are: {', '.join(SPACES)}; or name a TOML file."


class Space(Protocol):
    """Genomes that a search may choose, and the ways from one to another.

    All of them are feasible. resolution, colour: the values of the data genes, ascending.
    """

    @property
    def resolution(self) -> tuple[int, ...]: ...
    @property
    def colour(self) -> tuple[Colour, ...]: ...
    @property
    def data_configs(self) -> tuple[DataConfig, ...]:
        """Every data configuration, ascending by resolution."""
        ...

    @property
    def size(self) -> int:
        """How many different genomes there are."""
        ...

    def genomes(self) -> list[Genome]:
        """Every genome there is, always in the same order: only for a space of moderate `size`."""
        ...

    @property
    def genes(self) -> dict[str, tuple[Any, ...]]:
        """The values of each gene, by its name in `Genome.to_json`."""
        ...

    def genome(self, genes: Mapping[str, Any]) -> Genome:
        """The genome with these values of `genes`, or the one that a repair makes of it."""
        ...

    def __contains__(self, genome: object) -> bool: ...
    def leanest(self, data: DataConfig) -> tuple[Genome, ...]:
        """Genomes of `data` that need little: if none of them fits somewhere, nothing does."""
        ...

    def sample(self, rng: np.random.Generator, data: DataConfig | None = None) -> Genome:
        """A genome, each gene drawn evenly and then repaired; of `data` if given."""
        ...

    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """A genome that differs in one gene (and what its repair changes on top).

        Raises DanasError when the space has one genome.
        """
        ...

    def crossover(self, one: Genome, other: Genome, rng: np.random.Generator) -> Genome:
        """Each gene from either parent with equal chance, then repaired."""
        ...

    def to_json(self) -> dict[str, Any]: ...


def space_from_json(value: Mapping[str, Any]) -> Space:
    """The inverse of `to_json`, for a space of any family; what is left out has all its values."""
    family = value.get("family")
    if family is None:
        return SearchSpace.from_json(value)
    if family != FAMILY:
        raise DanasError(
            f"There is no family of networks {family!r}.",
            f'Write family = "{FAMILY}" for stacks of layers; leave it out for MobileNetV2.',
        )
    return LayerSpace.from_json(value)


def choose_space(
    space: str | Mapping[str, Any] | None = None,
    resolutions: Sequence[int] | None = None,
    colours: Sequence[str] | None = None,
    *,
    folder: Path = Path(),
) -> Space:
    """The space named `space`, or of the TOML file `space`, with other data genes where given.

    space: the genes themselves will do too. folder: from which on files are looked for.

    Raises DanasError for what is neither a name nor a file, for genes and values of no use, and
    for hardware-aware search of more than one data configuration.
    """
    if isinstance(space, str):
        genes = dict(SPACES[space] if space in SPACES else _read(folder / space))
    else:
        genes = dict(space or {})
    if resolutions is not None:
        genes["resolution"] = list(resolutions)
    if colours is not None:
        genes["colour"] = list(colours)
    chosen = space_from_json(genes)
    if space == "hardware-aware" and len(chosen.data_configs) > 1:
        names = ", ".join(data.name for data in chosen.data_configs)
        raise DanasError(
            f"Hardware-aware search has one resolution and one colour, not {names}.",
            "Give one of each, or leave out --space hardware-aware to search them all.",
        )
    return chosen


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise DanasError(f"There is no search space file {path}.", _HINT)
    return read_toml(path, _HINT)

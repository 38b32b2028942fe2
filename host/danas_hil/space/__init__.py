"""Genomes, the spaces they come from, and the layer table of each."""

from danas_hil.space.choose import DEFAULT_SPACE, SPACES, choose_space, space_from_json
from danas_hil.space.genome import Genome, layers
from danas_hil.space.space import Space

__all__ = [
    "DEFAULT_SPACE",
    "SPACES",
    "Genome",
    "Space",
    "choose_space",
    "layers",
    "space_from_json",
]

"""Genomes, the space they come from, and the one layer table made from each."""

from danas_hil.space.genome import ArchConfig, Architecture, Colour, DataConfig, Genome
from danas_hil.space.layer_space import LayerSpace
from danas_hil.space.layers import CLASSES, STAGES, Layer, Stage, kept_channels, layers
from danas_hil.space.search_space import DEFAULT_SPACE, SearchSpace
from danas_hil.space.space import SPACES, Space, choose_space, space_from_json
from danas_hil.space.stack import Conv, LayerStack

__all__ = [
    "CLASSES",
    "DEFAULT_SPACE",
    "SPACES",
    "STAGES",
    "ArchConfig",
    "Architecture",
    "Colour",
    "Conv",
    "DataConfig",
    "Genome",
    "Layer",
    "LayerSpace",
    "LayerStack",
    "SearchSpace",
    "Space",
    "Stage",
    "choose_space",
    "kept_channels",
    "layers",
    "space_from_json",
]

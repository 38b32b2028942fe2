"""Families of networks: their genes, their spaces, and the one layer table made from each network.

A family is a module here, or in another package: see CONTRIBUTING.md.
"""

from danas_hil.families.interface import (
    Architecture,
    ArchSpace,
    Block,
    ElasticArchitecture,
    ElasticSpace,
    Family,
    Skeleton,
)
from danas_hil.families.registry import DEFAULT, families, find_family
from danas_hil.families.table import HEAD, Layer, Pair, Shape, TableBuilder, kept_channels

__all__ = [
    "DEFAULT",
    "HEAD",
    "ArchSpace",
    "Architecture",
    "Block",
    "ElasticArchitecture",
    "ElasticSpace",
    "Family",
    "Layer",
    "Pair",
    "Shape",
    "Skeleton",
    "TableBuilder",
    "families",
    "find_family",
    "kept_channels",
]

"""Hypothesis strategies for search spaces and genomes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import strategies as st

from danas_hil.base import DanasError
from danas_hil.families import ArchSpace, Shape, find_family
from danas_hil.families.layers import ACTIVATIONS, FILTERS, KERNELS, MAX_LAYERS, Conv, LayerStack
from danas_hil.families.mobilenet_v2 import DEPTH_LIMITS
from danas_hil.signals.image import ImageConfig
from danas_hil.space import DEFAULT_SPACE, Genome, Space, choose_space, space_from_json


def make_space(
    resolution: Any = None, colour: Any = None, family: Any = "mobilenet_v2", **genes: Any
) -> Space:
    """The space with these values of genes; those left out have all their values."""
    data = {"resolution": resolution, "colour": colour}
    given = {gene: values for gene, values in data.items() if values is not None}
    return space_from_json({"family": family, **given, **genes})


def layer_space(resolution: Any = None, colour: Any = None, *values: Any, **genes: Any) -> Space:
    """A space of stacks of convolutions; `values` of layers, filters, kernel and activation."""
    order = ("layers", "filters", "kernel", "activation")
    named = dict(zip(order, values, strict=False))
    return make_space(resolution, colour, "layers", **named, **genes)


def narrowed(space: Space, **genes: Any) -> Space:
    """`space` with other values of some genes."""
    return choose_space(space.to_json(), genes)


DEPTH_GENES = ("b3", "b4", "b5", "b6", "b7")
SHAPES: tuple[Shape, ...] = (
    (32, 32, 1),
    (32, 32, 3),
    (64, 96, 3),
    (96, 64, 1),
    (49, 40, 1),
    (49, 10, 1),
    (25, 20, 1),
)
"""Of inputs: images, square and not, and features of sound (frames, features, 1)."""


def class_counts() -> st.SearchStrategy[int]:
    """How many classes a network tells apart."""
    return st.integers(2, 100)


def generators() -> st.SearchStrategy[np.random.Generator]:
    return st.integers(0, 2**32 - 1).map(np.random.default_rng)


def _some(values: tuple) -> st.SearchStrategy[tuple]:
    return st.sets(st.sampled_from(values), min_size=1).map(lambda chosen: tuple(sorted(chosen)))


def _has_a_feasible_genome(genes: dict) -> bool:
    depths = itertools.product(*(genes[gene] for gene in DEPTH_GENES))
    return any(all(not b or a for a, b in itertools.pairwise(candidate)) for candidate in depths)


def spaces() -> st.SearchStrategy[Space]:
    """The default space narrowed in any way that leaves a feasible genome."""
    genes = {
        gene: _some(DEFAULT_SPACE.genes[gene])
        for gene in ("resolution", "colour", *DEPTH_GENES, "alpha")
    }
    return (
        st.fixed_dictionaries(genes)
        .filter(_has_a_feasible_genome)
        .map(lambda chosen: make_space(**chosen))
    )


@st.composite
def skippable_spaces(draw: st.DrawFn) -> Space:
    """Spaces in which every stage can be empty and can have blocks."""
    genes = {
        gene: (0, *draw(_some(tuple(range(1, limit + 1)))))
        for gene, limit in zip(DEPTH_GENES, DEPTH_LIMITS, strict=True)
    }
    return make_space(**genes)


@st.composite
def gapless_spaces(draw: st.DrawFn) -> Space:
    """Spaces of unbroken ranges of depths, in which stages from some one on can be empty."""
    first_empty = draw(st.integers(0, len(DEPTH_GENES)))
    genes = {}
    for place, (gene, limit) in enumerate(zip(DEPTH_GENES, DEPTH_LIMITS, strict=True)):
        lowest = 0 if place >= first_empty else draw(st.integers(1, limit))
        highest = draw(st.integers(max(1, lowest), limit))
        genes[gene] = tuple(range(lowest, highest + 1))
    return make_space(**genes)


@st.composite
def spaces_with_genomes(draw: st.DrawFn, count: int = 1) -> tuple[Space, list[Genome]]:
    """A space and genomes sampled from it."""
    space = draw(spaces())
    return space, [space.sample(draw(generators())) for _ in range(count)]


def genomes() -> st.SearchStrategy[Genome]:
    """Genomes of the default space."""
    return generators().map(DEFAULT_SPACE.sample)


def image_configs(most: int = 96) -> st.SearchStrategy[ImageConfig]:
    """Images up to `most` pixels wide and high, square and not, in all colours."""
    sides = st.integers(16, most)
    colours = st.sampled_from(("monochrome", "rgb"))
    return st.builds(ImageConfig, sides, colours, st.just(0) | sides)


# -- any family ----------------------------------------------------------------------------------


def arch_spaces(family: str) -> st.SearchStrategy[tuple[ArchSpace, Shape]]:
    """The space of a family narrowed in any way that leaves a network for the shape beside it."""
    whole = find_family(family).space({}).to_json()
    genes = st.fixed_dictionaries({gene: _some(tuple(values)) for gene, values in whole.items()})
    return (
        st.tuples(genes, st.sampled_from(SHAPES))
        .map(lambda drawn: (_arch_space(family, *drawn), drawn[1]))
        .filter(lambda drawn: drawn[0] is not None)
    )


def _arch_space(family: str, genes: dict, shape: Shape) -> ArchSpace | None:
    """None where there is no network."""
    try:
        space = find_family(family).space(genes)
        space.leanest(shape)
    except DanasError:
        return None
    return space


def genomes_of(family: str) -> st.SearchStrategy[Genome]:
    """Genomes of the whole space of a family, with images of any shape."""
    space = find_family(family).space({})
    return st.builds(
        lambda data, rng: Genome(data, space.sample(rng, data.shape)), image_configs(), generators()
    )


def stacks() -> st.SearchStrategy[LayerStack]:
    """Stacks of convolutions, whatever image they would need."""
    convs = st.builds(
        Conv,
        filters=st.sampled_from(FILTERS),
        kernel=st.sampled_from(KERNELS),
        activation=st.sampled_from(ACTIVATIONS),
    )
    return st.lists(convs, min_size=1, max_size=MAX_LAYERS).map(lambda c: LayerStack(tuple(c)))


def layer_spaces() -> st.SearchStrategy[Space]:
    """The space of layers narrowed in any way that leaves something of every image."""
    whole = layer_space()
    values = {**whole.data.to_json(), **whole.of("layers").to_json()}
    genes = {
        gene: _some(tuple(values[gene]))
        for gene in ("colour", "layers", "filters", "kernel", "activation")
    }
    genes["resolution"] = _some((16, 24, 32, 64))

    def roomy(chosen: dict) -> bool:
        return min(chosen["layers"]) * (min(chosen["kernel"]) - 1) < min(chosen["resolution"])

    return st.fixed_dictionaries(genes).filter(roomy).map(lambda chosen: layer_space(**chosen))


def stack_genomes() -> st.SearchStrategy[Genome]:
    """Feasible genomes with a stack of convolutions."""
    data = st.builds(ImageConfig, st.integers(16, 64), st.sampled_from(("monochrome", "rgb")))
    return st.builds(Genome, data, stacks()).filter(lambda genome: genome.feasible)

"""Hypothesis strategies for search spaces and genomes."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import strategies as st

from danas_hil.space import (
    DEFAULT_SPACE,
    Conv,
    DataConfig,
    Genome,
    LayerSpace,
    LayerStack,
    SearchSpace,
)
from danas_hil.space.genome import DEPTH_LIMITS
from danas_hil.space.stack import ACTIVATIONS, FILTERS, KERNELS, MAX_LAYERS

DEPTH_GENES = ("b3", "b4", "b5", "b6", "b7")


def generators() -> st.SearchStrategy[np.random.Generator]:
    return st.integers(0, 2**32 - 1).map(np.random.default_rng)


def _some(values: tuple) -> st.SearchStrategy[tuple]:
    return st.sets(st.sampled_from(values), min_size=1).map(lambda chosen: tuple(sorted(chosen)))


def _has_a_feasible_genome(genes: dict) -> bool:
    depths = itertools.product(*(genes[gene] for gene in DEPTH_GENES))
    return any(all(not b or a for a, b in itertools.pairwise(candidate)) for candidate in depths)


def spaces() -> st.SearchStrategy[SearchSpace]:
    """The default space narrowed in any way that leaves a feasible genome."""
    genes = {
        gene: _some(getattr(DEFAULT_SPACE, gene))
        for gene in ("resolution", "colour", *DEPTH_GENES, "alpha")
    }
    return (
        st.fixed_dictionaries(genes)
        .filter(_has_a_feasible_genome)
        .map(lambda chosen: SearchSpace(**chosen))
    )


@st.composite
def skippable_spaces(draw: st.DrawFn) -> SearchSpace:
    """Spaces in which every stage can be empty and can have blocks."""
    genes = {
        gene: (0, *draw(_some(tuple(range(1, limit + 1)))))
        for gene, limit in zip(DEPTH_GENES, DEPTH_LIMITS, strict=True)
    }
    return SearchSpace(**genes)


@st.composite
def gapless_spaces(draw: st.DrawFn) -> SearchSpace:
    """Spaces of unbroken ranges of depths, in which stages from some one on can be empty."""
    first_empty = draw(st.integers(0, len(DEPTH_GENES)))
    genes = {}
    for place, (gene, limit) in enumerate(zip(DEPTH_GENES, DEPTH_LIMITS, strict=True)):
        lowest = 0 if place >= first_empty else draw(st.integers(1, limit))
        highest = draw(st.integers(max(1, lowest), limit))
        genes[gene] = tuple(range(lowest, highest + 1))
    return SearchSpace(**genes)


@st.composite
def spaces_with_genomes(draw: st.DrawFn, count: int = 1) -> tuple[SearchSpace, list[Genome]]:
    """A space and genomes sampled from it."""
    space = draw(spaces())
    return space, [space.sample(draw(generators())) for _ in range(count)]


def genomes() -> st.SearchStrategy[Genome]:
    """Genomes of the default space."""
    return generators().map(DEFAULT_SPACE.sample)


def stacks() -> st.SearchStrategy[LayerStack]:
    """Stacks of convolutions, whatever image they would need."""
    convs = st.builds(
        Conv,
        filters=st.sampled_from(FILTERS),
        kernel=st.sampled_from(KERNELS),
        activation=st.sampled_from(ACTIVATIONS),
    )
    return st.lists(convs, min_size=1, max_size=MAX_LAYERS).map(lambda c: LayerStack(tuple(c)))


def layer_spaces() -> st.SearchStrategy[LayerSpace]:
    """The space of layers narrowed in any way that leaves something of every image."""
    genes = {
        gene: _some(getattr(LayerSpace(), gene))
        for gene in ("colour", "layers", "filters", "kernel", "activation")
    }
    genes["resolution"] = _some((16, 24, 32, 64))

    def roomy(chosen: dict) -> bool:
        return min(chosen["layers"]) * (min(chosen["kernel"]) - 1) < min(chosen["resolution"])

    return st.fixed_dictionaries(genes).filter(roomy).map(lambda chosen: LayerSpace(**chosen))


def stack_genomes() -> st.SearchStrategy[Genome]:
    """Feasible genomes with a stack of convolutions."""
    data = st.builds(DataConfig, st.integers(16, 64), st.sampled_from(("monochrome", "rgb")))
    return st.builds(Genome, data, stacks()).filter(lambda genome: genome.feasible)

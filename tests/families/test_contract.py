"""What holds of every family of networks, ours or another package's."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from danas_hil.base import DanasError
from danas_hil.estimate.paper import paper_flash_bytes, paper_ram_bytes
from danas_hil.families import (
    HEAD,
    Architecture,
    ArchSpace,
    ElasticSpace,
    Shape,
    families,
    find_family,
    kept_channels,
)
from danas_hil.signals import signals
from strategies import SHAPES, arch_spaces, class_counts, generators

FAMILIES = list(families())
ELASTIC = [name for name in FAMILIES if find_family(name).elastic]
SMALL: dict[str, tuple[dict[str, Any], Shape]] = {
    "mobilenet_v2": (
        {
            "b3": [0, 1, 3],
            "b4": [0, 2],
            "b5": [0, 1],
            "b6": [0, 1],
            "b7": [0, 1],
            "alpha": [0.1, 0.5],
        },
        (32, 48, 3),
    ),
    "ds_cnn": ({"blocks": [1, 2, 4], "alpha": [0.25, 0.5, 1.0]}, (49, 10, 1)),
    "layers": (
        {"layers": [1, 2, 3], "filters": [2, 8], "kernel": [3, 5], "activation": ["relu"]},
        (24, 11, 1),
    ),
}
"""A space that can be gone through as a whole, and the shape of its inputs: where all of a family's
is too large for that, or inputs of USUAL will not do."""
USUAL: Shape = (32, 48, 3)

each = pytest.mark.parametrize("family", FAMILIES)
each_elastic = pytest.mark.parametrize("family", ELASTIC)
few = settings(
    max_examples=settings.default.max_examples // 4,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
drawing = settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])


def small(family: str) -> tuple[ArchSpace, Shape]:
    genes, shape = SMALL.get(family, ({}, USUAL))
    return find_family(family).space(genes), shape


def elastic(family: str) -> tuple[ElasticSpace, Shape]:
    return small(family)  # type: ignore[return-value]


def as_read(value: Any) -> Any:
    """As it comes out of a file."""
    return json.loads(json.dumps(value))


# -- the family itself ---------------------------------------------------------------------------


@each
def test_it_is_found_by_its_name_and_says_what_it_is(family: str) -> None:
    found = find_family(family)
    assert found.name == family
    assert found.title
    space, shape = small(family)
    assert space.size(shape) < 1000, "such a family needs a small space here"


def test_a_family_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(DanasError, match="no family of networks 'ds_cn'") as told:
        find_family("ds_cn")
    assert "ds_cnn" in told.value.hint


@each
def test_unknown_genes_and_values_of_no_use_are_refused(family: str) -> None:
    find = find_family(family)
    with pytest.raises(DanasError, match="no gene 'colour_of_the_sky'"):
        find.space({"colour_of_the_sky": ["blue"]})
    for gene, values in find.space({}).to_json().items():
        with pytest.raises(DanasError, match=f"gives {gene} no values"):
            find.space({gene: []})
        with pytest.raises(DanasError, match=f"gives {gene} a value twice"):
            find.space({gene: [values[0], values[0]]})
        with pytest.raises(DanasError, match=f"gives {gene} the values"):
            find.space({gene: [None]})


@each
def test_no_gene_bears_a_name_that_genes_of_data_have(family: str) -> None:
    space, shape = small(family)
    own = {*space.leanest(shape)[0].to_json(), *space.to_json()} | {"signal", "family"}
    for signal in signals().values():
        data = signal.space({})
        assert not own & {*data.configs[0].to_json(), *data.to_json()}


# -- networks ------------------------------------------------------------------------------------


@each
@drawing
@given(st.data())
def test_what_is_drawn_is_feasible_and_in_the_space(family: str, data: st.DataObject) -> None:
    space, shape = data.draw(arch_spaces(family))
    arch = space.sample(data.draw(generators()), shape)
    assert arch.problem(shape) == ""
    assert space.contains(arch, shape)
    assert arch.family == space.family == family


@each
@drawing
@given(st.data())
def test_a_network_and_a_space_come_back_from_json(family: str, data: st.DataObject) -> None:
    space, shape = data.draw(arch_spaces(family))
    arch = space.sample(data.draw(generators()), shape)
    find = find_family(family)
    assert find.architecture({**as_read(arch.to_json()), "other": 1}) == arch
    assert find.space(as_read(space.to_json())) == space


@each
def test_a_network_that_lacks_a_gene_is_refused(family: str) -> None:
    space, shape = small(family)
    genes = space.leanest(shape)[0].to_json()
    for gene in genes:
        others = {other: value for other, value in genes.items() if other != gene}
        with pytest.raises((DanasError, KeyError), match=gene):
            find_family(family).architecture(others)


@each
@drawing
@given(st.data())
def test_a_network_comes_back_from_the_genes_of_its_space(family: str, data: st.DataObject) -> None:
    space, shape = data.draw(arch_spaces(family))
    arch = space.sample(data.draw(generators()), shape)
    written = arch.to_json()
    genes = {gene: written[gene] for gene in space.genes}
    assert all(genes[gene] in values for gene, values in space.genes.items())
    assert space.from_genes(genes, shape) == arch


@each
def test_the_same_seed_draws_the_same(family: str) -> None:
    space, shape = small(family)
    first, second = (
        [space.sample(rng, shape) for _ in range(20)]
        for rng in (np.random.default_rng(3), np.random.default_rng(3))
    )
    assert first == second
    assert len(set(first)) > 1


@each
def test_names_in_full_and_in_short_tell_networks_apart(family: str) -> None:
    space, shape = small(family)
    networks = space.all(shape)
    assert len({str(arch) for arch in networks}) == len(networks)
    assert len({arch.short for arch in networks}) == len(networks)


@each
def test_networks_can_be_ordered_and_have_as_many_features_each(family: str) -> None:
    space, shape = small(family)
    networks = space.all(shape)
    assert sorted(reversed(sorted(networks))) == sorted(networks)
    assert len({len(arch.features) for arch in networks}) == 1
    assert all(math.isfinite(number) for arch in networks for number in arch.features)


# -- the space -----------------------------------------------------------------------------------


@each
def test_all_networks_are_listed_once_counted_and_contained(family: str) -> None:
    space, shape = small(family)
    networks = space.all(shape)
    assert len(set(networks)) == len(networks) == space.size(shape)
    assert space.all(shape) == networks
    assert all(space.contains(arch, shape) and not arch.problem(shape) for arch in networks)


@each
def test_draws_come_to_all_of_them(family: str) -> None:
    space, shape = small(family)
    rng = np.random.default_rng(0)
    networks = set(space.all(shape))
    assert {space.sample(rng, shape) for _ in range(60 * len(networks))} == networks


@each
@drawing
@given(st.data())
def test_what_needs_little_is_in_the_space(family: str, data: st.DataObject) -> None:
    space, shape = data.draw(arch_spaces(family))
    leanest = space.leanest(shape)
    assert leanest
    assert all(space.contains(arch, shape) for arch in leanest)


@each
def test_no_network_needs_less_than_all_of_those_that_need_little(family: str) -> None:
    space, shape = small(family)
    leanest = [needs(arch, shape) for arch in space.leanest(shape)]
    for arch in space.all(shape):
        own = needs(arch, shape)
        assert any(all(a <= b for a, b in zip(lean, own, strict=True)) for lean in leanest), arch


def needs(arch: Architecture, shape: Shape) -> tuple[int, int]:
    """Bytes of flash and of RAM."""
    table = arch.layers(shape, 2)
    return paper_flash_bytes(table), paper_ram_bytes(table)


@each
@drawing
@given(st.data())
def test_neighbours_are_in_the_space_and_take_six_tenths(family: str, data: st.DataObject) -> None:
    space, shape = data.draw(arch_spaces(family))
    arch = space.sample(data.draw(generators()), shape)
    groups = space.neighbours(arch, shape)
    assert sum(weight for weight, _ in groups) == pytest.approx(0.6)
    assert all(weight > 0 for weight, _ in groups)
    for _, group in groups:
        assert len(set(group)) == len(group)
        assert all(space.contains(other, shape) for other in group)
    others = {other for _, group in groups for other in group} - {arch}
    assert bool(others) == (space.size(shape) > 1)


@each
def test_steps_to_neighbours_lead_everywhere(family: str) -> None:
    space, shape = small(family)
    seen = set(space.leanest(shape)[:1])
    front = list(seen)
    while front:
        arch = front.pop()
        for other in itertools.chain(*(group for _, group in space.neighbours(arch, shape))):
            if other not in seen:
                seen.add(other)
                front.append(other)
    assert seen == set(space.all(shape))


@each
@few
@given(st.data())
def test_a_child_has_each_gene_of_a_parent_apart_from_repair(
    family: str, data: st.DataObject
) -> None:
    space, shape = data.draw(arch_spaces(family))
    rng = data.draw(generators())
    one, other = space.sample(rng, shape), space.sample(rng, shape)
    child = space.crossover(one, other, rng, shape)
    assert space.contains(child, shape)
    ours, theirs = one.to_json(), other.to_json()
    mixtures = itertools.product(*({ours[gene], theirs[gene]} for gene in space.genes))
    assert any(
        space.from_genes(dict(zip(space.genes, mixture, strict=True)), shape) == child
        for mixture in mixtures
    )
    assert space.crossover(one, one, rng, shape) == one


@each
@drawing
@given(st.data())
def test_a_repair_leaves_what_is_in_the_space_alone_and_brings_the_rest_in(
    family: str, data: st.DataObject
) -> None:
    space, shape = data.draw(arch_spaces(family))
    arch = space.sample(data.draw(generators()), shape)
    assert space.repaired(arch, shape) == arch
    elsewhere = data.draw(st.sampled_from(SHAPES))
    try:
        space.leanest(elsewhere)
    except DanasError:
        return
    assert space.contains(space.repaired(arch, elsewhere), elsewhere)


# -- the layer table -----------------------------------------------------------------------------


@each
@drawing
@given(st.data(), class_counts())
def test_a_table_is_a_network_from_its_input_to_its_classes(
    family: str, data: st.DataObject, classes: int
) -> None:
    space, shape = data.draw(arch_spaces(family))
    arch = space.sample(data.draw(generators()), shape)
    table = arch.layers(shape, classes)
    assert len({layer.name for layer in table}) == len(table)
    assert table[0].inputs == (-1,)
    assert table[0].input_shape == shape
    for index, layer in enumerate(table[1:], 1):
        assert all(0 <= source < index for source in layer.inputs)
        before = table[layer.inputs[0]].output_shape
        if layer.kind == "reshape":
            assert layer.output_shape == (1, 1, math.prod(before))
        else:
            assert layer.input_shape == before
        if layer.kind == "add":
            assert {table[source].output_shape for source in layer.inputs} == {layer.output_shape}
        assert min(layer.output_shape) >= 1
    read = {source for layer in table for source in layer.inputs}
    assert read == set(range(-1, len(table) - 1)), "something is computed in vain"
    assert [(layer.name, layer.kind) for layer in table[-2:]] == [
        (HEAD, "dense"),
        ("softmax", "softmax"),
    ]
    assert [layer.output_shape for layer in table[-2:]] == [(1, 1, classes)] * 2
    assert arch.layers(shape, 2)[:-2] == table[:-2], "classes change the head alone"


@each
def test_a_family_with_batch_norm_has_it_on_convolutions_alone(family: str) -> None:
    """Those that bear none have a bias: the layout and the Keras model go by `normalised`."""
    space, shape = small(family)
    kinds = {layer.kind for arch in space.all(shape) for layer in arch.layers(shape, 2)}
    assert "conv" in kinds
    if find_family(family).normalised:
        assert "sigmoid" not in kinds


# -- weights that are shared ---------------------------------------------------------------------


@each_elastic
def test_every_convolution_is_the_stem_or_of_one_block(family: str) -> None:
    space, shape = elastic(family)
    skeleton = space.skeleton
    table = space.largest.layers(shape, 2)
    convs = [layer.name for layer in table if layer.kind in ("conv", "depthwise")]
    blocks = [block for segment in skeleton.segments for block in segment]
    assert all(skeleton.segments)
    assert [skeleton.stem, *(name for block in blocks for name in block.layers)] == convs
    additions = sum(layer.kind == "add" for layer in table)
    assert additions == sum(block.residual for block in blocks)


@each_elastic
def test_a_subnet_has_the_blocks_that_its_depths_say(family: str) -> None:
    space, shape = elastic(family)
    skeleton = space.skeleton
    blocks = [block for segment in skeleton.segments for block in segment]
    for arch in space.all(shape):
        has = [b for b in blocks if b.gate is None or arch.depths[b.gate] > b.index]
        names = [skeleton.stem, *(name for block in has for name in block.layers)]
        table = arch.layers(shape, 2)
        assert [layer.name for layer in table if layer.kind in ("conv", "depthwise")] == names
        assert sum(layer.kind == "add" for layer in table) == sum(b.residual for b in has)


@each_elastic
def test_a_name_means_the_same_weights_in_every_subnet(family: str) -> None:
    space, shape = elastic(family)
    largest = {layer.name: layer for layer in space.largest.layers(shape, 2)}
    for arch in space.all(shape):
        width = arch.width(shape[2])
        for layer in arch.layers(shape, 2):
            same = largest[layer.name]
            assert layer.kind == same.kind
            if layer.kind not in ("conv", "depthwise"):
                continue
            assert (layer.kernel, layer.stride, layer.same) == (
                same.kernel,
                same.stride,
                same.same,
            )
            assert (layer.full_channels, layer.relu6, layer.relu) == (
                same.full_channels,
                same.relu6,
                same.relu,
            )
            assert layer.output_shape[2] == kept_channels(layer.full_channels, width)


@each_elastic
def test_every_subnet_has_a_head_for_what_it_ends_in(family: str) -> None:
    space, shape = elastic(family)
    ends: dict[int, set[str]] = {}
    for arch in space.all(shape):
        table = arch.layers(shape, 5)
        full = space.skeleton.heads[arch.head]
        dense = next(layer for layer in table if layer.name == HEAD)
        assert dense.input_shape[2] == kept_channels(full, arch.width(shape[2]))
        last = [layer.name for layer in table if layer.kind in ("conv", "depthwise")][-1]
        ends.setdefault(arch.head, set()).add(last.partition("_block")[0])
    assert all(0 <= head < len(space.skeleton.heads) for head in ends)
    assert all(len(last) == 1 for last in ends.values()), "a head sees features of one layer"


@each_elastic
@drawing
@given(st.data())
def test_depths_and_width_lie_between_the_smallest_and_the_largest(
    family: str, data: st.DataObject
) -> None:
    space, shape = data.draw(arch_spaces(family))
    least, most = space.smallest, space.largest  # type: ignore[attr-defined]
    for arch in (space.sample(data.draw(generators()), shape), least, most):
        assert space.contains(arch, shape)
        bounds = zip(least.depths, arch.depths, most.depths, strict=True)
        assert all(low <= depth <= high for low, depth, high in bounds)
        for channels in (1, 3):
            assert least.width(channels) <= arch.width(channels) <= most.width(channels) <= 1


@each_elastic
def test_every_subnet_lies_within_an_extreme_of_its_width_and_head(family: str) -> None:
    space, shape = elastic(family)
    extremes = space.extremes
    assert len(set(extremes)) == len(extremes)
    assert space.largest in extremes
    assert all(space.contains(arch, shape) for arch in extremes)
    for arch in space.all(shape):
        assert any(
            (one.head, one.width(shape[2])) == (arch.head, arch.width(shape[2]))
            and all(a >= b for a, b in zip(one.depths, arch.depths, strict=True))
            for one in extremes
        ), arch


@each_elastic
@few
@given(st.data())
def test_a_space_lacks_something_exactly_if_the_other_has_more(
    family: str, data: st.DataObject
) -> None:
    one, other = (data.draw(arch_spaces(family))[0] for _ in range(2))
    shape = (32, 32, 3)
    assert one.lacks(one) == ""  # type: ignore[attr-defined]
    assert find_family(family).space({}).lacks(one) == ""  # type: ignore[attr-defined]
    lacks = one.lacks(other)  # type: ignore[attr-defined]
    if not lacks:
        rng = data.draw(generators())
        assert all(one.contains(other.sample(rng, shape), shape) for _ in range(5))
    else:
        mine, theirs = one.to_json(), other.to_json()
        told = [gene for gene in theirs if not set(theirs[gene]) <= set(mine[gene])]
        assert any(gene in lacks for gene in told)

"""What holds of every signal, ours or another package's."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.base import DanasError
from danas_hil.signals import DataConfig, DataSpace, find_signal, signals
from strategies import generators

SIGNALS = list(signals())
SMALL: dict[str, dict[str, Any]] = {
    "image": {"resolution": [32, "96x64", 96], "colour": ["monochrome", "rgb"]},
}
"""A space that can be gone through as a whole, where all of a signal's is too large for that."""

each = pytest.mark.parametrize("signal", SIGNALS)


def small(signal: str) -> DataSpace:
    return find_signal(signal).space(SMALL.get(signal, {}))


def as_read(value: Any) -> Any:
    """As it comes out of a file."""
    return json.loads(json.dumps(value))


@st.composite
def data_spaces(draw: st.DrawFn, signal: str) -> DataSpace:
    """The space of a signal narrowed in any way."""
    whole = find_signal(signal).space({}).to_json()
    narrowed = {
        gene: draw(st.sets(st.sampled_from(values), min_size=1)) for gene, values in whole.items()
    }
    return find_signal(signal).space({gene: list(values) for gene, values in narrowed.items()})


@each
def test_it_is_found_by_its_name_and_says_what_it_is(signal: str) -> None:
    found = find_signal(signal)
    assert found.name == signal
    assert found.title
    assert len(small(signal).configs) < 100, "such a signal needs a small space here"


@each
def test_the_usual_data_are_one_configuration(signal: str) -> None:
    found = find_signal(signal)
    (usual,) = found.space(found.usual).configs
    assert usual.to_json() == found.usual


def test_a_signal_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(DanasError, match="no signal 'imag'") as told:
        find_signal("imag")
    assert "image" in told.value.hint


@each
def test_unknown_genes_and_values_of_no_use_are_refused(signal: str) -> None:
    find = find_signal(signal)
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
@given(st.data())
def test_configurations_are_listed_once_the_smallest_first(
    signal: str, data: st.DataObject
) -> None:
    space = data.draw(data_spaces(signal))
    configs = space.configs
    assert configs
    assert len(set(configs)) == len(configs)
    sizes = [math.prod(config.shape) for config in configs]
    assert sizes[0] == min(sizes)
    assert all(config.signal == space.signal == signal for config in configs)
    assert sorted(reversed(sorted(configs))) == sorted(configs)
    assert space.finest >= 1


@each
@given(st.data())
def test_a_configuration_and_a_space_come_back_from_json(signal: str, data: st.DataObject) -> None:
    find, space = find_signal(signal), data.draw(data_spaces(signal))
    assert find.space(as_read(space.to_json())) == space
    for config in space.configs:
        assert find.config({**as_read(config.to_json()), "other": 1}) == config


@each
def test_a_configuration_that_lacks_a_gene_is_refused(signal: str) -> None:
    find = find_signal(signal)
    genes = small(signal).configs[0].to_json()
    for gene in genes:
        others = {other: value for other, value in genes.items() if other != gene}
        with pytest.raises((DanasError, KeyError), match=gene):
            find.config(others)


@each
@given(st.data())
def test_a_configuration_comes_back_from_its_genes(signal: str, data: st.DataObject) -> None:
    space = data.draw(data_spaces(signal))
    config = space.sample(data.draw(generators()))
    assert config in space.configs
    written = config.to_json()
    assert written.keys() == space.genes.keys()
    assert all(written[gene] in values for gene, values in space.genes.items())
    assert space.from_genes(written) == config


@each
def test_draws_come_to_all_of_them_and_the_same_seed_to_the_same(signal: str) -> None:
    space = small(signal)
    drawn, again = (
        [space.sample(rng) for _ in range(40 * len(space.configs))]
        for rng in (np.random.default_rng(1), np.random.default_rng(1))
    )
    assert set(drawn) == set(space.configs)
    assert drawn == again


@each
@given(st.data())
def test_neighbours_differ_in_one_gene(signal: str, data: st.DataObject) -> None:
    space = data.draw(data_spaces(signal))
    config = space.sample(data.draw(generators()))
    near = space.neighbours(config)
    assert len(set(near)) == len(near)
    assert set(near) <= set(space.configs)
    for other in near:
        ours, theirs = config.to_json(), other.to_json()
        assert sum(ours[gene] != theirs[gene] for gene in ours) == 1
    assert bool(near) == (len(space.configs) > 1)


@each
def test_steps_to_neighbours_lead_everywhere(signal: str) -> None:
    space = small(signal)
    seen: set[DataConfig] = {space.configs[0]}
    front = list(seen)
    while front:
        found = set(space.neighbours(front.pop())) - seen
        seen |= found
        front += found
    assert seen == set(space.configs)


@each
@given(st.data())
def test_a_child_has_each_gene_of_a_parent(signal: str, data: st.DataObject) -> None:
    space, rng = data.draw(data_spaces(signal)), data.draw(generators())
    one, other = space.sample(rng), space.sample(rng)
    child = space.crossover(one, other, rng)
    assert child in space.configs
    ours, theirs = one.to_json(), other.to_json()
    assert all(value in (ours[gene], theirs[gene]) for gene, value in child.to_json().items())
    assert space.crossover(one, one, rng) == one


@each
def test_names_tell_configurations_apart_and_are_fit_for_a_file(signal: str) -> None:
    configs = small(signal).configs
    names = [config.name for config in configs]
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name) for name in names)
    assert len(set(names)) == len({config.short for config in configs}) == len(configs)
    assert all(re.fullmatch(r"[a-z0-9_]+", config.kind) for config in configs)


@each
def test_what_is_of_one_kind_has_as_many_channels(signal: str) -> None:
    channels: dict[str, set[int]] = {}
    for config in find_signal(signal).space({}).configs:
        assert len(config.shape) == 3
        assert min(config.shape) >= 1
        channels.setdefault(config.kind, set()).add(config.shape[2])
    assert all(len(found) == 1 for found in channels.values())


@each
def test_configurations_have_as_many_features_each(signal: str) -> None:
    configs = small(signal).configs
    assert len({len(config.features) for config in configs}) == 1
    assert len({config.features for config in configs}) == len(configs)
    assert all(math.isfinite(number) for config in configs for number in config.features)


@each
def test_a_front_end_says_what_it_does_and_what_that_takes(signal: str) -> None:
    found = find_signal(signal)
    for config in small(signal).configs:
        front_end = found.front_end(config)
        assert front_end.steps
        assert all(front_end.steps)
        assert front_end.ram_bytes > 0
        assert front_end.operations >= math.prod(config.shape)
        assert as_read(front_end.to_json()) == {
            "steps": list(front_end.steps),
            "ram_bytes": front_end.ram_bytes,
            "operations": front_end.operations,
        }

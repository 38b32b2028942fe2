"""Every operator that a memory model covers, alone in a model, against real TensorFlow Lite Micro.

What is held how, and for which build, is the table of docs/memory.md.
"""

from functools import cache
from pathlib import Path

import pytest

from danas_hil.base import DanasError
from danas_hil.builds import list_builds, load_build
from danas_hil.estimate import estimate_model, read_graph
from estimate.arenas import Tried, try_arenas
from estimate.operator_models import (
    MODELS,
    alone,
    concatenation,
    convolution,
    dense,
    random_net,
    schema,
    softmax,
    svdf,
)
from estimate.test_arena import ALL_MODELS, ARDUINO, CURRENT_REFERENCE, HOST

# Tables that Prepare allocates last: 16 bytes less than the minimum may happen to work.
TABLES_LAST = (
    "FULLY_CONNECTED per channel",
    "FULLY_CONNECTED per channel to 64",
    "SOFTMAX int16",
)


def of_host(content: bytes):
    return estimate_model(content, load_build("host")).arena


@pytest.fixture(scope="module")
def tried() -> dict[str, Tried]:
    """Each model in its smallest arena, and in arenas that are too small."""
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    contents = {name: make() for name, make in MODELS.items()}
    least = {name: of_host(content).minimum_bytes for name, content in contents.items()}
    jobs = [
        (content, [least[name], least[name] - 16, least[name] - 32])
        for name, content in contents.items()
    ]
    return dict(zip(MODELS, try_arenas(jobs), strict=True))


@pytest.mark.parametrize("name", MODELS)
def test_the_arena_of_an_operator_is_what_real_tflm_tells(tried, name):
    told, found = tried[name], of_host(MODELS[name]())
    assert not told.refusal
    assert (found.used_bytes, found.head_bytes, found.tail_bytes) == (
        told.used,
        told.head,
        told.tail,
    )


@pytest.mark.parametrize("name", MODELS)
def test_the_smallest_arena_of_an_operator_works_and_a_smaller_one_does_not(tried, name):
    sizes = tried[name].sizes
    least = of_host(MODELS[name]()).minimum_bytes
    assert sizes[least]
    assert not sizes[least - (32 if name in TABLES_LAST else 16)]


def test_every_operator_of_every_build_has_a_model():
    tried_alone = {name.split()[0] for name in MODELS}
    for choice in list_builds():
        for kernels in choice.kernels:
            assert set(load_build(choice.name, kernels).operators) <= tried_alone


def test_the_smallest_arena_of_random_nets_is_never_too_small_and_16_bytes_too_large_at_most():
    """benchmarks/operators.py --nets has more of them."""
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    contents = [random_net(seed) for seed in range(12)]
    found = [of_host(content) for content in contents]
    sizes = [[one.minimum_bytes + more for more in (-32, 0, 16, 32, 64, 128, 256)] for one in found]
    for one, told in zip(found, try_arenas(list(zip(contents, sizes, strict=True))), strict=True):
        assert (one.used_bytes, one.head_bytes) == (told.used, told.head)
        too_small, *large_enough = told.sizes.values()
        assert all(large_enough)
        assert not too_small


def held_against(root: Path) -> dict[str, dict[str, set[str]]]:
    """The table of docs/memory.md: by operator and build, what its profile is held against."""
    page = (root / "docs" / "memory.md").read_text(encoding="utf-8")
    _, rest = page.split("### What each operator is held against\n")
    lines = [line.strip("| ") for line in rest.split("\n## ")[0].splitlines() if line[:1] == "|"]
    head, _, *rows = ([cell.strip(" `") for cell in line.split("|")] for line in lines)
    return {
        row[0]: {
            build: set(cell.split(", ")) for build, cell in zip(head[1:], row[1:], strict=True)
        }
        for row in rows
    }


def test_every_operator_of_every_build_says_what_it_is_held_against(root):
    told = held_against(root)
    for choice in list_builds():
        for kernels in choice.kernels:
            operators = load_build(choice.name, kernels).operators
            assert set(told) >= set(operators)
            for operator in operators:
                assert told[operator][choice.name]
                assert told[operator][choice.name] <= {"alone", "models", "sources"}
    assert all("alone" in told[operator]["host"] for operator in told)


def test_operators_that_are_held_by_public_models_are_in_them(root, shared):
    figures = {"host": HOST, "arduino": ARDUINO, "current": CURRENT_REFERENCE}
    everywhere = set(ALL_MODELS)
    for operator, cells in held_against(root).items():
        for build, cell in cells.items():
            names = everywhere if build == "host" else set(figures[build])
            if "models" in cell:
                assert any(operator in kinds_of(shared, name) for name in names), operator


@cache
def kinds_of(shared: Path, name: str) -> frozenset[str]:
    content = (shared / "data/models" / f"{name}.tflite").read_bytes()
    return frozenset(operator.kind for operator in read_graph(content).operators)


@pytest.mark.parametrize("build", [choice.name for choice in list_builds()])
@pytest.mark.parametrize("rows", [4, 64, 200])
def test_tables_that_come_last_never_lie_over_the_tensors_they_are_made_from(build, rows):
    """At each allocation for good: the end of the temporary copies, and the tail behind them."""
    per_tensor = estimate_model(dense(rows=rows), load_build(build)).arena
    per_channel = estimate_model(dense(rows=rows, scales=rows), load_build(build)).arena
    if build == "arduino":  # has no tables for them
        assert per_channel.tail_bytes == per_tensor.tail_bytes
        return
    tables = 2 * -(-4 * rows // 16) * 16
    more_scales = 2 * 4 * (rows - 1)  # of weights and bias, in their temporary copies
    grown = per_channel.minimum_bytes - per_tensor.minimum_bytes
    assert abs(grown - tables - more_scales) <= 16


@pytest.mark.parametrize(
    ("source", "rows", "least"),
    [((1, 1, 8), 200, 2320), ((1, 1, 8), 64, 1136), ((1, 3, 16), 6, 768)],
)
def test_tables_that_are_filled_later_may_lie_over_them(source, rows, least):
    """Dense layers of rank 3 in the Arduino library; smallest arenas found by an emulated board."""
    found = estimate_model(dense(source, rows, keep=True), load_build("arduino")).arena
    assert found.minimum_bytes == least


@pytest.mark.parametrize("depthwise", [False, True])
def test_the_arduino_library_runs_no_convolution_without_a_bias(depthwise):
    """`All temp buffers must be freed before calling ResetTempAllocations()`, it says."""
    for absent in (False, True):
        content = convolution(depthwise=depthwise, channels=1, biased=False, absent=absent)
        with pytest.raises(DanasError, match="CONV_2D with no bias: the build arduino"):
            estimate_model(content, load_build("arduino"))


def test_concatenations_of_more_than_ten_inputs_are_refused_by_name():
    for choice in list_builds():
        with pytest.raises(DanasError, match="CONCATENATION with 11 inputs, and 10 are the most"):
            estimate_model(concatenation(11), load_build(choice.name))


@pytest.mark.parametrize("off", [0.0, 0.019, -0.019])
def test_a_bias_may_be_off_by_two_percent_of_the_outputs_scale(off):
    assert of_host(dense(off=off)).used_bytes


@pytest.mark.parametrize("off", [0.021, 0.5, float("nan")])
def test_a_bias_of_another_scale_is_refused_by_name(off):
    for choice in list_builds():
        with pytest.raises(DanasError, match="FULLY_CONNECTED with a bias of scale"):
            estimate_model(dense(off=off), load_build(choice.name))


REFUSED = {
    "depthwise without bias": lambda: convolution(depthwise=True, channels=1, biased=False),
    "eleven inputs": lambda: concatenation(11),
    "unequal inputs": lambda: concatenation(3, scale=0.25),
    "bias": lambda: dense(off=0.021),
    "bias far off": lambda: dense(off=-0.5),
    "softmax": lambda: alone("SOFTMAX", (1, 12), options=schema.SoftmaxOptionsT()),
    "softmax of int16": lambda: softmax("INT16", step=1 / 256),
    "logistic": lambda: alone("LOGISTIC"),
    "svdf": lambda: svdf(bias=0.3),
}
TAKEN = {
    "convolution without bias": lambda: convolution(biased=False),
    "ten inputs": lambda: concatenation(10),
    "bias nearly right": lambda: dense(off=0.019),
    "bias per channel": lambda: dense(scales=4, off=0.5),
    "logistic of any scale": lambda: alone("LOGISTIC", scales=(0.05, 0.1), zero=-128),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_real_tflm_refuses_is_refused_by_the_operators_name(name):
    kind = "CONCATENATION" if "inputs" in name else ""
    with pytest.raises(DanasError, match=f"has {kind}.*does not run it"):
        of_host(REFUSED[name]())


def test_real_tflm_refuses_just_what_is_said_to_be_refused():
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    contents = [make() for make in (*REFUSED.values(), *TAKEN.values())]
    told = try_arenas([(content, []) for content in contents])
    refused = [name for name, one in zip((*REFUSED, *TAKEN), told, strict=True) if not one.used]
    assert refused == list(REFUSED)
    for make in TAKEN.values():
        assert of_host(make()).used_bytes

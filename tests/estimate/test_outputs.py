"""What a build is known to compute wrongly of a model."""

import dataclasses

import pytest
from hypothesis import given, settings

from danas_hil.board import Limits
from danas_hil.builds import list_builds, load_build
from danas_hil.estimate import estimate_graph, estimate_model, lay_out, output_faults, read_graph
from danas_hil.estimate.outputs import WHEN
from danas_hil.space import DEFAULT_SPACE
from estimate.operator_models import MODELS, binary, concatenation, dense, mean
from strategies import class_counts, generators, genomes_of, stack_genomes

SWITCH = "_experimental_disable_per_channel_quantization_for_dense_layers"


def faults(content: bytes, build: str = "arduino"):
    found = estimate_model(content, load_build(build)).faults
    return [(fault.operator, fault.severity) for fault in found]


def test_a_dense_layer_per_channel_does_not_fit_where_it_comes_out_wrong():
    content = dense(scales=4)
    found = estimate_model(content, load_build("arduino"))
    assert found.fits_ram
    assert found.fits_flash
    assert not found.fits_outputs
    assert found.fits is False
    told = found.to_json()
    assert (told["fits"], told["reasons"]) == (False, ["outputs"])
    (fault,) = told["outputs"]
    assert SWITCH in fault["hint"]
    assert estimate_model(content, load_build("current")).fits_outputs
    assert estimate_model(content, load_build("host")).fits_outputs


def test_reasons_are_all_that_fail():
    content = dense(rows=64, scales=64)
    found = estimate_model(content, load_build("arduino"), limits=Limits(1024, 1024))
    assert found.reasons == ("ram", "flash", "outputs")


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (dense(), []),
        (dense(scales=4), [("FULLY_CONNECTED", "wrong")]),
        (concatenation(2), []),
        (concatenation(2, scale=0.25), [("CONCATENATION", "wrong")]),
        (mean((1, 6, 6, 5), (1, 2), keep=True), [("MEAN", "inexact")]),
        (mean((1, 6, 6, 5), (1, 2, 3), keep=True), [("MEAN", "wrong"), ("MEAN", "inexact")]),
        (binary("SUB"), [("SUB", "inexact")]),
        (binary("ADD"), []),
    ],
)
def test_each_known_fault_of_the_arduino_library_is_told(content, wanted):
    assert faults(content) == wanted


def test_what_is_inexact_is_told_and_fits():
    found = estimate_model(binary("SUB"), load_build("arduino"))
    assert found.faults
    assert found.fits_outputs
    assert found.reasons == ()


def test_operators_of_one_kind_are_told_once():
    graph = read_graph(binary("SUB"))
    (operator,) = graph.operators
    twice = dataclasses.replace(graph, operators=(operator, operator))
    (fault,) = output_faults(twice, load_build("arduino"))
    assert fault.count == 2


def test_every_fault_of_every_build_has_a_rule_and_an_operator_that_is_covered():
    for choice in list_builds():
        build = load_build(choice.name)
        for fault in build.faults:
            assert fault.when in WHEN
            assert fault.operator in build.operators
            assert fault.severity in ("wrong", "inexact")
            assert fault.what.startswith(fault.operator)
            assert fault.hint.endswith(".")


@pytest.mark.parametrize("name", MODELS)
def test_what_the_host_runs_has_no_known_fault(name):
    """It is the oracle."""
    assert faults(MODELS[name](), "host") == []


@settings(max_examples=30)
@given(
    generators().map(DEFAULT_SPACE.sample) | stack_genomes() | genomes_of("ds_cnn"), class_counts()
)
def test_no_genome_is_one_that_comes_out_wrong(genome, classes):
    for choice in list_builds():
        assert estimate_graph(lay_out(genome, classes), load_build(choice.name)).faults == ()

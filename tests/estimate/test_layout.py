"""A genome's graph without a network, against the file that TensorFlow makes of its network."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.base import DanasError
from danas_hil.builds import list_builds, load_build
from danas_hil.calibrate import random_model
from danas_hil.estimate import estimate_genome, lay_out, read_graph
from danas_hil.estimate.arena import estimate_arena
from danas_hil.estimate.shapes import check_shapes
from danas_hil.families.ds_cnn import DsCnn
from danas_hil.families.layers import Conv, LayerStack
from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.signals.image import ImageConfig
from danas_hil.space import DEFAULT_SPACE, Genome
from features import Features
from strategies import class_counts, generators, genomes_of, stack_genomes

BUILDS = [(choice.name, kernels) for choice in list_builds() for kernels in choice.kernels]


def _genome(resolution, colour, depths, alpha):
    return Genome(ImageConfig(resolution, colour), MobileNetV2(*depths, alpha))


# Corners first: one channel everywhere, additions on maps of one pixel (which Keras squeezes),
# the deepest and the shallowest; then random ones.
GENOMES = [
    _genome(32, "monochrome", (0, 0, 0, 0, 0), 0.1),
    _genome(32, "monochrome", (3, 2, 2, 2, 1), 0.1),
    _genome(16, "rgb", (3, 4, 3, 3, 1), 0.2),
    _genome(48, "rgb", (1, 1, 0, 0, 0), 1.0),
    _genome(96, "rgb", (2, 1, 1, 1, 1), 0.3),
    *(
        DEFAULT_SPACE.sample(
            np.random.default_rng(seed), ImageConfig(resolution, ("monochrome", "rgb")[seed % 2])
        )
        for seed, resolution in enumerate((32, 32, 64, 64, 96, 96, 128))
    ),
]


def _stack(resolution, colour, *texts):
    return Genome(ImageConfig(resolution, colour), LayerStack(tuple(map(Conv.parse, texts))))


# The shortest, a last map of one pixel, the deepest, and one with all there is.
STACKS = [
    _stack(16, "monochrome", "2 3x3 relu"),
    _stack(17, "rgb", *["4 5x5 sigmoid", "2 5x5 relu"] * 2),
    _stack(32, "rgb", *["2 3x3 relu"] * 10),
    _stack(24, "monochrome", "128 3x3 relu", "64 5x5 sigmoid", "32 3x3 sigmoid"),
    _stack(48, "rgb", "8 5x5 sigmoid", "16 3x3 relu"),
]

# Images that are not square, and features of sound: 49x40 and 25x20, and 49x10 as MLPerf Tiny has.
WIDE, SOUND = ImageConfig(96, "rgb", 64), Features(49, 10)
DS_CNNS = [
    Genome(SOUND, DsCnn(4, 0.5)),
    Genome(Features(49, 40), DsCnn(6, 0.25)),
    Genome(Features(25, 20), DsCnn(1, 0.0625)),
    Genome(Features(25, 20), DsCnn(3, 0.375, 3, 3)),
    Genome(Features(1, 1), DsCnn(2, 0.125)),
    Genome(ImageConfig(32, "rgb"), DsCnn(2, 1.0)),
    Genome(WIDE, DsCnn(2, 0.1875)),
]
NOT_SQUARE = [
    Genome(WIDE, MobileNetV2(2, 1, 1, 1, 1, 0.2)),
    Genome(ImageConfig(16, "monochrome", 40), MobileNetV2(1, 2, 2, 2, 1, 0.3)),
    Genome(SOUND, MobileNetV2(1, 2, 0, 0, 0, 0.9)),
    Genome(Features(49, 40), MobileNetV2(3, 1, 2, 0, 0, 0.5)),
    Genome(WIDE, LayerStack((Conv(4, 5, "relu"), Conv(2, 3, "sigmoid")))),
    Genome(SOUND, LayerStack((Conv(8, 5, "sigmoid"), Conv(4, 5, "relu")))),
    Genome(Features(9, 5), LayerStack((Conv(4, 5, "relu"),))),
]
ALL_FAMILIES = (
    generators().map(DEFAULT_SPACE.sample)
    | stack_genomes()
    | st.one_of(*map(genomes_of, ("ds_cnn", "layers", "mobilenet_v2")))
)
"""Square images, and then others."""


def _comparable(estimate):
    return replace(estimate, plan=tuple(replace(buffer, name="") for buffer in estimate.plan))


CONVERTED = [
    *((genome, 2) for genome in (*GENOMES, *STACKS)),
    *((genome, 3 + 7 * (place % 2)) for place, genome in enumerate((*DS_CNNS, *NOT_SQUARE))),
    *((genome, 10) for genome in (GENOMES[1], GENOMES[4], STACKS[1])),
    (DS_CNNS[0], 12),
    (GENOMES[0], 100),
]
"""With the number of classes."""


@pytest.mark.parametrize(("genome", "classes"), CONVERTED, ids=str)
def test_a_genome_is_laid_out_as_converted_and_takes_what_real_tflm_takes(genome, classes):
    pytest.importorskip("tensorflow", reason="needs the extra search")
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    from danas_hil import tflm

    content = random_model(genome, classes=classes)
    laid, read = lay_out(genome, classes), read_graph(content)
    assert [replace(t, name="") for t in laid.tensors] == [
        replace(t, name="", scale=None, zero_point=None) for t in read.tensors
    ]
    assert (laid.operators, laid.inputs, laid.outputs) == (
        read.operators,
        read.inputs,
        read.outputs,
    )
    assert laid.file_bytes == len(content)
    for build in BUILDS:
        ours, theirs = (estimate_arena(graph, load_build(*build)) for graph in (laid, read))
        assert _comparable(ours) == _comparable(theirs)
    with tflm.load(content, str(genome)) as loaded:
        told = loaded.allocations()
    found = estimate_arena(laid, load_build("host"))
    assert (found.used_bytes, found.head_bytes, found.tail_bytes) == (
        told.total_bytes,
        told.head_bytes,
        told.tail_bytes,
    )


@pytest.mark.parametrize(
    ("genome", "classes"),
    [
        *((genome, 2) for genome in (*GENOMES[:4], *STACKS[:3])),
        *((genome, 10) for genome in (*DS_CNNS[:3], NOT_SQUARE[0], NOT_SQUARE[5])),
    ],
    ids=str,
)
def test_the_size_of_a_file_with_names_is_within_half_a_percent_or_100_bytes(genome, classes):
    pytest.importorskip("tensorflow", reason="needs the extra search")
    content = random_model(genome, classes=classes, clear_names=False)
    estimate = lay_out(genome, classes, clear_names=False).file_bytes
    assert estimate == pytest.approx(len(content), rel=0.005, abs=100)


@given(ALL_FAMILIES, class_counts())
def test_every_genome_is_laid_out_soundly_and_can_be_estimated_everywhere(genome, classes):
    graph = lay_out(genome, classes)
    assert graph.tensors[graph.outputs[0]].shape == (1, classes)
    assert graph.tensors[graph.inputs[0]].shape == (1, *genome.data.shape)
    graph.check_order()
    check_shapes(graph)
    weights = sum(t.constant_bytes for t in graph.tensors)
    assert weights < graph.file_bytes
    for build in BUILDS:
        arena = estimate_arena(graph, load_build(*build))
        assert arena.minimum_bytes >= arena.used_bytes > arena.tail_bytes > 0


@given(ALL_FAMILIES, class_counts())
def test_live_buffers_of_a_genome_never_overlap(genome, classes):
    plan = estimate_arena(lay_out(genome, classes), load_build("arduino")).plan
    for number, one in enumerate(plan):
        for other in plan[:number]:
            if one.first <= other.last and other.first <= one.last:
                assert one.end <= other.offset or other.end <= one.offset


def test_a_genome_with_a_block_behind_an_empty_stage_is_refused():
    genome = _genome(64, "rgb", (0, 1, 0, 0, 0), 0.5)
    with pytest.raises(DanasError, match="behind an empty stage"):
        estimate_genome(genome, 2, load_build("arduino"))


def test_a_genome_is_estimated_within_ten_milliseconds():
    """Five on a computer that does nothing else, which a test can't count on."""
    genome = Genome(ImageConfig(96, "rgb"), DEFAULT_SPACE.subnets("mobilenet_v2").largest)
    times = []
    for _ in range(10):
        started = time.process_time()
        estimate_genome(genome, 2, load_build("arduino"))
        times.append(time.process_time() - started)
    assert min(times) < 0.010

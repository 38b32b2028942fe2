"""The arena against figures of real TensorFlow Lite Micro, on devices and on this computer."""

import csv

import pytest

from danas_hil.base import DanasError
from danas_hil.builds import list_builds, load_build
from danas_hil.estimate import estimate_model, read_graph
from danas_hil.estimate.arena import estimate_arena

# used, head, tail, minimum: measured on an emulated Cortex-M4.
CURRENT_REFERENCE = {
    "vww_96_int8": (100660, 73728, 26932, 100672),
    "kws_ref_model": (22772, 16000, 6772, 22784),
    "pretrainedResnet_quant": (54340, 49152, 5188, 54352),
    "ad01_int8": (2260, 768, 1492, 2704),
    "str_ww_ref_model": (15252, 6656, 8596, 15264),
    "person_detect": (82292, 55296, 26996, 82304),
    "keyword_scrambled_8bit": (8052, 672, 7380, 10400),
}
CURRENT_CMSIS_NN = {
    "vww_96_int8": (100708, 73728, 26980, 100720),
    "kws_ref_model": (22820, 16000, 6820, 22832),
    "pretrainedResnet_quant": (54996, 49728, 5268, 55008),
    "ad01_int8": (2580, 768, 1812, 3024),
    "str_ww_ref_model": (16596, 7936, 8660, 16608),
    "person_detect": (82308, 55296, 27012, 82320),
    "keyword_scrambled_8bit": (8212, 672, 7540, 10560),
}
ARDUINO = {
    "person_detect": (82740, 55296, 27444, 82752),
    "kws_ref_model": (24164, 17152, 7012, 24176),
    "pretrainedResnet_quant": (55188, 49728, 5460, 55200),
    "ad01_int8": (2596, 768, 1828, 2976),
    "vww_96_int8": (101108, 73728, 27380, 101120),
    "str_ww_ref_model": (16756, 7936, 8820, 16768),
}
# used: the tflite-micro wheel 0.dev20261023182759.
HOST = {
    "vww_96_int8": 103680,
    "kws_ref_model": 24272,
    "pretrainedResnet_quant": 55984,
    "ad01_int8": 3984,
    "str_ww_ref_model": 16640,
    "person_detect": 85264,
    "keyword_scrambled_8bit": 10032,
}
ALL_MODELS = (
    *HOST, "hello_world_int8", "micro_speech_quantized", "wake_vision_k_8_c_5",
    "wake_vision_mcunet-10fps_vww", "wake_vision_micronets_vww2_50_50_INT8",
    "wake_vision_mobilenetv2", "wake_vision_samy",
)  # fmt: skip


@pytest.fixture
def model(shared):
    def read(name):
        return (shared / "data/models" / f"{name}.tflite").read_bytes()

    return read


def arena(content, *build, **options):
    return estimate_arena(read_graph(content), load_build(*build, **options))


@pytest.mark.parametrize(
    ("build", "kernels", "name", "figures"),
    [("current", "reference", *row) for row in CURRENT_REFERENCE.items()]
    + [("current", "cmsis-nn", *row) for row in CURRENT_CMSIS_NN.items()]
    + [("arduino", "cmsis-nn", *row) for row in ARDUINO.items()],
)
def test_the_arena_is_what_firmware_measured_to_the_byte(model, build, kernels, name, figures):
    found = arena(model(name), build, kernels)
    assert (
        found.used_bytes,
        found.head_bytes,
        found.tail_bytes,
        found.minimum_bytes,
    ) == figures


@pytest.mark.parametrize(("name", "used"), HOST.items())
def test_the_arena_of_the_host_is_the_known_one(model, name, used):
    assert arena(model(name), "host").used_bytes == used


@pytest.mark.parametrize("name", ALL_MODELS)
def test_the_arena_of_the_host_is_what_real_tflm_tells(model, name):
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    from danas_hil import tflm

    with tflm.load(model(name), name) as loaded:
        told = loaded.allocations()
    found = arena(model(name), "host")
    assert (found.used_bytes, found.head_bytes, found.tail_bytes) == (
        told.total_bytes,
        told.head_bytes,
        told.tail_bytes,
    )


def test_the_arena_is_what_a_real_nano_33_ble_published(model, shared):
    with (shared / "data/measurements/mcufit_bench.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if "nano33ble" in row["board"]]
    assert len({row["model"] for row in rows}) == 4
    for row in rows:
        content = model(row["model"].removesuffix(".tflite"))
        assert arena(content, "arduino").used_bytes == int(row["ram_bytes"])


@pytest.mark.parametrize("name", ALL_MODELS)
@pytest.mark.parametrize("choice", list_builds(), ids=lambda choice: choice.name)
def test_the_causes_add_up_and_the_minimum_holds_what_is_used(model, name, choice):
    for kernels in choice.kernels:
        found = arena(model(name), choice.name, kernels)
        assert sum(size for _, size in found.by_cause) == found.used_bytes
        assert min(size for _, size in found.by_cause) >= 0
        assert found.used_bytes == found.head_bytes + found.tail_bytes
        assert found.minimum_bytes >= found.used_bytes
        assert found.minimum_bytes % 16 == 0
        assert max(buffer.end for buffer in found.plan) == found.head_bytes


_TRY = """
import sys
from tflite_micro.python.tflite_micro import runtime
for arena in map(int, sys.argv[2:]):
    runtime.Interpreter.from_file(sys.argv[1], arena_size=arena)
"""


@pytest.mark.parametrize(
    "name", ["ad01_int8", "hello_world_int8", "keyword_scrambled_8bit", "kws_ref_model"]
)
def test_the_minimum_arena_works_in_real_tflm_and_16_bytes_less_does_not(model, shared, name):
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    import subprocess
    import sys

    path = shared / "data/models" / f"{name}.tflite"
    minimum = arena(model(name), "host").minimum_bytes
    for size, good in ((minimum, True), (minimum - 16, False)):
        command = [sys.executable, "-c", _TRY, str(path), str(size)]
        done = subprocess.run(command, capture_output=True, check=False)
        assert (done.returncode == 0) == good


def test_a_recording_interpreter_takes_more_of_the_tail(model):
    """By 16 bytes of allocator and 88 of MicroAllocator, before alignment."""
    plain = arena(model("kws_ref_model"), "current", "cmsis-nn")
    recorded = arena(model("kws_ref_model"), "current", "cmsis-nn", recording=True)
    assert recorded.head_bytes == plain.head_bytes
    assert 104 - 16 < recorded.tail_bytes - plain.tail_bytes < 104 + 16


def test_an_unknown_build_names_those_there_are():
    with pytest.raises(DanasError, match=r"no build .zephyr.*arduino, current, host"):
        load_build("zephyr")


def test_kernels_that_a_build_lacks_are_refused_by_name():
    with pytest.raises(DanasError, match="arduino has no reference kernels"):
        load_build("arduino", "reference")


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m3", "cortex-m55"])
def test_cores_on_which_cmsis_nn_behaves_otherwise_are_refused_by_name(model, core):
    with pytest.raises(DanasError, match=core):
        estimate_model(model("ad01_int8"), load_build("current", "cmsis-nn"), core=core)
    found = estimate_model(model("ad01_int8"), load_build("current", "reference"), core=core)
    assert found.arena.used_bytes == 2260

"""Real TensorFlow Lite Micro on this computer."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from danas_hil import tflm
from danas_hil.base import DanasError
from danas_hil.tflm import host, worker
from processes import below, processes

pytest.importorskip("tflite_micro", reason="needs the extra host")

MODELS = Path(__file__).resolve().parents[2] / "shared" / "data" / "models"
needs_models = pytest.mark.skipif(not MODELS.is_dir(), reason=f"there are no models in {MODELS}")


def content(name: str) -> bytes:
    return (MODELS / f"{name}.tflite").read_bytes()


@needs_models
@pytest.mark.parametrize(
    ("name", "total", "head"),
    [
        ("vww_96_int8", 103680, 73728),
        ("kws_ref_model", 24272, 16000),
        ("pretrainedResnet_quant", 55984, 49152),
        ("ad01_int8", 3984, 768),
        ("str_ww_ref_model", 16640, 6656),
        ("person_detect", 85264, 55296),
        ("keyword_scrambled_8bit", 10032, 672),
    ],
)
def test_the_arena_of_public_models_is_the_published_one(name: str, total: int, head: int) -> None:
    with tflm.load(content(name), name) as model:
        allocations = model.allocations()
    assert (allocations.total_bytes, allocations.head_bytes) == (total, head)
    assert allocations.tail_bytes == total - head
    by_name = {one.name: one for one in allocations.classes}
    nodes = by_name["NodeAndRegistration struct"]
    assert nodes.used_bytes == nodes.requested_bytes == 64 * nodes.count
    assert sum(one.used_bytes for one in allocations.classes) <= allocations.tail_bytes


@needs_models
def test_every_public_model_runs_and_answers_the_same_twice() -> None:
    for path in sorted(MODELS.glob("*.tflite")):
        golden = tflm.golden_of_random(path.read_bytes(), count=2, name=path.name)
        again = tflm.run(path.read_bytes(), golden.inputs, path.name)
        assert golden.made
        assert golden.outputs.dtype == again.dtype
        assert np.array_equal(golden.outputs, again), path.name


def test_an_answer_depends_on_its_input_alone_even_where_a_model_keeps_state() -> None:
    class Keeping:
        """An interpreter whose variable tensor sums up all inputs."""

        state = 0
        entry = 0

        def reset(self) -> None:
            self.state = 0

        def set_input(self, value: np.ndarray, _: int) -> None:
            self.entry = int(value[0])

        def invoke(self) -> None:
            self.state += self.entry

        def get_output(self, _: int) -> np.ndarray:
            return np.array([self.state], np.int8)

    keeping = Keeping()
    answers = [int(worker._infer(keeping, np.array([x], np.int8))[0]) for x in (1, 2, 3)]
    assert answers == [1, 2, 3]


@needs_models
def test_random_inputs_come_from_their_seed() -> None:
    model = content("hello_world_int8")
    one, same = (tflm.golden_of_random(model, seed=5) for _ in range(2))
    assert np.array_equal(one.inputs, same.inputs)
    assert one.sha256 == same.sha256
    assert one.sha256 != tflm.golden_of_random(model, seed=6).sha256


@needs_models
def test_each_run_is_timed() -> None:
    with tflm.load(content("kws_ref_model")) as model:
        model.infer(np.zeros(model.input_shape, np.int8))
        taken = model.time(3)
    assert len(taken) == 3
    assert min(taken) > 10


@needs_models
def test_golden_outputs_survive_their_file(tmp_path: Path) -> None:
    golden = tflm.golden_of_random(content("kws_ref_model"), count=2)
    tflm.write_golden(tmp_path / "golden.npz", golden)
    read = tflm.read_golden(tmp_path / "golden.npz")
    assert read.sha256 == golden.sha256
    assert read.made
    assert [path.name for path in tmp_path.iterdir()] == ["golden.npz"]


def test_missing_and_damaged_golden_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DanasError, match=r"no file .*golden\.npz"):
        tflm.read_golden(tmp_path / "golden.npz")
    good = tflm.Golden(np.zeros((1, 2), np.int8), np.zeros((1, 2), np.int8))
    tflm.write_golden(tmp_path / "golden.npz", good)
    whole = (tmp_path / "golden.npz").read_bytes()
    for damaged in (b"", b"text", whole[: len(whole) // 2], whole[:-30] + whole[-20:]):
        (tmp_path / "golden.npz").write_bytes(damaged)
        with pytest.raises(DanasError, match=r"golden\.npz can't be read"):
            tflm.read_golden(tmp_path / "golden.npz")
    tflm.write_golden(tmp_path / "golden.npz", tflm.Golden(good.inputs, good.outputs[:0]))
    with pytest.raises(DanasError, match="not one for each input"):
        tflm.read_golden(tmp_path / "golden.npz")


@needs_models
def test_an_input_of_another_shape_or_type_is_refused() -> None:
    with tflm.load(content("kws_ref_model"), "kws") as model:
        with pytest.raises(DanasError, match=r"kws takes int8 .*\(1, 49, 10, 1\)"):
            model.infer(np.zeros((1, 49, 9, 1), np.int8))
        with pytest.raises(DanasError, match="this is uint8"):
            model.infer(np.zeros((1, 49, 10, 1), np.uint8))


@pytest.mark.parametrize(
    "bad", [b"", b"\0" * 100, b"\x1c\0\0\0TFL3", b"\xff\xff\0\0TFL3" + b"\xaa" * 80]
)
def test_what_is_not_a_model_is_refused_by_name(bad: bytes) -> None:
    with pytest.raises(DanasError, match=r"odd\.tflite"), tflm.load(bad, "odd.tflite"):
        pass


@needs_models
def test_an_operator_that_tflm_lacks_is_told_in_its_own_words() -> None:
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    flatbuffers = pytest.importorskip("flatbuffers")
    model = schema.ModelT.InitFromPackedBuf(content("hello_world_int8"))
    model.operatorCodes[0].builtinCode = schema.BuiltinOperator.UNIQUE
    model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.UNIQUE
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    with (
        pytest.raises(DanasError, match=r"TFLM refuses odd.*UNIQUE"),
        tflm.load(bytes(builder.Output()), "odd"),
    ):
        pass


def collapsed(model: bytes) -> bytes:
    """The model with logits of a tiny scale, as of a network that says the same of everything."""
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    flatbuffers = pytest.importorskip("flatbuffers")
    content = schema.ModelT.InitFromPackedBuf(model)
    (graph,) = content.subgraphs
    dense = graph.operators[-2]
    entry, weights, bias = (graph.tensors[index].quantization for index in dense.inputs)
    logits = graph.tensors[dense.outputs[0]].quantization
    weights.scale = 1e-9 / entry.scale
    bias.scale = logits.scale = np.array([1e-9], np.float32)
    builder = flatbuffers.Builder(len(model))
    builder.Finish(content.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@needs_models
def test_a_crash_in_tflm_is_an_error_and_not_our_end() -> None:
    model = content("kws_ref_model")
    with (
        pytest.raises(tflm.CrashedError, match=r"ended its process \(SIGABRT\) with odd"),
        tflm.load(collapsed(model), "odd"),
    ):
        pass
    with tflm.load(model, "sound") as sound:
        assert sound.allocations().total_bytes == 24272


@needs_models
def test_a_process_that_dies_is_told_with_its_signal() -> None:
    with tflm.load(content("kws_ref_model"), "kws") as model:
        (worker,) = below(model._child.pid)
        os.kill(worker, 6)
        with pytest.raises(DanasError, match=r"ended its process \(SIGABRT\) with kws"):
            model.infer(np.zeros(model.input_shape, np.int8))


@needs_models
def test_a_run_without_end_is_cut_off() -> None:
    with tflm.load(content("person_detect"), "person") as model:
        with pytest.raises(DanasError, match=r"longer than 0\.3 s with person"):
            model.time(100_000, seconds=0.3)
        assert model._child.poll() is not None


@needs_models
def test_no_process_is_left_behind() -> None:
    with tflm.load(content("hello_world_int8")) as model:
        family = [model._child.pid, *below(model._child.pid)]
        assert len(family) == 2
    assert not set(family) & set(processes())


@needs_models
def test_a_model_too_large_for_any_device_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "ARENA_LIMIT", 100_000)
    with (
        pytest.raises(DanasError, match="vww needs an arena of more than"),
        tflm.load(content("vww_96_int8"), "vww"),
    ):
        pass


@needs_models
def test_an_arena_that_was_too_small_is_tried_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "generous_arena", lambda _: 1024)
    with tflm.load(content("kws_ref_model")) as model:
        assert model.allocations().total_bytes == 24272


def test_allocations_in_other_words_are_an_error() -> None:
    with pytest.raises(DanasError, match="not known here"):
        host._read_allocations("[RecordingMicroAllocator] all fine", "kws")

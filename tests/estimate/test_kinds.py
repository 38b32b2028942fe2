"""Files of other kinds are named, with what to do; TFLM runs more than the memory model covers."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from danas_hil.base import DanasError
from danas_hil.builds import load_build
from danas_hil.estimate import estimate_model, read_ends, read_file, read_graph
from estimate.little_models import little_model, operator, schema, tensor
from estimate.operator_models import MODELS, Net

HOW = "docs/memory.md"


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return file.getvalue()


def c_array(content: bytes) -> bytes:
    rows = (content[place : place + 12] for place in range(0, len(content), 12))
    text = ",\n  ".join(", ".join(f"0x{byte:02x}" for byte in row) for row in rows)
    head = "alignas(16) const unsigned char g_model[]"
    return f"#include <cstdint>\n{head} = {{\n  {text}\n}};\nunsigned int g_len = 3;\n".encode()


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
FOREIGN = {
    "keras": (zipped("metadata.json", "config.json", "model.weights.h5"), r"\(\.keras\)", HOW),
    "h5": (b"\x89HDF\r\n\x1a\n" + bytes(90), r"HDF5 \(\.h5\)", HOW),
    "saved model's graph": (b"\x08\x01\x12\x80\x04" + bytes(90), "SavedModel", HOW),
    "zipped saved model": (zipped("m/saved_model.pb"), "archive with a SavedModel", "Unpack it"),
    "pytorch": (zipped("model/data.pkl"), "PyTorch", "Export it"),
    "git lfs": (LFS, "Git LFS pointer", "git lfs pull"),
    "git annex": (b"/annex/objects/SHA256E-s3--a.tflite\n", "git-annex pointer", "git annex get"),
    "c header": (c_array(b"\x1c\0\0\0TFL3" + bytes(200)), "C source", HOW),
    "web page": (b"\n<!DOCTYPE html>\n<html></html>", "web page", "raw file"),
    "program": (b"\x7fELF" + bytes(60), "a program", "went into it"),
    "kmodel": (b"KMDL" + bytes(60), "Kendryte", "made of"),
}


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("read", [read_graph, read_ends])
def test_a_file_of_another_kind_is_named_with_what_to_do(name, read):
    content, what, hint = FOREIGN[name]
    with pytest.raises(DanasError, match=f"given is .*{what}.* not an int8 .tflite") as caught:
        read(content, "given")
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("inside", "what"), [("saved_model.pb", "a SavedModel"), ("model.weights.h5", "Keras model")]
)
def test_a_folder_with_a_model_in_it_is_named(tmp_path: Path, inside, what):
    (tmp_path / inside).write_bytes(b"")
    with pytest.raises(DanasError, match=what) as caught:
        read_file(tmp_path)
    assert HOW in caught.value.hint


def test_a_c_array_is_turned_back_by_the_line_of_the_page(root: Path):
    """The line of docs/memory.md that undoes `xxd -i`."""
    page = (root / "docs" / "memory.md").read_text(encoding="utf-8")
    (pattern,) = re.findall(r'findall\(r"([^"]+)"', page)
    content = next(iter(MODELS.values()))()
    text = c_array(content).decode()
    assert bytes(int(byte, 16) for byte in re.findall(pattern, text)) == content


# -- by operators and types --------------------------------------------------------------------


def dense_of(source: str, weights: str) -> bytes:
    """A dense layer of 4 numbers to 2 in these types."""
    net = Net()
    entry = net.tensor((1, 4), source)
    data = np.ones((2, 4), {"FLOAT32": np.float32}.get(weights, np.int8))
    scales = int(weights != "FLOAT32")
    constant = tensor(net.model, (2, 4), weights, data=data, scales=scales)
    options = schema.FullyConnectedOptionsT()
    result = net.tensor((1, 2), source, scale=4.0)
    return net.file(entry, net.run("FULLY_CONNECTED", [entry, constant, -1], result, options))


def float16() -> bytes:
    net = Net()
    entry = net.tensor((1, 4, 4, 3), "FLOAT32")
    data = np.ones((2, 1, 1, 3), np.float16)
    stored = tensor(net.model, data.shape, "FLOAT16", data=data, scales=0)
    weights = net.run("DEQUANTIZE", [stored], net.tensor(data.shape, "FLOAT32"))
    options = schema.Conv2DOptionsT()
    options.strideW = options.strideH = 1
    result = net.tensor((1, 4, 4, 2), "FLOAT32")
    return net.file(entry, net.run("CONV_2D", [entry, weights, -1], result, options))


QUANTISED = {
    "float32": (lambda: dense_of("FLOAT32", "FLOAT32"), "FULLY_CONNECTED of float32"),
    "hybrid": (lambda: dense_of("FLOAT32", "INT8"), "dynamic range"),
    "legacy": (lambda: dense_of("UINT8", "UINT8"), "FULLY_CONNECTED of uint8"),
    "float16": (float16, "float16 weights behind DEQUANTIZE"),
}


@pytest.mark.parametrize("name", QUANTISED)
@pytest.mark.parametrize("build", ["host", "arduino"])
def test_weights_of_other_types_are_named_with_how_to_convert(name, build):
    make, what = QUANTISED[name]
    with pytest.raises(DanasError, match=what) as caught:
        estimate_model(make(), load_build(build))
    assert "int8" in caught.value.what
    assert HOW in caught.value.hint


@pytest.mark.parametrize(
    ("code", "what"),
    [("ethos-u", "compiled by Vela"), ("edgetpu-custom-op", "Edge TPU"), ("NeutronGraph", "NXP")],
)
@pytest.mark.parametrize("read", [read_graph, read_ends])
def test_what_an_npus_compiler_made_is_named(code, what, read):
    """Such a file has a memory plan of its own, and reads tensors that no operator writes."""

    def compiled(model):
        graph = model.subgraphs[0]
        graph.operators = []
        operator(model, "CUSTOM", (0, 5), (6,))
        model.operatorCodes[-1].customCode = code
        metadata = schema.MetadataT()
        metadata.name = "OfflineMemoryAllocation"
        model.metadata = [metadata]

    with pytest.raises(DanasError, match=what) as caught:
        read(little_model(compiled), "given")
    assert "before that compiler" in caught.value.hint


# -- what TFLM runs ----------------------------------------------------------------------------


def tanh() -> bytes:
    net = Net()
    entry = net.tensor((1, 12), scale=0.05)
    return net.file(entry, net.run("TANH", [entry], net.tensor((1, 12), scale=1 / 128)))


@pytest.mark.parametrize(
    "make", [tanh, lambda: dense_of("FLOAT32", "FLOAT32")], ids=["TANH", "float32"]
)
def test_the_host_runs_what_the_memory_model_does_not_cover(make, tmp_path: Path):
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    from danas_hil import tflm
    from danas_hil.measure import measure_candidate
    from danas_hil.targets import HostTarget, ModelFile

    content = make()
    with pytest.raises(DanasError, match="does not cover"):
        estimate_model(content, load_build("host"), name="given")
    golden = tflm.golden_of_random(content)
    found = measure_candidate(HostTarget(), ModelFile("given", content), golden, tmp_path)
    assert (found.status, found.parity.equal) == ("OK", True)
    assert found.memory.arena_used_bytes > 500


@pytest.mark.parametrize("name", ["hybrid", "float16"])
def test_what_real_tflm_refuses_for_its_weights_is_named_too(name):
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    from danas_hil import tflm

    make, what = QUANTISED[name]
    with (
        pytest.raises(tflm.RefusedError, match="TFLM refuses given") as caught,
        tflm.load(make(), "given"),
    ):
        pass
    assert re.search(what, caught.value.hint)
    assert HOW in caught.value.hint


CASES = {
    "act_tanh": "operator TANH",
    "concat12": "CONCATENATION with 12 inputs",
    "conv1d": "operator EXPAND_DIMS",
    "dense_of_scalar_damaged": r"FULLY_CONNECTED\) can't make \[\]",
    "dynamic_range_big": "dynamic range",
    "float16": "float16 weights",
    "gru_unrolled": "operator UNPACK",
    "int16x8": "CONV_2D of int16",
    "resize_bilinear": "operator RESIZE_BILINEAR",
    "transpose_conv": "operator TRANSPOSE_CONV",
}
ESTIMATED = {
    "concat_int8": (6000, 4096, 1904),
    "conv1d_b1": (1936, 176, 1760),
    "dense64_perchannel": (1568, 80, 1488),
    "flatten_int8": (2896, 1024, 1872),
    "flatten_pertensor": (2864, 1024, 1840),
}


def test_every_file_of_the_cases_comes_out_as_it_should(shared: Path):
    for path in sorted((shared / "cases/models").glob("*.tflite")):
        content = path.read_bytes()
        if path.stem in ESTIMATED:
            arena = estimate_model(content, load_build("host")).arena
            found = (arena.used_bytes, arena.head_bytes, arena.tail_bytes)
            assert found == ESTIMATED[path.stem], path.stem
            fits = estimate_model(content, load_build("arduino")).fits_outputs
            assert fits == (path.stem == "flatten_pertensor")
        else:
            with pytest.raises(DanasError, match=CASES[path.stem]):
                estimate_model(content, load_build("host"), name=path.name)

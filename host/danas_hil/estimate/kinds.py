"""What is given in place of an int8 .tflite file, told by its first bytes, its operators or its
types, and how to get the file that is wanted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn

from danas_hil.base import DanasError
from danas_hil.estimate.graph import Operator, OperatorGraph

_HOW = "docs/memory.md (Which files) has the lines"
_CONVERT = (
    "Convert it to int8: tf.lite.TFLiteConverter with a representative dataset and"
    f" OpsSet.TFLITE_BUILTINS_INT8; {_HOW}."
)
_AGAIN = (
    "Convert it again to int8, with a representative dataset and OpsSet.TFLITE_BUILTINS_INT8;"
    f" {_HOW}."
)

_NPUS = {
    "ethos-u": "compiled by Vela for an Ethos-U NPU",
    "edgetpu-custom-op": "compiled for an Edge TPU",
    "neutrongraph": "compiled for an NXP Neutron NPU",
    "tidl-custom-op": "compiled for a TI accelerator",
}
"""By the custom operator that such a compiler leaves."""


class QuantisationError(DanasError):
    """The model is quantised in a way that TensorFlow Lite Micro does not run."""


_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED")


# -- by bytes ----------------------------------------------------------------------------------


def check_is_tflite(content: bytes, name: str) -> None:
    """Raise DanasError, saying what it is instead, unless `content` begins as a .tflite file."""
    if content[4:8] == b"TFL3":
        return
    if not content:
        raise DanasError(f"{name} is not a sound .tflite file: it is empty.", "Copy it again.")
    for begins, what, hint in _BEGINNINGS:
        if content.startswith(begins):
            _other(name, what, hint)
    if content.startswith(b"PK\x03\x04"):
        _other(name, *_archive(content))
    start = content[:4096].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html")):
        _other(name, "a web page", "The download went wrong: take the raw file.")
    if _is_c_source(content):
        _other(
            name,
            "C source with a model's bytes in it",
            "Give the .tflite file that it was made of; docs/memory.md (Which files) has a line"
            " that turns it back.",
        )
    if b"saved_model_main_op" in content or start.startswith(b"\x08\x01\x12"):
        _other(name, "the graph of a SavedModel", _CONVERT)
    raise DanasError(
        f"{name} is not a sound .tflite file: it does not begin as one (TFL3).",
        "It may be cut off or altered; convert or copy it again.",
    )


def check_is_no_model_folder(path: Path) -> None:
    """Raise DanasError for a folder that a model is in: a SavedModel, or an unpacked .keras."""
    if (path / "saved_model.pb").is_file():
        _other(str(path), "a SavedModel", _CONVERT)
    if (path / "model.weights.h5").is_file():
        _other(str(path), "an unpacked Keras model", _CONVERT)


_BEGINNINGS = (
    (b"\x89HDF\r\n\x1a\n", "a Keras model in HDF5 (.h5)", _CONVERT),
    (
        b"version https://git-lfs.github.com/spec/",
        "a Git LFS pointer: the file that it stands for is not here",
        "Fetch it: git lfs pull",
    ),
    (
        b"/annex/objects/",
        "a git-annex pointer: the file that it stands for is not here",
        "Fetch it: git annex get",
    ),
    (b"\x7fELF", "a program", "Give the .tflite file that went into it."),
    (b"\x1f\x8b", "a gzip archive", "Unpack it first."),
    (b"KMDL", "a model of a Kendryte NPU", "Give the .tflite file that it was made of."),
    (b"LDMK", "a model of a Kendryte NPU", "Give the .tflite file that it was made of."),
)


def _archive(content: bytes) -> tuple[str, str]:
    """What a zip archive is, by the names of the files in it."""
    if b"model.weights.h5" in content:
        return "a Keras model (.keras)", _CONVERT
    if b"/data.pkl" in content:
        return "a PyTorch checkpoint", "Export it to Keras or TensorFlow, and convert that to int8."
    if b"saved_model.pb" in content:
        return "an archive with a SavedModel", f"Unpack it. {_CONVERT}"
    return "a zip archive", "Unpack it first."


def _is_c_source(content: bytes) -> bool:
    """An array of bytes in hexadecimal, as `xxd -i` writes it."""
    start = content[:65536]
    return b"\0" not in start and bool(
        re.search(rb"\b(?:char|u?int8_t)\b[^;{]{0,400}\{\s*0x[0-9a-fA-F]{1,2}\s*,", start)
    )


def _other(name: str, what: str, hint: str) -> NoReturn:
    raise DanasError(f"{name} is {what}, not an int8 .tflite file.", hint)


# -- by operators and types --------------------------------------------------------------------


def check_is_uncompiled(kinds: list[str], name: str) -> None:
    """Raise DanasError where an NPU's compiler left its operator. kinds: as Operator.kind."""
    for kind in kinds:
        compiled = _NPUS.get(kind.removeprefix("CUSTOM ").lower())
        if compiled:
            raise DanasError(
                f"{name} is {compiled} ({kind}), which the core itself can't run.",
                "Give the .tflite file from before that compiler.",
            )


def check_is_int8(graph: OperatorGraph) -> None:
    """Raise DanasError where the weights are not those of an int8 model, saying of which kind.

    Quantisation to int16 and other types are for the memory model to cover, operator by operator.
    """
    weighted = [operator for operator in graph.operators if operator.kind in _WEIGHTED]
    if any(
        operator.kind == "DEQUANTIZE" and _is(graph, operator, 0, "float16", constant=True)
        for operator in graph.operators
    ):
        _quantised("float16 weights behind DEQUANTIZE (float16 quantisation)", _AGAIN)
    hybrid = _first(graph, weighted, "float32", "int8") or _first(
        graph, weighted, "float32", "uint8"
    )
    if hybrid or any(
        operator.kind == "DEQUANTIZE" and _is(graph, operator, 0, "int8", constant=True)
        for operator in graph.operators
    ):
        kind = hybrid.kind if hybrid else "DEQUANTIZE"
        _quantised(
            f"{kind} of float32 with weights of int8 (hybrid: dynamic range quantisation)", _AGAIN
        )
    legacy = _first(graph, weighted, "uint8", "uint8")
    if legacy:
        _quantised(f"{legacy.kind} of uint8 (the quantisation before int8)", _AGAIN)
    real = _first(graph, weighted, "float32", "float32")
    if real and not _first(graph, weighted, "int8", "int8"):
        raise DanasError(
            f"The model has {real.kind} of float32 (it is not quantised), which the memory model"
            " does not cover; int8 is what is wanted.",
            _CONVERT,
        )


def _first(
    graph: OperatorGraph, operators: list[Operator], source: str, weights: str
) -> Operator | None:
    """The first operator with an input and weights of these types."""
    for operator in operators:
        place = 2 if operator.kind == "TRANSPOSE_CONV" else 0
        if _is(graph, operator, place, source) and _is(graph, operator, 1, weights):
            return operator
    return None


def _is(
    graph: OperatorGraph, operator: Operator, place: int, kind: str, *, constant: bool = False
) -> bool:
    tensor = graph.input_of(operator, place)
    return tensor is not None and tensor.type == kind and (tensor.constant or not constant)


def _quantised(what: str, hint: str) -> NoReturn:
    raise QuantisationError(
        f"The model has {what}, which TensorFlow Lite Micro does not run; int8 is what is wanted.",
        hint,
    )

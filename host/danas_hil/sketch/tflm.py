"""A model in TensorFlow Lite Micro as a sketch."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from pathlib import Path

from danas_hil.base import DanasError
from danas_hil.board import Board
from danas_hil.sketch.render import LIBRARY, Sketch, render, tflm_library

_NAME_CHARACTERS = 48  # hello has room for so many
# Methods of MicroMutableOpResolver that are not the builtin name in camel case
# (tensorflow/lite/micro/micro_mutable_op_resolver.h).
_METHODS = {
    "BATCH_MATMUL": "AddBatchMatMul",
    "CUMSUM": "AddCumSum",
    "PADV2": "AddPadV2",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "AddUnidirectionalSequenceLSTM",
}


def render_tflm(
    board: Board,
    name: str,
    model: bytes,
    operators: Sequence[str],
    arena_bytes: int,
    *,
    profiled: int = 0,
) -> Sketch:
    """The project that runs `model` in an arena of `arena_bytes`.

    operators: builtin names, CONV_2D and the like. profiled: how many operators of the graph to
    take the time of, with an interpreter that records head and tail; 0 is the plain one. Raises
    DanasError for an operator with a name that is none, and where TensorFlow Lite Micro is not
    where it should be.
    """
    library = tflm_library()
    values = {
        "name": name[:_NAME_CHARACTERS],
        "tflm": library_version(library),
        "model_bytes": len(model),
        "model_words": _words(model),
        "operators": [_method(operator) for operator in operators],
        "arena_bytes": arena_bytes,
        "profiled": profiled,
    }
    return render(board, "tflm", values, libraries=(library,))


def library_version(library: str) -> str:
    """Name and version of the TensorFlow Lite Micro that `tflm_library` names."""
    if library == LIBRARY:
        owner_and_name, _, version = library.partition("@")
        return f"{owner_and_name.rpartition('/')[2]} {version}"
    folder = Path(library.removeprefix("symlink://"))
    text = (folder / "library.properties").read_text(encoding="utf-8", errors="replace")
    found = dict(re.findall(r"^(name|version)=(.*?)\s*$", text, re.MULTILINE))
    return f"{found.get('name', folder.name)} {found.get('version', 'of unknown version')}"


def _words(content: bytes) -> list[str]:
    """`content` in words of eight bytes as a little-endian processor has them, filled with zeros.

    A compiler needs a quarter of the time for them that it needs for single bytes.
    """
    filled = content + bytes(-len(content) % 8)
    return [f"0x{word:x}" for word in struct.unpack(f"<{len(filled) // 8}Q", filled)]


def _method(operator: str) -> str:
    if re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", operator) is None:
        raise DanasError(f"{operator!r} is no operator of TensorFlow Lite Micro.")
    camel = "".join(part.capitalize() for part in operator.split("_")).replace("2d", "2D")
    return _METHODS.get(operator, f"Add{camel}")

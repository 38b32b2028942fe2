"""A model in TensorFlow Lite Micro as a sketch."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from danas_hil.base import DanasError
from danas_hil.board import Board
from danas_hil.estimate.runtime import load_runtime
from danas_hil.sketch.library import library_of
from danas_hil.sketch.render import Sketch, render

_NAME_CHARACTERS = 48  # hello has room for so many
# Methods of MicroMutableOpResolver that are not the builtin name in camel case
# (tensorflow/lite/micro/micro_mutable_op_resolver.h).
_METHODS = {"PADV2": "AddPadV2"}


@dataclass(frozen=True)
class _Operator:
    """An operator in C++. name: of the builtin; method: that adds it to a resolver; function: of
    the sketch, that names it."""

    name: str
    method: str
    function: str


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

    operators: builtin names, CONV_2D and the like, of those that the board's runtime covers. Only
    model.cpp differs from one set of them to another. profiled: how many operators of the graph to
    take the time of, with an interpreter that records head and tail; 0 is the plain one. Raises
    DanasError for an operator that is not covered, and where TensorFlow Lite Micro is not where it
    should be.
    """
    library = library_of(board)
    covered = sorted(load_runtime(board.runtime, board.kernels).operators)
    known = {kind: _operator(kind) for kind in covered}
    for kind in operators:
        if kind not in known:
            raise DanasError(
                f"{kind!r} is no operator that the library on {board.id} is known to have.",
                f"There are {', '.join(covered)}.",
            )
    values = {
        "name": name[:_NAME_CHARACTERS],
        "tflm": library.shown,
        "model_bytes": len(model),
        "model_words": _words(model),
        "known_operators": list(known.values()),
        "operators": [known[kind] for kind in operators],
        "arena_bytes": arena_bytes,
        "profiled": profiled,
    }
    return render(board, "tflm", values, library=library)


def _words(content: bytes) -> list[str]:
    """`content` in words of eight bytes as a little-endian processor has them, filled with zeros.

    A compiler needs a quarter of the time for them that it needs for single bytes.
    """
    filled = content + bytes(-len(content) % 8)
    return [f"0x{word:x}" for word in struct.unpack(f"<{len(filled) // 8}Q", filled)]


def _operator(kind: str) -> _Operator:
    camel = "".join(part.capitalize() for part in kind.split("_")).replace("2d", "2D")
    return _Operator(kind, _METHODS.get(kind, f"Add{camel}"), f"danas_{kind.lower()}")

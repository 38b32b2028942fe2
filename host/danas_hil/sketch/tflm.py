"""A model in TensorFlow Lite Micro as a sketch."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from danas_hil.base import DanasError
from danas_hil.board import Board
from danas_hil.builds import Kernel, load_build
from danas_hil.sketch.library import library_of
from danas_hil.sketch.render import Sketch, render

_NAME_CHARACTERS = 48  # hello has room for so many


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

    operators: builtin names, CONV_2D and the like, of those that the board's build covers. Only
    model.cpp differs from one set of them to another. profiled: how many operators of the graph to
    take the time of, with an interpreter that records head and tail; 0 is the plain one. Raises
    DanasError for an operator that is not covered, and where TensorFlow Lite Micro is not where it
    should be.
    """
    library = library_of(board)
    build = load_build(board.build, board.kernels)
    known = {kind: _operator(kind, kernel) for kind, kernel in sorted(build.operators.items())}
    for kind in operators:
        if kind not in known:
            raise DanasError(
                f"{kind!r} is no operator that the library on {board.id} is known to have.",
                f"There are {', '.join(known)}.",
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
    return render(
        board, build.sketch_templates(), values, library=library, flags=build.library.flags
    )


def _words(content: bytes) -> list[str]:
    """`content` in words of eight bytes as a little-endian processor has them, filled with zeros.

    A compiler needs a quarter of the time for them that it needs for single bytes.
    """
    filled = content + bytes(-len(content) % 8)
    return [f"0x{word:x}" for word in struct.unpack(f"<{len(filled) // 8}Q", filled)]


def _operator(kind: str, kernel: Kernel) -> _Operator:
    camel = "".join(part.capitalize() for part in kind.split("_")).replace("2d", "2D")
    return _Operator(kind, kernel.method or f"Add{camel}", f"danas_{kind.lower()}")

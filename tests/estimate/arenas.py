"""What real TensorFlow Lite Micro says of arenas of one size after another.

An arena that is too small may end the process instead of being refused, so each try has a process
of its own: `try_arenas` starts this file as a program, which forks one for each.
"""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GENEROUS = 1 << 20


@dataclass(frozen=True)
class Tried:
    """used, head, tail: bytes, as the recording allocator tells them in a generous arena.

    sizes: of each arena that was tried, whether the model loaded and gave the outputs that it
    gives in a generous one.
    """

    used: int
    head: int
    tail: int
    sizes: dict[int, bool]
    refusal: str = ""


def try_arenas(models: list[tuple[bytes, list[int]]]) -> list[Tried]:
    """Each model in arenas of these sizes."""
    done = subprocess.run(
        [sys.executable, "-P", str(Path(__file__))],
        input=pickle.dumps(models),
        capture_output=True,
        check=True,
        timeout=120,
    )
    return [Tried(*fields) for fields in pickle.loads(done.stdout)]


def _main() -> None:
    from tflite_micro.python.tflite_micro import runtime

    results = [_try(runtime, content, sizes) for content, sizes in pickle.load(sys.stdin.buffer)]
    sys.stdout.buffer.write(pickle.dumps(results))


def _try(runtime: Any, content: bytes, sizes: list[int]) -> tuple[Any, ...]:
    wanted, told = _in_own_process(runtime, content, GENEROUS)
    parts = dict(re.findall(r"Arena allocation (total|head|tail) (\d+) bytes", told))
    if set(parts) != {"total", "head", "tail"}:
        return 0, 0, 0, {}, told
    right = {size: _in_own_process(runtime, content, size)[0] == wanted for size in sizes}
    return int(parts["total"]), int(parts["head"]), int(parts["tail"]), right


def _in_own_process(runtime: Any, content: bytes, arena: int) -> tuple[bytes | None, str]:
    """The output for some input, None where there is none; and what TFLM printed."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as text:
        child = os.fork()
        if not child:
            os.dup2(text.fileno(), 2)
            os.dup2(text.fileno(), 1)
            try:
                output.write(_output(runtime, content, arena))
                output.flush()
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        size = output.seek(0, 2)
        output.seek(0)
        text.seek(0)
        return output.read() if size and not status else None, text.read().decode(errors="replace")


def _output(runtime: Any, content: bytes, arena: int) -> bytes:
    import numpy as np

    interpreter = runtime.Interpreter.from_bytes(content, arena_size=arena)
    details = interpreter.get_input_details(0)
    count = int(np.prod(details["shape"]))
    values = (np.arange(count) % 17 - 8).astype(details["dtype"]).reshape(details["shape"])
    interpreter.set_input(values, 0)
    interpreter.invoke()
    if arena == GENEROUS:
        interpreter.print_allocations()
    return bytes(interpreter.get_output(0).tobytes())


if __name__ == "__main__":
    _main()

"""The child process in which TensorFlow Lite Micro runs; see `danas_hil.tflm.host` for why.

Requests are pickled on standard input, replies on what was standard output; both are spoken by
`LoadedModel` alone. TFLM's own text goes to standard error, which the parent keeps in a file.
It is run by its path and imports nothing of ours: it starts in half the time.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until the parent closes its end."""
    from tflite_micro.python.tflite_micro import runtime

    interpreter: Any = None
    while True:
        try:
            verb, *arguments = pickle.load(requests)
        except EOFError:
            return
        reply: Any
        try:
            if verb == "load":
                model, arena_bytes = arguments
                interpreter = runtime.Interpreter.from_bytes(model, arena_size=arena_bytes)
                reply = _shapes(interpreter)
            elif verb == "infer":
                reply = _infer(interpreter, arguments[0])
            elif verb == "time":
                reply = _time(interpreter, arguments[0])
            else:
                interpreter.print_allocations()
                reply = None
        except (RuntimeError, ValueError) as error:
            _send(replies, ("error", str(error)))
        else:
            _send(replies, ("ok", reply))


def _shapes(interpreter: Any) -> tuple[tuple[int, ...], str, tuple[int, ...], str]:
    """Shape and type of the input, then of the output."""
    details = (interpreter.get_input_details(0), interpreter.get_output_details(0))
    (shape_in, type_in), (shape_out, type_out) = (
        (tuple(int(side) for side in one["shape"]), np.dtype(one["dtype"]).name) for one in details
    )
    return shape_in, type_in, shape_out, type_out


def _infer(interpreter: Any, one: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The output for one input, as from a fresh start: variable tensors are reset first."""
    interpreter.reset()
    interpreter.set_input(one, 0)
    interpreter.invoke()
    return np.array(interpreter.get_output(0))


def _time(interpreter: Any, runs: int) -> list[float]:
    """Microseconds of each of `runs` invocations."""
    taken = []
    for _ in range(runs):
        start = time.perf_counter_ns()
        interpreter.invoke()
        taken.append((time.perf_counter_ns() - start) / 1e3)
    return taken


def _send(replies: BinaryIO, reply: Any) -> None:
    pickle.dump(reply, replies)
    replies.flush()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not get between the replies
    serve(sys.stdin.buffer, replies)


if __name__ == "__main__":
    main()

"""The noise of C++ libraries, which write past sys.stderr."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator

_stderr_lock = threading.RLock()


@contextlib.contextmanager
def captured_stderr() -> Iterator[Callable[[], str]]:
    """Keep what is written to file descriptor 2, and yield a function that tells it.

    C++ libraries write there past sys.stderr. The descriptor belongs to the process, so other
    threads' text is caught as well. An exception carries the text as `captured_stderr`.
    """
    with _stderr_lock, tempfile.TemporaryFile() as kept:

        def told() -> str:
            kept.seek(0)
            return kept.read().decode(errors="replace")

        sys.stderr.flush()
        ours = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield told
        except Exception as error:
            error.captured_stderr = told()  # type: ignore[attr-defined]
            raise
        finally:
            sys.stderr.flush()
            os.dup2(ours, 2)
            os.close(ours)

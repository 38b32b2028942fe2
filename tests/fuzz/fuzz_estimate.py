"""Feed the model reader with what atheris, a coverage-guided fuzzer, makes of .tflite files.

    python tests/fuzz/fuzz_estimate.py FOLDER_OF_MODELS [-max_total_time=60 ...]

Ends at the first exception that is not a DanasError, and at the first input that takes longer than
a second. Needs `pip install atheris`, which is no part of the lock file.
"""

from __future__ import annotations

import contextlib
import sys
import time

from danas_hil.builds import load_build

try:
    import atheris
except ModuleNotFoundError:
    sys.exit("atheris is not installed: pip install atheris")

with atheris.instrument_imports(include=["danas_hil.estimate"]):
    from danas_hil.base import DanasError
    from danas_hil.estimate import estimate_model


def one_input(content: bytes) -> None:
    started = time.monotonic()
    with contextlib.suppress(DanasError):
        found = estimate_model(content, load_build("arduino"))
        assert found.arena.minimum_bytes >= found.arena.used_bytes > 0
    taken = time.monotonic() - started
    assert taken < 1, f"took {taken:.1f} s"


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()

"""Arrays in .npz files, read back: bounded, and never objects."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from danas_hil.base.errors import DanasError, first_line
from danas_hil.base.reading import check_file

ARRAYS_BYTES = 4 * 1024**3
"""Of all arrays of a file, unpacked: a packed file can claim anything."""


def read_arrays(path: Path, what: str, hint: str = "", limit: int = ARRAYS_BYTES) -> dict[str, Any]:
    """The arrays of an .npz file by name, of numbers and texts.

    what: the file holds, as `The checkpoint`. Raises DanasError naming a file that is missing,
    damaged, no .npz, or larger than `limit` bytes unpacked; and for a NaN or an infinity.
    """
    import numpy as np

    check_file(path, hint)
    try:
        _check_size(path, limit)
        with np.load(path, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
    # numpy and zipfile have no error of their own for what they can't read: of damaged files came
    # OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error, NotImplementedError,
    # RuntimeError, MemoryError, OverflowError, SyntaxError and tokenize.TokenError.
    except Exception as error:
        raise DanasError(f"{what} {path} can't be read: {first_line(error)}.", hint) from error
    for name, array in arrays.items():
        if array.dtype.kind not in "biufU":
            raise DanasError(f"{what} {path} is damaged: {name} holds no numbers.", hint)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise DanasError(f"{what} {path} is damaged: {name} holds what is no number.", hint)
    return arrays


def _check_size(path: Path, limit: int) -> None:
    with zipfile.ZipFile(path) as packed:
        size = sum(entry.file_size for entry in packed.infolist())
    if size > limit:
        raise ValueError(f"it holds {size:,} bytes, more than the {limit:,} that are read")

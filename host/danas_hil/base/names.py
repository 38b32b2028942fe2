"""Names that become a part of a path, and come from files, devices and people."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from danas_hil.base.errors import DanasError

NAME_BYTES = 100
"""So that there is room for what we put before and behind a name: 255 is the most anywhere."""
_OURS = ".part-"
_SAFE = re.compile(r"[^\w.-]+", re.ASCII)


def plain_name(name: str, what: str, hint: str = "") -> str:
    """`name`, if it is one name: it leads to no other folder, can be printed and is not too long.

    Raises DanasError for any other, which calls it `what`.
    """
    wrong = ""
    if name in ("", ".", "..") or "/" in name or "\\" in name or name.startswith(_OURS):
        wrong = "it can't be one of a file or folder"
    elif not name.isprintable():
        wrong = "it has characters that can't be printed"
    elif len(name.encode(errors="surrogateescape")) > NAME_BYTES:
        wrong = f"it is longer than {NAME_BYTES} bytes"
    if wrong:
        raise DanasError(f"{name[:NAME_BYTES]!r} is no name for {what}: {wrong}.", hint)
    return name


def folder_name(text: str) -> str:
    """A name for a folder from any text, such as a serial number or a URL; "" from nothing.

    It is the text where that is a plain one, and another one for each other text that is long.
    """
    safe = _SAFE.sub("-", text)
    if len(safe) <= NAME_BYTES // 2:
        return safe
    return f"{safe[: NAME_BYTES // 2 - 9]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def check_inside(path: Path, root: Path, hint: str = "") -> Path:
    """`path`, if it lies below `root` and nothing on the way, or right in it, is a link out of it.

    For folders that came from elsewhere, and are written to. Raises DanasError for any other.
    """
    top = root.resolve()
    places = [path, *(path.iterdir() if path.is_dir() else ())]
    for place in places:
        if top not in place.resolve().parents:
            raise DanasError(f"{place} leads out of {root}: nothing is written there.", hint)
    return path

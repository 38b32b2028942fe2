"""What a user may have meant by a word that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence for a hint, with the nearest of the `known` words; empty where none is near.

    Case does not count, nor whether parts of a word are joined by `-` or `_`.
    """
    names = {_plain(name): name for name in known}
    near = difflib.get_close_matches(_plain(word), names, n=1)
    return f"Did you mean {names[near[0]]}?" if near else ""


def known_or_near(word: str, known: Iterable[str], what: str) -> str:
    """The hint of an error about an unknown word: the nearest word if any, then all there are.

    what: how the known ones are called, such as "Boards".
    """
    names = list(known)
    return f"{did_you_mean(word, names)} {what}: {', '.join(names)}.".lstrip()


def _plain(word: str) -> str:
    return word.lower().replace("-", "_")

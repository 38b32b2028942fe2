"""HTML and SVG as strings that are escaped by construction: the type checker keeps the rest out."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable
from typing import NewType

Markup = NewType("Markup", str)
"""Text that is safe to stand in a page. Made by `esc`, `element` and `join` only."""

EMPTY = Markup("")
_CHILDLESS = {"br", "circle", "line", "meta", "path", "rect"}


def esc(value: object) -> Markup:
    """Any value as text, escaped for content and for attributes."""
    return Markup(html.escape(str(value)))


def element(tag: str, *children: Markup, **attributes: str | float | None) -> Markup:
    """`<tag …>children</tag>`; attributes that are None are left out.

    Attribute names are Python's: `class_` is class, `text_anchor` is text-anchor. Numbers get one
    decimal, which is a tenth of a pixel. Raises ValueError for one that is not finite.
    """
    words = [tag]
    for name, value in attributes.items():
        if value is None:
            continue
        text = html.escape(value) if isinstance(value, str) else number(value)
        words.append(f'{name.removesuffix("_").replace("_", "-")}="{text}"')
    start = " ".join(words)
    if tag in _CHILDLESS and not children:
        return Markup(f"<{start}/>")
    return Markup(f"<{start}>{''.join(children)}</{tag}>")


def join(parts: Iterable[Markup], between: str = "") -> Markup:
    """Parts one after the other, `between` as text between them."""
    return Markup(esc(between).join(parts))


def number(value: float) -> str:
    """One decimal, none where it is 0. Raises ValueError for infinity and NaN."""
    if not math.isfinite(value):
        raise ValueError(f"{value} can't be drawn")
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")  # + 0.0: no -0

"""The frame of every page: one HTML file that needs nothing else."""

from __future__ import annotations

from pathlib import Path

from danas_hil.report.markup import EMPTY, Markup, element, esc
from danas_hil.report.svg import size


def document(title: str, *body: Markup) -> str:
    """A whole HTML document. Its policy lets a browser load nothing and run nothing."""
    style = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element(
            "meta",
            http_equiv="Content-Security-Policy",
            content="default-src 'none'; style-src 'unsafe-inline'",
        ),
        element("title", esc(f"{title} · danas-hil")),
        element("style", Markup(style)),
    )
    heading = element("header", element("h1", esc(title)))
    return f"<!doctype html>\n{element('html', head, element('body', heading, *body), lang='en')}\n"


def section(title: str, *parts: Markup) -> Markup:
    return element("section", element("h2", esc(title)), *parts)


def figure(title: str, drawing: Markup, caption: Markup, *legend: Markup) -> Markup:
    """A picture with its title, its legend and a caption that says what the figures are."""
    keys = element("div", *legend, class_="legend") if legend else EMPTY
    return element(
        "figure", element("h3", esc(title)), drawing, keys, element("figcaption", caption)
    )


def tile(value: str, words: str) -> Markup:
    """A number that matters, and what it is."""
    number = element("span", esc(value), class_="value")
    return element("div", number, element("span", esc(words), class_="what"), class_="tile")


def bar(name: str, value: int | None, limit: int | None) -> Markup:
    """How much of a limit is used, as a bar; without a limit only the figure."""
    if value is None:
        words = "unknown" if limit is None else f"unknown, of {size(limit)}"
        return element("div", esc(f"{name}: {words}"), class_="bar")
    if limit is None:
        return element("div", esc(f"{name}: {size(value)}, no limit"), class_="bar")
    share = value / limit
    state = "used over-limit" if share > 1 else "used"
    filled = element("span", class_=state, style=f"width:{min(1.0, share) * 100:.1f}%")
    words = f"{name}: {size(value)} of {size(limit)} ({share * 100:.0f} %)"
    return element("div", esc(words), element("span", filled, class_="track"), class_="bar")

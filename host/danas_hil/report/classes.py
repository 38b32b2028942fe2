"""How well a candidate tells each class: the confusion matrix, recall by class, and guessing."""

from __future__ import annotations

import math
from collections.abc import Sequence

from danas_hil.report import tables
from danas_hil.report.markup import EMPTY, Markup, element, esc, join
from danas_hil.report.page import figure, section
from danas_hil.report.rows import ClassScores, class_scores
from danas_hil.report.svg import box, percent, picture, rect, text
from danas_hil.run import Candidate
from danas_hil.tasks import Scores, Task, beats_guessing, guessing_words

_SIDE = 420.0
"""Of the matrix, unless its cells would be too small or too large."""
_CELL = (4.0, 44.0)
_WIDTH, _BESIDE = 560.0, 60.0
"""Of the picture at least, and beside the matrix for the last name over it."""
_NUMBERED = 15
"""Classes up to which the cells have their numbers."""
_NAMED = 40
"""Classes up to which rows and columns have their names."""
_LETTERS = 14
_LETTER = 7.5
"""Width of a letter, about."""
_TURN = 60
"""Degrees by which the names over the matrix are turned, and how high they then are."""
_SLOPE = math.sin(math.radians(_TURN))
_SHADES = 10


def guesses(scores: Scores | None, task: Task) -> bool:
    """Whether scores are no better than guessing; not where nothing is known of it."""
    if scores is None or not scores.confusion:
        return False
    return not beats_guessing(scores, scores.counts, task)


def classes_section(candidate: Candidate, task: Task) -> Markup:
    """The matrix beside the table; nothing for runs that kept no matrix."""
    scores = candidate.scores.get("int8_test")
    if scores is None or not scores.confusion:
        return EMPTY
    caption = join(
        (
            tables.badge("host"),
            esc(
                f"int8, test examples, {candidate.id}. Down: the class that it is; across: the"
                " class that was given. The darker, the more of the examples of a row."
                f" Guessing comes to {guessing_words(scores.counts, task)}."
            ),
        ),
        " ",
    )
    return section(
        "Class by class",
        element(
            "div",
            figure("Confusion matrix", confusion_matrix(scores, task), caption),
            element("div", _table(class_scores(candidate, task))),
            class_="grid",
        ),
    )


def confusion_matrix(scores: Scores, task: Task) -> Markup:
    """A square of squares: true classes down, given classes across."""
    count = len(task.classes)
    cell = min(_CELL[1], max(_CELL[0], _SIDE / count))
    named = count <= _NAMED
    longest = max(map(len, map(_short, task.classes))) if named else 0
    left, top = 20 + _LETTER * longest, 20 + _LETTER * _SLOPE * longest
    side = cell * count
    width = max(_WIDTH, left + side + _BESIDE)
    area = box(width, top + side + 30, left=left, below=30, top=top)
    parts = [rect(left, top, side, side, "matrix")]
    for row in range(count):
        parts += _cells(scores, task, row, (left, top + row * cell), cell)
        if named:
            parts.append(_name(left - 8, top + (row + 0.5) * cell, task.classes[row], ""))
            at = left + (row + 0.5) * cell
            turned = f"rotate(-{_TURN} {at:.1f} {top - 8:.1f})"
            parts.append(_name(at, top - 8, task.classes[row], turned))
    return picture(area, "Confusion matrix", *parts)


def _cells(
    scores: Scores, task: Task, row: int, corner: tuple[float, float], cell: float
) -> list[Markup]:
    x, y = corner
    images = scores.confusion[row]
    there = max(1, sum(images))
    drawn = []
    for column, count in enumerate(images):
        if not count:
            continue
        share = count / there
        shade = min(_SHADES - 1, int(share * _SHADES))
        kind = "right" if column == row else "wrong"
        tip = f"{task.classes[row]} called {task.classes[column]}: {count} ({percent(share)})"
        at = x + column * cell
        drawn.append(rect(at, y, cell, cell, f"cell {kind} shade{shade}", tip))
        if len(task.classes) <= _NUMBERED:
            dark = " on-dark" if shade >= _SHADES // 2 else ""
            middle = (at + cell / 2, y + cell / 2)
            drawn.append(text(*middle, str(count), f"count{dark}", anchor="middle", middle=True))
    return drawn


def _name(x: float, y: float, name: str, turned: str) -> Markup:
    return element(
        "text",
        esc(_short(name)),
        element("title", esc(name)),
        x=x,
        y=y,
        class_="row-name",
        text_anchor="start" if turned else "end",
        dominant_baseline="central",
        transform=turned or None,
    )


def _short(name: str) -> str:
    return name if len(name) <= _LETTERS else name[: _LETTERS - 1] + "…"


def _table(rows: Sequence[ClassScores]) -> Markup:
    """The classes that are known worst come first."""
    cells = [
        (
            esc(row.name),
            esc(row.images),
            tables.share(row.recall),
            tables.interval(row.low, row.high),
            tables.share(row.precision),
        )
        for row in sorted(rows, key=lambda row: row.recall)
    ]
    headers = ("class", "examples", "recall", "95 % interval", "precision")
    return tables.table(headers, cells)

"""A task: the classes that a network tells apart, and which figure says how well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from danas_hil.base import DanasError, build, did_you_mean, known_or_near

MOST_CLASSES = 1000
"""More are taken for a slip, such as a column of numbers that are no labels."""

_MOST_LETTERS = 100
_PLAIN_METRICS = ("accuracy", "macro-f1")
_CLASS_METRICS = ("f1", "recall")


@dataclass(frozen=True)
class Task:
    """What a network is to tell apart.

    classes: their names, two or more, in the order of the network's outputs; a label is a place in
        them. positive: the one of two classes whose precision and recall count; None for the macro
        averages, as always with more classes. metric: what decides which candidate is the best,
        `accuracy`, `macro-f1`, `f1:CLASS` or `recall:CLASS`.
    """

    classes: tuple[str, ...]
    positive: str | None = None
    metric: str = "accuracy"

    def __post_init__(self) -> None:
        self._check_classes()
        if self.positive is not None and self.positive not in self.classes:
            raise DanasError(
                f"There is no class {self.positive!r} whose precision and recall could count.",
                self._nearest(self.positive),
            )
        if self.positive is not None and len(self.classes) > 2:
            raise DanasError(
                f"Of {len(self.classes)} classes none is the positive one, as {self.positive!r} is"
                " to be: precision and recall are means over all of them.",
                f"To choose candidates by one class: --metric recall:{self.positive} or"
                f" f1:{self.positive}.",
            )
        kind, _, name = self.metric.partition(":")
        if self.metric in _PLAIN_METRICS or (kind in _CLASS_METRICS and name in self.classes):
            return
        if kind in _CLASS_METRICS and name:
            raise DanasError(
                f"There is no class {name!r} for the metric {self.metric}.", self._nearest(name)
            )
        forms = (*_PLAIN_METRICS, *(f"{kind}:CLASS" for kind in _CLASS_METRICS))
        raise DanasError(
            f"There is no metric {self.metric!r}.", known_or_near(self.metric, forms, "Metrics")
        )

    @property
    def chance(self) -> float:
        """The accuracy of guessing every class equally often, whatever share each has."""
        return 1 / len(self.classes)

    @property
    def positive_label(self) -> int | None:
        """The place of the positive class in `classes`; None where there is none."""
        return None if self.positive is None else self.classes.index(self.positive)

    @property
    def metric_label(self) -> int | None:
        """The place of the class that the metric is of; None where it is of all of them."""
        _, _, name = self.metric.partition(":")
        return self.classes.index(name) if name else None

    @property
    def metric_name(self) -> str:
        """The metric in words, such as `F1 of dog`."""
        kind, _, name = self.metric.partition(":")
        words = {"accuracy": "accuracy", "macro-f1": "macro F1", "f1": "F1", "recall": "recall"}
        return f"{words[kind]} of {name}" if name else words[kind]

    @property
    def averaging(self) -> str:
        """Whose precision and recall count, in words."""
        return f"of class {self.positive}" if self.positive else "mean over the classes"

    def to_json(self) -> dict[str, Any]:
        """Also for TOML, which has no null: what is None is left out."""
        positive = {} if self.positive is None else {"positive": self.positive}
        return {"classes": list(self.classes), **positive, "metric": self.metric}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Task:
        """The inverse of `to_json`. Raises DanasError, TypeError or ValueError for what is none."""
        made: Task = build(Task, value, "task")
        return made

    def _check_classes(self) -> None:
        names = self.classes
        for name in names:
            if not name.strip() or not name.isprintable() or len(name) > _MOST_LETTERS:
                raise DanasError(
                    f"{name[:_MOST_LETTERS]!r} is no name of a class.",
                    f"Names have 1 to {_MOST_LETTERS} printable characters; give the classes"
                    " others: --classes FILE.json.",
                )
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DanasError(f"Two classes are called {twice!r}.", "Give each its own name.")
        if len(names) < 2:
            raise DanasError(
                f"There is nothing to tell apart: {names[0] if names else 'no class'} is all.",
                "A task has two classes or more.",
            )
        if len(names) > MOST_CLASSES:
            raise DanasError(
                f"{len(names):,} classes are more than {MOST_CLASSES:,}.",
                "Is this the column of the labels? Name it: --label-column; or say which classes"
                " there are: --classes FILE.json.",
            )

    def _nearest(self, name: str) -> str:
        return (
            known_or_near(name, self.classes, "Classes")
            if len(self.classes) <= 20
            else (did_you_mean(name, self.classes))
        )

"""What a classifier got right: accuracy, precision, recall, F1 and the confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from danas_hil.base import DanasError, build
from danas_hil.tasks.intervals import wilson_interval
from danas_hil.tasks.task import Task


@dataclass(frozen=True)
class Scores:
    """What a classifier got right on `images` images. Shares are 0 to 1, and never NaN.

    precision, recall: of the task's positive class; where it has none, means over the classes that
        are there or were given (the macro averages). Precision is 0 for a class that was never
        given, recall is 0 for one that was never there.
    macro_f1: the mean of 2 hits / (times there + times given) over the same classes; None in runs
        that did not keep it.
    metric: the task's metric; None where that is the accuracy.
    confusion: how often (class that it is, class that was given); empty where it is not kept.
    """

    accuracy: float
    precision: float
    recall: float
    images: int
    macro_f1: float | None = None
    metric: float | None = None
    confusion: tuple[tuple[int, ...], ...] = ()

    @staticmethod
    def of(labels: npt.ArrayLike, predicted: npt.ArrayLike, task: Task) -> Scores:
        """From true labels and predicted classes, both (n,) of places in `task.classes`."""
        truth, guess = np.asarray(labels), np.asarray(predicted)
        if truth.shape != guess.shape or truth.ndim != 1 or not truth.size:
            raise DanasError(f"No scores of {guess.shape} predictions for {truth.shape} labels.")
        count = len(task.classes)
        truth, guess = truth.astype(np.int64), guess.astype(np.int64)
        for values in (truth, guess):
            if values.min() < 0 or values.max() >= count:
                raise DanasError(
                    f"No scores of class {values.min() if values.min() < 0 else values.max()}:"
                    f" there are {count}, counted from 0."
                )
        pairs = np.bincount(count * truth + guess, minlength=count * count)
        return Scores.of_confusion(pairs.reshape(count, count), task)

    @staticmethod
    def of_confusion(confusion: npt.NDArray[Any], task: Task) -> Scores:
        """From how often (n, n) a class (row) was given for another (column).

        Shares of images are counts too: what guessing comes to on average. They are not kept.
        """
        hits = confusion.diagonal().astype(float)
        there, given = confusion.sum(axis=1), confusion.sum(axis=0)
        images = confusion.sum()
        recalls, precisions = _ratio(hits, there), _ratio(hits, given)
        f1s = _ratio(2 * hits, there + given)
        seen = (there + given) > 0
        positive = task.positive_label
        macro_f1 = float(f1s[seen].mean())
        kind, of = task.metric.partition(":")[0], task.metric_label
        metric = {"macro-f1": macro_f1}.get(kind)
        if of is not None:
            metric = float((f1s if kind == "f1" else recalls)[of])
        whole = np.issubdtype(confusion.dtype, np.integer)
        return Scores(
            accuracy=float(hits.sum() / images),
            precision=float(precisions[seen].mean() if positive is None else precisions[positive]),
            recall=float(recalls[seen].mean() if positive is None else recalls[positive]),
            images=round(float(images)),
            macro_f1=macro_f1,
            metric=metric,
            confusion=tuple(map(tuple, confusion.tolist())) if whole else (),
        )

    @property
    def worth(self) -> float:
        """The task's metric, by which candidates are chosen and sorted."""
        return self.accuracy if self.metric is None else self.metric

    @property
    def brief(self) -> Scores:
        """Without the confusion matrix: there are thousands of evaluations."""
        return replace(self, confusion=())

    @property
    def counts(self) -> tuple[int, ...]:
        """How many images there are of each class; empty without a confusion matrix."""
        return tuple(sum(row) for row in self.confusion)

    @property
    def recall_by_class(self) -> tuple[float, ...]:
        """In the order of the classes; empty without a confusion matrix."""
        rows = enumerate(self.confusion)
        return tuple(row[place] / max(1, sum(row)) for place, row in rows)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson score interval of the accuracy."""
        return wilson_interval(self.accuracy, self.images)

    def to_json(self) -> dict[str, Any]:
        kept: dict[str, Any] = {
            "accuracy": self.accuracy,
            "precision": self.precision,
            "recall": self.recall,
            "images": self.images,
        }
        if self.macro_f1 is not None:
            kept["macro_f1"] = self.macro_f1
        if self.metric is not None:
            kept["metric"] = self.metric
        if self.confusion:
            kept["confusion"] = [list(row) for row in self.confusion]
        return kept

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Scores:
        """The inverse of `to_json`. Raises ValueError for what are no scores."""
        made: Scores = build(Scores, value)
        shares = (made.accuracy, made.precision, made.recall, made.macro_f1, made.metric)
        told = tuple(share for share in shares if share is not None)
        if made.images < 1 or not all(0 <= share <= 1 for share in told):
            raise ValueError(f"scores of {made.images} examples are out of range: {told}")
        rows = made.confusion
        if rows and (
            any(len(row) != len(rows) or min(row) < 0 for row in rows)
            or sum(map(sum, rows)) != made.images
        ):
            raise ValueError(f"the confusion matrix is not one of {made.images} examples")
        return made


def _ratio(parts: npt.NDArray[Any], wholes: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """`parts` / `wholes`, and 0 where there is nothing to divide by."""
    found: npt.NDArray[np.float64] = np.zeros(len(parts))
    np.divide(parts, wholes, out=found, where=wholes > 0)
    return found

"""The state of a training in one file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from danas_hil.base import DanasError, atomic_path, checking, read_arrays
from danas_hil.supernet.focus import Focus
from danas_hil.supernet.network import Array

CHECKPOINT = "checkpoint.npz"
"""The file's name in the folder of what is trained."""
_HINT = "Remove the file, and what it holds is trained anew."


@dataclass(frozen=True)
class Checkpoint:
    """Weights, Adam's moments (empty once training is done), and the steps done.

    made_by: all settings that the weights depend on, as JSON; its `steps` are those of a whole
        training. focus: what the training goes on with after its first steps, and for how many.
    """

    made_by: dict[str, Any]
    step: int
    weights: Array
    first: Array
    second: Array
    focus: Focus | None = None

    @property
    def steps(self) -> int:
        """Of the whole training."""
        return whole_steps(self.made_by, self.focus)

    def save(self, path: Path) -> None:
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez(
                file,
                made_by=np.array(json.dumps(self.made_by)),
                step=np.array(self.step),
                weights=self.weights,
                first=self.first,
                second=self.second,
                focus=np.array(json.dumps(self.focus and self.focus.to_json())),
            )

    @staticmethod
    def load(path: Path) -> Checkpoint:
        """Raises DanasError naming the file when it is missing or damaged."""
        if not path.exists():
            raise DanasError(f"There is no checkpoint {path}.")
        arrays = read_arrays(path, "The checkpoint", _HINT)
        with checking(path, _HINT):
            focus = json.loads(_text(arrays["focus"])) if "focus" in arrays else None
            made_by = json.loads(_text(arrays["made_by"]))
            parts = [arrays[name] for name in ("weights", "first", "second")]
            weights, first, second = parts
            if not isinstance(made_by, dict) or arrays["step"].shape:
                raise TypeError("it does not say what it is of")
            if any(part.ndim != 1 or part.dtype != np.float32 for part in parts):
                raise TypeError("its weights are no lists of numbers")
            if len(first) != len(second) or len(first) not in (0, len(weights)):
                raise ValueError("its moments are not those of its weights")
            step = int(arrays["step"])
            return Checkpoint(
                made_by, step, weights, first, second, Focus.from_json(focus) if focus else None
            )

    def check(self, made_by: dict[str, Any], path: Path, weights: int) -> None:
        """Raise DanasError unless this was made with the settings `made_by`, of so many weights."""
        ours = json.loads(json.dumps(made_by))
        different = [key for key in ours if ours[key] != self.made_by.get(key)]
        if len(self.weights) != weights:
            different.append("network")
        if different:
            raise DanasError(
                f"The checkpoint {path} was made with other settings: {', '.join(different)}.",
                _HINT,
            )


def _text(array: Array) -> str:
    if array.shape or array.dtype.kind != "U":
        raise TypeError("a text is none")
    return str(array)


def whole_steps(made_by: dict[str, Any], focus: Focus | None) -> int:
    """The steps of a whole training: those of its focus, else those planned (`made_by`)."""
    return focus.steps if focus else int(made_by["steps"])


def whole_training(folder: Path, made_by: dict[str, Any], weights: int) -> Checkpoint | None:
    """What a whole training left in `folder`; None where there is nothing, or half of one.

    made_by: as in Checkpoint, with the `steps` of a whole training. weights: how many. Raises
    DanasError for a checkpoint that is damaged or made with other settings.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    saved = Checkpoint.load(path)
    saved.check(made_by, path, weights)
    return saved if saved.step == saved.steps else None

"""The arena of a library that no estimate is made for: larger ones are tried until one suffices."""

from __future__ import annotations

from danas_hil.targets import ArenaError, Grows, ModelFile, Target, TargetError


class GrownError(Exception):
    """An arena was too small; target: with a larger one."""

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.target = target


def grow(error: TargetError, target: Target, model: ModelFile) -> None:
    """Raises GrownError where the arena is to be found, and `error` says that it is too small."""
    if isinstance(error, ArenaError) and isinstance(target, Grows):
        larger = target.larger(model)
        if larger is not None:
            raise GrownError(larger) from error

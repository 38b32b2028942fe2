"""The arena of a library that no estimate is made for: larger ones are tried until one suffices."""

from __future__ import annotations

from pathlib import Path

from danas_hil.measure.profiling import identified
from danas_hil.targets import ArenaError, Grows, Memory, ModelFile, Target, TargetError


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


def settle(target: Target, model: ModelFile, folder: Path, attempts: int) -> Target:
    """`target`, knowing what `model` needs where there is more than enough of it, as far as that
    can be found out; the same where it is estimated.

    The library of 2023 goes on where its allocator refuses what an operator's Init asks for, and
    writes through the null pointer: that a program runs does not say that its arena suffices.
    """
    generous = target.generous(model) if isinstance(target, Grows) else None
    for _ in range(attempts):
        if not isinstance(target, Grows) or generous is None:
            break
        try:
            program = generous.build(model, folder)
            generous.flash(program)
            with generous.open(program) as session:
                identified(session, generous, program)
                return target.needing(session.memory().arena_used_bytes)
        except ArenaError:
            generous = generous.larger(model) if isinstance(generous, Grows) else None
        except TargetError as error:
            if error.stage in ("RENDER", "BUILD", "SIZE"):
                break  # as the measurement will tell, or with less room for the arena
    return target


def check_used(target: Target, memory: Memory, arena_bytes: int | None) -> None:
    """Raises ArenaError where less of the arena is in use than the model needs."""
    needed = target.needed_bytes if isinstance(target, Grows) else None
    if needed is not None and memory.arena_used_bytes < needed:
        raise ArenaError(
            "ALLOCATE",
            f"In an arena of {arena_bytes} bytes the model has {memory.arena_used_bytes} of the"
            f" {needed} that it needs: the library went on without the rest.",
            "--arena-margin BYTES makes it larger.",
        )

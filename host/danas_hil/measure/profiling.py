"""The time of each operator, head and tail: from a program of its own, which takes more RAM."""

from __future__ import annotations

from pathlib import Path

from danas_hil.targets import (
    Build,
    Hello,
    Memory,
    ModelFile,
    OperatorTime,
    Session,
    Target,
    TargetError,
)


def identified(session: Session, target: Target, build: Build) -> Hello:
    """What the program tells of itself. Raises TargetError (IDENTITY) if it is another one."""
    hello = session.identify()
    if hello.build_id != build.identity.id or hello.board != target.board:
        raise TargetError(
            "IDENTITY",
            f"{target.name} runs build {hello.build_id} for {hello.board}, not"
            f" {build.identity.id} for {target.board}.",
            "Flash it anew, and see that port and board belong together.",
            build.log,
        )
    return hello


def take_profile(
    target: Target, model: ModelFile, folder: Path
) -> tuple[Memory, tuple[OperatorTime, ...] | None]:
    """What the profiling program of `target` tells of its arena and its operators.

    Raises TargetError. The board is left with that program.
    """
    build = target.build(model, folder)
    target.flash(build)
    with target.open(build) as session:
        identified(session, target, build)
        return session.memory(), session.profile()

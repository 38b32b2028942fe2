"""The time of each operator, head and tail: from a program of its own, which takes more RAM."""

from __future__ import annotations

from pathlib import Path

from danas_hil.targets import (
    Hello,
    Memory,
    ModelFile,
    OperatorTime,
    Program,
    Session,
    Target,
    TargetError,
)


def identified(session: Session, target: Target, program: Program) -> Hello:
    """What the program tells of itself. Raises TargetError (IDENTITY) if it is another one."""
    hello = session.identify()
    if hello.build_id != program.identity.id or hello.board != target.board:
        raise TargetError(
            "IDENTITY",
            f"{target.name} runs build {hello.build_id} for {hello.board}, not"
            f" {program.identity.id} for {target.board}.",
            "Flash it anew, and see that port and board belong together.",
            program.log,
        )
    return hello


def take_profile(
    target: Target, model: ModelFile, folder: Path
) -> tuple[Memory, tuple[OperatorTime, ...] | None]:
    """What the profiling program of `target` tells of its arena and its operators.

    Raises TargetError. The board is left with that program.
    """
    program = target.build(model, folder)
    target.flash(program)
    with target.open(program) as session:
        identified(session, target, program)
        return session.memory(), session.profile()

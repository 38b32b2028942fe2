"""How a file of a run comes about anew: what is told where one is damaged."""

from __future__ import annotations

from pathlib import Path

_CANDIDATES = "candidates"


def anew(file: Path) -> str:
    """The command that makes `file` of a run anew, as a sentence."""
    parts = file.parts
    if _CANDIDATES in parts[-4:-2]:  # RUN/candidates/ID/FILE or RUN/candidates/ID/TARGET/FILE
        depth = len(parts) - 1 - max(i for i, part in enumerate(parts) if part == _CANDIDATES)
        run = file.parents[depth]
        if depth == 2:
            return f"Make it anew: danas-hil resume {run}"
        if file.name == "estimate.json":
            return "Remove it: the next command that needs it makes it anew."
        return f"Make it anew: danas-hil flash {run} --board {parts[-2]} --candidate {parts[-3]}"
    if file.name == "config.toml":
        return "Put back a copy of it, or start the search anew under another --name."
    if file.name == "picks.json":
        return f"Pick anew: danas-hil pick {file.parent}"
    if file.name == "measurement.json":
        return "Measure again: danas-hil flash."
    return f"Make it anew: danas-hil resume {file.parent}"

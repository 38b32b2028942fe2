"""The one tree of errors that a user is meant to read."""

from __future__ import annotations


class DanasError(Exception):
    """Something the user can act on: what happened, and what to do about it.

    `what` is one sentence that names the thing (file, row, board); `hint` says what to do next.
    The command line prints both and exits with 2. Everything else that is raised is a bug.
    """

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what} {self.hint}".rstrip()


class EnvironmentFaultError(DanasError):
    """The computer is at fault: a tool, rights, a network or room is missing, or another program
    is in the way. Whatever comes next would fail of the same."""


def first_line(error: BaseException) -> str:
    """The first line of what an error of a library says, without its full stop; an error that
    says nothing is told by its kind."""
    said = str(error).strip().splitlines()
    return said[0].rstrip(" .") if said else type(error).__name__

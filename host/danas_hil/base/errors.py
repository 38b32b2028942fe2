"""The one tree of errors that a user is meant to read."""

from __future__ import annotations

import errno
import shutil


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


FULL = "Make room there, and run the same command again: what was finished is kept."
READ_ONLY = "It is on a disk that can only be read: work on a copy elsewhere."
FORBIDDEN = "See to the rights of it and of the folders above it, or work in a folder of your own."
FAILING = "See whether the disk, or the connection to it, is sound."
_HINTS = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: FULL,
    errno.EROFS: READ_ONLY,
    errno.EACCES: FORBIDDEN,
    errno.EPERM: FORBIDDEN,
    errno.ENAMETOOLONG: "Choose a shorter name, or a folder nearer to the root.",
    errno.ENOENT: "See that it is there, and the folders above it.",
    errno.ENOTDIR: "There is a file where a folder has to be: move it away.",
    errno.EISDIR: "There is a folder where a file has to be: move it away.",
    errno.EEXIST: "Move away what is there.",
    errno.EMFILE: "Too many files are open at once: raise `ulimit -n`.",
    errno.EIO: FAILING,
    errno.ESTALE: FAILING,
    errno.ENOMEM: "Close other programs, or ask for less at once.",
    errno.ELOOP: "Its symbolic links lead back to themselves: remove them.",
}


def trouble(error: OSError) -> EnvironmentFaultError:
    """What the operating system refused: what happened, where, and what to do."""
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list):
        source, _, said = error.args[0][0]  # of the first file of a folder that was copied
        return EnvironmentFaultError(f"{source} can't be copied: {said}.", FULL)
    said = error.strerror or first_line(error)
    places = [str(name) for name in (error.filename, error.filename2) if name is not None]
    where = f"{places[-1]} can't be used: " if places else ""
    hint = _HINTS.get(error.errno or 0, "See that it is there and yours, and try again.")
    return EnvironmentFaultError(f"{where}{said}.", hint)

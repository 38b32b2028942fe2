"""What a build tells while it goes on. It never prints; a listener may."""

from __future__ import annotations

from typing import Protocol


class BuildListener(Protocol):
    """Hears of what takes time in a build or an upload."""

    def compiling(self, what: str, files: int) -> None:
        """So many files of `what` (`the library`, `the framework`, `the sketch`) are compiled."""
        ...

    def waiting(self, what: str) -> None:
        """Nothing goes on until another process is done with `what`; told once."""
        ...


class _Silence:
    """Hears everything and does nothing."""

    def compiling(self, what: str, files: int) -> None:
        pass

    def waiting(self, what: str) -> None:
        pass


SILENCE: BuildListener = _Silence()

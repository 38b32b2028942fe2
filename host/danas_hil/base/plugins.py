"""What other packages add by entry points: samplers, families, signals."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, TypeVar

from danas_hil.base.errors import DanasError, first_line
from danas_hil.base.words import known_or_near

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")


class NotInstalledError(DanasError):
    """A name that nothing here goes by: mistyped, or of a package that is not installed."""


def registered(group: str, built_in: Mapping[str, T]) -> Registry[T]:
    """All things of a kind by name: ours, then those of the entry points of `group`.

    Entry points are read when the mapping is first asked, and their code is imported when the thing
    itself is asked for, once: to list the names imports nothing. A name of ours stays ours,
    whatever another package calls by it. What an entry point names is not looked at here: those
    who use it say what it has to be.

    Asking raises KeyError for a name that is not there, and DanasError, naming package and entry
    point, for one that can't be imported or that two packages claim.
    """
    return Registry(group, built_in)


class Registry(Mapping[str, T]):
    """What `registered` gives."""

    def __init__(self, group: str, built_in: Mapping[str, T]) -> None:
        self._group, self._built_in = group, built_in
        self._loaded: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name in self._built_in:
            return self._built_in[name]
        if name not in self._loaded:
            self._loaded[name] = self._load(self._found[name])
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._built_in or name in self._found

    def __iter__(self) -> Iterator[str]:
        yield from self._built_in
        yield from self._found

    def __len__(self) -> int:
        return len(self._built_in) + len(self._found)

    def check(self, name: str, kind: str, kinds: str) -> None:
        """Raise NotInstalledError unless there is a thing of that name.

        kind, kinds: how one and several are called, such as "board" and "Boards".
        """
        if name not in self:
            raise NotInstalledError(
                f"There is no {kind} {name!r}.",
                f"{known_or_near(name, self, kinds)} Others come with packages that have the entry"
                f" point {self._group}: is one not installed here?",
            )

    def version(self, name: str) -> tuple[str, str] | None:
        """Name and version of the package that adds `name`; None for what is ours."""
        if name in self._built_in or (dist := self._found[name][0].dist) is None:
            return None
        return dist.name, dist.version

    @cached_property
    def _found(self) -> dict[str, list[EntryPoint]]:
        """Entry points by name, in order of it."""
        found: dict[str, list[EntryPoint]] = {}
        for point in _points(self._group, tuple(sys.path)):
            if point.name not in self._built_in and point not in found.get(point.name, ()):
                found.setdefault(point.name, []).append(point)
        return found

    def _load(self, points: list[EntryPoint]) -> T:
        if len(points) > 1:
            packages = " and ".join(_package(point) for point in points)
            raise DanasError(
                f"Both {packages} call something {points[0].name!r} in {self._group}.",
                "Uninstall all of them but one.",
            )
        (point,) = points
        try:
            loaded: T = point.load()
        except Exception as error:  # of code that is not ours, which may raise anything
            raise DanasError(
                f"{point.name!r}, which the package {_package(point)} adds to {self._group}, can't"
                f" be imported from {point.value}: {first_line(error)}.",
                f"Mend or uninstall {_package(point)}.",
            ) from error
        return loaded


@lru_cache(maxsize=16)
def _points(group: str, _path: tuple[str, ...]) -> list[EntryPoint]:
    """Read once for the path that packages are found on."""
    from importlib.metadata import entry_points  # slow to import, and seldom needed

    return sorted(entry_points(group=group), key=lambda point: point.name)


def _package(point: EntryPoint) -> str:
    """Its name and version; of none that is installed in a regular way only the module."""
    dist = point.dist
    return point.module if dist is None else f"{dist.name} {dist.version}"

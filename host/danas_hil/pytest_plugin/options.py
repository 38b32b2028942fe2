"""The plugin's options: names of our own always, short ones where nobody else has them."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import CodeType, MappingProxyType
from typing import Any

import pytest

from danas_hil.base import DanasError

LOCK_SECONDS = 60.0

BOARD, HARDWARE_MAP = "danas_board", "danas_hardware_map"
BOARD_TIMEOUT, NO_FLASH = "danas_board_timeout", "danas_no_flash"
"""Where the values stand in config.option, whichever name they were given by."""

_OPTIONS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        BOARD: {
            "action": "append",
            "default": [],
            "metavar": "NAME[@SERIAL]",
            "help": "board for the fixture danas_board, also emulated or `host`; repeatable",
        },
        HARDWARE_MAP: {
            "type": Path,
            "metavar": "FILE",
            "help": "which boards are at hand (danas-hil boards scan --write FILE)",
        },
        BOARD_TIMEOUT: {
            "type": float,
            "metavar": "SECONDS",
            "help": "wait so long for a board: until another process lets it go (without this"
            f" option {LOCK_SECONDS:g}), until its port is back after flashing (20), until it"
            " answers (15)",
        },
        NO_FLASH: {
            "action": "store_true",
            "help": "leave on the boards what runs there; another build than the one meant is"
            " refused",
        },
    }
)
_GROUP = ("danas-hil", "models on boards (danas-hil)")
_TAKEN = pytest.StashKey[tuple[str, ...]]()


def add_options(parser: pytest.Parser) -> None:
    """The names that are always there, such as --danas-board."""
    group = parser.getgroup(*_GROUP)
    for dest, attributes in _OPTIONS.items():
        group.addoption(_own(dest), dest=dest, **attributes)


def add_short_options(config: pytest.Config, parser: pytest.Parser) -> None:
    """--board and the like, each only where no plugin and no conftest has an option of that name.

    To be called when all of them were loaded. Those that are another's are told by `taken`.
    """
    group = parser.getgroup(*_GROUP)
    taken = []
    for dest, attributes in _OPTIONS.items():
        if _is_known(parser, _short(dest)):
            taken.append(dest)
        else:
            text = f"the same as {_own(dest)}"
            group.addoption(_short(dest), dest=dest, **{**attributes, "help": text})
    config.stash[_TAKEN] = tuple(taken)


def forget_board_paths(config: pytest.Config, arguments: Sequence[str]) -> None:
    """Take the boards behind --board out of the paths that pytest guessed before it knew it.

    It takes what follows an unknown option for a path, whose conftest.py it loads instead of those
    of `testpaths`. Only what names a board is taken out: --board may turn out to be another's.
    """
    guessed: list[str] = config.known_args_namespace.file_or_dir
    for name, value in itertools.pairwise(arguments):
        if name == _short(BOARD) and value in guessed and _is_board(value):
            guessed.remove(value)


def option(config: pytest.Config, dest: str) -> str:
    """What the user types: the short name where it is ours."""
    return _own(dest) if dest in config.stash.get(_TAKEN, ()) else _short(dest)


def taken(config: pytest.Config) -> Iterator[tuple[str, str, str]]:
    """Short names that are another's: the name, whose it is, and the one to use instead."""
    for dest in config.stash.get(_TAKEN, ()):
        yield _short(dest), _owner(config, _short(dest)), _own(dest)


def _own(dest: str) -> str:
    return f"--{dest.replace('_', '-')}"


def _short(dest: str) -> str:
    return _own(dest).replace("--danas-", "--")


def _is_known(parser: pytest.Parser, name: str) -> bool:
    try:
        _, unknown = parser.parse_known_and_unknown_args([name])
    except pytest.UsageError:  # it lacks its value, so it is known
        return True
    return name not in unknown


def _is_board(text: str) -> bool:
    from danas_hil.board import split_address

    try:
        split_address(text)
    except DanasError:
        return False
    return True


def _owner(config: pytest.Config, name: str) -> str:
    """The plugin in whose pytest_addoption the option stands."""
    for plugin in config.pluginmanager.get_plugins():
        code = getattr(getattr(plugin, "pytest_addoption", None), "__code__", None)
        if code is not None and name in _constants(code):
            return plugin_name(config, plugin)
    return "another plugin"


def _constants(code: CodeType) -> set[object]:
    found: set[object] = set()
    for constant in code.co_consts:
        found |= _constants(constant) if inspect.iscode(constant) else {constant}
    return found


def plugin_name(config: pytest.Config, plugin: object) -> str:
    """As people know it: a conftest by its file, others by their module."""
    file = getattr(plugin, "__file__", None)
    if file and Path(file).name == "conftest.py":
        path = Path(file)
        inside = path.is_relative_to(config.rootpath)
        return str(path.relative_to(config.rootpath)) if inside else path.name
    return str(getattr(plugin, "__name__", None) or config.pluginmanager.get_name(plugin))

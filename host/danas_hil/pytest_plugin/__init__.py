"""The pytest plugin: tests that flash a model to a board and look at what it shows.

A test asks for the fixture `danas_board`, or by its short name `dut`, and runs once for each
`--danas-board`, or `--board`. Markers narrow that down: `board("nano33ble", …)`, `hardware`,
`emulated`. They count for such tests only, so that other tests may use these names as they like.
Short names give way: where another plugin or a conftest.py has one, it is theirs.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pytest

from danas_hil.base import DanasError
from danas_hil.pytest_plugin import options, short_name
from danas_hil.pytest_plugin.dut import ITEM, Dut, fail

if TYPE_CHECKING:  # imported where they are used: a session without boards loads none of it
    from danas_hil.board import Board

__all__ = ["Dut"]

_FIXTURE, _SHORT_FIXTURE = "danas_board", "dut"
_MARKERS = (
    f"board(name, ...): run with these boards only (tests with the fixture {_FIXTURE})",
    f"hardware: run with real boards only (tests with the fixture {_FIXTURE})",
    f"emulated: run with emulated boards only (tests with the fixture {_FIXTURE})",
)
_OTHERS_DUT = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)
    parser.addini("danas_boards", f"boards for {_FIXTURE} where none is given", "args", [])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: Sequence[str]
) -> Iterator[None]:
    options.forget_board_paths(early_config, args)
    found = yield
    options.add_short_options(early_config, parser)
    return found


def pytest_configure(config: pytest.Config) -> None:
    for line in _MARKERS:
        config.addinivalue_line("markers", line)
    others = [one for one in config.pluginmanager.get_plugins() if _has_fixture(one)]
    if others:
        config.stash[_OTHERS_DUT] = options.plugin_name(config, others[0])
    else:
        config.pluginmanager.register(short_name, "danas_hil_dut")
    for name in _given(config):
        try:
            _board(name)
        except DanasError as error:
            raise pytest.UsageError(f"{options.option(config, options.BOARD)}: {error}") from error


def pytest_report_header(config: pytest.Config) -> list[str]:
    names = _boards(config)
    files = {name: _board(name).file for name in names}
    told = [f"{name} ({file})" if file else name for name, file in files.items()]
    lines = [f"boards: {', '.join(told)}"] if told else []
    others = list(options.taken(config))
    if owner := config.stash.get(_OTHERS_DUT, ""):
        others.append((f"the fixture {_SHORT_FIXTURE}", owner, _FIXTURE))
    lines += [f"danas-hil: {short} is of {owner}; ours is {own}" for short, owner, own in others]
    return lines


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    names = _boards(metafunc.config)
    if _FIXTURE in metafunc.fixturenames and names:
        metafunc.parametrize(_FIXTURE, names, indirect=True, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _FIXTURE not in getattr(item, "fixturenames", ()):
            continue
        wanted = _wanted(item)
        callspec = getattr(item, "callspec", None)
        name = callspec.params.get(_FIXTURE) if callspec else None
        if isinstance(name, str) and (reason := _passed_over(item, wanted, _board(name))):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    item.config.stash[ITEM] = item  # whose report gets the figures
    return (yield)


@pytest.fixture(scope="session")
def danas_board(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Dut]:
    """The board that a test runs with (device under test), ours alone until the session ends."""
    config: pytest.Config = request.config
    if not hasattr(request, "param"):
        pytest.skip(_no_board(config))
    from danas_hil.measure import Address, lacking_tools, reach_device
    from danas_hil.targets import PORT_SECONDS

    board = _board(request.param)
    address = Address(board, _place(request.param), config.getoption(options.HARDWARE_MAP))
    with contextlib.ExitStack() as stack:
        device = None
        if board.kind != "host":
            if missing := lacking_tools(board):
                _lacks(config, f"{board.id} needs {' and '.join(missing)}, not on PATH")
            seconds = config.getoption(options.BOARD_TIMEOUT)
            waits = (options.LOCK_SECONDS, PORT_SECONDS) if seconds is None else (seconds, seconds)
            try:
                device = stack.enter_context(
                    reach_device(address, lock_seconds=waits[0], port_seconds=waits[1])
                )
            except DanasError as error:
                fail(str(error))
        yield Dut(board, device, config, tmp_path_factory)


def _has_fixture(plugin: object) -> bool:
    """Whether `plugin` has a fixture `dut`."""
    for name in dir(plugin):
        value = inspect.getattr_static(plugin, name, None)
        marker = getattr(value, "_fixture_function_marker", None)
        marker = marker or getattr(value, "_pytestfixturefunction", None)  # of pytest before 8.4
        if marker is not None and (getattr(marker, "name", None) or name) == _SHORT_FIXTURE:
            return True
    return False


def _given(config: pytest.Config) -> list[str]:
    return list(config.getoption(options.BOARD))


def _boards(config: pytest.Config) -> list[str]:
    names: list[str] = _given(config) or config.getini("danas_boards")
    return list(dict.fromkeys(names))


def _no_board(config: pytest.Config) -> str:
    name = options.option(config, options.BOARD)
    text = f"no {name} given, such as {name} nano33ble, qemu-m4 or host"
    for short, owner, own in options.taken(config):
        if own == name:
            text += f" ({short} is of {owner} here)"
    return text


def _lacks(config: pytest.Config, reason: str) -> None:
    """A board that was asked for must run: a green session would be a lie."""
    if _given(config):
        fail(f"{reason}. `danas-hil doctor` tells how to get what is missing.")
    pytest.skip(reason)


def _board(address: str) -> Board:
    from danas_hil.board import split_address

    return split_address(address)[0]


def _place(address: str) -> str | None:
    from danas_hil.board import split_address

    return split_address(address)[1]


def _wanted(item: pytest.Item) -> list[set[str]]:
    """The names of each `board` marker of a test. Raises UsageError for a marker that is wrong."""
    from danas_hil.board import board_names

    for name in ("hardware", "emulated"):
        for marker in item.iter_markers(name):
            if marker.args or marker.kwargs:
                raise pytest.UsageError(f"{item.nodeid}: the marker {name} takes no arguments")
    wanted = []
    for marker in item.iter_markers("board"):
        if not marker.args or marker.kwargs:
            raise pytest.UsageError(f'{item.nodeid}: the marker is board("NAME", …)')
        unknown = [name for name in marker.args if name not in board_names()]
        if unknown:
            raise pytest.UsageError(
                f"{item.nodeid}: there is no board {unknown[0]!r}; boards:"
                f" {', '.join(board_names())}"
            )
        wanted.append(set(marker.args))
    return wanted


def _passed_over(item: pytest.Item, wanted: list[set[str]], board: Board) -> str:
    """Why a test does not run with `board`; empty where it does."""
    for names in wanted:
        if board.id not in names:
            return f"for the board {' or '.join(sorted(names))}, not {board.id}"
    for marker, kind in (("hardware", "real"), ("emulated", "emulated")):
        if item.get_closest_marker(marker) and board.kind != kind:
            what = "this computer" if board.kind == "host" else board.kind
            return f"for {kind} boards, and {board.id} is {what}"
    return ""

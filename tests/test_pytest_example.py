"""What docs/testing.md shows passes, under each of the commands that it gives."""

from __future__ import annotations

import importlib.util
import itertools
import re
import shlex
from pathlib import Path

import pytest

from board.small_model import small_model

pytest_plugins = ["pytester"]

# Boards that are not here: what runs is TensorFlow Lite Micro on this computer, and what it shows
# is told as such a board would tell it, with the time of a slow model on an emulator.
BOARDS = """
import contextlib
from dataclasses import replace
from types import SimpleNamespace

import danas_hil.measure as measure
from danas_hil.measure import Latency
from danas_hil.targets import HostTarget, Sizes

@contextlib.contextmanager
def reach_device(address, **waits):
    kind = "measured" if address.board.kind == "real" else address.board.kind
    yield SimpleNamespace(board=address.board, name=str(address.board.id), kind=kind)

def measure_candidate(target, model, golden, folder, settings):
    found = real(HostTarget(), model, golden, folder)
    if target.board == "host":
        return found
    microseconds = 100_000.0 if target.kind == "measured" else 2_000_000.0
    return replace(found, target=target.name, board=target.board, kind=target.kind,
                   latency=Latency((microseconds,) * 2, "", ""),
                   sizes=Sizes(100_000, 50_000, {}))

real, measure.measure_candidate = measure.measure_candidate, measure_candidate
measure.reach_device, measure.lacking_tools = reach_device, lambda board: ()
"""


def _blocks(root: Path) -> tuple[str, list[str]]:
    """The example's code, and its commands without their comments."""
    text = (root / "docs" / "testing.md").read_text(encoding="utf-8")
    code, commands = re.findall(r"```(?:python)?\n(.*?)```", text, re.DOTALL)[:2]
    return code, [line.partition("#")[0].strip() for line in commands.splitlines()]


COMMANDS = _blocks(Path(__file__).resolve().parents[1])[1]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_example_passes_under_each_of_its_commands(
    command: str, root: Path, pytester: pytest.Pytester
) -> None:
    if importlib.util.find_spec("tflite_micro") is None:  # imported in the other process only
        pytest.skip("needs the extra host")
    pytester.makepyfile(test_model=_blocks(root)[0])
    (pytester.path / "model.tflite").write_bytes(small_model())
    pytester.makeconftest(BOARDS)
    program, *arguments = shlex.split(command)
    assert program == "pytest"
    boards = [one for before, one in itertools.pairwise(arguments) if before == "--board"]
    assert boards
    result = pytester.runpytest_subprocess("-p", "no:hypothesispytest", *arguments)
    hardware = sum(board not in ("host", "qemu-m4") for board in boards)
    nano = sum(board.startswith("nano33ble") for board in boards)
    passed = len(boards) + hardware + nano
    result.assert_outcomes(passed=passed, skipped=3 * len(boards) - passed)

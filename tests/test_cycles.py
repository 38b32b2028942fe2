"""Arm's timings, as benchmarks/cycles.py prices blocks of instructions by them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "cycles.py"


def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("cycles_benchmark", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclasses look for their annotations
    spec.loader.exec_module(module)
    return module


cycles = benchmark()

LISTING = """
0000a000 <arm_nn_mac>:
    a000:\tb5f0      \tpush\t{r4, r5, r6, r7, lr}
    a002:\t6803      \tldr\tr3, [r0, #0]
    a004:\t6844      \tldr\tr4, [r0, #4]
    a006:\t681d      \tldr\tr5, [r3, #0]
    a008:\tfb13 4505 \tsmlabb\tr5, r3, r5, r4
    a00c:\te9d0 6700 \tldrd\tr6, r7, [r0]
    a010:\tfbb6 f6f7 \tudiv\tr6, r6, r7
    a014:\td1f5      \tbne.n\ta002 <arm_nn_mac+0x2>
    a016:\tbdf0      \tpop\t{r4, r5, r6, r7, pc}
"""


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> dict[int, object]:
    class Printed:
        stdout = LISTING

    monkeypatch.setattr(cycles.subprocess, "run", lambda *_, **__: Printed)
    found: dict[int, object] = cycles.disassembled(Path("firmware.elf"))
    return found


def test_a_listing_is_read_with_the_function_of_each_instruction(code: dict[int, object]) -> None:
    assert list(code) == [0xA000, 0xA002, 0xA004, 0xA006, 0xA008, 0xA00C, 0xA010, 0xA014, 0xA016]
    assert {one.function for one in code.values()} == {"arm_nn_mac"}
    assert [one.name for one in code.values()][:3] == ["push", "ldr", "ldr"]


def test_instructions_cost_what_table_3_1_says(code: dict[int, object]) -> None:
    rows = list(code.values())
    taken = [one.cycles(before) for one, before in zip(rows, [None, *rows[:-1]], strict=True)]
    # A load behind a load is one cycle, but for one that waits for its address: the third's r3 was
    # loaded before the one before it.
    assert taken == [6, 2, 1, 1, 1, 3, cycles.DIVISION, 1, 6]
    assert rows[3].cycles(rows[1]) == 2, "its address was loaded just before"
    assert [one.branches for one in rows] == [False] * 7 + [True, True]


def test_blocks_are_priced_by_how_often_they_ran_and_were_left(
    code: dict[int, object], tmp_path: Path
) -> None:
    counts = tmp_path / "counts"
    # Two operators in each of two inferences; the loop of the first runs ten times.
    lines = ["a000 1 0 1 0", "a002 7 0 10 9", "a016 1 0 1 1", "a016 1 1 1 1"]
    more = [line.split() for line in lines]
    again = [f"{at} {n} {int(op) + 2} {ran} {left}" for at, n, op, ran, left in more]
    counts.write_text("\n".join([*lines, *again]) + "\n")
    first, second = cycles.counted(tmp_path / "firmware.elf", counts, 2)
    loop = 2 + 1 + 1 + 1 + 3 + cycles.DIVISION + 1
    assert first == (72, 6 + 10 * loop + 9 * cycles.REFILL + 6 + cycles.REFILL)
    assert second == (1, 6 + cycles.REFILL)

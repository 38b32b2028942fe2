"""Estimates of flash and static RAM against whole builds with the real STM32 cores.

whole_builds.csv has their figures, from `benchmarks/shares.py --board NAME --csv FILE`: without
flash and static RAM where the linker found no room.
"""

import csv
import statistics
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

from danas_hil.base import DanasError
from danas_hil.board import Board, board_names, load_board
from danas_hil.builds import CodeTable, load_build
from danas_hil.estimate import Firmware, Line
from danas_hil.estimate.flash import estimate_flash
from danas_hil.estimate.lines import all_fit, fits_within, total
from danas_hil.estimate.on_board import estimate_on
from danas_hil.estimate.ram import estimate_ram

WHOLE = ("nucleo_f446re", "nucleo_f746zg", "nucleo_l4r5zi")
"""Boards that all the public models were built for."""


@pytest.fixture(autouse=True)
def _no_figures_of_builds(monkeypatch, tmp_path):
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path))


@dataclass(frozen=True)
class WholeBuild:
    board: str
    model: str
    model_bytes: int
    arena: int
    flash: int | None
    static_ram: int | None
    operators: frozenset[str]

    @property
    def known(self) -> bool:
        return self.flash is not None


def _builds() -> list[WholeBuild]:
    found = []
    with Path(__file__).with_name("whole_builds.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            sizes = [int(row[key]) if row[key] else None for key in ("flash", "static_ram")]
            counts = (int(row["model_bytes"]), int(row["arena"]))
            operators = frozenset(row["operators"].split())
            found.append(WholeBuild(row["board"], row["model"], *counts, *sizes, operators))
    return found


BUILDS = _builds()
LINKED = [build for build in BUILDS if build.known]


def name(build: WholeBuild) -> str:
    return f"{build.board}-{build.model}"


def table_of(board: Board) -> CodeTable:
    table = load_build(board.build, board.kernels).code.get(board.toolchain)
    assert table is not None
    return table


def lines(build: WholeBuild) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """Of flash and of RAM, by what is shipped."""
    board = load_board(build.board)
    firmware = Firmware(
        board.toolchain,
        board.framework_flash_bytes,
        board.static_ram_bytes,
        board.static_behind_bytes,
        board.stack_bytes,
        board.framework_ram_bytes,
    )
    used = load_build(board.build, board.kernels)
    flash = estimate_flash(
        build.model_bytes,
        build.operators,
        used,
        toolchain=board.toolchain,
        firmware=firmware.code,
    )
    return flash.lines, estimate_ram(build.arena, firmware, table_of(board), build.operators).lines


def rest(build: WholeBuild) -> int:
    """Flash that is neither the model nor, by the table, the library."""
    library = table_of(load_board(build.board)).bytes_for(build.operators)
    assert library is not None
    assert build.flash is not None
    return build.flash - build.model_bytes - library


@pytest.mark.parametrize("build", LINKED, ids=name)
def test_flash_is_estimated_within_one_percent_and_its_band_holds_the_truth(build):
    found = total(lines(build)[0])
    assert found.bytes == pytest.approx(build.flash, rel=0.01)
    assert found.least <= build.flash <= found.most


@pytest.mark.parametrize("build", LINKED, ids=name)
def test_static_ram_is_estimated_exactly(build):
    arena, static, *_ = lines(build)[1]
    assert arena.bytes + static.bytes == build.static_ram


@pytest.mark.parametrize("build", [b for b in LINKED if b.board in WHOLE], ids=name)
def test_no_band_is_narrower_than_what_a_left_out_model_shows(build):
    """The share of framework and firmware from the other models alone, the library's band on it."""
    others = [rest(b) for b in LINKED if b.board == build.board and b is not build]
    guess = statistics.median(others)
    low, high = table_of(load_board(build.board)).error
    assert low <= rest(build) - guess <= high
    assert build.model_bytes + guess == pytest.approx(
        build.model_bytes + rest(build), abs=0.01 * build.flash
    )


@pytest.mark.parametrize("build", BUILDS, ids=name)
def test_no_verdict_contradicts_a_whole_build(build):
    """By the board's limits, and by limits just at and just below what the program takes."""
    board = load_board(build.board)
    flash, ram = lines(build)
    verdict = all_fit((fits_within(flash, board.flash_bytes), fits_within(ram, board.ram_bytes)))
    if not build.known:
        assert verdict is not True
        return
    static = ram[:2]
    for of, size, limit in (
        (flash, build.flash, board.flash_bytes),
        (static, build.static_ram, board.ram_bytes),
    ):
        assert fits_within(of, limit) is not (size > limit)
        assert fits_within(of, size) is not False
        assert fits_within(of, size - 1) is not True


def test_whole_builds_cover_models_that_gave_no_share():
    by_board = defaultdict(set)
    for build in BUILDS:
        by_board[build.board].add(build.model)
    for board in WHOLE:
        assert {"vww_96_int8", "genome_3", "genome_11"} <= by_board[board]
        assert len(by_board[board]) == 16, "14 public models and two genomes"


def test_nine_of_ten_public_models_have_a_verdict_on_every_real_board(shared):
    models = sorted((shared / "data/models").glob("*.tflite"))
    boards = [load_board(one) for one in board_names() if load_board(one).kind == "real"]
    assert (len(models), len(boards)) == (14, 8)
    open_ones, refused = [], []
    for board in boards:
        for model in models:
            try:
                found = estimate_on(board, model.read_bytes(), name=model.stem)
            except DanasError as error:
                refused.append((board.id, model.stem, error.what))
                continue
            if all_fit((found.fits_ram, found.fits_flash)) is None:
                open_ones.append((board.id, model.stem))
    assert len(open_ones) + len(refused) <= 0.1 * 14 * 8, (open_ones, refused)

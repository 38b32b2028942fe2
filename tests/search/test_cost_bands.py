"""What a board's shares leave open, in a search: only what is certain rules a genome out."""

from dataclasses import replace

import numpy as np
import pytest

from danas_hil.board import Limits, Share, format_size, load_board
from danas_hil.cli.running import lacking
from danas_hil.estimate.layout import lay_out
from danas_hil.estimate.on_board import estimate_on
from danas_hil.report.rows import fits
from danas_hil.search import SearchSettings, check_possible, cost
from danas_hil.search.cost import CostEstimator
from strategies import make_space
from tasks.some_tasks import SIGNS

BAND = 2_000
BOARD = "nucleo_f746zg"
SPACE = make_space(resolution=(32, 64), colour=("rgb",), alpha=(0.1, 0.5, 1.0))
GENOME = SPACE.sample(np.random.default_rng(0))
LAID_OUT = lay_out(GENOME, len(SIGNS.classes))


@pytest.fixture
def least(monkeypatch, tmp_path):
    """RAM of GENOME at least, on a board whose RAM is known to BAND bytes and flash exactly."""
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path))
    shares = {
        "static_ram_bytes": Share(4_000, 3_000, 3_000 + BAND, "a link"),
        "stack_bytes": Share.exact(1_000, "a build"),
        "framework_ram_bytes": Share.exact(0, "a build"),
        "framework_flash_bytes": Share.exact(24_000, "a build"),
    }
    monkeypatch.setattr(cost, "load_board", lambda name: replace(load_board(name), **shares))
    return estimate_on(cost.load_board(BOARD), LAID_OUT).ram.total.least


def estimator(ram_bytes):
    return CostEstimator(settings(ram_bytes))


def settings(ram_bytes):
    return SearchSettings(
        "signs", SIGNS, space=SPACE, board=BOARD, limits=Limits(ram_bytes), time_budget=60.0
    )


def test_a_genome_whose_known_least_is_beyond_a_limit_is_dropped(least):
    assert not estimator(least - 1).fits(GENOME)
    assert estimator(least).fits(GENOME)


def test_a_genome_whose_band_lies_across_a_limit_is_kept_and_told(least, shared):
    found = estimator(least + 1)
    assert found.fits(GENOME)
    any_file = (shared / "data/models/hello_world_int8.tflite").read_bytes()
    totals = found.detail(GENOME, any_file)["totals"]
    assert (totals["ram_bytes"], totals["complete"]) == (least, False)
    assert totals["most_ram_bytes"] >= least + BAND
    sizes, most = (totals["ram_bytes"], totals["flash_bytes"]), totals["most_ram_bytes"]
    verdicts = [fits(*sizes, totals, Limits(limit)) for limit in (least - 1, least, most - 1, most)]
    assert verdicts == [False, None, None, True]
    wider = max(totals[f"most_{what}_bytes"] - totals[f"{what}_bytes"] for what in ("ram", "flash"))
    more = format_size(wider)
    assert lacking([totals]) == f"; at least: up to {more} more, till a build for the board tells"
    assert "the rest" in lacking([{**totals, "most_flash_bytes": None}])
    assert lacking([{**totals, "complete": True}]) == ""


def test_a_search_is_possible_while_one_band_reaches_below_the_limit(least):
    smallest = min(
        estimator(None).costs(genome).ram_bytes
        for data in SPACE.data_configs
        for genome in SPACE.leanest(data)
    )
    check_possible(settings(smallest))


def test_limits_that_are_no_boards_count_no_framework(monkeypatch, tmp_path):
    """64 kB are those of model, library and arena: a Nano's operating system alone takes 46."""
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path))
    limited = SearchSettings(
        "signs", SIGNS, space=SPACE, limits=Limits(64 * 1024), time_budget=60.0
    )
    costs = CostEstimator(limited).costs(GENOME)
    named = estimate_on(load_board(cost.REFERENCE_BOARD), LAID_OUT)
    assert costs.ram_bytes == named.arena.minimum_bytes
    assert costs.flash_bytes == sum(line.least for line in named.flash.lines[:-1])
    assert named.ram.total.least > costs.ram_bytes + 40_000

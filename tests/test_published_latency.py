"""Published times of a real board: how far uncalibrated and calibrated estimates are off."""

from __future__ import annotations

import importlib.util
import statistics
from pathlib import Path
from types import ModuleType

import pytest

from danas_hil.board import load_board
from danas_hil.estimate.fitting import TimedModel, errors, leave_one_out
from danas_hil.estimate.latency_tables import related_table
from danas_hil.estimate.uncalibrated import QUICK_BAND, QUICK_BAND_BUILT_IN

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "latency.py"
NANO = load_board("nano33ble")


def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("latency_benchmark", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


latency = benchmark()
pytestmark = pytest.mark.skipif(
    not (latency.SHARED / "measurements").is_dir(), reason="the published times are not here"
)


@pytest.fixture(scope="module")
def models() -> list[TimedModel]:
    return list(latency.published(latency.SHARED / "measurements", latency.SHARED / "models"))


def test_the_factor_of_the_other_three_foretells_each_of_four_models(
    models: list[TimedModel],
) -> None:
    found = errors(latency.left_out_by_factor(models, latency.ratios(models, NANO.clock_hz)))
    assert len(models) == 4
    assert found is not None
    median, worst = found
    assert median <= 0.02
    assert worst <= 0.18


def test_the_nanos_factor_is_the_median_of_all_four_and_its_band_holds_them(
    models: list[TimedModel],
) -> None:
    own = latency.ratios(models, NANO.clock_hz)
    assert NANO.stall is not None
    assert NANO.stall.factor == pytest.approx(statistics.median(own.values()), abs=0.015)
    for ratio in own.values():
        assert abs(NANO.stall.factor / ratio - 1) <= NANO.stall.band


def test_one_timed_model_foretells_the_others_within_the_band_that_it_is_given(
    models: list[TimedModel],
) -> None:
    own = latency.ratios(models, NANO.clock_hz)
    for name in own:
        others = [model for model in models if model.name != name]
        found = errors(latency.by_factor(others, own, lambda _, one=name: [one]))
        assert found is not None
        unlike = "Resnet" in name  # neither depthwise convolutions nor more than one dense layer
        assert found[1] <= (QUICK_BAND if unlike else QUICK_BAND_BUILT_IN)


def test_calibrated_estimates_stay_as_good_as_they_were(models: list[TimedModel]) -> None:
    related = related_table(NANO)
    assert related is not None
    found = errors(leave_one_out(models, related.rates))
    assert found is not None
    assert found[0] <= 0.0205
    assert found[1] <= 0.1215

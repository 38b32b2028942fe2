"""Estimates beside measurements."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from danas_hil.board import Limits
from danas_hil.cli.tables import show_measured
from danas_hil.compare import Compared, compare, figure
from danas_hil.measure import Failure, Latency, Measurement, Parity
from danas_hil.targets import BuildIdentity, Memory, Sizes

HOST = Measurement(
    model="ab12",
    model_sha256="00",
    model_bytes=10_000,
    target="host",
    board="host",
    kind="host",
    status="OK",
    recorded_at="2026-01-01T00:00:00+00:00",
    build=BuildIdentity("1", {}),
    memory=Memory(24_000, 16_000, 8_000),
    latency=Latency((3.0, 1.0, 2.0), "time on this computer", "clock"),
    parity=Parity(4, 8, 0, None, 0.0, "00", False),
)
NANO = replace(
    HOST,
    target="nano33ble@77",
    board="nano33ble",
    kind="measured",
    memory=Memory(20_000, stack_peak_bytes=1_000),
    sizes=Sizes(90_000, 40_000),
)
ESTIMATE = {
    "paper": {"ram_bytes": 12_000, "flash_bytes": 6_000},
    "exact": {
        "host": {
            "arena": {"used_bytes": 24_000, "head_bytes": 16_000, "tail_bytes": 8_000},
            "flash": {"total_bytes": None, "model_bytes": 10_000},
            "ram": {"total_bytes": "unknown"},
        },
        "nano33ble": {
            "arena": {"used_bytes": 19_984},
            "flash": {"total_bytes": 90_900, "model_bytes": 10_000},
            "ram": {"total_bytes": 41_000},
        },
    },
}


def row(rows: tuple[Compared, ...], quantity: str, model: str) -> Compared:
    (one,) = [r for r in rows if (r.quantity, r.model) == (quantity, model)]
    return one


def test_errors_are_signed_estimate_less_observation() -> None:
    rows = compare([HOST], {"ab12": ESTIMATE}).rows
    assert row(rows, "arena", "exact").error == 0
    paper = row(rows, "arena", "paper")
    assert (paper.error, paper.error_share) == (-12_000, -0.5)
    assert row(rows, "model", "paper").error == -4_000
    assert row(rows, "tail", "exact").observed == 8_000


def test_a_board_is_held_against_its_own_exact_estimate_whatever_its_serial_number() -> None:
    rows = compare([NANO], {"ab12": ESTIMATE}).rows
    assert row(rows, "arena", "exact").error == -16
    assert row(rows, "flash", "exact").error == 900
    assert row(rows, "ram", "exact").error == 0
    assert not [r for r in rows if r.quantity == "head"], "a release build does not tell it"


def test_what_a_target_does_not_have_is_no_row() -> None:
    rows = compare([HOST], {"ab12": ESTIMATE}).rows
    assert {r.quantity for r in rows} == {"arena", "head", "tail", "model", "latency"}
    assert row(rows, "latency", "fitted").observed == 2.0
    assert row(rows, "latency", "fitted").unit == "us"


@pytest.mark.parametrize(
    "estimate",
    [
        {},
        {"paper": None},
        {"paper": {"ram_bytes": "unknown"}},
        {"paper": {"ram_bytes": True}},
        {"exact": None},
        {"exact": []},
        {"exact": {"host": None}},
        {"exact": {"host": {"arena": 3}}},
    ],
)
def test_a_missing_estimate_is_unknown_and_nothing_worse(estimate: dict[str, Any]) -> None:
    comparison = compare([HOST], {"ab12": estimate}, {"host": Limits(2**20, 2**20)})
    assert all(r.estimate is None and r.error is None for r in comparison.rows)
    assert comparison.verdicts[0].fits is None
    assert comparison.good, "what is not known is no failure"


def test_an_unknown_candidate_is_compared_with_nothing() -> None:
    assert row(compare([HOST], {}).rows, "arena", "paper").estimate is None


def test_a_failed_measurement_keeps_its_estimates_and_its_reason() -> None:
    failed = replace(
        HOST, status="ALLOCATE", failure=Failure("ALLOCATE", "no room"), memory=None, latency=None,
        parity=None,
    )  # fmt: skip
    comparison = compare([failed], {"ab12": ESTIMATE})
    arena = row(comparison.rows, "arena", "exact")
    assert (arena.estimate, arena.observed, arena.error) == (24_000, None, None)
    verdict = comparison.verdicts[0]
    assert (verdict.status, verdict.reason, verdict.parity) == ("ALLOCATE", "no room", None)
    assert not comparison.good


def verdict_of(measurement: Measurement, limits: Limits, estimate: Any = ESTIMATE) -> Any:
    comparison = compare([measurement], {"ab12": estimate}, {measurement.board: limits})
    return comparison.verdicts[0]


def test_a_firmware_fits_by_its_static_ram_and_stack_and_its_flash() -> None:
    assert verdict_of(NANO, Limits(41_000, 90_000)).fits is True
    assert verdict_of(NANO, Limits(40_999, 90_000)).fits is False
    assert verdict_of(NANO, Limits(41_000, 89_999)).fits is False
    assert not verdict_of(NANO, Limits(41_000, 90_000)).from_estimate


def test_an_arena_over_the_limit_is_enough_to_not_fit() -> None:
    assert verdict_of(HOST, Limits(23_999, None)).fits is False
    assert verdict_of(HOST, Limits(None, 9_999)).fits is False


def test_where_the_whole_was_not_measured_the_estimate_decides_and_says_so() -> None:
    unbuilt = replace(NANO, sizes=None)
    verdict = verdict_of(unbuilt, Limits(41_000, 90_900))
    assert (verdict.fits, verdict.from_estimate) == (True, True)
    assert verdict_of(unbuilt, Limits(41_000, 90_899)).fits is False
    assert verdict_of(unbuilt, Limits(41_000, 90_900), {}).fits is None


@pytest.mark.parametrize(
    ("limit", "fits"), [(39_999, False), (40_000, None), (41_999, None), (42_000, True)]
)
def test_a_limit_inside_the_band_of_an_estimate_is_no_verdict(
    limit: int, fits: bool | None
) -> None:
    exact = {"ram": {"total_bytes": 41_000, "least_bytes": 40_000, "most_bytes": 42_000}}
    estimate = {"exact": {"nano33ble": exact}}
    unmeasured = replace(NANO, memory=None)
    comparison = compare([unmeasured], {"ab12": estimate}, {"nano33ble": Limits(limit)})
    assert row(comparison.rows, "ram", "exact").fits is fits
    assert comparison.verdicts[0].fits is fits


def test_without_limits_there_is_no_verdict() -> None:
    verdict = verdict_of(HOST, Limits())
    assert (verdict.fits, verdict.limited, verdict.good) == (None, False, True)
    assert verdict.unknown == "there is no limit"


@pytest.mark.parametrize(
    ("status", "fits"), [("OK", True), ("PARITY", True), ("ALLOCATE", None), ("FAULT", None)]
)
def test_what_never_ran_does_not_fit_by_its_estimate(status: Any, fits: bool | None) -> None:
    verdict = verdict_of(replace(NANO, status=status, memory=None), Limits(41_000, 90_000))
    assert (verdict.fits, verdict.unknown) == (fits, "" if fits else "it did not run")
    assert verdict_of(replace(NANO, status=status), Limits(41_000, 89_999)).fits is False


def test_a_program_that_the_build_found_too_large_does_not_fit() -> None:
    failed = replace(
        NANO, status="SIZE", sizes=None, memory=None, failure=Failure("SIZE", "too large")
    )
    assert verdict_of(failed, Limits()).fits is False


def test_an_uncalibrated_time_keeps_its_mark_and_its_band(
    capsys: pytest.CaptureFixture[str],
) -> None:
    mark = "estimated, uncalibrated, ±20 %"
    latency = {"total_us": 2.2, "least_us": 1.76, "most_us": 2.64, "mark": mark}
    estimate = {"exact": {"nano33ble": {"latency": latency}}}
    comparison = compare([NANO], {"ab12": estimate})
    found = row(comparison.rows, "latency", "fitted")
    assert (found.least, found.most, found.mark) == (1.76, 2.64, mark)
    assert found.to_json()["mark"] == mark
    show_measured([NANO], comparison)
    shown = capsys.readouterr().out
    assert "2.20 us ±20 %" in shown
    assert f"±: {mark}" in shown


def test_a_limit_is_for_its_own_quantity() -> None:
    rows = compare([NANO], {"ab12": ESTIMATE}, {"nano33ble": Limits(30_000, 95_000)}).rows
    assert row(rows, "arena", "exact").fits is True
    assert row(rows, "ram", "exact").fits is False
    assert row(rows, "flash", "exact").fits is True
    assert row(rows, "latency", "fitted").fits is None


def test_a_comparison_is_plain_json() -> None:
    value = compare([HOST, NANO], {"ab12": ESTIMATE}).to_json()
    assert json.loads(json.dumps(value, allow_nan=False)) == value
    assert value["rows"][0]["error"] == 0
    assert [verdict["good"] for verdict in value["verdicts"]] == [True, True]


def test_only_numbers_are_figures() -> None:
    assert figure({"a": {"b": 3}}, "a", "b") == 3
    for odd in ({"a": {"b": "3"}}, {"a": {"b": True}}, {"a": 3}, {}, None, []):
        assert figure(odd, "a", "b") is None

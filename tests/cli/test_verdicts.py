"""Exit codes: what a verdict, or its want, makes of a command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from danas_hil.cli import memory, verdicts
from danas_hil.cli.app import app
from danas_hil.cli.tables import _verdict
from danas_hil.cli.verdicts import Ending, Taken, ending_of, ending_of_measured, worst
from danas_hil.compare import Comparison, Verdict
from estimate.little_models import network

WHOLE = """
name = "A board"
kind = "real"
core = "cortex-m4f"
clock_hz = 64_000_000
ram_bytes = 65536
flash_bytes = 262144
source = "its data sheet"
build = "arduino"
kernels = "cmsis-nn"
"""
"""Without figures of its firmware, so that nothing is known but what the model takes."""


@pytest.fixture(autouse=True)
def _boards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A board of our own whose firmware nobody knows, which stands for the usual one too."""
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(memory, "_USUAL_BOARD", "vague")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "vague.toml").write_text(WHOLE)
    (tmp_path / "net.tflite").write_bytes(network(8))
    (tmp_path / "wide.tflite").write_bytes(network(64))
    (tmp_path / "torn.tflite").write_bytes(network(8)[:100])


def code(*arguments: str) -> int:
    return int(CliRunner().invoke(app, ["estimate", *arguments]).exit_code)


def test_of_several_the_worst_counts_in_the_order_2_1_3_0() -> None:
    good, failed, usage, unknown = (Ending(place) for place in range(4))
    assert worst([good, unknown, failed, usage]) == 2
    assert worst([good, unknown, failed]) == 1
    assert worst([good, unknown]) == 3
    assert worst([good]) == worst([]) == 0


@pytest.mark.parametrize(
    ("fits", "asked", "unknown", "expected"),
    [
        (True, True, None, 0),
        (False, False, None, 1),
        (None, True, None, 3),
        (None, False, None, 0),
        (None, True, Taken.fits, 0),
        (None, True, Taken.fails, 1),
        (False, True, Taken.fits, 1),
        (True, True, Taken.fails, 0),
    ],
)
def test_a_verdict_makes_an_exit_code(
    fits: bool | None, asked: bool, unknown: Taken | None, expected: int
) -> None:
    assert ending_of(fits, asked=asked, unknown=unknown) == expected


class TestEstimate:
    def test_a_board_or_a_limit_asks_for_a_verdict_and_nothing_asks_nothing(self) -> None:
        assert code("net.tflite") == 0
        assert code("net.tflite", "--board", "vague") == 3
        assert code("net.tflite", "--ram", "200kB") == 3
        assert code("net.tflite", "--latency", "1s") == 3

    def test_what_is_known_can_be_enough_for_a_no(self) -> None:
        assert code("net.tflite", "--board", "vague", "--ram", "1kB") == 1
        assert code("net.tflite", "--ram", "1kB") == 1

    def test_a_board_without_limits_leaves_nothing_open(self) -> None:
        assert code("net.tflite", "--board", "host") == 0

    def test_several_files_end_with_the_worst(self) -> None:
        limit = ("--board", "vague", "--flash", "4kB")
        assert code("net.tflite", *limit) == 3
        assert code("wide.tflite", *limit) == 1
        assert code("net.tflite", "wide.tflite", *limit) == 1
        assert code("net.tflite", "torn.tflite", "wide.tflite", *limit) == 2

    def test_unknown_is_decided_for_ci(self) -> None:
        assert code("net.tflite", "--board", "vague", "--unknown", "fits") == 0
        assert code("net.tflite", "--board", "vague", "--unknown", "fails") == 1
        assert code("net.tflite", "--board", "vague", "--unknown", "maybe") == 2

    def test_json_has_bounds_and_a_reason_wherever_a_figure_is_null(self) -> None:
        told = CliRunner().invoke(app, ["estimate", "net.tflite", "--board", "vague", "--json"])
        (value,) = json.loads(told.stdout)
        assert value["fits"] == "unknown"
        for one in value["verdicts"].values():
            assert one["least"] is not None
            assert one["unknown"] or one["figure"] is not None
        ram = value["verdicts"]["ram"]
        assert (ram["fits"], ram["figure"], ram["most"]) == ("unknown", None, None)
        assert ram["least"] == value["arena"]["minimum_bytes"]
        assert "stack" in ram["unknown"]


VERDICT = Verdict("ab12", "nano33ble", "nano33ble", "measured", "OK", "", True, True, False)


class TestMeasured:
    @pytest.mark.parametrize(
        ("changes", "words", "expected"),
        [
            ({}, "yes", 0),
            ({"fits": False}, "NO", 1),
            ({"fits": None}, "unknown", 3),
            ({"fits": None, "limited": False}, "no limit", 0),
            ({"fits": None, "status": "ALLOCATE"}, "did not run (ALLOCATE)", 1),
            ({"fits": False, "status": "SIZE"}, "NO (SIZE)", 1),
            ({"status": "PARITY"}, "yes (PARITY)", 1),
        ],
    )
    def test_words_and_code_of_a_measurement(
        self, changes: dict[str, Any], words: str, expected: int
    ) -> None:
        verdict = replace(VERDICT, **changes)
        assert _verdict(verdict) == words
        assert ending_of_measured(Comparison((), (verdict,))) == expected

    def test_of_several_measurements_the_worst_counts(self) -> None:
        open_one = replace(VERDICT, fits=None)
        both = Comparison((), (VERDICT, open_one))
        assert ending_of_measured(both) == 3
        assert ending_of_measured(both, Taken.fits) == 0
        assert ending_of_measured(Comparison((), (open_one, replace(VERDICT, fits=False)))) == 1


def test_exit_codes_are_made_in_one_place() -> None:
    folder = Path(verdicts.__file__).parent
    makers = [path.name for path in folder.glob("*.py") if "typer.Exit(" in path.read_text()]
    assert makers == ["verdicts.py"]

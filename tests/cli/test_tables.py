"""Tables of candidates: within 80 columns, and nothing in them without a word on what it is."""

from __future__ import annotations

from typing import Any

import pytest

from danas_hil.board import Limits
from danas_hil.cli.picking import _show
from danas_hil.cli.running import show_outcome
from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.run import Candidate, Front, Pick, Picks, RunFolder
from danas_hil.search import Outcome
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome
from danas_hil.tasks import Scores
from tasks.some_tasks import PERSON

GENOME = Genome(ImageConfig(224, "monochrome"), MobileNetV2(2, 3, 3, 3, 1, 0.35))
SOURCE = "qemu-m4, fitted on emulated times of 75 models"
TIMED = {"latency_us": 123_456.7, "latency_complete": True, "latency_source": SOURCE}


def front(**latency: Any) -> Front:
    totals = {"ram_bytes": 262_100, "flash_bytes": 1_048_500, "complete": True, **latency}
    scores = Scores(0.987, 0.9, 0.9, 100)
    names = ("float_validation", "int8_validation", "float_test", "int8_test")
    candidate = Candidate(
        GENOME.id, GENOME, 0, 3.0, dict.fromkeys(names, scores), {"totals": totals}
    )
    return Front("porch", PERSON, Limits(262_144, 1_048_576), "exact", (candidate,), GENOME.id)


def shown(front: Front, tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> list[str]:
    show_outcome(RunFolder(tmp_path), Outcome(1, front, "all trials done"), json=False)
    return capsys.readouterr().out.splitlines()


def test_the_front_has_a_column_of_estimated_milliseconds(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    _, header, row, *notes = shown(front(**TIMED), tmp_path, capsys)
    assert header.split()[-1] == "ms"
    assert row.split()[-1] == "123"
    assert len(row) <= 80
    assert f"ms: one inference, estimated ({SOURCE})." in notes


UNCALIBRATED = "estimated, uncalibrated, ±20 %; nano33ble, Arm's cycles x 1.19"


def test_an_uncalibrated_time_is_marked_in_its_column_and_below(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    times = {**TIMED, "latency_source": UNCALIBRATED, "latency_band": 0.2}
    lines = shown(front(**times), tmp_path, capsys)
    assert any("±20 %" in line for line in lines[:3])
    assert max(len(line) for line in lines if "danas-hil" not in line) <= 80
    assert f"ms: one inference, {UNCALIBRATED}." in " ".join(lines)


def test_picks_without_times_are_marked_too(capsys: pytest.CaptureFixture[str]) -> None:
    pick = Pick(GENOME.id, 0.987, 262_100, 1_048_500, 0.5, 12_345.6)
    _show(front(), Picks(Limits(), None, 0.5, (pick,), UNCALIBRATED, True, 0.2))
    lines = capsys.readouterr().out.splitlines()
    assert any("±20 %" in line for line in lines[:3])
    assert any("not known of all" in line for line in lines)
    assert f"ms: one inference, {UNCALIBRATED}." in " ".join(lines)


def test_the_front_of_a_board_without_times_has_none(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(front(), tmp_path, capsys)
    assert "ms" not in " ".join(lines).split()
    assert not any(line.startswith("ms:") for line in lines)


def test_what_was_never_timed_is_told(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(front(**{**TIMED, "latency_complete": False}), tmp_path, capsys)
    assert any("without operators that were never timed" in line for line in lines)


def test_picks_have_it_too(capsys: pytest.CaptureFixture[str]) -> None:
    pick = Pick(GENOME.id, 0.987, 262_100, 1_048_500, 0.5, 12_345.6)
    picks = Picks(Limits(), None, 0.5, (pick,), SOURCE, True)
    _show(front(), picks)
    header, row, *notes = capsys.readouterr().out.splitlines()
    assert "ms" in header.split()
    assert "12.3" in row.split()
    assert len(row) <= 80
    assert f"ms: one inference, estimated ({SOURCE})." in notes

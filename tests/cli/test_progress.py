"""What a search shows while it runs, where its output is piped."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from danas_hil.cli import progress as shown
from danas_hil.cli.progress import SearchProgress
from danas_hil.search import SearchSettings
from tasks.some_tasks import SIGNS

SETTINGS = SearchSettings(data="signs", task=SIGNS, trials=1, supernet_steps=1)


def test_a_look_at_a_supernet_in_training_is_told_with_what_came_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with SearchProgress(SETTINGS) as progress:
        progress.looking("shared", 1, 200)
        progress.looking("shared", 200, 200)
        progress.focused("shared", {"64-rgb": 0.25, "32-rgb": 0.75})
        progress.focused("shared", {})
    told = " ".join(capsys.readouterr().err.split())
    assert "looking at the front of shared: 1 of 200" in told
    assert "looking at the front of shared: 200 of 200" in told
    assert "training of shared goes on by the front: 32-rgb 75.0 %, 64-rgb 25.0 %" in told
    assert "training of shared goes on by the front: all alike" in told


def test_the_time_left_does_not_count_what_is_done_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first step of a training takes half a minute, the others a second each."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(shown, "time", SimpleNamespace(monotonic=lambda: clock.now))
    with SearchProgress(SETTINGS) as progress:
        for step in range(21):
            progress.training("shared", step, 40, 1.0)
            clock.now += 30.0 if step == 0 else 1.0
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(",")[0] for line in lines] == [
        "training shared: 0 of 40",
        "training shared: 1 of 40",
        "training shared: 11 of 40",
    ]
    assert "left" not in lines[1]
    assert "29 s left" in lines[2]

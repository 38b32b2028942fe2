"""Samplers of other packages: the one in docs/example_package runs a whole search."""

from __future__ import annotations

import runpy
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from danas_hil.base import DanasError
from danas_hil.search import SearchSettings, create_run, search
from danas_hil.search.samplers import samplers
from danas_hil.tflm import read_golden
from search.small_search import SETTINGS

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "example_package"
TOY = "danas_hil_toys"


def without_it() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == TOY]:
        del sys.modules[name]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the example package, found as an installed one is."""
    copied = shutil.copytree(EXAMPLE, tmp_path / "site")
    without_it()
    monkeypatch.syspath_prepend(copied)
    yield copied
    without_it()


def test_a_sampler_of_another_package_is_known_by_its_name(package: Path) -> None:
    assert list(samplers())[-1] == "climber"
    sampler = replace(SETTINGS, sampler="climber", population=3).make_sampler()
    assert type(sampler).__module__ == f"{TOY}.sampler"
    assert (sampler.space, sampler.drawn) == (SETTINGS.space, 3)  # type: ignore[attr-defined]
    assert SearchSettings.from_config(replace(SETTINGS, sampler="climber").to_config())


def test_one_that_is_not_there_is_told_with_what_was_meant(package: Path) -> None:
    with pytest.raises(DanasError, match="There is no sampler 'climbr'") as raised:
        replace(SETTINGS, sampler="climbr")
    assert "Did you mean climber?" in raised.value.hint
    for part in ("nsga2", "random", "danas_hil.samplers"):
        assert part in raised.value.hint


def test_what_is_no_sampler_is_refused(package: Path) -> None:
    module = package / TOY / "sampler.py"
    module.write_text("def climber(space, seed, limits, options):\n    return space\n")
    with pytest.raises(DanasError, match="'climber' is made of has no method `propose`"):
        replace(SETTINGS, sampler="climber")


def test_one_that_proposes_what_was_refused_ends_the_search(package: Path, tmp_path: Path) -> None:
    from danas_hil.search.budget import Clock
    from danas_hil.search.listener import Listener
    from danas_hil.search.loop import EvaluationLoop
    from search.small_search import session
    from search.test_interrupted import EVALUATOR

    (package / TOY / "sampler.py").write_text(
        "class Same:\n"
        "    def __init__(self, space, seed, limits, options):\n"
        "        self.genome = space.genomes()[0]\n"
        "    def propose(self, history, acceptable):\n"
        "        acceptable(self.genome)\n"
        "        return self.genome\n"
        "climber = Same\n"
    )
    settings = replace(SETTINGS, sampler="climber")
    with session(create_run(tmp_path / "run", settings), settings) as opened:
        clock = Clock(settings, Listener(), 0.0)
        with pytest.raises(DanasError, match="The sampler climber proposed"):
            EvaluationLoop(opened, EVALUATOR, clock).run()
        assert len(opened.evaluations) == 1


def test_the_example_keeps_to_the_contract(package: Path) -> None:
    kind = runpy.run_path(str(package / "tests" / "test_sampler.py"))["TestClimber"]
    tests = [name for name in dir(kind) if name.startswith("test_")]
    assert len(tests) > 9
    for name in tests:
        getattr(kind(), name)()


def test_the_example_runs_a_whole_search(package: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="needs the extra search")
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    settings = replace(SETTINGS, sampler="climber", trials=8, export_limit=1)
    run = create_run(tmp_path / "run", settings)
    outcome = search(run)
    assert outcome.evaluations == 8
    assert outcome.front is not None
    (candidate,) = outcome.front.candidates
    assert read_golden(run.candidate(candidate.id) / "golden.npz")
    # Each genome is the one that the climber proposes after those before it.
    rows, climber = outcome.front.evaluations, settings.make_sampler()
    for place, row in enumerate(rows):
        seen = {before.genome for before in rows[:place]}
        assert row.genome == climber.propose(rows[:place], lambda one, seen=seen: one not in seen)

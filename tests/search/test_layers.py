"""Search without shared weights: stacks of layers, each trained from scratch."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from danas_hil import tflm
from danas_hil.board import Limits
from danas_hil.families.layers import LayerStack
from danas_hil.report import write_report
from danas_hil.run import Evaluation, RunFolder
from danas_hil.search import Listener, SearchSettings, create_run, search
from danas_hil.search.training_plan import CANDIDATE, MOST_STEPS, plan_candidates
from danas_hil.study import StorageSettings
from strategies import layer_space
from tasks.some_tasks import SIGNS

SETTINGS = SearchSettings(
    data="signs",
    task=SIGNS,
    limits=Limits(64 * 1024, 256 * 1024),
    space=layer_space(
        (16, 20), ("monochrome",), layers=(1, 2), filters=(2, 4), activation=("relu", "sigmoid")
    ),
    population=2,
    trials=4,
    candidate_steps=4,
    batch_size=8,
    export_limit=2,
    seed=2,
)


class Heard(Listener):
    """Training steps by genome, and genomes in the order in which they were evaluated."""

    def __init__(self) -> None:
        self.steps: dict[str, int] = {}
        self.evaluated_ids: list[str] = []
        self.warnings: list[str] = []

    def training(self, data: str, step: int, steps: int, loss: float) -> None:
        self.steps[data] = step

    def evaluated(self, evaluation: Evaluation, best: Evaluation | None) -> None:
        self.evaluated_ids.append(evaluation.genome.id)

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def test_a_search_of_layers_gives_models_that_take_what_was_estimated(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="needs the extra search")
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    run, first = create_run(tmp_path / "run", SETTINGS), Heard()
    outcome = search(run, first)
    front = outcome.front
    assert front is not None
    assert outcome.evaluations == 4
    assert first.steps == dict.fromkeys(first.evaluated_ids, 4)
    assert 1 <= len(front.candidates) <= 2
    for candidate in front.candidates:
        assert isinstance(candidate.genome.arch, LayerStack)
        assert {"int8_validation", "int8_test"} <= set(candidate.scores)
        model = (run.candidate(candidate.id) / "model.tflite").read_bytes()
        with tflm.load(model, candidate.id) as loaded:
            used = loaded.allocations().total_bytes
        assert candidate.estimate["exact"]["host"]["arena"]["used_bytes"] == used
        assert candidate.estimate["totals"]["ram_bytes"] <= 64 * 1024
    assert "conv" in write_report(run).read_text()

    # A search that goes on trains the new candidates alone, also where it exports anew.
    run.front_file.unlink()
    run.write_config({**run.config(), "search": {**run.config()["search"], "trials": 5}})
    second = Heard()
    again = search(RunFolder.open(run.path), second)
    assert again.evaluations == 5
    assert list(second.steps) == second.evaluated_ids
    assert not set(second.steps) & set(first.steps)
    assert not [text for text in second.warnings if "left out" in text]


def test_weights_that_a_worker_elsewhere_trained_are_exported_without_training_anew(
    tmp_path: Path,
) -> None:
    """Two computers: copies of the run's folder, a database and a place for weights in common."""
    pytest.importorskip("tensorflow", reason="needs the extra search")
    pytest.importorskip("fsspec", reason="needs the extra remote")
    settings = replace(SETTINGS, supernets=f"file://{tmp_path}/weights", export_limit=4)
    kept_at = StorageSettings(f"sqlite:///{tmp_path}/study.db", "shared")
    here = create_run(tmp_path / "here", settings, kept_at)
    there = RunFolder(shutil.copytree(here.path, tmp_path / "there"))
    worker, leader = Heard(), Heard()
    stopped = search(
        there, worker, should_stop=lambda: len(worker.evaluated_ids) == 3, leading=False
    )
    assert (stopped.stopped, stopped.evaluations) == (True, 3)
    assert not there.front_file.exists()
    front = search(here, leader).front
    assert front is not None
    assert len(leader.evaluated_ids) == 1
    assert list(leader.steps) == leader.evaluated_ids
    # Three steps of training may come to no more than guessing; else there is nothing to say.
    assert all("no better than guessing" in text for text in leader.warnings)
    exported = {candidate.id: candidate for candidate in front.candidates}
    theirs = set(exported) & set(worker.evaluated_ids)
    assert theirs
    scored = {evaluation.genome.id: evaluation.scores for evaluation in front.evaluations}
    for id_ in theirs:
        assert exported[id_].scores["float_validation"].brief == scored[id_]


def test_searches_in_one_place_for_weights_take_those_of_the_same_training_only(
    tmp_path: Path,
) -> None:
    pytest.importorskip("tensorflow", reason="needs the extra search")
    space = layer_space(
        (16,), ("monochrome",), layers=(1,), filters=(2,), kernel=(3,), activation=("relu",)
    )
    assert space.size == 1
    first = replace(
        SETTINGS,
        space=space,
        trials=1,
        export_limit=1,
        supernets="../weights",
        finest=16,
    )

    def steps(name: str, settings: SearchSettings) -> dict[str, int]:
        """Of the trainings that such a search takes."""
        heard = Heard()
        outcome = search(create_run(tmp_path / name, settings), heard)
        assert outcome.front is not None
        return heard.steps

    (trained,) = steps("first", first).items()
    assert steps("seed", replace(first, seed=5)) == dict([trained])
    assert steps("longer", replace(first, candidate_steps=6)) == {trained[0]: 6}
    assert steps("again", first) == {}


def test_a_search_that_is_stopped_in_a_training_drops_that_candidate(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="needs the extra search")
    heard = Heard()
    run = create_run(tmp_path / "run", SETTINGS)
    outcome = search(run, heard, should_stop=lambda: sum(heard.steps.values()) >= 6)
    assert outcome.stopped
    assert outcome.evaluations == 1
    assert outcome.front is not None
    assert [candidate.id for candidate in outcome.front.candidates] == heard.evaluated_ids


class TestPlan:
    def test_what_is_asked_for_holds(self) -> None:
        plan, origin = plan_candidates(SETTINGS, 100, lambda _genome: True)
        assert plan.steps == {CANDIDATE: 4}
        assert origin == "--candidate-steps"

    def test_without_a_clock_it_is_as_in_the_paper(self) -> None:
        plan, _ = plan_candidates(replace(SETTINGS, candidate_steps=None), None, lambda _: True)
        assert plan.steps == {CANDIDATE: MOST_STEPS}

    def test_a_time_budget_is_shared_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("danas_hil.search.training_plan.time_standalone", lambda *_: 0.05)
        settings = replace(SETTINGS, candidate_steps=None)

        def steps(seconds: float) -> int:
            plan, _ = plan_candidates(settings, seconds, lambda _genome: True)
            return plan.steps[CANDIDATE]

        assert steps(3000) == 1200
        assert steps(1) == 50
        assert steps(1e9) == MOST_STEPS


def test_a_search_of_layers_has_no_supernets() -> None:
    assert not SETTINGS.shares_weights
    assert SETTINGS.supernets_of_space == {}
    assert SearchSettings.from_config(SETTINGS.to_config()) == SETTINGS

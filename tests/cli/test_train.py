"""train: candidates exported anew where training by themselves made them better."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from danas_hil import tflm
from danas_hil.base import DanasError
from danas_hil.cli.app import app
from danas_hil.run import Front, RunFolder
from danas_hil.search import Listener, SearchSettings, create_run, train_candidates
from strategies import layer_space
from tasks.some_tasks import SIGNS


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def run(searched: Path, tmp_path: Path) -> RunFolder:
    """A finished run with three candidates, nothing picked."""
    return RunFolder(shutil.copytree(searched, tmp_path / "copy"))


def claim(run: RunFolder, accuracy: float) -> tuple[str, ...]:
    """Have front.json say that all models are so accurate; returns their ids."""
    front = run.front()
    candidates = []
    for candidate in front.candidates:
        told = replace(candidate.scores["int8_validation"], accuracy=accuracy)
        candidates.append(replace(candidate, scores={**candidate.scores, "int8_validation": told}))
    run.write_front(replace(front, candidates=tuple(candidates)))
    return tuple(c.id for c in candidates)


def files(run: RunFolder) -> dict[str, bytes]:
    """What others read of the candidates."""
    names = ("model.tflite", "model.keras", "golden.npz", "estimate.json", "genome.json")
    found = (path for path in run.candidate("").rglob("*") if path.name in names)
    return {str(path.relative_to(run.path)): path.read_bytes() for path in found}


def steps(front: Front) -> dict[str, int]:
    return {candidate.id: candidate.finetune_steps for candidate in front.candidates}


def test_a_better_model_is_exported_with_all_that_goes_with_it(run: RunFolder) -> None:
    id_, other, _ = claim(run, 0.0)
    run.measured(id_, "host").mkdir()
    before = files(run)
    result = invoke("train", str(run.path), "--steps", "4", "--candidate", id_, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert [one["verdict"] for one in told["trained"]] == ["better"]
    assert told["chosen"] == id_
    front = run.front()
    assert steps(front)[id_] == 4
    assert steps(front)[other] != 4
    candidate = next(c for c in front.candidates if c.id == id_)
    accuracy = candidate.scores["int8_validation"].accuracy
    assert accuracy == told["trained"][0]["int8_validation_after"] > 0
    folder = run.candidate(id_)
    changed = {name for name, content in files(run).items() if content != before[name]}
    assert changed >= {f"candidates/{id_}/{name}" for name in ("model.tflite", "golden.npz")}
    assert all(id_ in name for name in changed)
    model, golden = (folder / "model.tflite").read_bytes(), tflm.read_golden(folder / "golden.npz")
    assert (tflm.golden(model, golden.inputs).outputs == golden.outputs).all()
    assert not run.measured(id_, "host").exists(), "was measured on the earlier model"
    assert not list((run.path / "trainings").iterdir())

    again = invoke("train", str(run.path), "--steps", "3", "--candidate", id_)
    assert "trained before" in again.output
    assert max(map(len, again.stdout.splitlines())) <= 80
    assert run.front() == front


def test_a_worse_model_replaces_none_and_is_not_trained_again(run: RunFolder) -> None:
    id_, *_ = claim(run, 1.0)
    before, front = files(run), run.front()
    first = invoke("train", str(run.path), "--steps", "4", "--candidate", id_)
    assert first.exit_code == 0, first.output
    assert "no better" in first.stdout
    assert files(run) == before
    assert run.front() == front
    trained: list[int] = []

    class Watching(Listener):
        def training(self, data: str, step: int, steps: int, loss: float) -> None:
            trained.append(step)

    again = train_candidates(run, [id_], 4, Watching())
    assert [one.verdict for one in again.trained] == ["no better"]
    assert not trained


def test_what_was_stopped_goes_on_and_ends_as_if_undisturbed(
    run: RunFolder, tmp_path: Path
) -> None:
    one, two, _ = claim(run, 0.0)
    calm = RunFolder(shutil.copytree(run.path, tmp_path / "calm"))
    seen: list[tuple[str, int]] = []

    class Watching(Listener):
        def training(self, data: str, step: int, steps: int, loss: float) -> None:
            seen.append((data, step))

    train_candidates(calm, [one, two], 5)
    stopped = train_candidates(run, [one, two], 5, Watching(), lambda: (two, 2) in seen)
    assert stopped.stopped
    assert [trained.id for trained in stopped.trained] == [one]
    assert steps(run.front())[one] == 5
    assert (two, 2) in seen
    assert (two, 3) not in seen
    ended = train_candidates(run, [one, two], 5, Watching())
    assert [trained.verdict for trained in ended.trained] == ["trained before", "better"]
    assert seen == [(id_, step) for id_ in (one, two) for step in range(1, 6)]
    assert run.front().to_json()["candidates"] == calm.front().to_json()["candidates"]
    model = f"candidates/{two}/model.tflite"
    assert files(run)[model] == files(calm)[model]


def test_a_kill_between_the_model_and_front_json_is_made_good(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_, *_ = claim(run, 0.0)

    def killed(run: RunFolder, front: Front) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_front", killed)
        with pytest.raises(KeyboardInterrupt):
            train_candidates(run, [id_], 4)
    assert steps(run.front())[id_] != 4
    outcome = train_candidates(run, [id_], 4)
    assert [trained.verdict for trained in outcome.trained] == ["trained before"]
    assert steps(run.front())[id_] == 4
    assert outcome.trained[0].before > 0


def errors(run: Path, *arguments: str) -> DanasError:
    result = invoke("train", str(run), "--steps", "2", *arguments)
    assert isinstance(result.exception, DanasError)
    return result.exception


def test_the_picks_are_trained_and_without_picks_it_says_what_to_do(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "danas-hil pick" in errors(run.path).hint
    assert "There is no candidate" in errors(run.path, "--candidate", "00000000").what
    chosen: list[str] = []

    def note(_run: RunFolder, ids: tuple[str, ...], *_: Any, **__: Any) -> None:
        chosen.extend(ids)
        raise DanasError("enough")

    monkeypatch.setattr("danas_hil.search.train_candidates", note)
    invoke("pick", str(run.path), "--k", "2")
    picks = run.picks()
    assert picks is not None
    assert errors(run.path).what == "enough"
    assert chosen == list(picks.ids)
    assert invoke("train", str(run.path)).exit_code == 2
    assert invoke("train", str(run.path), "--steps", "0").exit_code == 2


def test_an_exported_copy_and_a_run_without_shared_weights_cannot_be_trained(
    run: RunFolder, tmp_path: Path
) -> None:
    invoke("export", str(run.path), "--to", str(tmp_path / "copied"))
    assert "supernet" in errors(tmp_path / "copied", "--all").what
    assert not (tmp_path / "copied" / "study.db").exists()
    layers = create_run(
        tmp_path / "layers", SearchSettings(data="signs", task=SIGNS, space=layer_space(), trials=1)
    )
    layers.write_front(run.front())
    assert "share no weights" in errors(layers.path, "--all").what

"""The task goes through a search: its metric chooses, its classes are in all that is written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from danas_hil.base import DanasError
from danas_hil.board import Limits
from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.report import write_report
from danas_hil.run import Candidate, Evaluation, RunFolder
from danas_hil.search import Listener, SearchSettings, create_run, search
from danas_hil.search.budget import Clock
from danas_hil.search.export import _warn_of_guessing
from danas_hil.search.loop import EvaluationLoop
from danas_hil.search.selection import best, finalists, members_to_export
from danas_hil.search.session import open_data
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome
from danas_hil.supernet import CHECKPOINT, Checkpoint
from danas_hil.tasks import Scores, Task
from search.small_search import SETTINGS, session
from search.test_interrupted import EVALUATOR
from strategies import make_space

ANIMALS = Task(("bird", "cat", "dog"), metric="recall:dog")
SURE = Scores(0.9, 0.9, 0.9, 100, 0.9, 0.1)
"""Accurate, but blind for the class that counts."""
KEEN = Scores(0.6, 0.6, 0.6, 100, 0.6, 0.8)


def evaluation(index: int, scores: Scores) -> Evaluation:
    genome = Genome(ImageConfig(32, "rgb"), MobileNetV2(1, 0, 0, 0, 0, 0.1 + index / 10))
    return Evaluation(index, genome, "complete", 1000, 1, scores, 0.0, True)


def candidate(scores: Scores) -> Candidate:
    genome = Genome(ImageConfig(32, "rgb"), MobileNetV2(1, 0, 0, 0, 0, 0.1))
    told = {"int8_validation": scores, "int8_test": scores}
    return Candidate(genome.id, genome, 0, 9.0 * scores.accuracy, told, {})


def test_the_metric_chooses_what_is_exported_trained_and_taken() -> None:
    rows = [evaluation(0, SURE), evaluation(1, KEEN)]
    assert members_to_export(rows, 1) == [rows[1]]
    assert finalists(rows)[0] == rows[1]
    sure, keen = (replace(candidate(one), id=id_) for one, id_ in ((SURE, "a"), (KEEN, "b")))
    assert best([sure, keen]) == "b"


class Heard(Listener):
    def __init__(self) -> None:
        self.best: list[float] = []
        self.warnings: list[str] = []

    def evaluated(self, evaluation: Evaluation, best: Evaluation | None) -> None:
        assert best is not None
        assert best.scores is not None
        self.best.append(best.scores.worth)

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def test_progress_shows_the_best_by_the_metric(tmp_path: Path) -> None:
    def scores(genome: Genome) -> Scores:
        value = int(genome.id, 16) % 997 / 997
        return Scores(1 - value, 0.5, 0.5, 100, 0.5, value)

    settings, heard = replace(SETTINGS, trials=6), Heard()
    evaluator = SimpleNamespace(**{**vars(EVALUATOR), "scores": scores})
    with session(create_run(tmp_path / "run", settings), settings, heard) as opened:
        EvaluationLoop(opened, evaluator, Clock(settings, heard, 0.0)).run()
        worths = [one.scores.worth for one in opened.evaluations if one.scores]
    assert heard.best == [max(worths[: place + 1]) for place in range(6)]


def test_what_is_no_better_than_guessing_is_told_with_what_that_gets() -> None:
    labels = [0] * 6 + [1] * 3 + [2] * 1
    task = Task(ANIMALS.classes)
    lazy, able = Scores.of(labels, [0] * 10, task), Scores.of(labels, labels, task)
    heard = Heard()
    _warn_of_guessing([candidate(able)], task, heard)
    assert heard.warnings == []
    _warn_of_guessing([candidate(able), candidate(lazy)], task, heard)
    (told,) = heard.warnings
    assert "1 of the 2 candidates are no better than guessing" in told
    assert "(accuracy 33.3 % by chance, 60 % by always saying bird)" in told


def test_a_run_goes_on_with_the_classes_that_it_began_with(tmp_path: Path) -> None:
    photos = write_pictures(tmp_path / "photos")
    settings = replace(SETTINGS, data=str(photos), task=Task(("bird", "cat")))
    with pytest.raises(DanasError, match=r"other classes.*Then: bird, cat; now: bird, cat, dog"):
        open_data(settings, Listener())


def write_pictures(root: Path) -> Path:
    """Birds are bright, cats are grey, dogs, of which there are few, are dark."""
    rng = np.random.default_rng(0)
    for place, (name, count) in enumerate({"bird": 40, "cat": 20, "dog": 10}.items()):
        (root / name).mkdir(parents=True)
        for number in range(count):
            low = 200 - 90 * place
            pixels = rng.integers(low, low + 50, (24, 24, 3), np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    return root


def test_three_folders_make_a_front_of_three_classes(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="needs the extra search")
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    photos = write_pictures(tmp_path / "photos")
    settings = SearchSettings(
        str(photos),
        ANIMALS,
        Limits(64 * 1024, 512 * 1024),
        space=make_space((16,), ("rgb",), b3=(0, 1), b4=(0,), b5=(0,), b6=(0,), b7=(0,)),
        balance=True,
        trials=3,
        supernet_steps=6,
        batch_size=8,
        export_limit=1,
        export_finetune_steps=0,
    )
    run = create_run(tmp_path / "run", settings)
    outcome = search(run)
    assert outcome.front is not None
    front = RunFolder.open(run.path).front()
    assert front.task == ANIMALS
    assert all(e.scores and not e.scores.confusion for e in front.evaluations)
    (only,) = front.candidates
    scores = only.scores["int8_test"]
    assert scores.counts == (6, 3, 2)
    assert scores.metric == scores.recall_by_class[2]
    assert json.loads((run.candidate(only.id) / "genome.json").read_text())["classes"] == [
        *ANIMALS.classes
    ]
    (checkpoint,) = run.supernets.glob(f"*/{CHECKPOINT}")
    made_by = Checkpoint.load(checkpoint).made_by
    assert made_by["settings"]["class_weights"] == pytest.approx([48 / 84, 48 / 42, 48 / 18])
    write_report(run)
    assert "Class by class" in run.report_file.read_text()

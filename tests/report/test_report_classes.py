"""The report tells of each class how well it is known, whatever the classes are called."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from danas_hil.report import report_page, write_report
from danas_hil.run import Front, RunFolder
from danas_hil.tasks import Scores, Task

from .test_report_page import check

ANIMALS = Task(("cat", "dog", "bird"), metric="recall:dog")
LABELS = [0] * 10 + [1] * 10 + [2] * 5
GIVEN = [0] * 9 + [1] + [1] * 4 + [2] * 6 + [2] * 5


def told_apart(front: Front, task: Task, labels: list[int], given: list[int]) -> Front:
    """The front as one of `task`, its chosen candidate with these answers."""
    scores = Scores.of(labels, given, task)
    candidates = tuple(
        replace(one, scores={**one.scores, "int8_test": scores}) for one in front.candidates
    )
    return replace(front, task=task, candidates=candidates)


def test_the_confusion_matrix_has_every_count_that_is_not_0(front: Front) -> None:
    html = report_page("animals", told_apart(front, ANIMALS, LABELS, GIVEN), {})
    page = check(html)
    assert "Class by class" in page.words
    for tip in (
        "cat called cat: 9 (90\u00a0%)",
        "cat called dog: 1 (10\u00a0%)",
        "dog called bird: 6 (60\u00a0%)",
        "bird called bird: 5 (100\u00a0%)",
    ):
        assert tip in html
    assert "bird called cat" not in html


def test_recall_by_class_is_told_worst_first_with_what_guessing_gets(front: Front) -> None:
    page = check(report_page("animals", told_apart(front, ANIMALS, LABELS, GIVEN), {}))
    table = page.words[page.words.index("Class by class") :]
    assert table.index(" 40.0 %") < table.index(" 90.0 %") < table.index(" 100.0 %")
    assert "Guessing comes to macro F1 32.6 % by chance, 19 % by always saying cat." in page.words
    assert "Precision and recall: mean over the classes" in page.words
    assert "The best recall of dog in int8 on validation examples" in page.words
    assert "recall of dog, int8 test" in page.words


@pytest.mark.parametrize(("given", "warned"), [(GIVEN, False), ([1] * 25, True)])
def test_what_is_no_better_than_guessing_is_marked(
    front: Front, given: list[int], warned: bool
) -> None:
    page = check(report_page("animals", told_apart(front, ANIMALS, LABELS, given), {}))
    assert ("no better than guessing" in page.words) == warned


def test_a_hundred_classes_are_drawn_in_less_than_half_a_megabyte(front: Front) -> None:
    names = tuple(f"class {n}" for n in range(100))
    rng = np.random.default_rng(0)
    labels = np.repeat(range(100), 20)
    given = np.where(rng.random(2000) < 0.6, labels, rng.integers(0, 100, 2000))
    html = report_page("hundred", told_apart(front, Task(names), list(labels), list(given)), {})
    check(html)
    assert html.count('class="cell right') == 100
    assert len(html) < 500_000 + len(report_page("hundred", front, {}))


def test_the_figures_have_the_matrix_and_the_scores_of_each_class(
    front: Front, tmp_path: Path
) -> None:
    run = RunFolder.create(tmp_path / "animals", {})
    run.write_front(told_apart(front, ANIMALS, LABELS, GIVEN))
    write_report(run)
    figures = json.loads((run.path / "figures.json").read_text())["figures"]
    rows = {(row["is_"], row["given"]): row["images"] for row in figures["confusion"]}
    assert rows == {
        ("cat", "cat"): 9,
        ("cat", "dog"): 1,
        ("dog", "dog"): 4,
        ("dog", "bird"): 6,
        ("bird", "bird"): 5,
    }
    by_class = {
        one["name"]: (one["recall"], one["precision"]) for one in figures["scores_by_class"]
    }
    assert by_class == {"cat": (0.9, 1.0), "dog": (0.4, 0.8), "bird": (1.0, 5 / 11)}
    with (run.path / "figures.csv").open() as file:
        told = [row for row in csv.DictReader(file) if row["figure"] == "confusion"]
    assert len(told) == 5


def test_a_front_without_matrices_has_no_section_of_classes(front: Front) -> None:
    page = check(report_page("night", front, {}))
    assert "Class by class" not in page.words
    assert "Precision and recall: of class person" in page.words

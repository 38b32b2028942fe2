from __future__ import annotations

import tomllib

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.base import DanasError
from danas_hil.tasks import Task
from tasks.some_tasks import tasks

PAIR = ("no", "yes")
THREE = ("cat", "dog", "big bird")


@pytest.mark.parametrize(
    ("classes", "settings", "message"),
    [
        ((), {}, "nothing to tell apart"),
        (("cat",), {}, "nothing to tell apart: cat is all"),
        (("cat", "cat"), {}, "Two classes are called 'cat'"),
        (("cat", " "), {}, "' ' is no name of a class"),
        (("cat", "d\nog"), {}, "no name of a class"),
        (tuple(map(str, range(1001))), {}, "1,001 classes are more than 1,000.*--label-column"),
        (PAIR, {"positive": "Yes!"}, r"no class 'Yes!'.*mean yes\?.*Classes: no, yes"),
        (THREE, {"positive": "cat"}, r"none is the positive one.*--metric recall:cat or f1:cat"),
        (THREE, {"metric": "acuracy"}, r"no metric 'acuracy'.*mean accuracy\?.*f1:CLASS"),
        (THREE, {"metric": "f1"}, "no metric 'f1'"),
        (THREE, {"metric": "f1:"}, "no metric 'f1:'"),
        (THREE, {"metric": "recall:big brd"}, r"no class 'big brd'.*mean big bird\?"),
        (THREE, {"metric": "precision:cat"}, "no metric"),
    ],
)
def test_what_is_no_task_is_told_with_what_to_do(
    classes: tuple[str, ...], settings: dict, message: str
) -> None:
    with pytest.raises(DanasError, match=message):
        Task(classes, **settings)


def test_places_are_those_of_the_outputs() -> None:
    assert Task(PAIR, "no").positive_label == 0
    assert Task(PAIR).positive_label is None
    assert Task(THREE, metric="f1:big bird").metric_label == 2
    assert Task(THREE, metric="macro-f1").metric_label is None
    assert Task(("a:b", "c"), metric="recall:a:b").metric_label == 0


def test_metric_and_averaging_have_words() -> None:
    assert Task(THREE, metric="f1:big bird").metric_name == "F1 of big bird"
    assert Task(THREE, metric="macro-f1").metric_name == "macro F1"
    assert Task(THREE).averaging == "mean over the classes"
    assert Task(PAIR, "yes").averaging == "of class yes"


@given(tasks() | tasks(st.just(100)))
def test_a_task_comes_back_from_toml(task: Task) -> None:
    assert Task.from_json(tomllib.loads(tomli_w.dumps(task.to_json()))) == task


def test_a_damaged_task_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks 'classes'"):
        Task.from_json({"metric": "accuracy"})
    with pytest.raises(ValueError, match=r"classes\[1\] is 3, not a text"):
        Task.from_json({"classes": ["cat", 3]})

"""Tasks that tests search for."""

from hypothesis import strategies as st

from danas_hil.data import task_of
from danas_hil.signals.image.files import open_images
from danas_hil.tasks import Task

SIGNS = task_of(open_images("signs"))
"""What the built-in set is told apart by."""

PERSON = Task(("no person", "person"), positive="person")


NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1)


@st.composite
def tasks(draw: st.DrawFn, counts: st.SearchStrategy[int] | None = None) -> Task:
    """Tasks of 2 to 5 classes, or of as many as `counts` says, of any metric."""
    count = draw(st.integers(2, 5) if counts is None else counts)
    if count > 5:
        names = [f"class {number}" for number in range(count)]
    else:
        names = draw(st.lists(NAMES, min_size=count, max_size=count, unique=True))
    positive = draw(st.sampled_from([None, *names])) if count == 2 else None
    one = draw(st.sampled_from(names))
    metric = draw(st.sampled_from(["accuracy", "macro-f1", f"f1:{one}", f"recall:{one}"]))
    return Task(tuple(names), positive, metric)


@st.composite
def answers(draw: st.DrawFn) -> tuple[Task, list[int], list[int]]:
    """A task of 2 to 100 classes with labels and what was given for them."""
    task = draw(tasks(st.sampled_from([2, 3, 4, 10, 100])))
    one = st.integers(0, len(task.classes) - 1)
    pairs = draw(st.lists(st.tuples(one, one), min_size=1, max_size=60))
    return task, [label for label, _ in pairs], [given for _, given in pairs]

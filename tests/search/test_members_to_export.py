"""Which members of a front are exported when there are too many."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.run import Evaluation
from danas_hil.search.selection import members_to_export
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome
from danas_hil.tasks import Scores

GENOME = Genome(ImageConfig(32, "rgb"), MobileNetV2(1, 0, 0, 0, 0, 0.1))
FRONTS = st.lists(st.tuples(st.integers(0, 100), st.integers(1, 50)), min_size=1, max_size=40)


def front(pairs: list[tuple[int, int]]) -> list[Evaluation]:
    return [
        Evaluation(i, GENOME, "complete", ram * 1000, 1, Scores(accuracy / 100, 0, 0, 9), 0.0)
        for i, (accuracy, ram) in enumerate(pairs)
    ]


@given(FRONTS, st.integers(1, 45))
def test_as_many_are_kept_as_there_is_room_for_and_none_twice(
    pairs: list[tuple[int, int]], limit: int
) -> None:
    kept = members_to_export(front(pairs), limit)
    assert len(kept) == min(limit, len(pairs))
    assert len({evaluation.index for evaluation in kept}) == len(kept)


@given(FRONTS, st.integers(1, 45))
def test_the_most_accurate_one_is_always_kept(pairs: list[tuple[int, int]], limit: int) -> None:
    rows = front(pairs)
    best = max(row.scores.accuracy for row in rows if row.scores)
    assert best in [row.scores.accuracy for row in members_to_export(rows, limit) if row.scores]


@given(FRONTS, st.integers(2, 45))
def test_the_smallest_one_is_kept_too(pairs: list[tuple[int, int]], limit: int) -> None:
    rows = front(pairs)
    assert min(row.ram_bytes or 0 for row in rows) in [
        r.ram_bytes for r in members_to_export(rows, limit)
    ]


def test_they_come_in_order_of_ram() -> None:
    kept = members_to_export(front([(90, 30), (50, 10), (70, 20)]), 3)
    assert [row.ram_bytes for row in kept] == [10_000, 20_000, 30_000]

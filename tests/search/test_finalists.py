"""Which candidates are trained by themselves, and for how long."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.run import Evaluation
from danas_hil.search.budget import FINETUNED
from danas_hil.search.selection import finalists
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome
from danas_hil.tasks import Scores


def _evaluation(index: int, resolution: int, right: int) -> Evaluation:
    genome = Genome(ImageConfig(resolution, "rgb"), MobileNetV2(1, 0, 0, 0, 0, 0.1))
    scores = Scores(accuracy=right / 100, precision=0.5, recall=0.5, images=100)
    return Evaluation(index, genome, "complete", ram_bytes=1, flash_bytes=1, scores=scores)


fronts = st.lists(st.tuples(st.sampled_from([32, 64, 96]), st.integers(0, 100))).map(
    lambda drawn: [_evaluation(number, *one) for number, one in enumerate(drawn)]
)


@given(fronts)
def test_finalists_are_few_and_not_all_of_one_data_configuration(front: list[Evaluation]) -> None:
    chosen = finalists(front)
    assert len(chosen) <= FINETUNED
    alike = Counter(evaluation.genome.data for evaluation in chosen)
    assert all(count <= FINETUNED // 2 for count in alike.values())


@given(fronts)
def test_the_most_accurate_is_a_finalist_and_none_is_passed_over_for_a_worse_one_of_its_data(
    front: list[Evaluation],
) -> None:
    chosen = finalists(front)
    accuracies = [_accuracy(evaluation) for evaluation in chosen]
    assert accuracies == sorted(accuracies, reverse=True)
    assert not front or accuracies[0] == max(map(_accuracy, front))
    for evaluation in front:
        alike = [e for e in chosen if e.genome.data == evaluation.genome.data]
        if evaluation not in chosen and alike:
            assert min(map(_accuracy, alike)) >= _accuracy(evaluation)


def _accuracy(evaluation: Evaluation) -> float:
    assert evaluation.scores is not None
    return evaluation.scores.accuracy

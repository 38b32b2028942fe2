import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.tasks import class_weights


def test_a_class_with_half_its_share_counts_double() -> None:
    assert class_weights((60, 30, 10)) == pytest.approx((100 / 180, 100 / 90, 100 / 30))
    assert class_weights((5, 5)) == (1, 1)


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=100))
def test_every_class_counts_alike_and_an_example_one_on_average(counts: list[int]) -> None:
    weights = class_weights(counts)
    shares = [weight * count for weight, count in zip(weights, counts, strict=True)]
    assert shares == pytest.approx([sum(counts) / len(counts)] * len(counts))
    assert sum(shares) / sum(counts) == pytest.approx(1)

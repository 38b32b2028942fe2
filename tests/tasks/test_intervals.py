import pytest

from danas_hil.tasks import t_interval, t_quantile, wilson_interval


# Newcombe, Statistics in Medicine 17 (1998), 857-872, Table I, method 3 (score).
@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_intervals_are_those_of_the_literature(
    right: int, count: int, low: float, high: float
) -> None:
    assert wilson_interval(right / count, count) == pytest.approx((low, high), abs=5e-5)


def test_of_no_trials_nothing_is_known() -> None:
    assert wilson_interval(0.5, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("degrees", "t"),
    [(1, 12.7062), (2, 4.30265), (3, 3.18245), (4, 2.77645), (9, 2.26216), (30, 2.04227)],
)
def test_students_t_is_that_of_the_tables(degrees: int, t: float) -> None:
    assert t_quantile(degrees) == pytest.approx(t, abs=1e-4)


# The shares other than 95 %: the same tables' columns for 0.25, 0.05 and 0.005 in one tail.
@pytest.mark.parametrize(
    ("degrees", "expected"),
    [
        (2, (0.816497, 2.919986, 9.924843)),
        (5, (0.726687, 2.015048, 4.032143)),
        (12, (0.695483, 1.782288, 3.054540)),
    ],
)
def test_students_t_of_other_shares_is_that_of_the_tables(
    degrees: int, expected: tuple[float, float, float]
) -> None:
    found = tuple(t_quantile(degrees, share) for share in (0.5, 0.9, 0.99))
    assert found == pytest.approx(expected, abs=1e-6)


def test_students_interval_is_around_the_mean_and_none_for_one_value() -> None:
    interval = t_interval([1.0, 2.0, 3.0])
    assert interval is not None
    assert interval == pytest.approx((2 - 2.48414, 2 + 2.48414), abs=1e-4)
    assert t_interval([5.0, 5.0]) == (5.0, 5.0)
    assert t_interval([1.0]) is None

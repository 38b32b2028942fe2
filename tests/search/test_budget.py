"""A time budget becomes training steps."""

from __future__ import annotations

import pytest

from danas_hil.estimate import paper
from danas_hil.search import budget
from danas_hil.supernet import Subnets
from strategies import make_space

SPACE = make_space(resolution=(32, 64, 96))
EACH = {data.name: Subnets(SPACE, "mobilenet_v2", (data,), 2) for data in SPACE.data_configs}
ALL = Subnets(SPACE, "mobilenet_v2", SPACE.data_configs, 2)


def test_steps_fill_the_training_time() -> None:
    use = budget.expected_use(SPACE, lambda genome: True)
    seconds = {data.name: 0.001 * data.resolution for data in SPACE.data_configs}
    plan = budget.plan_steps(3600.0, EACH, use, seconds)
    assert plan.seconds == pytest.approx(3600, rel=0.01)
    assert plan.steps["32-rgb"] > plan.steps["96-rgb"]


def test_a_supernet_for_all_data_gets_all_the_time() -> None:
    use = budget.expected_use(SPACE, lambda genome: True)
    plan = budget.plan_steps(100.0, {"shared": ALL}, use, {"shared": 0.5})
    assert plan.steps == {"shared": 200}


def test_steps_of_fine_tuning_follow_from_its_time_and_are_none_if_few() -> None:
    assert budget.finetune_steps(900, 0.1) == int(900 / 0.1) // 4
    assert budget.finetune_steps(15, 0.1) == 0
    assert budget.finetune_steps(1e6, 0.1) == budget.FINETUNE_MOST_STEPS


def test_where_everything_fits_all_data_are_used_alike() -> None:
    shares = budget.expected_use(SPACE, lambda genome: True).values()
    assert max(shares) == pytest.approx(min(shares))


def test_data_that_leave_no_room_for_a_network_get_less_but_something() -> None:
    use = budget.expected_use(SPACE, lambda genome: paper(genome, 2).ram_bytes < 20_000)
    assert sum(use.values()) == pytest.approx(1)
    by_name = {data.name: share for (_, data), share in use.items()}
    assert by_name["96-rgb"] < by_name["32-rgb"]
    assert min(use.values()) > 0


def test_nothing_fitting_still_gives_every_supernet_its_share() -> None:
    use = budget.expected_use(SPACE, lambda genome: False)
    assert sum(use.values()) == pytest.approx(1)


def test_a_tiny_budget_still_trains_a_little() -> None:
    use = budget.expected_use(SPACE, lambda genome: True)
    plan = budget.plan_steps(0.01, EACH, use, dict.fromkeys(EACH, 1.0))
    assert set(plan.steps.values()) == {budget.LEAST_STEPS}


def test_the_export_keeps_at_most_its_share_of_the_budget() -> None:
    assert budget.export_reserve(60, 100) == pytest.approx(6)
    assert budget.export_reserve(36_000, 10) == pytest.approx(100)

"""Laws of the drawings: scales, ticks, escaping, and where marks stand."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.board import Limits
from danas_hil.compare import Compared
from danas_hil.estimate.planner import PlannedBuffer
from danas_hil.report import EstimatePanel, estimates_page, memory_plan_svg
from danas_hil.report.figures import (
    ROWS_DRAWN,
    accuracy_against_ram,
    estimate_against_observation,
    fitness_floor,
    fitness_over_search,
    spread,
)
from danas_hil.report.markup import element, esc, number
from danas_hil.report.rows import Step, fits, systems
from danas_hil.report.svg import Scale, memory_axis, nice_ticks, plain
from danas_hil.report.tables import _amount
from danas_hil.run import Front

values = st.floats(-1e9, 1e9, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1_269_280, "1 269 280"),
        (1_269_280.0, "1 269 280"),
        (12_345_678_901, "12 345 678 901"),
        (1_000_000.4, "1 000 000"),
        (999_999, "999 999"),
        (1234.5, "1 234.5"),
        (0.25, "0.25"),
        (-1_500_000, "-1 500 000"),
        (0, "0"),
    ],
)
def test_numbers_have_all_their_digits_however_large(value: float, words: str) -> None:
    assert plain(value) == words


def test_a_long_time_is_told_in_plain_milliseconds() -> None:
    assert str(_amount(12_345_678.0, "us")) == "12 350 ms"
    assert str(_amount(83_126.0, "us")) == "83.13 ms"


@given(low=values, span=st.floats(1e-3, 1e9), count=st.integers(2, 10))
def test_ticks_lie_within_their_range_and_are_few(low: float, span: float, count: int) -> None:
    ticks = nice_ticks(low, low + span, count)
    room = 1e-6 * max(1.0, abs(low), span)
    assert all(low - room <= tick <= low + span + room for tick in ticks)
    assert len(ticks) <= count + 2


@given(st.lists(st.integers(1, 2**40), max_size=20))
def test_an_axis_of_memory_holds_all_values_and_has_some_ticks(sizes: list[int]) -> None:
    axis = memory_axis(map(float, sizes), 100, 600, "RAM")
    assert all(100 <= axis.scale(size) <= 600 for size in sizes)
    assert 1 <= len(axis.ticks) <= 9
    assert all(99.9 <= axis.scale(tick) <= 600.1 for tick in axis.ticks)


def test_a_scale_maps_its_ends_onto_its_coordinates() -> None:
    for logarithmic in (False, True):
        scale = Scale(2, 32, 10, 50, logarithmic)
        assert (scale(2), scale(32)) == (10, 50)
    assert Scale(2, 32, 10, 50, logarithmic=True)(8) == 30


@given(st.text())
def test_text_cannot_leave_its_place(words: str) -> None:
    assert not set("<>\"'") & set(esc(words))
    assert "<" not in element("text", esc(words), class_=words)[1:-7]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_never_drawn(value: float) -> None:
    with pytest.raises(ValueError, match="can't be drawn"):
        number(value)


def test_numbers_have_one_decimal_and_no_negative_zero() -> None:
    assert [number(v) for v in (-0.01, 0.06, -3.04, 12, 1234.56)] == [
        "0",
        "0.1",
        "-3",
        "12",
        "1234.6",
    ]


def test_each_system_is_one_mark_of_its_kind(front: Front) -> None:
    rows = systems(front.evaluations)
    svg = accuracy_against_ram(rows, front.limits, front.chosen)
    for class_, expected in (
        ("front", sum(s.pareto for s in rows)),
        ("over", sum(not s.feasible for s in rows)),
    ):
        assert len(re.findall(rf'<circle [^>]*class="{class_}"', svg)) == expected
    assert svg.count('class="chosen"') == 1
    assert svg.count("RAM limit 256 kB") == 1


def test_the_pictures_of_the_search_leave_out_only_deep_penalties() -> None:
    steps = [Step(i, 0.0, 4.0 if i % 30 else -900.0, 3.9) for i in range(1, 400)]
    assert fitness_floor(steps) > 0
    assert fitness_over_search(steps).count("h0") == sum(s.fitness > 0 for s in steps)


@given(st.integers(0, 500), st.integers(2, 60))
def test_candidates_drawn_are_spread_from_first_to_last(count: int, most: int) -> None:
    names = [str(place) for place in range(count)]
    drawn = spread(names, most)
    assert len(drawn) == len(set(drawn)) == min(count, most)
    assert drawn[:1] == names[:1]
    assert drawn[-1:] == names[-1:]


def test_a_comparison_of_many_candidates_draws_a_part_of_them() -> None:
    rows = [
        Compared(f"c{i}", "t", "b", "host", "arena", "bytes", "exact", i, i + 16)
        for i in range(1, 300)
    ]
    assert estimate_against_observation(rows, "arena").count('class="seen host"') == ROWS_DRAWN


@pytest.mark.parametrize(
    ("ram", "flash", "limits", "verdict"),
    [
        (2048, 2048, Limits(2048, 2048), True),
        (2049, 2048, Limits(2048, 2048), False),
        (None, 2048, Limits(2048, 2048), None),
        (None, 2049, Limits(2048, 2048), False),
        (None, 1, Limits(None, 2048), True),
        (None, None, Limits(), True),
    ],
)
def test_a_verdict_is_unknown_only_where_a_missing_figure_decides(
    ram: int | None, flash: int | None, limits: Limits, verdict: bool | None
) -> None:
    assert fits(ram, flash, {}, limits) is verdict


def _boxes(svg: str) -> list[tuple[float, float, float, float]]:
    """(left, right, top, bottom) of each buffer's box."""
    found = re.findall(
        r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)" class="buffer', svg
    )
    sides = [tuple(map(float, box)) for box in found]
    return [(x, x + width, y, y + height) for x, y, width, height in sides]


def test_a_memory_plan_shows_every_buffer_and_no_two_boxes_overlap(
    memory_plan: tuple[PlannedBuffer, ...],
) -> None:
    boxes = _boxes(memory_plan_svg(memory_plan))
    assert len(boxes) == len(memory_plan)
    for place, (left, right, top, bottom) in enumerate(boxes):
        for other in boxes[:place]:
            apart = (other[0] - right, left - other[1], other[2] - bottom, top - other[3])
            assert max(apart) > -0.25  # coordinates are rounded to a tenth


def test_the_page_of_an_estimate_says_what_comes_out_wrong() -> None:
    fault = {"severity": "wrong", "what": "DENSE <is> wrong", "hint": "Convert it again."}
    page = estimates_page(
        [EstimatePanel({"model": "m", "fits": False, "outputs": [fault]}, Limits())]
    )
    assert "outputs wrong: </strong>DENSE &lt;is&gt; wrong. Convert it again." in page


def test_an_empty_memory_plan_is_an_empty_picture() -> None:
    assert _boxes(memory_plan_svg(())) == []


def test_the_caption_says_which_boxes_of_a_memory_plan_share_bytes(
    memory_plan: tuple[PlannedBuffer, ...],
) -> None:
    """Across is time, up is the address: one above the other, at one time, at two addresses."""
    page = estimates_page([EstimatePanel({"model": "m"}, Limits(), (), memory_plan)])
    assert "Boxes above each other live at once and share no byte" in page
    assert "boxes beside each other hold the same bytes in turn" in page


def test_the_page_of_estimates_has_a_section_for_each_model(
    memory_plan: tuple[PlannedBuffer, ...], make_front: Callable[..., Front]
) -> None:
    good = {
        "model": "a<b>.tflite",
        "board": "nano33ble",
        "build": "arduino",
        "kernels": "cmsis-nn",
        "arena": {"used_bytes": 100708, "minimum_bytes": 100720},
        "flash": {"total_bytes": 443712},
        "ram": {"total_bytes": None},
        "fits": "unknown",
    }
    bad = {"model": "b.tflite", "error": {"what": "b.tflite is cut off.", "hint": "Copy it."}}
    limits = Limits(262144, 983040, "nano33ble")
    html = estimates_page(
        [
            EstimatePanel(good, limits, (("activations", 73728),), memory_plan),
            EstimatePanel(bad, limits),
        ]
    )
    assert html.count("<section>") == 2
    assert html.count("<svg") == 1
    for words in ("a&lt;b&gt;.tflite", "100 720", "unknown", "45 %", "b.tflite is cut off."):
        assert words in html

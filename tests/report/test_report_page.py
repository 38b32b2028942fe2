"""What the report of a run must hold, whatever the run."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from danas_hil.base import DanasError, write_json
from danas_hil.board import Limits
from danas_hil.compare import Compared
from danas_hil.measure import Measurement
from danas_hil.report import Measured, report_page, write_report
from danas_hil.report.measured import Outcome, TargetWords
from danas_hil.report.rows import members
from danas_hil.run import Front, RunFolder
from danas_hil.tasks import Scores, Task
from tasks.some_tasks import PERSON

HOSTILE = "<script>alert('x')</script>\"&"


class Page(HTMLParser):
    """Checks nesting, and gathers tags, attributes and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).replace("\xa0", " ").split())


def check(html: str) -> Page:
    """A whole page that loads nothing, runs nothing and has no number that is none."""
    page = Page(html)
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not any(name.startswith("on") or name in ("src", "href") for name, _ in page.attributes)
    assert "url(" not in html
    assert "@import" not in html
    assert not re.search(r"\b(nan|NaN|inf|None)\b", html.partition("</style>")[2])
    return page


@pytest.mark.parametrize("count", [1, 2, 30, 600])
def test_a_run_of_any_length_renders(make_front: Callable[..., Front], count: int) -> None:
    page = check(report_page("night", make_front(count, seed=4), {"seed": 4}))
    assert f"{count} evaluations" in page.words


def test_a_run_of_5000_evaluations_stays_below_3_mb(make_front: Callable[..., Front]) -> None:
    html = report_page("night", make_front(5000, seed=2), {})
    check(html)
    assert len(html) < 3_000_000


@pytest.mark.parametrize("dropped", [False, True])
def test_a_run_in_which_nothing_fits_says_so(
    make_front: Callable[..., Front], dropped: bool
) -> None:
    front = make_front(40, limits=Limits(8192, 65536, "a watch"), dropped=dropped)
    assert front.chosen is None
    page = check(report_page("watch", front, {}))
    assert "Nothing fits" in page.words
    assert "The front is empty" in page.words
    assert ("dropped before training" in page.words) == dropped


def test_a_run_without_limits_renders(make_front: Callable[..., Front]) -> None:
    page = check(report_page("free", make_front(40, limits=Limits()), {}))
    assert "no limit" in page.words
    assert "RAM limit" not in page.words


def test_a_front_without_evaluations_renders() -> None:
    check(report_page("empty", Front("empty", PERSON, Limits(), "paper", (), None), {}))


def test_names_are_shown_and_never_run(front: Front) -> None:
    groups = {HOSTILE: Scores(0.5, 0.5, 0.5, 10)}
    first = front.candidates[0]
    known = {**first.scores, "int8_test": Scores(0.5, 0.5, 0.5, 4, 0.5, 0.5, ((1, 1), (1, 1)))}
    candidate = replace(first, id=HOSTILE, groups=groups, scores=known)
    hostile = Front(
        HOSTILE,
        Task((HOSTILE, "other"), HOSTILE, f"f1:{HOSTILE}"),
        Limits(262144, None, HOSTILE),
        HOSTILE,
        (candidate,),
        HOSTILE,
        front.evaluations,
    )
    seen = Measured(
        (
            Outcome(
                *(HOSTILE, HOSTILE, "host", HOSTILE, None, HOSTILE, 1, 1.0, 1, HOSTILE, None),
                *(HOSTILE, HOSTILE),
            ),
        ),
        (Compared(HOSTILE, HOSTILE, HOSTILE, "host", "arena", "bytes", "exact", 1, 2),),
        {HOSTILE: TargetWords(HOSTILE, "host", HOSTILE, HOSTILE)},
    )
    config = {HOSTILE: HOSTILE, "data": {HOSTILE: [HOSTILE, {HOSTILE: HOSTILE}]}}
    page = check(report_page(HOSTILE, hostile, config, seen))
    assert " ".join(HOSTILE.split()) in page.words


def test_the_page_names_every_candidate_of_the_front(front: Front) -> None:
    words = check(report_page("night", front, {})).words
    for candidate in front.candidates:
        assert candidate.id in words


def test_every_kind_of_figure_is_labelled(front: Front, measured: Measured) -> None:
    words = check(report_page("night", front, {}, measured)).words
    for label in ("estimated", "emulated", "measured", "measured on the host"):
        assert label in words
    for target in measured.targets:
        assert f"({target})" in words
    assert "Arduino Nano 33 BLE Sense, TFLM Chirale 2.0.0, cmsis-nn kernels" in words


def test_how_a_device_makes_the_input_is_told_as_counted(front: Front) -> None:
    words = check(report_page("night", front, {})).words
    assert "frame; cut. 352 B beside the input, 116,736 operations: counted, not measured" in words


def test_an_estimate_without_error_reads_0_and_others_are_signed(front: Front) -> None:
    rows = tuple(
        Compared("c", "t", "b", "host", "arena", "bytes", model, estimate, 20000)
        for model, estimate in (("exact", 20000), ("paper", 15000))
    )
    seen = Measured((), rows, {"t": TargetWords("b", "host", "v", "k")})
    words = check(report_page("x", front, {}, seen)).words
    assert "20 000 B 20 000 B 0 15 000 B −5 000 (−25.0 %)" in words


def test_all_figures_are_exported_as_json_and_csv(
    make_run: Callable[..., RunFolder], front: Front, measurements: list[Measurement]
) -> None:
    run = make_run(front, measurements)
    path = write_report(run)
    assert path == run.report_file
    check(path.read_text(encoding="utf-8"))
    exported = json.loads((run.path / "figures.json").read_text())["figures"]
    scored = [e for e in front.evaluations if e.scores]
    assert [r["evaluation"] for r in exported["accuracy_against_ram"]] == [e.index for e in scored]
    assert len(exported["pareto_front"]) == len(front.candidates)
    assert exported["front_over_search"][-1]["fraction"] == 1
    window = [e.fitness for e in scored if e.fitness is not None][100:125]
    assert exported["fitness_over_search"][124]["mean"] == pytest.approx(np.mean(window))
    assert len(exported["measurements"]) == len(measurements)
    arenas = [r for r in exported["estimate_against_measurement"] if r["quantity"] == "arena"]
    assert {r["error"] for r in arenas if r["model"] == "exact"} == {0, None}
    assert all(r["error"] < 0 for r in arenas if r["model"] == "paper" and r["observed"])
    with (run.path / "figures.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(map(len, exported.values()))
    first = next(row for row in rows if row["figure"] == "pareto_front")
    assert float(first["int8_test"]) == exported["pareto_front"][0]["int8_test"]


def test_a_run_without_a_front_is_an_error_that_says_what_to_do(
    make_run: Callable[..., RunFolder], front: Front
) -> None:
    run = make_run(front)
    run.front_file.unlink()
    with pytest.raises(DanasError, match="resume"):
        write_report(run)


def test_the_report_is_the_same_when_it_is_written_again(
    make_run: Callable[..., RunFolder], front: Front, measurements: list[Measurement]
) -> None:
    run = make_run(front, measurements)
    first = write_report(run).read_bytes()
    assert write_report(run).read_bytes() == first


def test_settings_are_shown_in_words(front: Front) -> None:
    config = {
        "search": {"time_budget": 5400, "drop_infeasible": True},
        "limits": {"ram_bytes": 262144},
        "data": {"training": {"person": 12}},
        "space": {"alpha": [0.1, 0.25], "colour": []},
    }
    words = check(report_page("x", front, config)).words
    for line in (
        "time budget 1 h 30 min",
        "drop infeasible yes",
        "ram 256 kB (262144 bytes)",
        "training · person 12",
        "alpha 0.1 , 0.25",
    ):
        assert line.replace(" ,", ",") in words.replace(" ,", ",")


def test_the_time_of_an_inference_is_shown_where_it_is_estimated(front: Front) -> None:
    assert "one inference" not in check(report_page("x", front, {})).words
    source = "qemu-m4, fitted on emulated times of 75 models"
    limits = replace(front.limits, latency_us=1e5)
    timed = replace(
        front,
        limits=limits,
        candidates=tuple(
            replace(
                candidate,
                estimate={
                    "totals": {
                        **candidate.estimate["totals"],
                        "latency_us": 99_000.0 + 2_000 * (place % 2),
                        "latency_source": source,
                    }
                },
            )
            for place, candidate in enumerate(front.candidates)
        ),
    )
    words = check(report_page("x", timed, {})).words
    assert f"time of one inference ({source})" in words
    assert "99 ms" in words
    assert "101 ms" in words
    for member in members(timed):
        assert member.latency_us is not None
        assert member.fits == (member.latency_us <= 1e5)


def test_an_uncalibrated_time_is_marked_and_its_band_decides(front: Front) -> None:
    source = "estimated, uncalibrated, ±20 %; nano33ble, Arm's cycles x 1.19"
    expected = {79_000.0: True, 99_000.0: None, 101_000.0: None, 126_000.0: False}
    chosen = front.candidates[0]
    for latency, fits in expected.items():
        totals = {
            **chosen.estimate["totals"],
            "complete": True,
            "latency_us": latency,
            "latency_source": source,
            "latency_band": 0.2,
        }
        one = replace(chosen, estimate={"totals": totals})
        timed = replace(front, limits=Limits(latency_us=1e5), candidates=(one,))
        (member,) = members(timed)
        assert member.fits is fits
        words = check(report_page("x", timed, {})).words
        assert f"time of one inference ({source})" in words
        assert f"{latency / 1000:.4g} ms ±20 %" in words


def test_of_the_rates_of_latency_their_source_is_shown(front: Front) -> None:
    rates = {"board": "qemu-m4", "kind": "emulated", "rates": {"dense": {"mac": 0.1}}}
    config = {"latency": {**rates, "models": ["ab"] * 75, "median_error": 0.003}}
    words = check(report_page("x", front, config)).words
    assert "kind emulated" in words
    assert "models 75" in words
    assert "mac" not in words.split()


def test_measurements_are_shown_with_what_went_wrong(measured: Measured, front: Front) -> None:
    words = check(report_page("x", front, {}, measured)).words
    assert "nano33ble@7E1A (measured)" in words
    assert "RAM is over by 12 bytes. Take a smaller <model>." in words
    good = next(o for o in measured.outcomes if o.status == "OK")
    assert f" · arena {good.arena_used_bytes:,} B".replace(",", " ") in words
    assert "OK · fits · " in words
    assert [o.status for o in measured.outcomes].count("SIZE") == 1


def test_whose_is_what_of_a_firmware_is_shown_and_adds_up(measured: Measured, front: Front) -> None:
    page = check(report_page("x", front, {}, measured)).words
    assert "What takes flash and static RAM" in page
    assert {row.target for row in measured.shares} == {"qemu-m4", "nano33ble@7E1A"}
    flash = {
        (r.candidate, r.target): r.observed for r in measured.compared if r.quantity == "flash"
    }
    for row in measured.shares:
        parts = (row.model, row.tflm, row.sketch, row.framework, row.c_library, row.linker)
        if row.memory == "flash":
            assert sum(parts) == flash[row.candidate, row.target]
    assert "What takes flash" not in report_page("x", front, {}, replace(measured, shares=()))


def test_accuracy_on_a_device_stands_beside_its_time(measured: Measured, front: Front) -> None:
    good = next(o for o in measured.outcomes if o.status == "OK")
    scored = replace(good, accuracy=0.8125, precision=0.5, recall=0.25, test_images=160)
    page = report_page("x", front, {}, Measured((scored,)))
    assert "accuracy 81.2 %" in check(page).words
    assert "on 160 test examples, classified there; precision 50 %, recall 25 %" in page.replace(
        "\u00a0", " "
    )


def test_what_is_over_a_boards_limit_does_not_fit(measured: Measured) -> None:
    by_target = {o.target: o.fits for o in measured.outcomes if o.status == "SIZE"}
    assert by_target == {"nano33ble@7E1A": False}
    assert all(o.fits for o in measured.outcomes if o.target == "qemu-m4")


def test_a_damaged_measurement_is_named(make_run: Callable[..., RunFolder], front: Front) -> None:
    run = make_run(front)
    file = run.measured(front.candidates[0].id, "host") / "measurement.json"
    write_json(file, {"schema": 1, "status": "OK"})
    with pytest.raises(DanasError, match=r"host.measurement\.json"):
        write_report(run)


def test_a_board_that_is_not_known_here_is_shown_by_its_id(
    make_run: Callable[..., RunFolder], front: Front, measurements: list[Measurement]
) -> None:
    run = make_run(front, [replace(measurements[0], target="mine", board="mine")])
    assert "mine, TFLM" in check(write_report(run).read_text(encoding="utf-8")).words


def test_a_run_without_measurements_says_so(front: Front) -> None:
    assert "No candidate has been run on a board" in check(report_page("x", front, {})).words

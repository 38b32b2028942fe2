"""The front door: flash, RAM, verdicts and the shape of the JSON."""

import json
import time

import pytest

from danas_hil.base import DanasError
from danas_hil.board import Limits, Share
from danas_hil.builds import CodeTable, list_builds, load_build
from danas_hil.estimate import Firmware, estimate_genome, estimate_model, lay_out
from danas_hil.estimate.lines import Line, all_fit, fits_within, total
from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome

GENOME = Genome(ImageConfig(96, "rgb"), MobileNetV2(2, 1, 1, 1, 0, 0.3))
BUILT = Firmware(
    toolchain="stm32 -Os",
    code=Share.exact(20_000, "a build"),
    static=Share.exact(3_000, "a build"),
    stack=Share.exact(2_000, "a build"),
    framework=Share.exact(1_000, "a build"),
)


def test_every_line_of_ram_is_told_and_unknown_until_a_build_tells():
    before = estimate_genome(GENOME, 2, load_build("arduino"))
    assert [line.bytes for line in before.ram.lines] == [before.arena.minimum_bytes] + [None] * 3
    assert before.ram.total_bytes is None
    after = estimate_genome(GENOME, 2, load_build("arduino"), firmware=BUILT)
    assert after.ram.total_bytes == after.arena.minimum_bytes + 6_000


def test_flash_is_the_file_the_library_and_the_rest(shared):
    content = (shared / "data/models/vww_96_int8.tflite").read_bytes()
    found = estimate_model(content, load_build("arduino"), firmware=BUILT)
    assert found.flash.model_bytes == len(content)
    assert found.flash.code_bytes == 63_000 + 20_000
    assert found.flash.total_bytes == len(content) + 83_000
    assert all(line.source for line in found.flash.lines)


@pytest.mark.parametrize(
    ("toolchain", "name", "code"),
    [
        ("stm32 -Os", "person_detect", 57680),
        ("stm32 -O2", "pretrainedResnet_quant", 70365),
        ("stm32 -O3", "ad01_int8", 39992),
        ("mbed -Os", "vww_96_int8", 71032),
    ],
)
def test_the_library_takes_what_was_measured_for_its_operators(shared, toolchain, name, code):
    content = (shared / "data/models" / f"{name}.tflite").read_bytes()
    found = estimate_model(content, load_build("arduino"), firmware=Firmware(toolchain=toolchain))
    assert found.flash.library.bytes == code


def test_code_of_operators_without_a_figure_is_unknown():
    table = CodeTable(
        "here", {frozenset({"ADD"}): 70}, 10, {frozenset({"ADD", "MUL"}): 5, frozenset({"MUL"}): 2}
    )
    assert table.bytes_for(frozenset({"ADD"})) == 70
    assert table.bytes_for(frozenset({"MUL"})) == 17
    assert table.bytes_for(frozenset({"ADD", "MUL"})) == 17
    assert table.bytes_for(frozenset({"ADD", "SUB"})) is None
    assert CodeTable("here", {}, None, {}).bytes_for(frozenset({"ADD"})) is None


BUILDS = [load_build(choice.name, k) for choice in list_builds() for k in choice.kernels]
TABLES = {(b.name, b.kernels, tool): t for b in BUILDS for tool, t in b.code.items()}


@pytest.mark.parametrize("key", [k for k, t in TABLES.items() if t.groups], ids=str)
def test_what_operators_add_comes_within_three_percent_of_programs_linked_with_several(key):
    table = TABLES[key]
    summed = CodeTable(table.source, {}, table.base, table.groups)
    for operators, linked in table.sets.items():
        assert summed.bytes_for(operators) == pytest.approx(linked, rel=0.03)


def test_every_code_table_has_a_source():
    assert all(table.source for table in TABLES.values())


@pytest.mark.parametrize(
    ("sizes", "limit", "verdict"),
    [
        ((10, 20), 30, True),
        ((10, 20), 29, False),
        ((10, None), 29, None),
        ((30, None), 29, False),
        ((None,), None, True),
    ],
)
def test_what_is_unknown_leaves_the_verdict_open_unless_the_rest_is_too_much(sizes, limit, verdict):
    assert fits_within([Line("x", size) for size in sizes], limit) is verdict


@pytest.mark.parametrize(
    ("band", "limit", "verdict"),
    [
        ((15, 25), 35, True),
        ((15, 25), 34, None),
        ((15, 25), 25, None),
        ((15, 25), 24, False),
        ((15, None), 10_000, None),
        ((15, None), 24, False),
    ],
)
@pytest.mark.parametrize("best", [20, None])
def test_a_verdict_is_only_what_holds_for_the_whole_of_the_band(best, band, limit, verdict):
    lines = [Line("x", 10), Line("y", best, "a source", band)]
    assert fits_within(lines, limit) is verdict


def test_a_total_has_a_figure_if_every_line_has_one_and_bounds_that_are_theirs():
    lines = [Line("x", 1), Line("y", 20, "", (15, 25))]
    assert total(lines) == Line("total", 21, bounds=(16, 26))
    unknown = total([*lines, Line("z", None)])
    assert (unknown.bytes, unknown.least, unknown.most) == (None, 16, None)
    bounded = total([*lines, Line("z", None, "", (3, 4))])
    assert (bounded.bytes, bounded.least, bounded.most) == (None, 19, 30)


@pytest.mark.parametrize("band", [(21, 25), (15, 19)])
def test_a_figure_lies_in_its_band(band):
    with pytest.raises(AssertionError, match="y: 20 is"):
        Line("y", 20, "", band)


@pytest.mark.parametrize(
    ("verdicts", "together"),
    [((True, True), True), ((True, None), None), ((None, False), False), ((True, False), False)],
)
def test_all_fits_only_if_each_does(verdicts, together):
    assert all_fit(verdicts) is together


@pytest.mark.parametrize(
    ("firmware", "ram_limit", "fits"),
    [(BUILT, 262_144, True), (BUILT, 60_000, False), (Firmware(), 262_144, "unknown")],
)
def test_json_has_the_promised_shape(shared, firmware, ram_limit, fits):
    content = (shared / "data/models/vww_96_int8.tflite").read_bytes()
    found = estimate_model(
        content, load_build("arduino"), limits=Limits(ram_limit, 983_040), firmware=firmware
    )
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert told["arena"] == {
        "used_bytes": 101108,
        "head_bytes": 73728,
        "tail_bytes": 27380,
        "minimum_bytes": 101120,
    }
    totals = {"total_bytes", "least_bytes", "most_bytes"}
    assert set(told["flash"]) == {*totals, "model_bytes", "code_bytes"}
    assert set(told["ram"]) == totals
    assert told["ram"]["least_bytes"] == sum(row["least"] for row in told["breakdown"]["ram"])
    assert told["fits"] == fits
    assert (told["build"], told["kernels"]) == ("arduino", "cmsis-nn")
    assert sum(told["breakdown"]["arena"].values()) == 101108
    assert {"name", "kind", "offset", "size", "first", "last"} == set(told["plan"][0])


def test_a_genome_is_estimated_like_the_file_it_lays_out():
    found = estimate_genome(GENOME, 2, load_build("current", "cmsis-nn"))
    assert found.flash.model_bytes == lay_out(GENOME, 2).file_bytes
    assert "CONV_2D" in found.operators
    named = estimate_genome(GENOME, 2, load_build("current", "cmsis-nn"), clear_names=False)
    assert named.flash.model_bytes > found.flash.model_bytes
    assert named.arena == found.arena


def test_an_estimate_of_a_file_of_vww_size_takes_no_more_than_30_milliseconds(shared):
    content = (shared / "data/models/vww_96_int8.tflite").read_bytes()
    times = []
    for _ in range(5):
        started = time.process_time()
        estimate_model(content, load_build("arduino"))
        times.append(time.process_time() - started)
    assert min(times) < 0.030


def test_errors_name_the_model_that_they_are_about(shared):
    content = (shared / "data/models/vww_96_int8.tflite").read_bytes()
    with pytest.raises(DanasError, match=r"cut\.tflite"):
        estimate_model(content[:1000], load_build("arduino"), name="cut.tflite")

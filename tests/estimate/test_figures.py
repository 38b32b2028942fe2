"""What builds have told of a board, laid over its file and into estimates."""

import json
from dataclasses import asdict, replace

import pytest

from danas_hil.base import DanasError, user_folder
from danas_hil.board import Figures, Share, build_key, keep_figures, load_board, read_figures
from danas_hil.board.board import with_figures
from danas_hil.builds import load_build
from danas_hil.estimate import lay_out
from danas_hil.estimate.on_board import estimate_on
from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome

GRAPH = lay_out(Genome(ImageConfig(32, "rgb"), MobileNetV2(1, 0, 0, 0, 0, 0.1)), 2)
KEY = "arduino cmsis-nn stm32 -O2"  # of qemu-m4
BUILT = Figures(10_000, 2_000, 1_500, 0, "the build of a test")


@pytest.fixture(autouse=True)
def _home(monkeypatch, tmp_path):
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path))


def keep(name: str, figures: Figures, toolchain: str | None = None) -> None:
    board = load_board(name)
    keep_figures(name, build_key(board.build, board.kernels, toolchain or board.toolchain), figures)


def test_a_boards_file_is_the_source_until_a_build_has_told():
    board = load_board("nano33ble")
    lines = {line.name: line for line in estimate_on(board, GRAPH).ram.lines}
    shipped = board.stack_bytes
    assert (lines["stack"].bytes, lines["stack"].source) == (shipped.bytes, shipped.source)
    assert lines["static data"].source == board.static_ram_bytes.source
    assert lines["framework"].least < lines["framework"].bytes < lines["framework"].most
    keep("nano33ble", BUILT)
    lines = {line.name: line for line in estimate_on(load_board("nano33ble"), GRAPH).ram.lines}
    assert lines["stack"].bytes == 1_500
    assert all(line.exact for name, line in lines.items() if name != "stack")
    assert {lines[name].source for name in ("static data", "stack", "framework")} == {BUILT.source}


def test_a_build_leads_from_no_verdict_to_one():
    before = estimate_on(load_board("qemu-m4"), GRAPH)
    assert before.fits is None
    keep("qemu-m4", BUILT)
    after = estimate_on(load_board("qemu-m4"), GRAPH)
    assert after.fits is True
    table = load_build("arduino").code.get(load_board("qemu-m4").toolchain)
    static = table.static_bytes(BUILT.static_ram_bytes, frozenset(after.operators))
    assert after.ram.total_bytes == after.arena.minimum_bytes + static + BUILT.stack_bytes
    assert after.flash.lines[-1].source == BUILT.source
    assert after.flash.total_bytes == after.flash.model_bytes + after.flash.code_bytes


def test_figures_of_another_optimisation_say_nothing():
    keep("qemu-m4", BUILT, "stm32 -Os")
    assert load_board("qemu-m4").stack_bytes is None
    keep("qemu-m4", BUILT)
    assert load_board("qemu-m4").stack_bytes.bytes == 1_500


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "{}",
        '{"schema": 1, "builds": {"arduino cmsis-nn stm32 -O2": {"stack_bytes": 1}}}',
        *(
            json.dumps({"schema": 1, "builds": {KEY: {**asdict(BUILT), "stack_bytes": wrong}}})
            for wrong in ("1", None)
        ),
    ],
)
def test_a_damaged_file_is_named(content):
    path = user_folder("boards") / "qemu-m4.json"
    path.write_text(content)
    with pytest.raises(DanasError, match=r"qemu-m4\.json is damaged"):
        load_board("qemu-m4")


def test_a_file_of_a_newer_version_is_told_from_a_damaged_one():
    path = user_folder("boards") / "qemu-m4.json"
    path.write_text('{"schema": 99, "builds": {}}')
    with pytest.raises(DanasError, match=r"qemu-m4\.json has schema 99.*newer danas-hil"):
        load_board("qemu-m4")


def test_a_home_that_can_not_be_made_has_no_figures(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path / "file"))
    assert load_board("qemu-m4").stack_bytes is None


def test_a_share_in_a_boards_file_has_a_band_and_a_source_of_its_own():
    told = {"bytes": 10, "least": 8, "most": 13, "source": "a link without its C library"}
    assert Share.from_toml("x", told, "usual") == Share(10, 8, 13, told["source"])
    assert Share.from_toml("x", {"bytes": 10, "most": 13}, "usual") == Share(10, 10, 13, "usual")
    assert Share.from_toml("x", 10, "usual") == Share.exact(10, "usual")


@pytest.mark.parametrize(
    "value",
    ["10", True, {}, {"least": 1}, {"bytes": 1, "more": 2}, {"bytes": "1"}, {"bytes": -1},
     {"bytes": 10, "least": 11}, {"bytes": 10, "most": 9}, {"bytes": 2**50},
     {"bytes": 1, "source": 2}, {"bytes": 1, "source": "two\nlines"}],
)  # fmt: skip
def test_what_is_no_share_is_an_error_that_names_it(value):
    with pytest.raises(DanasError, match=r"board\.toml: stack_bytes"):
        Share.from_toml("board.toml: stack_bytes", value, "usual")


def test_what_a_build_told_goes_before_a_shipped_band_and_what_it_did_not_tell_does_not():
    shipped = Share(30_000, 20_000, 40_000, "shipped")
    board = replace(load_board("nano33ble"), framework_flash_bytes=shipped, stack_bytes=shipped)
    keep("nano33ble", replace(BUILT, framework_flash_bytes=None))
    key = build_key(board.build, board.kernels, board.toolchain)
    laid = with_figures(board, read_figures("nano33ble", key))
    assert laid.framework_flash_bytes == shipped
    assert (laid.stack_bytes.bytes, laid.stack_bytes.source) == (BUILT.stack_bytes, BUILT.source)


def test_one_models_stack_and_code_are_not_anothers_to_the_byte():
    seen = replace(BUILT, stack_bytes=1_428, stack_least_bytes=980)
    shares = seen.shares(Share(1_544, 900, 3_088, "shipped"), 1024)
    assert shares["stack_bytes"] == Share(1_428, 900, 3_088, BUILT.source)
    assert seen.shares(None, 1024)["stack_bytes"] == Share(1_428, 980, 2_856, BUILT.source)
    assert BUILT.shares(None, 1024)["stack_bytes"].least == 0  # nobody wrote the lowest down
    assert shares["static_ram_bytes"] == Share.exact(2_000, BUILT.source)
    code = shares["framework_flash_bytes"]
    assert (code.bytes - code.least, code.most - code.bytes) == (1024,) * 2

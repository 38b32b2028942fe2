import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.base import DanasError
from danas_hil.board import (
    Limits,
    board,
    board_names,
    device_class_names,
    format_size,
    load_board,
    load_device_class,
    parse_size,
    places,
)
from danas_hil.sketch import environments

GOOD = """
name = "A board"
kind = "real"
core = "cortex-m4f"
source = "its data sheet"
build = "arduino"
kernels = "cmsis-nn"
"""


@pytest.fixture
def boards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that stands for boards/."""
    for module in (board, places):
        monkeypatch.setattr(module, "tree_folder", lambda name: tmp_path / name)
    (tmp_path / "boards").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "boards"


def test_every_board_loads_and_says_where_its_figures_come_from() -> None:
    for name in board_names():
        loaded = load_board(name)
        assert loaded.id == name
        assert len(loaded.source) > 10
        assert loaded.limits.origin == loaded.name
        if loaded.kind == "host":
            assert loaded.limits == Limits(None, None, loaded.name)
        else:
            assert loaded.clock_hz
            assert loaded.clock_hz >= 1_000_000
            assert loaded.ram_bytes
            assert loaded.flash_bytes


# Internal SRAM that one linker region covers, and flash, in kB; from ST's and Nordic's data
# sheets. The Nano keeps 64 kB of its flash for the soft device and the bootloader.
@pytest.mark.parametrize(
    ("name", "ram", "flash"),
    [
        ("nano33ble", 256, 1024 - 64),
        ("nucleo_f446re", 128, 512),
        ("nucleo_f746zg", 320, 1024),
        ("disco_f746ng", 320, 1024),
        ("nucleo_f767zi", 512, 2048),
        ("nucleo_h743zi", 512, 2048),
        ("nucleo_l4r5zi", 640, 2048),
        ("disco_l475vg_iot01a", 96, 1024),
        ("qemu-m4", 4096, 4096),
        ("renode-nano33ble", 256, 1024 - 64),
        ("renode-nucleo_f746zg", 320, 1024),
    ],
)
def test_limits_of_the_boards(name: str, ram: int, flash: int) -> None:
    limits = load_board(name).limits
    assert (limits.ram_bytes, limits.flash_bytes) == (ram * 1024, flash * 1024)


def test_real_boards_can_be_found_and_others_have_no_usb_ids() -> None:
    for loaded in map(load_board, board_names()):
        assert (loaded.usb is not None) == (loaded.kind == "real"), loaded.id


@pytest.mark.parametrize(
    ("name", "toolchain"),
    [("nano33ble", "mbed -O2"), ("nucleo_f446re", "stm32 -O2"), ("host", "")],
)
def test_a_toolchain_is_the_framework_and_the_optimisation(name: str, toolchain: str) -> None:
    assert load_board(name).toolchain == toolchain


@pytest.mark.parametrize("name", ["nano33ble", "nucleo_f746zg"])
def test_an_emulated_board_is_built_as_the_real_one_but_for_its_port(name: str) -> None:
    real, emulated = load_board(name), load_board(f"renode-{name}")
    assert real.firmware is not None
    assert emulated.firmware is not None
    same = replace(
        emulated.firmware,
        emulator=None,
        receive_bytes=0,
        caveat="",
        serial_object=real.firmware.serial_object,
    )
    assert same == real.firmware
    assert (emulated.limits.ram_bytes, emulated.limits.flash_bytes, emulated.clock_hz) == (
        real.limits.ram_bytes,
        real.limits.flash_bytes,
        real.clock_hz,
    )


def test_platformio_ini_is_what_the_board_files_make_of_it(root: Path) -> None:
    told = "danas-hil boards platformio > platformio.ini"
    assert (root / "platformio.ini").read_text(encoding="utf-8") == environments(), told
    for name in board_names():
        firmware = load_board(name).firmware
        if firmware is not None:
            assert f"[env:{name}]" in environments()
            assert firmware.is_local or re.search(r"@\d+\.\d+\.\d+$", firmware.platform)


def test_device_classes_are_those_of_the_paper_from_large_to_small() -> None:
    assert device_class_names() == ("large", "medium", "small")
    sizes = [(512, 2048), (320, 1024), (256, 1024)]  # arXiv 2502.12690, Table 1, in kB
    for name, (ram, flash) in zip(device_class_names(), sizes, strict=True):
        assert load_device_class(name) == Limits(ram * 1024, flash * 1024, f"device class {name}")


def test_an_unknown_board_is_answered_with_those_there_are() -> None:
    with pytest.raises(DanasError) as caught:
        load_board("nano33")
    assert "'nano33'" in caught.value.what
    for name in board_names():
        assert name in caught.value.hint


@pytest.mark.parametrize("name", ["classes", "../boards/host", ""])
def test_what_is_not_a_board_is_not_loaded_as_one(name: str) -> None:
    with pytest.raises(DanasError, match="no board"):
        load_board(name)


def test_an_unknown_device_class_is_answered_with_those_there_are() -> None:
    with pytest.raises(DanasError, match=r"'tiny'.*large, medium, small"):
        load_device_class("tiny")


def test_a_new_file_is_a_new_board(boards: Path) -> None:
    (boards / "mine.toml").write_text(GOOD + "ram_bytes = 65536\n")
    assert board_names() == ("mine",)
    assert load_board("mine").limits == Limits(65536, None, "A board")


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        (GOOD + "ram = 5", r"a board has no 'ram'.*ram_bytes"),
        (GOOD + 'id = "other"', "a board has no 'id'"),
        (GOOD + 'ram_bytes = "64 kB"', "ram_bytes = '64 kB' is not int"),
        (GOOD + "clock_hz = true", "clock_hz = True is not int"),
        (GOOD + "clock_hz = 64.0", "clock_hz = 64.0 is not int"),
        (GOOD.replace('"A board"', "5"), "name = 5 is not str"),
        (GOOD.replace('core = "cortex-m4f"', ""), "core missing"),
        (GOOD.replace('"real"', '"virtual"'), "kind is host, emulated, real, not 'virtual'"),
        (GOOD + "[usb]\n", "application missing"),
        (GOOD + '[usb]\napplication = ["2341"]', r"application = \['2341'\] are no USB ids"),
        (GOOD + '[usb]\napplication = "2341:805A"', "is not a list of strings"),
        (GOOD + '[usb]\nid = ["2341:805A"]', "has no 'id'"),
        (GOOD + '[firmware]\nplatform = "x@1.0.0"\nplatformio_id = "y"', "framework missing"),
        ("", "name, kind, core, source, build, kernels missing"),
        ("name = ", "can't be read"),
    ],
)
def test_a_bad_board_file_says_what_is_wrong_and_where(boards: Path, toml: str, told: str) -> None:
    (boards / "mine.toml").write_text(toml)
    with pytest.raises(DanasError, match=told) as caught:
        load_board("mine")
    assert "mine.toml" in caught.value.what


def test_a_limit_under_one_kilobyte_is_taken_for_a_slip() -> None:
    with pytest.raises(DanasError, match=r"RAM limit of 256 bytes is impossible.*--ram 256kB"):
        Limits(ram_bytes=256)
    with pytest.raises(DanasError, match="flash limit of 1 bytes"):
        Limits(flash_bytes=1)


def test_limits_read_well_and_come_back_from_json() -> None:
    limits = Limits(262144, None, "the command line")
    assert str(limits) == "RAM 256 kB, flash no limit (the command line)"
    assert Limits.from_json(limits.to_json()) == limits
    assert Limits.from_json({**limits.to_json(), "runs": []}) == limits  # as an experiment's JSON


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("262144", 262144),
        ("262144 B", 262144),
        ("256kB", 256 * 1024),
        ("256 KB", 256 * 1024),
        ("256KiB", 256 * 1024),
        ("256k", 256 * 1024),
        (" 1MB ", 1024**2),
        ("1.5 MiB", 3 * 512 * 1024),
        ("0", 0),
    ],
)
def test_sizes_as_people_write_them(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "kB", "-1", "1 GB", "256 kbit", "1e3", "1,5MB", "0x100", "٣kB"]
)
def test_what_is_not_a_size_is_refused_with_examples(text: str) -> None:
    with pytest.raises(DanasError, match=r"is not a size.*262144, 256kB, 1MB"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 kB"),
        (98304, "96 kB"),
        (983040, "960 kB"),
        (1024**2, "1 MB"),
        (3 * 512 * 1024, "1.5 MB"),
        (1024**2 + 1, "1.0 MB"),
    ],
)
def test_sizes_are_shown_in_the_largest_unit_and_rounding_shows(size: int, text: str) -> None:
    assert format_size(size) == text


@given(st.integers(0, 2**33))
def test_a_shown_size_reads_back_within_its_rounding(size: int) -> None:
    text = format_size(size)
    unit = {"B": 1, "kB": 1024, "MB": 1024**2}[text.split()[1]]
    error = abs(parse_size(text) - size)
    assert error <= unit * 0.05 + 1
    if re.search(r"\.", text) is None:
        assert error == 0

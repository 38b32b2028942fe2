"""The firmware and its sketches as each Arduino core would compile and link them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from cores import compiling, gcc7
from cores.compiling import MBED, STM32_F4, STM32_F7, STM32_H7, STM32_L4, Core
from danas_hil.board import load_board
from danas_hil.sketch import (
    LIBRARY_VARIABLE,
    SelfTest,
    Sketch,
    render_selftest,
    render_tflm,
)
from danas_hil.sketch.render import board_settings

CORES = (MBED, STM32_F7, STM32_H7)  # of ours; an F4 or L4 differs in nothing from an F7 there
REAL_CORES = (MBED, STM32_F4, STM32_F7, STM32_H7, STM32_L4)
FIRMWARE = compiling.HERE.parents[1] / "firmware"
OPERATORS = ["CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "FULLY_CONNECTED", "SOFTMAX"]

pytestmark = pytest.mark.skipif(
    shutil.which(compiling.COMPILER) is None, reason=f"{compiling.COMPILER} is not installed"
)


@pytest.fixture
def real() -> Path:
    folder = compiling.cores_folder()
    if folder is None:
        pytest.skip(f"{compiling.FOLDERS_VARIABLE} names no folder with the real cores")
    return folder


@pytest.fixture(autouse=True)
def _library_of_the_registry(monkeypatch):
    monkeypatch.delenv(LIBRARY_VARIABLE, raising=False)


def sketches(core: Core) -> dict[str, Sketch]:
    board = load_board(core.board)
    model = bytes(range(256))
    return {
        "selftest": render_selftest(board, SelfTest.make()),
        "tflm": render_tflm(board, "m", model, OPERATORS, 4096),
        "profiled": render_tflm(board, "m", model, OPERATORS, 4096, profiled=13),
    }


def board_flags(core: Core) -> list[str]:
    """What the board's settings give the compiler besides."""
    board = load_board(core.board)
    assert board.firmware is not None
    settings = board_settings(board)
    block = re.search(r"^build_flags =\n((?:    .*\n)+)", settings, re.MULTILINE)
    assert block is not None
    flags = block[1].split()
    assert f"-DDANAS_SERIAL={board.firmware.serial_object}" in flags
    return flags


def wanted(core: Core, flags: list[str], folder: Path, shared: dict[Path, Path]) -> set[str]:
    """What the sketches want of others; `shared` keeps the objects of files that are the same."""
    found: set[str] = set()
    for kind, sketch in sketches(core).items():
        objects = []
        for source in compiling.write_sources(sketch, folder / kind / "src"):
            same = FIRMWARE / source.name
            if same not in shared or not same.is_file():
                (shared[same],) = compiling.compile_each([source], flags, folder / kind)
            objects.append(shared[same])
        found |= compiling.undefined(objects, folder / kind)
    return found


def unknown(core: Core, symbols: set[str]) -> set[str]:
    known = compiling.known_symbols(core.name).keys() | compiling.known_symbols("tflm").keys()
    toolchain = (compiling.HERE / "toolchain.txt").read_text(encoding="utf-8").splitlines()
    return symbols - known - {line.split()[0] for line in toolchain if line}


@pytest.mark.parametrize("core", CORES, ids=lambda core: core.board)
def test_all_of_a_sketch_compiles_without_a_warning_and_wants_only_what_the_core_has(
    core, tmp_path
):
    flags = [*compiling.own_flags(core), *board_flags(core)]
    symbols = wanted(core, flags, tmp_path, {})
    assert unknown(core, symbols) == set()
    assert symbols & compiling.known_symbols(core.name).keys(), "it names something of the core"


def test_a_board_with_another_port_compiles_too(tmp_path):
    """The Nano's UART, which Renode has, in the stead of its USB port."""
    port = FIRMWARE / "danas_port_mbed.cpp"
    flags = [*compiling.own_flags(MBED), "-O2", "-DDANAS_SERIAL=Serial1"]
    symbols = compiling.undefined(compiling.compile_each([port], flags, tmp_path), tmp_path)
    assert "_ZN7arduino4UART5writeEPKhj" in symbols
    assert {symbol for symbol in unknown(MBED, symbols) if "danas" not in symbol} == set()


def test_only_a_port_names_anything_of_a_core():
    named = re.compile(
        r"ARDUINO_ARCH_|#include <(Arduino|mbed|rtx|nrf)|\b(HAL|NRF|IWDG|RCC|os)[A-Z_]"
    )
    files = [file for file in FIRMWARE.iterdir() if file.suffix in (".h", ".cpp")]
    naming = {file.stem for file in files if named.search(file.read_text("utf-8"))}
    assert naming == {file.stem for file in files if file.stem.startswith("danas_port_")}


def test_symbols_with_another_linkage_than_the_cores_do_not_compile(tmp_path):
    old = compiling.HERE / "before" / "linkage.cpp"
    with pytest.raises(AssertionError, match=r"conflicting declaration .*__data_start__.*linkage"):
        compiling.compile_each([old], compiling.own_flags(MBED), tmp_path)


def test_a_symbol_that_no_file_of_the_core_has_is_found_by_the_link(tmp_path):
    old = compiling.HERE / "before" / "vectors.cpp"
    objects = compiling.compile_each([old], compiling.own_flags(MBED), tmp_path)
    assert unknown(MBED, compiling.undefined(objects, tmp_path)) == {"__isr_vector"}


def test_what_only_a_later_compiler_than_the_nanos_knows_is_used_nowhere():
    board = load_board(MBED.board)
    assert board.firmware is not None
    for sketch in sketches(MBED).values():
        for name, text in sketch.files.items():
            assert gcc7.lacking(text) == [], name
    flags = [board.firmware.optimisation, *board_flags(MBED), *MBED.flags]
    link = (compiling.HERE.parents[1] / "platforms" / "link.py").read_text(encoding="utf-8")
    assert gcc7.lacking_flags([*flags, *re.findall(r'"(-[^"]+)"', link)]) == []


@pytest.mark.parametrize(
    "text",
    [
        "#include <span>",
        "__attribute__((noinit)) int x;",
        "auto y = __builtin_bit_cast(int, 1.0f);",
        "#pragma GCC unroll 4",
        "#if __has_builtin(__builtin_trap)",
        "if (x) [[likely]] y();",
    ],
)
def test_the_list_of_what_that_compiler_lacks_finds_it(text):
    assert gcc7.lacking(text)
    assert not gcc7.lacking(f"// {text}")


def test_the_list_of_flags_that_compiler_lacks_finds_them():
    flags = ["-std=gnu++17", "-Wl,--no-warn-rwx-segments", "-fcoroutines"]
    assert gcc7.lacking_flags(["-O2", "-Wall", *flags]) == flags


@pytest.mark.parametrize("core", REAL_CORES, ids=lambda core: core.board)
def test_our_headers_say_what_the_cores_own_say(real, core, tmp_path):
    for name in (core.name, "tflm"):
        both = compiling.HERE / name / "both.cpp"
        compiling.compile_each([both], compiling.real_flags(core, real), tmp_path / name)


@pytest.mark.parametrize("core", REAL_CORES, ids=lambda core: core.board)
def test_with_the_cores_own_headers_a_sketch_wants_what_the_cores_files_have(real, core, tmp_path):
    flags = [*compiling.real_flags(core, real), *board_flags(core)]
    symbols = wanted(core, flags, tmp_path, {})
    library = {symbol for symbol in unknown(core, symbols) if "tflite" in symbol}
    assert unknown(core, symbols) - library == set()
    sources = real / "Chirale_TensorFlowLite" / "src" / "tensorflow"
    text = "\n".join(file.read_text("utf-8") for file in sorted(sources.rglob("*.cpp")))
    for symbol in library:  # such as the parsers that inline methods of its headers name
        last = re.findall(r"\d+([A-Za-z_]\w*?)(?=E|\d|$)", symbol)
        assert any(re.search(rf"\b{name}\b", text) for name in last), symbol


@pytest.mark.parametrize("name", ["mbed", "stm32", "tflm"])
def test_each_symbol_stands_in_the_file_that_is_said_to_define_it(real, name):
    archive = compiling.libmbed(real)
    archived = compiling.archived_symbols(archive) if archive.is_file() else set()
    for symbol, file in compiling.known_symbols(name).items():
        if symbol in archived:
            continue
        text = (real / file).read_text(encoding="utf-8", errors="replace")
        plain = [symbol] if not symbol.startswith("_ZN") else parts_of(symbol)
        assert any(re.search(rf"\b{part}\b", text) for part in plain), (symbol, file)


def parts_of(symbol: str) -> list[str]:
    """The last name of a mangled one, in front of its arguments; of a constructor, the class."""
    parts, at = [], re.search(r"\d", symbol)
    position = at.start() if at else 0
    while found := re.match(r"(\d+)", symbol[position:]):
        begin = position + len(found[1])
        parts.append(symbol[begin : begin + int(found[1])])
        position = begin + int(found[1])
        if symbol[position : position + 5] == "ILj1E":  # a template's argument
            position += 5
    return parts[-1:] if parts[-1:] != ["Offsets"] else ["Vector"]


def test_what_we_say_of_the_nanos_flags_is_what_the_core_says(real):
    said = {flag for flag in MBED.flags if not flag.startswith("-DARDUINO")}
    theirs = set(compiling.real_flags(MBED, real))
    assert said <= theirs
    meant = {flag for flag in theirs if re.match(r"-(std|m|f(no-)?(rtti|exc|unsigned))", flag)}
    assert meant <= said


DECLARED = re.compile(r"^(?P<code>[^/\n]*\w[^/\n]*)//\s*(?P<file>[\w/.]+)?:(?P<line>\d+)", re.M)


@pytest.mark.parametrize("name", ["mbed", "stm32"])
def test_each_declaration_stands_where_its_comment_says(real, name):
    """The line that a comment names has the identifier that is declared beside it."""
    roots = {
        "mbed": (real / "ArduinoCore-mbed/cores/arduino", real / "ArduinoCore-API"),
        "stm32": (real / "Arduino_Core_STM32",),
    }[name]
    count = 0
    for header in ("types.h", "functions.h"):
        for found in DECLARED.finditer((compiling.HERE / name / header).read_text("utf-8")):
            if not found["file"]:
                continue
            file = next(path for root in roots if (path := root / found["file"]).is_file())
            line = file.read_text("utf-8", "replace").splitlines()[int(found["line"]) - 1]
            names = re.findall(r"[A-Za-z_]\w{2,}", found["code"])
            assert any(re.search(rf"\b{one}\b", line) for one in reversed(names)), found[0]
            count += 1
    assert count > 2

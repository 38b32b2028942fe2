"""Links with the real cores' own linker scripts, where DANAS_CORES names them.

What libmbed.a holds is not there, so a Nano's link is one with holes: each of them must be a name
that mbed's sources have.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from board.keyword_model import keyword_model
from cores import compiling
from cores.compiling import MBED, STM32_F4, STM32_F7, STM32_H7, STM32_L4
from danas_hil.board import load_board
from danas_hil.estimate.read import read_graph
from danas_hil.platformio import read_elf_sizes
from danas_hil.sketch import LIBRARY_VARIABLE, SelfTest, Sketch, render_selftest, render_tflm

pytestmark = [
    pytest.mark.skipif(
        compiling.cores_folder() is None,
        reason=f"{compiling.FOLDERS_VARIABLE} names no folder with the real cores",
    ),
    pytest.mark.skipif(
        shutil.which(compiling.COMPILER) is None, reason=f"{compiling.COMPILER} is not installed"
    ),
]


@pytest.fixture(scope="module")
def real() -> Path:
    folder = compiling.cores_folder()
    assert folder is not None
    return folder


@pytest.fixture(scope="module")
def nano_core(real, tmp_path_factory) -> list[Path]:
    """The objects of the Arduino core itself and of the board's variant."""
    flags = compiling.real_flags(MBED, real)
    core = real / "ArduinoCore-mbed" / "cores" / "arduino"
    sources = [*core.glob("*.cpp"), *(core / "USB").glob("*.cpp")]
    sources += (real / "ArduinoCore-mbed" / "variants" / "ARDUINO_NANO33BLE").glob("*.cpp")
    sources += [file for file in (real / "ArduinoCore-API" / "api").glob("*.cpp")]
    return compiling.compile_each(sources, [*flags, "-w"], tmp_path_factory.mktemp("core"))


def sketch_of(name: str) -> Sketch:
    board = load_board("nano33ble")
    if name == "selftest":
        return render_selftest(board, SelfTest.make())
    model = keyword_model()
    operators = sorted({one.kind for one in read_graph(model).operators})
    return render_tflm(board, name, model, operators, 24176)


@pytest.mark.parametrize("name", ["selftest", "keyword"])
def test_a_nanos_program_lacks_nothing_but_what_mbed_itself_has(
    real, nano_core, name, tmp_path, monkeypatch
):
    monkeypatch.delenv(LIBRARY_VARIABLE, raising=False)
    flags = [*compiling.real_flags(MBED, real), "-DDANAS_SERIAL=Serial", "-DDANAS_BAUD=115200"]
    sources = compiling.write_sources(sketch_of(name), tmp_path / "src")
    objects = compiling.compile_each(sources, flags, tmp_path)
    variant = real / "ArduinoCore-mbed" / "variants" / "ARDUINO_NANO33BLE"
    command = [compiling.COMPILER, f"-T{variant / 'linker_script.ld'}"]
    command += ["-Wl,--warn-unresolved-symbols", "--specs=nano.specs", "--specs=nosys.specs"]
    command += (variant / "ldflags.txt").read_text("utf-8").split()
    libraries = ["-lstdc++", "-lsupc++", "-lm", "-lc", "-lgcc", "-lnosys"]
    elf = tmp_path / "firmware.elf"
    archive = compiling.libmbed(real)
    if archive.is_file():
        command += ["-Wl,--whole-archive", str(archive), "-Wl,--no-whole-archive"]
    done = subprocess.run(
        [*command, *map(str, [*objects, *nano_core]), "-Wl,--start-group", *libraries,
         "-Wl,--end-group", "-o", str(elf)],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    missing = set(re.findall(r"undefined reference to `([^']+)'", done.stderr))
    library = {symbol for symbol in missing if "tflite" in symbol or symbol.startswith("tflite")}
    assert bool(library) == (name != "selftest")
    assert {symbol for symbol in missing if "danas" in symbol} == set()
    assert not archive.is_file() or missing == library
    text = mbed_text(real) if missing - library else ""
    for symbol in sorted(missing - library):
        plain = re.sub(r"\(.*|__(wrap|real)_", "", symbol).split("::")[-1].lstrip("~")
        assert re.search(rf"\b\w*{re.escape(plain)}\b", text), symbol
    sections = {section.name: section for section in read_elf_sizes(elf).static_ram_sections}
    assert sections[".noinit"].size == 64


def mbed_text(real: Path) -> str:
    """The sources that libmbed.a of this board is made of, and more of its kind."""
    folders = ("cmsis", "drivers", "hal", "platform", "rtos", "storage", "events", "targets")
    files = (
        file
        for folder in folders
        for ending in ("*.c", "*.cpp", "*.S", "*.h")
        for file in (real / "mbed-os" / folder).rglob(ending)
        if folder != "targets" or "TARGET_NORDIC" in file.parts
    )
    return "\n".join(file.read_text("utf-8", "replace") for file in files)


@pytest.mark.parametrize("core", [STM32_F4, STM32_F7, STM32_H7, STM32_L4], ids=lambda c: c.board)
def test_what_survives_a_reset_lies_where_neither_heap_nor_stack_comes(real, core, tmp_path):
    """With the board's own linker script, which says nothing of it."""
    flags = [*compiling.real_flags(core, real), "-DDANAS_SERIAL=Serial", "-DDANAS_BAUD=115200"]
    sources = compiling.write_sources(
        render_selftest(load_board(core.board), SelfTest.make()), tmp_path / "src"
    )
    objects = compiling.compile_each(sources, flags, tmp_path)
    manifest = real / "platform-ststm32" / "boards" / f"{core.board}.json"
    told = json.loads(manifest.read_text("utf-8"))
    flash, ram = told["upload"]["maximum_size"], told["upload"]["maximum_ram_size"]
    script = real / "Arduino_Core_STM32/variants" / told["build"]["variant"] / "ldscript.ld"
    elf = tmp_path / "firmware.elf"
    command = [compiling.COMPILER, *core.flags, "-nostartfiles", "--specs=nano.specs"]
    command += ["-Wl,--unresolved-symbols=ignore-all", "-Wl,--no-warn-rwx-segments"]
    command += [f"-Wl,--defsym=LD_MAX_SIZE={flash},--defsym=LD_MAX_DATA_SIZE={ram}"]
    command += ["-Wl,--defsym=LD_FLASH_OFFSET=0", f"-Wl,--default-script,{script}"]
    subprocess.run([*command, *map(str, objects), "-o", str(elf)], check=True, timeout=60)
    (kept,) = (s for s in read_elf_sizes(elf).static_ram_sections if s.name == ".noinit")
    names = subprocess.run(
        ["arm-none-eabi-nm", str(elf)], capture_output=True, text=True, check=True
    ).stdout
    symbols = {line.split()[2]: int(line.split()[0], 16) for line in names.splitlines()
               if len(line.split()) == 3}  # fmt: skip
    assert symbols["_ebss"] <= kept.address
    assert kept.address + kept.size <= symbols["_end"]
    assert kept.address % 32 == 0
    assert kept.size == 64, "whole lines of a cache, and no other object's"

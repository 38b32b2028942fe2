"""What the firmware tells of its size, in an emulator, with the sections in every core's order."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from cores import compiling
from danas_hil.board import load_board
from danas_hil.platformio import ElfSizes, read_elf_sizes
from danas_hil.sketch import SelfTest, render_selftest
from danas_hil.targets import QemuDevice, open_session

BOARD = load_board("qemu-m4")
MACHINE = compiling.HERE.parents[1] / "platforms" / "qemu" / "arduino"
SCRIPTS = {
    "ours": MACHINE / "mps2_an386.ld",
    "mbed": compiling.HERE / "mbed" / "order.ld",
    "stm32": compiling.HERE / "stm32" / "order.ld",
}
# As platforms/qemu/builder/main.py has them.
PROCESSOR = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")
FLAGS = (
    *PROCESSOR, "-ffunction-sections", "-fdata-sections", "-Wall", "-Werror", "-std=gnu++17",
    "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-fno-use-cxa-atexit",
    "-DF_CPU=25000000L", "-DNDEBUG", "-DARDUINO=10819", "-DARDUINO_ARCH_QEMU",
    "-DDANAS_PLATFORM_TIMER_HZ=25000000L", "-DDANAS_SERIAL=Serial", "-DDANAS_BAUD=115200",
    f"-I{MACHINE}",
)  # fmt: skip

pytestmark = [
    pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")
    for program in ("qemu-system-arm", compiling.COMPILER)
]


@pytest.fixture(scope="module")
def objects(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("image")
    sources = compiling.write_sources(render_selftest(BOARD, SelfTest.make()), folder / "src")
    uneven = folder / "uneven.cpp"  # four bytes of data, and bss that must begin at a round address
    uneven.write_text('extern "C" { volatile int uneven = 1; alignas(64) volatile char even[64]; }')
    return compiling.compile_each([*sources, uneven, *MACHINE.glob("*.cpp")], FLAGS, folder)


def link(objects: list[Path], script: Path, elf: Path) -> ElfSizes:
    command = [compiling.COMPILER, *PROCESSOR, "-nostartfiles", "--specs=nano.specs"]
    command += [
        "-Wl,--gc-sections",
        "-Wl,--no-warn-rwx-segments",
        f"-T{script}",
        "-Wl,-u,uneven,-u,even",
    ]
    subprocess.run([*command, *map(str, objects), "-o", str(elf)], check=True, timeout=60)
    return read_elf_sizes(elf)


@pytest.mark.parametrize("order", SCRIPTS)
def test_data_and_bss_are_told_as_the_file_has_them_whatever_lies_between(objects, order, tmp_path):
    sizes = link(objects, SCRIPTS[order], tmp_path / "firmware.elf")
    places = {section.name: section for section in sizes.static_ram_sections}
    data, bss, kept = places[".data"], places[".bss"], places[".noinit"]
    gap = bss.address - (data.address + data.size)
    if order == "mbed":
        assert data.address < kept.address < bss.address
    else:
        assert bss.address < kept.address
        assert gap > 0 or order == "ours"
    with open_session(QemuDevice(BOARD), tmp_path, (1,), "int8") as session:
        told = session.identify()
        assert session.static_ram_bytes == data.size + bss.size
        assert told.image_bytes == sizes.flash_bytes
        after = session.crash()
        assert after.last_fault is not None, "the record is where nothing else is"
        assert after.last_fault.startswith("hardfault")


def test_a_fault_that_does_not_escalate_is_told_like_one_that_does(objects, tmp_path):
    """As in an emulator that never escalates, or where something has enabled these handlers."""
    enabling = tmp_path / "enabling.cpp"
    enabling.write_text(
        "__attribute__((constructor)) static void enable() {\n"
        "  *reinterpret_cast<volatile unsigned*>(0xE000ED24) |= 7u << 16;  // SHCSR\n}\n"
    )
    more = compiling.compile_each([enabling], FLAGS, tmp_path)
    link([*objects, *more], SCRIPTS["ours"], tmp_path / "firmware.elf")
    with open_session(QemuDevice(BOARD), tmp_path, (1,), "int8") as session:
        told = session.crash().last_fault
    assert told is not None
    assert told.startswith("hardfault")
    assert told.endswith("status 00010000)"), "an undefined instruction"

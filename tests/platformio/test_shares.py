"""Whose is what of a program, told by the map that the linker writes."""

import shutil
import subprocess

import pytest

from danas_hil.base import DanasError
from danas_hil.platformio import OWNERS, ElfSizes, Section, read_elf_sizes, read_shares

HEAD = "Discarded input sections\n\n .text.gone 0x0 0x70 src/main.cpp.o\n"
MAP = """
Linker script and memory map

LOAD .pio/build/b/src/main.cpp.o
                0x20400000                        _estack = (ORIGIN (RAM) + LENGTH (RAM))

.text           0x08000000       0x60
 *(.text*)
 .text.loop     0x08000000       0x10 .pio/build/b/src/main.cpp.o
                0x08000000                loop()
 .text._ZN6tflite16MicroInterpreter6InvokeEv
                0x08000010       0x20 .pio/build/b/lib7f7/libchirale.a(micro_interpreter.cpp.o)
 *fill*         0x08000030        0x4
 .text.memcpy   0x08000034        0xc /usr/lib/thumb/v7e-m+fp/hard/libc_nano.a(libc_a-memcpy.o)
 .text.main     0x08000040        0x8 .pio/build/b/libFrameworkArduino.a(main.cpp.o)
 .rodata.words  0x08000048       0x10 .pio/build/b/src/model.cpp.o
 .rodata.str1.4
                0x08000058        0x9 .pio/build/b/src/main.cpp.o
                                  0xc (size before relaxing)
 .rodata.str1.4
                0x0800005c        0x4 /packages/framework/libmbed.a(x.o)

.data           0x20000000        0x4 load address 0x08000060
 .data.seed     0x20000000        0x4 /gcc/libgcc.a(_seed.o)

.bss            0x20000008      0x110 load address 0x08000064
 .bss.arena     0x20000008      0x100 .pio/build/b/src/model.cpp.o
 COMMON         0x20000108        0x8 .pio/build/b/lib7f7/kernel.cpp.o

._user_heap_stack
                0x20000118      0x600
 .heap          0x20000118      0x600 .pio/build/b/src/main.cpp.o

.comment        0x00000000       0x26
 .comment       0x00000000       0x26 .pio/build/b/src/main.cpp.o
"""
SIZES = ElfSizes(
    0x60 + 4,
    (
        Section(".text", 0x08000000, 0x60, loaded=True, in_ram=False),
        Section(".data", 0x20000000, 4, loaded=True, in_ram=True),
        Section(".bss", 0x20000008, 0x110, loaded=False, in_ram=True),
        Section("._user_heap_stack", 0x20000118, 0x600, loaded=False, in_ram=True),
    ),
)


def test_each_file_of_a_map_has_its_owner_and_equal_constants_count_once(tmp_path):
    (tmp_path / "m").write_text(HEAD + MAP)
    shares = read_shares(tmp_path / "m", SIZES)
    assert tuple(shares.flash) == tuple(shares.static_ram) == OWNERS
    assert shares.flash == {
        "model": 0x10, "tflm": 0x20, "sketch": 0x10 + 4, "framework": 8 + 4,
        "c_library": 0xC + 4, "linker": 4,
    }  # fmt: skip
    assert shares.static_ram == {
        "model": 0x100, "tflm": 8, "sketch": 0, "framework": 0, "c_library": 4, "linker": 8,
    }  # fmt: skip
    assert sum(shares.flash.values()) == SIZES.flash_bytes
    assert sum(shares.static_ram.values()) == SIZES.static_ram_bytes


def test_a_section_that_no_file_has_a_part_of_is_the_linkers(tmp_path):
    """mbed's linker script leaves room for crash data, and fills it with nothing."""
    at = "      0x20000200      0x100\n"
    empty = f"\n.crash_data_ram\n          {at} *fill*   {at}"
    (tmp_path / "m").write_text(HEAD + MAP + empty)
    crash = Section(".crash_data_ram", 0x20000200, 0x100, loaded=False, in_ram=True)
    sizes = ElfSizes(SIZES.flash_bytes, (*SIZES.sections, crash))
    shares = read_shares(tmp_path / "m", sizes)
    assert shares.static_ram["linker"] == 8 + 0x100
    assert sum(shares.static_ram.values()) == sizes.static_ram_bytes


@pytest.mark.parametrize("content", ["", HEAD, None, HEAD + MAP])
def test_a_map_that_is_none_or_another_programs_is_an_error(tmp_path, content):
    if content is not None:
        (tmp_path / "m").write_text(content)
    smaller = ElfSizes(0x40, (Section(".text", 0x08000000, 0x60, loaded=True, in_ram=False),))
    with pytest.raises(DanasError, match=r"can't be read|of another program"):
        read_shares(tmp_path / "m", smaller)


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc")
def test_the_shares_of_a_linked_program_are_those_of_its_symbols(tmp_path):
    for folder, source in (
        ("src/main", "extern int f(int); int main(void) { return f(1); } int big[50] = {1};"),
        ("src/model", "int arena[100]; const int words[64] = {2};"
         " int f(int x) { return words[x] / x + arena[x]++; }"),
    ):  # fmt: skip
        object_file = tmp_path / f"{folder}.cpp.o"
        object_file.parent.mkdir(exist_ok=True)
        (tmp_path / "a.c").write_text(source)
        subprocess.run(
            ["arm-none-eabi-gcc", "-mcpu=cortex-m0", "-mthumb", "-Os", "-fdata-sections", "-c",
             "a.c", "-o", object_file], check=True, cwd=tmp_path,
        )  # fmt: skip
    subprocess.run(
        ["arm-none-eabi-gcc", "-mcpu=cortex-m0", "-mthumb", "--specs=nosys.specs", "-nostartfiles",
         "-Wl,--entry=main", "src/main.cpp.o", "src/model.cpp.o", "-Wl,-Map,a.map", "-o", "a.elf"],
        check=True, cwd=tmp_path, capture_output=True,
    )  # fmt: skip
    sizes = read_elf_sizes(tmp_path / "a.elf")
    shares = read_shares(tmp_path / "a.map", sizes)
    assert sum(shares.flash.values()) == sizes.flash_bytes
    assert sum(shares.static_ram.values()) == sizes.static_ram_bytes
    assert shares.static_ram["model"] == 400
    assert shares.flash["sketch"] >= 200
    assert shares.flash["model"] >= 256
    assert shares.flash["c_library"] > 0, "a division, of libgcc"
    assert shares.flash["tflm"] == 0

import http.server
import os
import shutil
import socket
import subprocess
import threading
import time

import pytest

from danas_hil.base import DanasError
from danas_hil.board import load_board
from danas_hil.platformio import core_folder, pio_environment, read_elf_sizes
from danas_hil.platformio.build import SizeError, _check_fit, _failure
from danas_hil.platformio.elf import ElfSizes
from danas_hil.platformio.registry import check_packages, registry_answers

BOARD = load_board("qemu-m4")
needs_gcc = pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"
)


@needs_gcc
def test_sizes_are_those_of_the_sections(tmp_path):
    source, elf = tmp_path / "a.c", tmp_path / "a.elf"
    source.write_text("int zero[100]; int one[10] = {1}; const int two[7] = {2}; void f(void) {}")
    script = tmp_path / "a.ld"
    script.write_text(
        "MEMORY { F : ORIGIN = 0x8000000, LENGTH = 1M R : ORIGIN = 0x20000000, LENGTH = 1M }"
        "SECTIONS { .text : { *(.text*) *(.rodata*) } > F .data : { *(.data*) } > R AT > F"
        " .bss (NOLOAD) : { *(.bss*) *(COMMON) } > R"
        " ._user_heap_stack (NOLOAD) : { . += 0x600; } > R /DISCARD/ : { *(.ARM.attributes) } }"
    )
    subprocess.run(
        ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-nostdlib", f"-T{script}",
         "-Wl,--entry=f", str(source), "-o", str(elf)], check=True,
    )  # fmt: skip
    sizes = read_elf_sizes(elf)
    assert sizes.static_ram_bytes == 400 + 40
    assert sizes.size_of(".bss") == 400
    assert sizes.flash_bytes == sizes.size_of(".text") + 40


def test_what_is_no_elf_file_is_refused(tmp_path):
    for content in (b"", b"\x7fELF", os.urandom(200), b"\x7fELF\x01\x01" + bytes(60)):
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(DanasError, match="no firmware"):
            read_elf_sizes(tmp_path / "x")


def test_too_much_ram_is_an_error_here(tmp_path):
    fits = ElfSizes(1000, BOARD.ram_bytes, ())
    _check_fit(BOARD, fits, tmp_path)
    with pytest.raises(SizeError, match="of RAM"):
        _check_fit(BOARD, ElfSizes(1000, BOARD.ram_bytes + 1, ()), tmp_path)
    with pytest.raises(SizeError, match="of flash"):
        _check_fit(BOARD, ElfSizes(BOARD.flash_bytes + 1, 10, ()), tmp_path)


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("ld: region `RAM' overflowed by 2048 bytes\n", "2 kB more of RAM"),
        ("a.cpp:3:1: error: 'x' was not declared\n", "'x' was not declared"),
        ("HTTPClientError: \n", "registry"),
        ("sh: 1: arm-none-eabi-g++: not found\n", "apt install gcc-arm-none-eabi"),
    ],
)
def test_a_failure_is_told_in_our_words(tmp_path, output, told):
    assert told in str(_failure(BOARD, output, tmp_path / "log"))


def test_a_registry_that_does_not_answer_is_told_in_seconds(monkeypatch, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        monkeypatch.setattr(
            "danas_hil.platformio.registry.registry_answers",
            lambda: registry_answers((url,)),
        )
        started = time.monotonic()
        with pytest.raises(DanasError, match=r"nordicnrf52@10\.11\.0, and its registry"):
            check_packages(load_board("nano33ble").firmware, tmp_path)
        assert time.monotonic() - started < 10


def test_a_registry_that_answers_is_believed():
    class NotFound(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

    server = http.server.HTTPServer(("127.0.0.1", 0), NotFound)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    assert registry_answers((f"http://127.0.0.1:{server.server_port}/",))
    thread.join()
    server.server_close()


def test_an_emulated_board_needs_no_registry(tmp_path, monkeypatch):
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path))
    pytest.importorskip("SCons", reason="the build tool scons is not installed")
    assert (core_folder() / "packages" / "tool-scons" / "scons.py").is_file()
    monkeypatch.setattr("danas_hil.platformio.registry.registry_answers", lambda: False)
    check_packages(BOARD.firmware, core_folder())
    assert pio_environment()["PLATFORMIO_CORE_DIR"] == str(tmp_path / "platformio")

import http.server
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time

import pytest

from danas_hil.base import DanasError, EnvironmentFaultError, Finished
from danas_hil.board import load_board
from danas_hil.platformio import (
    core_folder,
    function_at,
    pio_environment,
    read_elf_sizes,
    upload,
)
from danas_hil.platformio.build import SizeError, _check_fit, _failure
from danas_hil.platformio.elf import ElfSizes, Section
from danas_hil.platformio.registry import check_packages, registry_answers
from danas_hil.sketch import LIBRARY_VARIABLE, SelfTest, render_selftest

LIBRARY = "spaziochirale/Chirale_TensorFLowLite@2.0.0"
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


@needs_gcc
def test_an_address_lies_in_the_function_that_has_code_there(tmp_path):
    source, elf = tmp_path / "a.c", tmp_path / "a.elf"
    source.write_text(
        "volatile int x; void first(void) { x = 1; x = 2; } void second(void) { for (;;) x = 3; }"
    )
    command = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-nostdlib", "-Wl,-Ttext=0x8000"]
    subprocess.run([*command, "-Wl,--entry=first", source, "-o", elf], check=True)
    names = [function_at(elf, address) for address in range(0x7FFE, 0x8100)]
    assert names[0] is None
    assert names[2] == "first"
    assert list(dict.fromkeys(names)) == [None, "first", "second"]


def test_what_is_no_elf_file_is_refused(tmp_path):
    for content in (b"", b"\x7fELF", os.urandom(200), b"\x7fELF\x01\x01" + bytes(60)):
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(DanasError, match="no firmware"):
            read_elf_sizes(tmp_path / "x")
        with pytest.raises(DanasError, match="no firmware"):
            function_at(tmp_path / "x", 0)


@needs_gcc
def test_a_damaged_elf_file_is_read_or_refused(tmp_path):
    source, elf, damaged = tmp_path / "a.c", tmp_path / "a.elf", tmp_path / "x.elf"
    source.write_text("int zero[9]; volatile int x = 4; void first(void) { for (;;) x = zero[x]; }")
    command = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-nostdlib", "-Wl,-Ttext=0x8000"]
    subprocess.run([*command, "-Wl,--entry=first", source, "-o", elf], check=True)
    good, draw, refused = elf.read_bytes(), random.Random(0), 0
    headers = [*range(4, 84), *range(len(good) - 40 * 8, len(good))]  # of file, program, sections
    changed = [bytearray(good[:end]) for end in range(0, len(good), len(good) // 50)]
    for _ in range(300):
        changed.append(bytearray(good))
        changed[-1][draw.choice(headers)] = draw.choice((0, 1, 128, 255))
    for content in changed:
        damaged.write_bytes(content)
        for read in (read_elf_sizes, lambda path: function_at(path, 0x8000)):
            try:
                read(damaged)
            except DanasError:
                refused += 1
    assert refused > 100
    with pytest.raises(DanasError, match="another processor"):
        read_elf_sizes(_with(good, 18, 62, damaged))  # of a computer
    with pytest.raises(DanasError, match="another processor"):
        read_elf_sizes(_with(good, 5, 2, damaged))  # big-endian


def _with(content, at, value, path):
    path.write_bytes(content[:at] + bytes([value]) + content[at + 1 :])
    return path


def test_too_much_ram_is_an_error_here(tmp_path):
    def sizes(flash, ram):
        return ElfSizes(flash, (Section(".bss", 0x20000000, ram, loaded=False, in_ram=True),))

    _check_fit(BOARD, sizes(1000, BOARD.ram_bytes), tmp_path)
    with pytest.raises(SizeError, match="of RAM"):
        _check_fit(BOARD, sizes(1000, BOARD.ram_bytes + 1), tmp_path)
    with pytest.raises(SizeError, match="of flash"):
        _check_fit(BOARD, sizes(BOARD.flash_bytes + 1, 10), tmp_path)


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("ld: region `RAM' overflowed by 2048 bytes\n", "2 kB more of RAM"),
        (
            "ld: linker_script.ld:138 cannot move location counter backwards (from 20040400 to"
            " 2003fc00)\n",
            "2 kB more of RAM",
        ),
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


def test_a_registry_that_fails_without_a_word_is_told_in_our_words(tmp_path):
    told = _failure(BOARD, "Tool Manager: Installing x\nHTTPClientError: \n", tmp_path / "log")
    assert told.what == "The build for qemu-m4 failed: PlatformIO's registry did not answer."
    assert "DANAS_TFLM_LIBRARY" in told.hint


def test_a_failed_upload_is_no_failed_build(tmp_path):
    output = "Error: could not open port '/dev/ttyACM0': Permission denied\n"
    told = _failure(BOARD, output, tmp_path / "log", "Flashing")
    assert told.what.startswith("Flashing for qemu-m4 failed: Error: could not open port")
    assert "udev" in told.hint


@pytest.mark.parametrize(
    ("output", "hint", "of_this_computer"),
    [
        ("Error: [Errno 13] Permission denied: '/dev/ttyACM0'", "udev rules", True),
        ("Error: libusb_open() failed with LIBUSB_ERROR_ACCESS", "udev rules", True),
        ("could not open port /dev/ttyACM0: [Errno 16] Device or resource busy", "close it", True),
        ("Error: HTTPClientError:", "registry", True),
        ("Error: No space left on device", "disk is full", True),
        ("could not open port /dev/ttyACM0: [Errno 2] No such file or directory", "cable", False),
        ("No device found on ttyACM0", "press reset twice", False),
        ("SAM-BA operation failed", "press reset twice", False),
        ("Error: Couldn't find a board on the selected port.", "press reset twice", False),
    ],
)
def test_what_is_this_computers_fault_is_told_from_what_is_the_boards(
    tmp_path, output, hint, of_this_computer
):
    told = _failure(BOARD, output + "\n", tmp_path / "log", "Flashing")
    assert hint in told.hint
    assert isinstance(told, EnvironmentFaultError) == of_this_computer


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """A folder of PlatformIO's with its build tool, and no registry."""
    monkeypatch.setattr("danas_hil.platformio.registry.registry_answers", lambda: False)
    return installed(tmp_path / "core", "packages/tool-scons/package.json")


def installed(core, *manifests, **content):
    for manifest in manifests:
        (core / manifest).parent.mkdir(parents=True, exist_ok=True)
        (core / manifest).write_text(json.dumps(content))
    return core


def test_a_library_that_must_be_downloaded_is_missed_in_time(offline, tmp_path):
    check_packages(BOARD.firmware, offline, ("symlink:///a/folder",), tmp_path)
    with pytest.raises(DanasError, match="needs the library") as caught:
        check_packages(BOARD.firmware, offline, (LIBRARY,), tmp_path)
    assert LIBRARY in caught.value.what
    assert LIBRARY_VARIABLE in caught.value.hint
    (tmp_path / "Chirale_TensorFLowLite").mkdir()
    check_packages(BOARD.firmware, offline, (LIBRARY,), tmp_path)


def test_a_toolchain_that_came_half_is_missed_in_time(offline):
    firmware = load_board("nano33ble").firmware
    needs = {"toolchain-gcc": {"version": "~1.7"}, "tool-bossac": {"optional": True}}
    installed(offline, "platforms/nordicnrf52/platform.json", packages=needs)
    (offline / "packages" / "toolchain-gcc").mkdir()
    with pytest.raises(DanasError, match="needs toolchain-gcc, its Arduino framework, and"):
        check_packages(firmware, offline)
    installed(offline, "packages/toolchain-gcc@1.70201.0/package.json")
    with pytest.raises(DanasError, match="needs its Arduino framework"):
        check_packages(firmware, offline)
    installed(offline, "packages/framework-arduino-mbed/package.json")
    check_packages(firmware, offline)


def test_uploading_hands_flags_and_port_to_platformio(monkeypatch, tmp_path):
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path))
    calls = []

    def run(arguments, **options):
        calls.append((arguments, options["environment"]))
        return Finished(tuple(arguments), 0, "")

    monkeypatch.setattr(sys.modules[upload.__module__], "run_process", run)
    sketch = render_selftest(BOARD, SelfTest.make())
    upload(sketch, "/dev/ttyACM3", tmp_path / "log", flags=("-c", "adapter serial 1"))
    upload(sketch, None, tmp_path / "log")
    (one, its), (other, others) = calls
    assert one[-4:] == ["-t", "upload", "--upload-port", "/dev/ttyACM3"]
    assert its["PLATFORMIO_UPLOAD_FLAGS"] == "-c\nadapter serial 1"
    assert other[-2:] == ["-t", "upload"]
    assert "PLATFORMIO_UPLOAD_FLAGS" not in others


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

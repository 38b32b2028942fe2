"""The firmware and its sketches, compiled and linked as a real Arduino core would have it.

With headers of our own, which stand beside this file and hold what our sources use of a core, or
with the core's, where DANAS_CORES names the folder that holds ArduinoCore-mbed, ArduinoCore-API,
mbed-os, Arduino_Core_STM32, CMSIS_6, platform-ststm32 and Chirale_TensorFlowLite.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from danas_hil.sketch import Sketch

HERE = Path(__file__).parent
FOLDERS_VARIABLE = "DANAS_CORES"
COMPILER = "arm-none-eabi-g++"
WARNINGS = ("-Wall", "-Wextra", "-Werror")


@dataclass(frozen=True)
class Core:
    """name: of the folder with our headers. board: of the sketches that are compiled. flags: what
    the core says of language, ABI and names, without optimisation and paths."""

    name: str
    board: str
    flags: tuple[str, ...]


# ArduinoCore-mbed 4.5.0, variants/ARDUINO_NANO33BLE/{cxxflags,defines}.txt, and platform.txt.
MBED = Core(
    "mbed",
    "nano33ble",
    (
        "-std=gnu++14", "-fno-rtti", "-fno-exceptions", "-fdata-sections", "-ffunction-sections",
        "-fmessage-length=0", "-fomit-frame-pointer", "-funsigned-char", "-mcpu=cortex-m4",
        "-mfloat-abi=softfp", "-mfpu=fpv4-sp-d16", "-mthumb", "-Wvla",
        "-Wno-missing-field-initializers", "-Wno-unused-parameter",
        "-DARDUINO=10810", "-DARDUINO_ARCH_MBED", "-DARDUINO_ARDUINO_NANO33BLE",
        "-DARDUINO_ARCH_NRF52840", "-D__MBED__=1", "-DNRF52840_XXAA", "-DTARGET_NRF52840",
        "-DMBED_NO_GLOBAL_USING_DIRECTIVE=1",
    ),
)  # fmt: skip

# Arduino_Core_STM32 2.12.0, tools/platformio/platformio-build.py.
_STM32 = (
    "-std=gnu++17", "-fno-threadsafe-statics", "-fno-rtti", "-fno-exceptions",
    "-fno-use-cxa-atexit", "-ffunction-sections", "-fdata-sections", "-mthumb",
    "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard", "--param", "max-inline-insns-single=500",
    "-DARDUINO=10808", "-DARDUINO_ARCH_STM32", "-DNDEBUG", "-DUSE_HAL_DRIVER",
    "-DUSE_FULL_LL_DRIVER", "-DHAL_UART_MODULE_ENABLED", "-DVECT_TAB_OFFSET=0x0",
)  # fmt: skip
STM32_F4 = Core("stm32", "nucleo_f446re", (*_STM32, "-mcpu=cortex-m4", "-DSTM32F4xx"))
STM32_F7 = Core("stm32", "nucleo_f746zg", (*_STM32, "-mcpu=cortex-m7", "-DSTM32F7xx"))
STM32_H7 = Core("stm32", "nucleo_h743zi", (*_STM32, "-mcpu=cortex-m7", "-DSTM32H7xx"))
STM32_L4 = Core("stm32", "nucleo_l4r5zi", (*_STM32, "-mcpu=cortex-m4", "-DSTM32L4xx"))


def cores_folder() -> Path | None:
    """Where the real cores stand, if they do."""
    folder = os.environ.get(FOLDERS_VARIABLE)
    return Path(folder).resolve() if folder else None


def own_flags(core: Core) -> tuple[str, ...]:
    """With headers of ours, where each warning of them is an error."""
    return (*core.flags, *WARNINGS, f"-I{HERE / core.name}", f"-I{HERE / 'tflm'}")


def real_flags(core: Core, folder: Path) -> tuple[str, ...]:
    """With the core's headers and all its own flags; what they warn of is theirs."""
    library = f"-isystem{folder / 'Chirale_TensorFlowLite' / 'src'}"
    flags = _mbed_flags(folder) if core.name == "mbed" else _stm32_flags(core, folder)
    return (*flags, library, "-Wall", "-Wextra")


def _mbed_flags(folder: Path) -> list[str]:
    core = folder / "ArduinoCore-mbed" / "cores" / "arduino"
    variant = folder / "ArduinoCore-mbed" / "variants" / "ARDUINO_NANO33BLE"
    flags = []
    for name in ("defines.txt", "cxxflags.txt"):
        text = (variant / name).read_text(encoding="utf-8")
        flags += [flag for flag in shlex.split(text) if flag not in ("-c", "-Os")]
    named = [flag for flag in MBED.flags if flag.startswith("-DARDUINO")]
    paths = (folder / "ArduinoCore-API", core, variant)
    return [
        *flags, *named, "-nostdlib", *(f"-I{path}" for path in paths), f"-iprefix{core}",
        f"@{variant / 'includes.txt'}", "-include", str(variant / "mbed_config.h"),
    ]  # fmt: skip


def _stm32_flags(core: Core, folder: Path) -> list[str]:
    manifest = folder / "platform-ststm32" / "boards" / f"{core.board}.json"
    build = json.loads(manifest.read_text(encoding="utf-8"))["build"]
    framework, cmsis = folder / "Arduino_Core_STM32", folder / "CMSIS_6" / "CMSIS"
    remap = json.loads((framework / "tools/platformio/boards_remap.json").read_text("utf-8"))
    name = remap.get(core.board, core.board.upper())
    header = build.get("arduino", {}).get("variant_h", f"variant_{name}.h")
    series = f"{build['mcu'][:7].upper()}xx"
    drivers = framework / "system" / "Drivers"
    device = drivers / "CMSIS" / "Device" / "ST" / series
    wrapper = framework / "libraries" / "SrcWrapper" / "inc"
    paths = (
        framework / "cores/arduino", framework / "cores/arduino/avr",
        framework / "cores/arduino/stm32", wrapper, wrapper / "LL",
        drivers / f"{series}_HAL_Driver" / "Inc", drivers / f"{series}_HAL_Driver" / "Src",
        framework / "system" / series, cmsis / "Core/Include", device / "Include",
        device / "Source/Templates/gcc", framework / "variants" / build["variant"],
    )  # fmt: skip
    return [
        *core.flags, f"-DARDUINO_{name}", f'-DBOARD_NAME="{name}"', f'-DVARIANT_H="{header}"',
        f"-DF_CPU={build['f_cpu']}", *build["extra_flags"].split(), "-nostdlib",
        *(f"-isystem{path}" for path in paths),
    ]  # fmt: skip


def write_sources(sketch: Sketch, folder: Path) -> list[Path]:
    """The files of a sketch, in `folder`; those that are compiled are returned."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in sketch.files.items():
        (folder / Path(name).name).write_text(text, encoding="utf-8")
    return sorted(folder.glob("*.cpp"))


def compile_each(
    sources: Iterable[Path], flags: Sequence[str], out: Path, optimisation: str = "-O2"
) -> list[Path]:
    """Object files. Raises AssertionError with what the compiler said, also where it only warns of
    one of `sources` itself: what it says of a core's own headers is not ours."""
    out.mkdir(parents=True, exist_ok=True)
    objects = []
    for source in sources:
        made = out / f"{source.stem}.o"
        command = [COMPILER, *flags, optimisation, "-c", str(source), "-o", str(made)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-4000:]
        warned = rf"^{re.escape(str(source.parent))}/.*warning:.*"
        assert not re.search(warned, done.stderr, re.MULTILINE), done.stderr[-4000:]
        objects.append(made)
    return objects


def undefined(objects: Sequence[Path], out: Path) -> set[str]:
    """The symbols that these objects want of others, linked into one: `ld -r` itself tells none."""
    one = out / "partial.o"
    subprocess.run(["arm-none-eabi-ld", "-r", "-o", one, *objects], check=True, timeout=60)
    told = subprocess.run(
        ["arm-none-eabi-nm", "-u", one], capture_output=True, text=True, check=True, timeout=60
    )
    return {line.split()[-1] for line in told.stdout.splitlines() if line.split()}


def known_symbols(name: str) -> dict[str, str]:
    """Where each symbol of tests/cores/NAME/symbols.txt is defined: `SYMBOL  FILE` a line."""
    lines = (HERE / name / "symbols.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    return {symbol: file for symbol, file in pairs}


def archived_symbols(archive: Path) -> set[str]:
    """The global symbols that a library's archive defines."""
    told = subprocess.run(
        ["arm-none-eabi-nm", "-g", "--defined-only", archive],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return {fields[2] for line in told.stdout.splitlines() if len(fields := line.split()) == 3}


def libmbed(folder: Path) -> Path:
    """The archive of mbed, which PlatformIO's package brings and the core's repository does not."""
    return folder / "ArduinoCore-mbed/variants/ARDUINO_NANO33BLE/libs/libmbed.a"

"""Measure anew what operators take of flash: a [[table]] of host/danas_hil/estimate/code/*.toml.

    python benchmarks/_code_size.py LIBRARY --optimisation=-O2 --build="stm32 -O2" [--work=FOLDER]

LIBRARY is a folder with the sources of spaziochirale/Chirale_TensorFLowLite (its `src` is
compiled). A minimal program is linked once for each operator and once with none; from the linker's
maps follows which sections which operators need, so that code that several share counts once.
Needs arm-none-eabi-gcc; takes some minutes for each level of optimisation.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections import defaultdict
from pathlib import Path

from danas_hil.base import Deadline, run_process
from danas_hil.estimate import load_runtime

PREFIX = "arm-none-eabi-"
CORE = ["-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard", "-mthumb"]
FLAGS = ["-ffunction-sections", "-fdata-sections", "-DNDEBUG", "-fno-threadsafe-statics", "-w"]
CPP_FLAGS = ["-std=gnu++17", "-fno-rtti", "-fno-exceptions", "-fno-use-cxa-atexit"]
LINK_FLAGS = ["-lm", "--specs=nano.specs", "--specs=nosys.specs", "-Wl,--gc-sections"]
INCLUDES = ("", "/third_party/flatbuffers/include", "/third_party/gemmlowp", "/third_party/ruy",
            "/third_party/kissfft", "/third_party/cmsis_nn", "/third_party/cmsis_nn/Include",
            "/third_party/cmsis/CMSIS/Core/Include")  # fmt: skip
OWN_PROGRAM_ONLY = ("debug_log", "system_setup", "peripherals")  # they need the Arduino core
PROGRAM = Path(__file__).with_name("_code_size.cpp")
OUTPUT_SECTIONS = frozenset(
    [
        ".init",
        ".text",
        ".fini",
        ".rodata",
        ".ARM.extab",
        ".ARM.exidx",
        ".eh_frame",
        ".init_array",
        ".fini_array",
    ]
)

Sections = dict[tuple[str, str, str, int], int]


def run(*arguments: str | Path) -> str:
    done = run_process([str(a) for a in arguments], deadline=Deadline(600, str(arguments[0])))
    if done.status:
        raise SystemExit(done.output)
    return done.output


def method(operator: str) -> str:
    """CONV_2D -> AddConv2D, RELU6 -> AddRelu6, PADV2 -> AddPadV2."""
    words = operator.replace("PADV2", "PAD_V2").split("_")
    return "Add" + "".join(word if word == "2D" else word.capitalize() for word in words)


def compile_library(source: Path, optimisation: str, folder: Path) -> Path:
    archive = folder / "library.a"
    if archive.exists():
        return archive
    objects = []
    for path in sorted([*source.rglob("*.c"), *source.rglob("*.cpp"), *source.rglob("*.cc")]):
        if any(part in str(path.relative_to(source)) for part in OWN_PROGRAM_ONLY):
            continue
        target = folder / f"{len(objects):03}-{path.name}.o"
        compiler, flags = ("gcc", []) if path.suffix == ".c" else ("g++", CPP_FLAGS)
        run(PREFIX + compiler, *CORE, optimisation, *FLAGS, *flags, *includes(source), "-c", path,
            "-o", target)  # fmt: skip
        objects.append(target)
    run(PREFIX + "ar", "rcs", archive, *objects)
    return archive


def includes(source: Path) -> list[str]:
    return [f"-I{source}{part}" for part in INCLUDES]


def link(
    source: Path, optimisation: str, folder: Path, operators: list[str]
) -> tuple[int, Sections]:
    """Text of a program with these operators, and the sections that are in it."""
    name = operators[0] if len(operators) == 1 else f"{len(operators)}-operators"
    program, map_file = folder / f"{name}.elf", folder / f"{name}.map"
    calls = " ".join(f"resolver.{method(operator)}();" for operator in operators)
    run(PREFIX + "g++", *CORE, optimisation, *FLAGS, *CPP_FLAGS, *includes(source),
        f"-DOPERATORS={calls}", PROGRAM, folder / "library.a", *LINK_FLAGS, f"-Wl,-Map,{map_file}",
        "-o", program)  # fmt: skip
    text = int(run(PREFIX + "size", program).splitlines()[1].split()[0])
    return text, sections(map_file.read_text())


_LINE = re.compile(
    r"^(?P<output>\.[\w.]+)"
    r"|^ (?P<section>[.\w]\S*)\n?[ \t]+0x[0-9a-f]+[ \t]+0x(?P<size>[0-9a-f]+)[ \t]+(?P<file>\S.*)$",
    re.MULTILINE,
)


def sections(map_text: str) -> Sections:
    """Sizes of the input sections that stand in flash, by output section, name, file and turn."""
    found: Sections = {}
    turns: dict[tuple[str, str, str], int] = defaultdict(int)
    output = ""
    for match in _LINE.finditer(map_text[map_text.index("Linker script and memory map") :]):
        if match["output"]:
            output = match["output"]
        elif output in OUTPUT_SECTIONS and int(match["size"], 16):
            key = (output, match["section"], owner(match["section"], match["file"]))
            found[*key, turns[key]] = int(match["size"], 16)
            turns[key] += 1
    return found


def owner(section: str, file: str) -> str:
    """Whose section it is: the file's, or nobody's for an inline function, which any may bring."""
    name = file.split("/")[-1]
    if "._ZN" in section and "_GLOBAL__N_" not in section:
        return ""
    return PROGRAM.name if name.startswith("cc") else name


def groups(alone: dict[str, Sections], none: Sections) -> dict[frozenset[str], int]:
    """Bytes by the operators that need them, one at least; what every program has left out.

    What grows in the program itself is each operator's own (the calls that register it), but for
    what grows with any.
    """
    users: dict[tuple[str, str, str, int], set[str]] = defaultdict(set)
    sizes: Sections = {}
    calls: dict[str, int] = defaultdict(int)
    for operator, parts in alone.items():
        for key, size in parts.items():
            extra = size - none.get(key, 0)
            if key[2] == PROGRAM.name:
                calls[operator] += extra
            elif extra > 0:
                users[key].add(operator)
                sizes[key] = max(extra, sizes.get(key, 0))
    common = min(calls.values())
    result: dict[frozenset[str], int] = defaultdict(int)
    result[frozenset(alone)] += common
    for operator, extra in calls.items():
        result[frozenset({operator})] += extra - common
    for key, operators in users.items():
        result[frozenset(operators)] += sizes[key]
    return {users: size for users, size in result.items() if size}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("library", type=Path)
    parser.add_argument("--optimisation", default="-Os")
    parser.add_argument("--build", default="stm32 -Os")
    parser.add_argument("--work", type=Path, help="keep objects here, and use those that are")
    parser.add_argument("--calibrate", type=int, default=0, help="added to the base and to sets")
    parser.add_argument("--set", action="append", default=[], help="operators to link together too")
    arguments = parser.parse_args()
    folder = arguments.work or Path(tempfile.mkdtemp(prefix="code-size-"))
    folder.mkdir(parents=True, exist_ok=True)
    source = arguments.library / "src"
    compile_library(source, arguments.optimisation, folder)

    def linked(operators: list[str]) -> tuple[int, Sections]:
        return link(source, arguments.optimisation, folder, operators)

    base, none = linked([])
    names = sorted(load_runtime("arduino").operators)
    table = groups({name: linked([name])[1] for name in names}, none)
    share = (base + sum(table.values())) / linked(names)[0] - 1
    print(f'\n[[table]]\nruntime = "arduino"\nkernels = "cmsis-nn"\nbuild = "{arguments.build}"')
    print(f'source = "linked with each operator, {arguments.build}"')
    print(f"base = {base + arguments.calibrate}  # all operators: {100 * share:+.1f} % off\n")
    print("[table.sets]")
    for together in arguments.set:
        print(f'"{together}" = {linked(together.split())[0] + arguments.calibrate}')
    print("\n[table.groups]")
    for users, size in sorted(table.items(), key=lambda row: (-len(row[0]), sorted(row[0]))):
        print(f'"{" ".join(sorted(users))}" = {size}')


if __name__ == "__main__":
    main()

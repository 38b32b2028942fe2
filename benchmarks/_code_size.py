"""Measure anew what operators take of flash: a [[table]] of host/danas_hil/estimate/code/*.toml.

    python benchmarks/_code_size.py --board nucleo_f746zg
    python benchmarks/_code_size.py --library FOLDER --optimisation=-Os --toolchain="stm32 -Os"

With a board, programs as the product makes them are built with the packages that PlatformIO's
folder holds: one for each operator, one with none and one with all. What they have beside the
framework, without what the program with none has of ours, is the table's.

With a library, a folder with the sources of spaziochirale/Chirale_TensorFLowLite (its `src` is
compiled), minimal programs are linked, without any Arduino core. Needs arm-none-eabi-gcc.

From the linker's maps follows which sections which operators need, so that code that several share
counts once. Takes some minutes for each level of optimisation.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from danas_hil.base import Deadline, run_process
from danas_hil.board import Board, load_board
from danas_hil.builds import load_build
from danas_hil.platformio import build
from danas_hil.platformio.build import project_folder
from danas_hil.sketch import render_tflm

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
OF_PRODUCT = OUTPUT_SECTIONS | {".data"}  # which stands in flash, too
MODEL = bytes(range(64))  # it is never run

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
    return text, sections(program, map_file)


def build_product(board: Board, folder: Path, operators: list[str]) -> tuple[int, Sections]:
    """Bytes of a program as the product makes it, without the framework, and its sections."""
    sketch = render_tflm(board, "code size", MODEL, operators, 1024)
    built = build(sketch, folder / "program.elf", folder / "build.log")
    map_file = project_folder(board, "tflm") / ".pio" / "build" / board.id / "firmware.map"
    size = built.sizes.flash_bytes - built.shares.flash["framework"]
    return size, sections(folder / "program.elf", map_file, OF_PRODUCT)


def library_share(board: Board, folder: Path) -> int:
    """Of the program without operators, what is the library's and the C library's."""
    sketch = render_tflm(board, "code size", MODEL, (), 1024)
    shares = build(sketch, folder / "program.elf", folder / "build.log").shares.flash
    return shares["tflm"] + shares["c_library"]


_LINE = re.compile(
    r"^(?P<output>\.[\w.]+)(?:\n?[ \t]+0x(?P<start>[0-9a-f]+)[ \t]+0x(?P<length>[0-9a-f]+))?"
    r"|^ (?P<section>[.\w]\S*)\n?[ \t]+0x(?P<at>[0-9a-f]+)[ \t]+0x(?P<size>[0-9a-f]+)"
    r"[ \t]+(?P<file>\S.*)$",
    re.MULTILINE,
)


def sections(program: Path, map_file: Path, wanted: frozenset[str] = OUTPUT_SECTIONS) -> Sections:
    """Sizes of the input sections that stand in flash, by output section, name, file and turn.

    Strings are told one by one: the linker stores equal ones of all files once, and its map tells
    nothing of that.
    """
    found: Sections = {}
    turns: dict[tuple[str, str, str], int] = defaultdict(int)
    for output, pieces, start, end in _outputs(map_file.read_text()):
        if output not in wanted:
            continue
        content = b""
        starts = [at for at, *_ in pieces[1:]]
        for (at, size, section, file), after in zip(pieces, [*starts, end], strict=True):
            size = min(size, after - at)
            if size <= 0:
                continue
            if ".str1." in section:
                content = content or _content(program, output)
                for text in content[at - start : at - start + size].split(b"\0"):
                    if text:
                        found[output, repr(text), "", 0] = (len(text) + 4) // 4 * 4
                continue
            key = (output, section, owner(section, file))
            found[*key, turns[key]] = size
            turns[key] += 1
    return found


def _content(program: Path, output: str) -> bytes:
    target = program.with_suffix(".bin")
    run(PREFIX + "objcopy", "-O", "binary", f"--only-section={output}", program, target)
    return target.read_bytes()


def _outputs(map_text: str) -> Iterable[tuple[str, list[tuple[int, int, str, str]], int, int]]:
    """Each output section that has pieces: name, its pieces in turn, where it begins and ends."""
    text = map_text[map_text.index("Linker script and memory map") :]
    output, pieces, start, end = "", [], 0, 0
    for match in _LINE.finditer(text):
        if match["output"]:
            if pieces:
                yield output, sorted(pieces), start, end
            output, pieces = match["output"], []
            start = int(match["start"] or "0", 16)
            end = start + int(match["length"] or "0", 16)
        elif size := int(match["size"], 16):
            pieces.append((int(match["at"], 16), size, match["section"], match["file"]))
    if pieces:
        yield output, sorted(pieces), start, end


def owner(section: str, file: str) -> str:
    """Whose section it is: the file's, or nobody's for an inline function, which any may bring."""
    name = file.split("/")[-1]
    if "._ZN" in section and "_GLOBAL__N_" not in section:
        return ""
    return PROGRAM.name if name.startswith("cc") or name == "model.cpp.o" else name


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
    parser.add_argument("--board", help="whose programs to build")
    parser.add_argument("--library", type=Path, help="whose minimal programs to link")
    parser.add_argument("--optimisation", default="-Os")
    parser.add_argument("--toolchain", default="stm32 -Os")
    parser.add_argument("--work", type=Path, help="keep objects here, and use those that are")
    parser.add_argument("--calibrate", type=int, default=0, help="added to the base and to sets")
    parser.add_argument("--set", action="append", default=[], help="operators to link together too")
    arguments = parser.parse_args()
    folder = arguments.work or Path(tempfile.mkdtemp(prefix="code-size-"))
    folder.mkdir(parents=True, exist_ok=True)
    if arguments.board:
        board = load_board(arguments.board)
        label, source = board.toolchain, f"programs built for {board.id}"

        def linked(operators: list[str]) -> tuple[int, Sections]:
            return build_product(board, folder, operators)

    else:
        sources = arguments.library / "src"
        compile_library(sources, arguments.optimisation, folder)
        label, source = arguments.toolchain, "minimal programs"

        def linked(operators: list[str]) -> tuple[int, Sections]:
            return link(sources, arguments.optimisation, folder, operators)

    nothing, none = linked([])
    base = library_share(board, folder) if arguments.board else nothing
    names = sorted(load_build("arduino").operators)
    table = groups({name: linked([name])[1] for name in names}, none)
    share = (nothing + sum(table.values())) / linked(names)[0] - 1
    print(f'\n[[code]]\nkernels = "cmsis-nn"\ntoolchain = "{label}"')
    print(f'source = "{source} with each operator, {label}"')
    print("spread = 1024")
    print(f"base = {base + arguments.calibrate}  # all operators: {100 * share:+.1f} % off\n")
    print("[code.sets]")
    for together in arguments.set:
        size = linked(together.split())[0] - nothing + base
        print(f'"{together}" = {size + arguments.calibrate}')
    print("\n[code.groups]")
    for users, size in sorted(table.items(), key=lambda row: (-len(row[0]), sorted(row[0]))):
        print(f'"{" ".join(sorted(users))}" = {size}')


if __name__ == "__main__":
    main()

"""What a board's firmware takes of flash and static RAM, from whole builds: lines for its file.

    python benchmarks/shares.py --board nucleo_f746zg [--models FOLDER] [--csv FILE]

Builds the self-test and each model of FOLDER with the packages that PlatformIO's folder holds (or
gets), reads the shares of each program from the linker's map, and prints:

1. each program by whose bytes it is, which add up to the ELF file;
2. the flash of each model's program beside the estimate, whose share of framework and firmware
   comes from the other models alone, and its static RAM beside the estimate;
3. lines for boards/NAME.toml, with the versions of everything that counts.

--csv writes the programs down as tests/estimate/whole_builds.csv has them. Models that the build
does not cover are told and left out. The first build for a board compiles its core and the
TensorFlow Lite Micro library, which takes minutes.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from danas_hil.base import DanasError, read_json
from danas_hil.board import Board, load_board
from danas_hil.builds import CodeTable, load_build
from danas_hil.estimate import estimate_arena, read_graph
from danas_hil.platformio import OWNERS, Built, SizeError, build, core_folder
from danas_hil.sketch import SelfTest, Sketch, render_selftest, render_tflm

MODELS = Path(__file__).resolve().parents[2] / "shared/data/models"
COLUMNS = ("board", "model", "model_bytes", "arena", "flash", "static_ram", "operators")


@dataclass(frozen=True)
class Program:
    """A model's program. flash, static_ram: bytes by the ELF file, None where it was too large for
    the board; arena: of these, the arena."""

    model: str
    model_bytes: int
    operators: frozenset[str]
    arena: int
    flash: int | None = None
    static_ram: int | None = None

    def rest(self, table: CodeTable) -> int:
        """Flash that is neither the model nor, by the table, the library."""
        library = table.bytes_for(self.operators)
        assert library is not None, f"no code figure for {', '.join(sorted(self.operators))}"
        assert self.flash is not None
        return self.flash - self.model_bytes - library

    def static(self, table: CodeTable) -> tuple[int, int]:
        """Static RAM beside the arena and what comes with the operators, and what of it lies behind
        the arena."""
        assert self.static_ram is not None
        return table.static_rest(self.static_ram - self.arena, self.operators)


def programs(board: Board, models: Iterable[Path], folder: Path) -> Iterable[Program]:
    """Each model that the build covers, built; its shares are told."""
    build = load_build(board.build, board.kernels)
    for path in models:
        content, name = path.read_bytes(), path.stem
        try:
            graph = read_graph(content, name)
            arena = estimate_arena(graph, build).minimum_bytes
            operators = tuple(dict.fromkeys(operator.kind for operator in graph.operators))
            sketch = render_tflm(board, name, content, operators, arena)
        except DanasError as error:
            print(f"{name}: {error.what}", file=sys.stderr)
            continue
        program = Program(name, len(content), frozenset(operators), arena)
        try:
            built = built_of(sketch, folder, name)
        except SizeError as error:
            print(f"{name}: {error.what}", file=sys.stderr)
            yield program
            continue
        tell_shares(name, built)
        sizes = built.sizes
        yield replace(program, flash=sizes.flash_bytes, static_ram=sizes.static_ram_bytes)


def built_of(sketch: Sketch, folder: Path, name: str) -> Built:
    return build(sketch, folder / f"{name}.elf", folder / f"{name}.log")


def tell_shares(name: str, built: Built) -> None:
    for what, total, shares in (
        ("flash", built.sizes.flash_bytes, built.shares.flash),
        ("static RAM", built.sizes.static_ram_bytes, built.shares.static_ram),
    ):
        assert sum(shares.values()) == total
        cells = " | ".join(f"{shares[owner]:,}" for owner in OWNERS)
        print(f"| {name} | {what} | {total:,} | {cells} |", flush=True)


def tell_estimates(found: Sequence[Program], table: CodeTable) -> None:
    """Each program by a share of framework and firmware that the other programs gave."""
    print("\n| model | flash | estimate | error | static RAM | estimate |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for program in found:
        others = [one for one in found if one is not program]
        if not others:
            return
        assert program.flash is not None
        flash = program.flash - program.rest(table) + middle(one.rest(table) for one in others)
        static = program.arena + table.static_bytes(
            before(others, table), program.operators, others[0].static(table)[1]
        )
        print(
            f"| {program.model} | {program.flash:,} | {flash:,} |"
            f" {100 * (flash / program.flash - 1):+.2f} % | {program.static_ram:,} | {static:,} |"
        )


def before(found: Sequence[Program], table: CodeTable) -> int:
    """Static RAM of a program without operators, as closely as these tell: each knows it only to
    where it was rounded up to."""
    half = table.static_round // 2
    rests = [one.static(table)[0] for one in found]
    least, most = max(rests) - half + 1, min(rests) + half
    return (least + most) // 2


def tell_lines(board: Board, found: Sequence[Program], table: CodeTable) -> None:
    source = f"{len(found)} whole builds, {', '.join(versions(board))}"
    rests = [one.rest(table) for one in found]
    print(f"\n# for boards/{board.id}.toml; benchmarks/shares.py --board {board.id}")
    print(f"static_behind_bytes = {found[0].static(table)[1]}\n")
    print(f"[framework_flash_bytes]\nbytes = {middle(rests)}")
    if min(rests) < max(rests):
        print(f"least = {min(rests)}\nmost = {max(rests)}")
    print(f'source = "{source}"\n')
    print(f'[static_ram_bytes]\nbytes = {before(found, table)}\nsource = "{source}"')


def middle(values: Iterable[int]) -> int:
    return round(statistics.median(values))


def versions(board: Board) -> list[str]:
    """Of platform, packages and compiler, as PlatformIO's folder holds them."""
    assert board.firmware is not None
    told = [board.firmware.platform]
    packages = core_folder() / "packages"
    for pattern in (f"framework-arduino*{board.firmware.framework}*", "toolchain-gccarm*"):
        for manifest in sorted(packages.glob(f"{pattern}/package.json")):
            told.append(f"{manifest.parent.name} {read_json(manifest)['version']}")
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--board", default="nucleo_f746zg")
    parser.add_argument("--models", type=Path, default=MODELS)
    parser.add_argument("--only", nargs="*", help="names of models, without .tflite")
    parser.add_argument("--csv", type=Path)
    arguments = parser.parse_args()
    board = load_board(arguments.board)
    table = load_build(board.build, board.kernels).code.get(board.toolchain)
    if table is None:
        raise SystemExit(f"No code table of {board.toolchain}: benchmarks/_code_size.py makes one.")
    models = sorted(arguments.models.glob("*.tflite"))
    if arguments.only:
        models = [path for path in models if path.stem in arguments.only]
    with tempfile.TemporaryDirectory() as folder:
        print("| program | of | bytes | " + " | ".join(OWNERS) + " |")
        print("| --- | --- |" + " ---: |" * (1 + len(OWNERS)))
        selftest = render_selftest(board, SelfTest.make())
        tell_shares("self-test", built_of(selftest, Path(folder), "selftest"))
        found = list(programs(board, models, Path(folder)))
    if arguments.csv:
        write_csv(arguments.csv, board, found)
    linked = [program for program in found if program.flash is not None]
    if linked:
        tell_estimates(linked, table)
        tell_lines(board, linked, table)
    return 0


def write_csv(path: Path, board: Board, found: Sequence[Program]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for one in found:
            operators = " ".join(sorted(one.operators))
            sizes = (one.model_bytes, one.arena, one.flash, one.static_ram)
            rows.writerow((board.id, one.model, *sizes, operators))


if __name__ == "__main__":
    raise SystemExit(main())

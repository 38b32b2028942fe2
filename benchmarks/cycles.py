"""Cycles of a Cortex-M4 by kernel, counted from what QEMU executes, by Arm's timings.

    python benchmarks/cycles.py [MODEL...] [--genomes N] [--optimisation -O2] [--to FILE] [--ship]

Without models and genomes it takes those of the tables that come along: 14 public files and 61.
Needs the emulator with plugins, a host compiler, the Arm compiler, and a TensorFlow Lite Micro
library in the folder that DANAS_TFLM_LIBRARY names. Each model is timed on qemu-m4 with and
without a profiler, as by `danas-hil calibrate`; meanwhile a plugin counts how often each block of
instructions is executed in each operator, and the blocks are priced by table 3-1 of the Cortex-M4
Technical Reference Manual (Arm 100166_0001_00), with zero wait states and two cycles to refill the
pipeline after a branch that is taken. It prints cycles for each instruction by kernel. --to: keep
all samples in a file; --ship: those, and the tables fitted on them, as the package has them.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import re
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from danas_hil import estimate
from danas_hil.base import write_atomic, write_json
from danas_hil.board import Board, build_key, load_board
from danas_hil.calibrate import built_in_genomes, random_model
from danas_hil.estimate.fitting import Sample, TimedModel, errors, fit, leave_one_out
from danas_hil.estimate.fitting import counted as fitted_operators
from danas_hil.estimate.graph import OperatorGraph
from danas_hil.estimate.latency import LatencyTable
from danas_hil.estimate.read import read_graph
from danas_hil.estimate.samples import Samples, write_samples
from danas_hil.estimate.work import work_of
from danas_hil.sketch import render_tflm
from danas_hil.targets import QemuDevice, build_into, open_session
from danas_hil.targets.wire_session import WireSession

_ARENA = 2 * 1024 * 1024
MODELS = Path(__file__).resolve().parents[2] / "shared/data/models"
PACKAGE = Path(estimate.__file__).parent
REFILL = 2  # cycles after a branch that is taken: 1 to 3
DIVISION = 7  # cycles of an integer division: 2 to 12
_UNCOUNTED = ("BeginEvent", "EndEvent", "danas5timer", "SysTick")
_BRANCH = re.compile(r"(b|bl|bx|blx|cbz|cbnz)(eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|al)?")
_LINE = re.compile(r"^\s*([0-9a-f]+):\s+(?:[0-9a-f]{4} ?)+\s+(\S+)\s*([^;@]*)")
_SYMBOL = re.compile(r"^([0-9a-f]+) <(.+)>:$")


@dataclass(frozen=True)
class Instruction:
    name: str
    operands: str
    function: str

    @property
    def single(self) -> bool:
        """Whether it is a load or store of one register."""
        name = self.name
        single = name.startswith(("ldr", "str", "vldr", "vstr"))
        return single and not name.startswith(("ldrd", "strd"))

    @property
    def written(self) -> str:
        """The register that a load of one register writes."""
        loads = self.single and self.name.startswith(("ldr", "vldr"))
        return self.operands.split(",")[0].strip() if loads else ""

    @property
    def branches(self) -> bool:
        name = self.name.split(".")[0]
        moves_pc = name.startswith(("pop", "ldm", "ldr")) and re.search(r"\bpc\b", self.operands)
        loads_pc = bool(moves_pc) and not re.search(r"\[pc", self.operands)
        return bool(_BRANCH.fullmatch(name)) or name in ("tbb", "tbh") or loads_pc

    def cycles(self, before: Instruction | None) -> float:
        """Without the refill of a branch that is taken. before: what ran just before it."""
        name = self.name
        if name.startswith(("pop", "push", "ldm", "stm", "vpush", "vpop", "vldm", "vstm")):
            return 1 + _registers(self.operands)
        if name.startswith(("ldrd", "strd")):
            return 3
        if name.startswith(("ldr", "vldr")):
            address = self.operands.partition("[")[2]
            pipelined = (
                before is not None
                and before.single
                and not (before.written and re.search(rf"\b{before.written}\b", address))
            )
            double = name.startswith("vldr") and self.operands.strip().startswith("d")
            return (1 if pipelined else 2) + double
        if name.startswith(("sdiv", "udiv")):
            return DIVISION
        if name.startswith(("vdiv", "vsqrt")):
            return 14
        if name.startswith(("vmla", "vmls", "vfma", "vfms", "vnmla", "vnmls")):
            return 3
        return 2 if name in ("tbb", "tbh") else 1


def _registers(operands: str) -> int:
    """How many registers a list in braces names."""
    count = 0
    for part in operands.partition("{")[2].rstrip("} \t^").split(","):
        ends = [int(end) for end in re.findall(r"\d+", part)]
        count += ends[1] - ends[0] + 1 if len(ends) == 2 and "-" in part else 1
    return count


def disassembled(elf: Path) -> dict[int, Instruction]:
    printed = subprocess.run(
        ["arm-none-eabi-objdump", "-d", str(elf)], capture_output=True, text=True, check=True
    ).stdout
    found, function = {}, ""
    for line in printed.splitlines():
        if symbol := _SYMBOL.match(line):
            function = symbol[2]
        elif match := _LINE.match(line):
            name = match[2].removesuffix(".w").removesuffix(".n")
            found[int(match[1], 16)] = Instruction(name, match[3].strip(), function)
    return found


def counted(elf: Path, counts: Path, operators: int) -> list[tuple[float, float]]:
    """Instructions and cycles of each operator of one inference."""
    code = disassembled(elf)
    places = sorted(code)
    at = {address: place for place, address in enumerate(places)}

    @cache
    def priced(start: int, instructions: int) -> tuple[float, bool, str]:
        rows = [code[places[at[start] + step]] for step in range(instructions)]
        pairs = zip(rows, [None, *rows[:-1]], strict=True)
        return sum(row.cycles(before) for row, before in pairs), rows[-1].branches, rows[0].function

    sums: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
    events = 0
    for line in counts.read_text().splitlines():
        start, instructions, place, executed, left = line.split()
        events = max(events, int(place) + 1)
        cycles, branches, function = priced(int(start, 16) & ~1, int(instructions))
        if any(part in function for part in _UNCOUNTED):
            continue
        one = sums[int(place) % operators]
        one[0] += int(instructions) * int(executed)
        one[1] += cycles * int(executed) + (REFILL * int(left) if branches else 0)
    inferences, rest = divmod(events, operators)
    if rest:
        raise SystemExit(f"{counts}: {events} events of {operators} operators")
    return [(sums[p][0] / inferences, sums[p][1] / inferences) for p in range(operators)]


@dataclass(frozen=True)
class CountingDevice(QemuDevice):
    """QEMU, where programs that profile are watched by the plugin."""

    plugin: Path = Path()

    def command(self, elf: Path) -> list[str]:
        command = super().command(elf)
        symbols = subprocess.run(
            ["arm-none-eabi-nm", str(elf)], capture_output=True, text=True, check=True
        ).stdout
        ends = {
            word: re.search(rf"^([0-9a-f]+) \w .*Profiler\d+{event}", symbols, re.MULTILINE)
            for word, event in (("begin", "BeginEvent"), ("end", "EndEvent"))
        }
        if not all(ends.values()):
            return command
        places = ",".join(
            f"{word}={int(found[1], 16) & ~1:x}" for word, found in ends.items() if found
        )
        counts = elf.with_suffix(".counts")
        return [*command, "-plugin", f"{self.plugin},{places},to={counts}"]


class Programs:
    """A program for all models, with profiler and without: a model is laid into a copy of it."""

    def __init__(self, device: CountingDevice, models: list[bytes], folder: Path) -> None:
        self._device, self._folder = device, folder
        board, room = device.board, max(map(len, models))
        self._graphs = {content: read_graph(content, "a model") for content in models}
        kinds = {one.kind for graph in self._graphs.values() for one in graph.operators}
        most = max(len(graph.operators) for graph in self._graphs.values())
        for name, profiled in (("profile", most), ("plain", 0)):
            sketch = render_tflm(
                board, "any", b"\xaa" * room, sorted(kinds), _ARENA, profiled=profiled
            )
            build_into(sketch, folder / name)

    def measured(self, name: str, content: bytes) -> tuple[str, TimedModel, tuple[float, ...]]:
        """The library's name; the model with times of instructions; cycles of each operator."""
        graph = self._graphs[content]
        work = work_of(graph)
        with self._session("profile", content, graph) as session:
            profile = session.profile()
        with self._session("plain", content, graph) as session:
            tflm = session.identify().tflm_version or ""
            _, total = session.time(2)
        assert profile is not None
        elf = self._folder / "run" / "firmware.elf"
        counts = counted(self._folder / "profile" / "firmware.elf",
                         elf.with_suffix(".counts"), len(work))  # fmt: skip
        samples = tuple(
            Sample((one,), taken.microseconds) for one, taken in zip(work, profile, strict=True)
        )
        timed = TimedModel(name, hashlib.sha256(content).hexdigest(), total, samples)
        ticks = (self._device.board.clock_hz or 0) / 1e6
        told = sum(instructions for instructions, _ in counts)
        shown = ticks * sum(sample.microseconds for sample in samples)
        print(
            f"{name}: {told / 1e6:.3f} M instructions counted, {shown / 1e6:.3f} M by the profile,"
            f" {total * ticks / 1e6:.3f} M without; {sum(c for _, c in counts) / 1e6:.3f} M cycles",
            flush=True,
        )
        return tflm, timed, tuple(cycles for _, cycles in counts)

    @contextlib.contextmanager
    def _session(self, name: str, content: bytes, graph: OperatorGraph) -> Iterator[WireSession]:
        program = self._folder / name / "firmware.elf"
        image = bytearray(program.read_bytes())
        place = image.index(b"\xaa" * 256)
        image[place : place + len(content)] = content
        folder = self._folder / "run"
        write_atomic(folder / "firmware.elf", bytes(image))
        output = graph.tensors[graph.outputs[0]]
        device = self._device
        with open_session(device, folder, output.shape[1:], output.type) as session:
            session.memory()
            yield session


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("models", type=Path, nargs="*")
    parser.add_argument("--genomes", type=int)
    parser.add_argument("--optimisation", default="-O2")
    parser.add_argument("--to", type=Path)
    parser.add_argument("--ship", action="store_true")
    arguments = parser.parse_args()
    paths, genomes = arguments.models, arguments.genomes or 0
    if not paths and arguments.genomes is None:
        paths, genomes = sorted(MODELS.glob("*.tflite")), 61
    board = load_board("qemu-m4")
    assert board.firmware is not None
    board = replace(board, firmware=replace(board.firmware, optimisation=arguments.optimisation))
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        plugin = Path(folder) / "cycles.so"
        source = Path(__file__).with_name("_cycles.c")
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", plugin, source], check=True)
        device = CountingDevice(board, plugin=plugin)
        models = _models(paths, board, genomes)
        programs = Programs(device, [content for _, content in models], Path(folder))
        rows = []
        for name, content in models:
            tflm, timed, cycles = programs.measured(name, content)
            rows.append((timed, cycles))
    print(f"{len(rows)} models in {time.monotonic() - started:.0f} s")
    samples = Samples(
        board=board.id,
        build=board.build,
        kernels=board.kernels,
        toolchain=board.toolchain,
        tflm=tflm,
        instruction_ns=2 ** int(board.firmware.manifest()["build"]["icount_shift"]),
        models=tuple(timed for timed, _ in rows),
        cycles=tuple(cycles for _, cycles in rows),
    )
    show(samples)
    if arguments.to:
        write_samples(arguments.to, samples)
    if arguments.ship:
        ship(samples, arguments.optimisation)
    return 0


def ship(samples: Samples, optimisation: str) -> None:
    """Samples, rates of the board, and cycles and instructions by kernel, where the package has
    them."""
    write_samples(PACKAGE / "samples" / f"{samples.board}.json", samples)
    left_out = leave_one_out(samples.models)
    median, worst = errors(left_out) or (None, None)
    table = LatencyTable(
        board=samples.board,
        build=samples.build,
        kernels=samples.kernels,
        toolchain=samples.toolchain,
        kind="emulated",
        rates=fit(samples.models),
        operators=fitted_operators(samples.models),
        models=tuple(model.key for model in samples.models),
        tflm=samples.tflm,
        median_error=median,
        worst_error=worst,
    )
    key = build_key(samples.build, samples.kernels, samples.toolchain)
    tables = {"schema": 2, "builds": {key: table.to_json()}}
    write_json(PACKAGE / "latencies" / f"{samples.board}.json", tables)
    counted = {
        "schema": 1,
        "core": "cortex-m4",
        "build": samples.build,
        "kernels": samples.kernels,
        "optimisation": optimisation,
        "tflm": samples.tflm,
        "models": len(samples.models),
        "source": "Arm 100166_0001_00, table 3-1, and QEMU: benchmarks/cycles.py",
        "cycles": fit(samples.in_cycles),
        "instructions": fit(samples.in_instructions),
    }
    write_json(PACKAGE / "counted" / "cortex-m4.json", counted)


def _models(paths: list[Path], board: Board, genomes: int) -> list[tuple[str, bytes]]:
    found = [(path.stem, path.read_bytes()) for path in paths]
    return found + [(g.id, random_model(g)) for g in built_in_genomes(board, genomes)]


def show(samples: Samples) -> None:
    """Cycles for each instruction by kernel: of all its operators, least and most."""
    kernels: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for model, of in zip(samples.in_instructions, samples.cycles, strict=True):
        for sample, taken in zip(model.samples, of, strict=True):
            kernels[sample.work[0].kernel].append((sample.microseconds, taken))
    print("\n| kernel | operators | cycles for each instruction | range |")
    print("| --- | ---: | ---: | --- |")
    for kernel, of in sorted(kernels.items()):
        each = [taken / instructions for instructions, taken in of if instructions]
        whole = sum(taken for _, taken in of) / sum(instructions for instructions, _ in of)
        print(f"| {kernel} | {len(of)} | {whole:.2f} | {min(each):.2f} to {max(each):.2f} |")


if __name__ == "__main__":
    raise SystemExit(main())

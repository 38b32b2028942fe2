"""Public models on an emulated board: what is measured, against what was foretold.

    python benchmarks/emulated.py [--models FOLDER] [--board qemu-m4]

Needs the emulator, the compiler, and a TensorFlow Lite Micro library in the folder that
DANAS_TFLM_LIBRARY names. The first build compiles that library, which takes minutes and is not
counted. Seconds are from a model to its recorded measurement, with four golden inputs; the model
bears a new name each time, so that none is taken from PlatformIO's cache of objects. Below the
table: seconds of builds alone, each with a set of operators that was most likely never built.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from danas_hil.board import Board, load_board
from danas_hil.builds import load_build
from danas_hil.estimate.on_board import estimate_on
from danas_hil.estimate.read import read_graph
from danas_hil.measure import Item, Measurement, measure_all
from danas_hil.sketch import render_tflm
from danas_hil.targets import FirmwareTarget, ModelFile, QemuDevice, TargetError, build_into

MODELS = Path(__file__).resolve().parents[2] / "shared/data/models"
NAMES = ("ad01_int8", "kws_ref_model", "pretrainedResnet_quant", "vww_96_int8")


def measured(target: FirmwareTarget, path: Path, folder: Path) -> tuple[Measurement, float]:
    """One measurement, made anew, and the seconds that it took."""
    item = Item(f"{path.stem} {time.time_ns()}", path, None, folder)
    started = time.monotonic()
    ((_, found, _),) = measure_all(target, [item], again=True)
    return found, time.monotonic() - started


def smaller_allocates(target: FirmwareTarget, model: ModelFile, folder: Path) -> bool:
    """Whether 16 bytes less than the estimated minimum do, too."""
    smaller = FirmwareTarget(target.device, arena_margin_bytes=-16)
    try:
        with smaller.open(smaller.build(model, folder)) as session:
            session.memory()
    except TargetError as error:
        if error.stage != "ALLOCATE":
            raise
        return False
    return True


def built_with_new_operators(board: Board, path: Path, folder: Path) -> float:
    """Seconds of a build of this model with random operators beside its own."""
    model = ModelFile(path.stem, path.read_bytes())
    own = dict.fromkeys(one.kind for one in read_graph(model.content, model.name).operators)
    others = sorted(load_build(board.build, board.kernels).operators.keys() - own.keys())
    names = [*own, *random.sample(others, random.randrange(1, len(others)))]
    sketch = render_tflm(board, f"{model.name} {time.time_ns()}", model.content, names, 64 * 1024)
    started = time.monotonic()
    build_into(sketch, folder)
    return time.monotonic() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=MODELS)
    parser.add_argument("--board", default="qemu-m4")
    arguments = parser.parse_args()
    target = FirmwareTarget(QemuDevice(load_board(arguments.board)))
    paths = [arguments.models / f"{name}.tflite" for name in NAMES]
    print("| model | arena | estimate | minimum | 16 less | flash | estimate | ticks | parity"
          " | seconds |")  # fmt: skip
    print("| --- | ---: | ---: | --- | --- | ---: | ---: | ---: | --- | ---: |")
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        measured(target, paths[0], Path(folder))  # compiles the library, and tells of the board
        for path in paths:
            model = ModelFile(path.stem, path.read_bytes())
            foretold = estimate_on(load_board(arguments.board), model.content)
            less = smaller_allocates(target, model, Path(folder))
            found, seconds = measured(target, path, Path(folder))
            if found.memory is None or found.sizes is None or found.latency is None:
                print(f"{path.stem}: {found.failure}", file=sys.stderr)
                wrong += 1
                continue
            flash = foretold.flash.total_bytes
            apart = "unknown" if flash is None else f"{flash / found.sizes.flash_bytes - 1:+.2%}"
            used, minimum = found.memory.arena_used_bytes, found.memory.minimum_sufficed
            parity = found.parity
            same = parity and f"{parity.elements - parity.differing} of {parity.elements}"
            ticks = found.latency.median_us * (target.device.board.clock_hz or 0) / 1e6
            print(
                f"| {path.stem} | {used} | {foretold.arena.used_bytes - used:+d}"
                f" | {found.arena_bytes} {'suffices' if minimum else 'does not do'}"
                f" | {'suffices' if less else 'does not do'} | {found.sizes.flash_bytes} | {apart}"
                f" | {ticks:.0f} | {same} equal | {seconds:.1f} |",
                flush=True,
            )
            wrong += used != foretold.arena.used_bytes or less or not minimum
        board = target.device.board
        taken = [built_with_new_operators(board, path, Path(folder)) for path in paths]
        print("Builds with new operators:", ", ".join(f"{one:.1f} s" for one in taken))
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())

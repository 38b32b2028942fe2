"""Every operator that a memory model covers, alone in a little model, against real TFLM.

    python benchmarks/operators.py [--board qemu-m4] [--only WORD] [--nets COUNT]

On this computer by the tflite-micro wheel; with --board on that board too (an emulated one needs
its emulator and compiler, and compiles the library once). For each model: whether the arena that
is used is the estimate to the byte, whether the smallest arena works, by how much a smaller one
that works was found below it (16 and 32 bytes are tried), and whether the outputs are those of the
wheel. --nets: random nets with dense layers per channel instead, on this computer. The packages of
the tests are needed, and their folder: models come from there.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.remove(str(Path(__file__).resolve().parent))  # which has an `estimate` of its own
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from danas_hil import tflm
from danas_hil.base import DanasError
from danas_hil.board import load_board
from danas_hil.builds import load_build
from danas_hil.estimate import estimate_model
from danas_hil.measure import Address, MeasureSettings, measure_candidate, reach
from danas_hil.targets import ModelFile
from estimate.arenas import try_arenas
from estimate.operator_models import MODELS, random_net

STEPS = (16, 32)


def on_host(content: bytes) -> list[str]:
    found = estimate_model(content, load_build("host")).arena
    least = found.minimum_bytes
    (told,) = try_arenas([(content, [least, *(least - step for step in STEPS)])])
    less = [step for step in STEPS if told.sizes.get(least - step)]
    return [
        _difference(found.used_bytes, told.used),
        "works" if told.sizes.get(least) else "FAILS",
        f"-{max(less)}" if less else "0",
        "",
    ]


def on_board(content: bytes, name: str, board: str) -> list[str]:
    address = Address(load_board(board), None)
    try:
        estimate = estimate_model(content, load_build(address.board.build, address.board.kernels))
    except DanasError as error:
        return [error.what.rstrip("."), "", "", ""]
    model, golden = ModelFile(name, content), tflm.golden_of_random(content, name=name)
    found = []
    for margin in (0, *(-step for step in STEPS)):
        with (
            tempfile.TemporaryDirectory() as folder,
            reach(address, arena_margin_bytes=margin, accept_wrong_outputs=True) as target,
        ):
            found.append(
                measure_candidate(target, model, golden, Path(folder), MeasureSettings(attempts=1))
            )
        if found[-1].memory is None:
            break
    first = found[0]
    if first.memory is None or first.parity is None:
        return [f"{first.status}: {first.failure.reason if first.failure else ''}", "", "", ""]
    less = [step for step, one in zip(STEPS, found[1:], strict=False) if one.memory]
    parity = "equal" if first.parity.equal else f"off by {first.parity.largest_difference:g}"
    known = {fault.severity for fault in estimate.faults}
    return [
        _difference(estimate.arena.used_bytes, first.memory.arena_used_bytes),
        "works",
        f"-{max(less)}" if less else "0",
        f"{parity} ({', '.join(sorted(known))})" if known else parity,
    ]


def random_nets(count: int) -> str:
    """How often arena and smallest arena are right, of `count` nets."""
    contents = [random_net(seed) for seed in range(count)]
    found = [estimate_model(content, load_build("host")).arena for content in contents]
    sizes = [[one.minimum_bytes + more for more in (-32, -16, 0)] for one in found]
    told = try_arenas(list(zip(contents, sizes, strict=True)))
    exact = sum(one.used_bytes == real.used for one, real in zip(found, told, strict=True))
    least, smaller, works = (
        sum(list(real.sizes.values())[place] for real in told) for place in range(3)
    )
    return (
        f"{count} random nets: {exact} exact, {works} smallest arenas work; 16 bytes less work for"
        f" {smaller}, 32 for {least}"
    )


def _difference(ours: int, theirs: int) -> str:
    return f"{ours} ({ours - theirs:+d})"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--board", help="where the models run too, such as qemu-m4")
    parser.add_argument("--only", default="", help="only models whose name has this")
    parser.add_argument("--nets", type=int, default=0, help="so many random nets, and no others")
    given = parser.parse_args(arguments)
    if given.nets:
        print(random_nets(given.nets))
        return
    print("| where | model | arena (error) | smallest | less that works | outputs |")
    print("| --- | --- | ---: | --- | ---: | --- |")
    for name, make in MODELS.items():
        if given.only in name:
            content = make()
            print(f"| host | {' | '.join([name, *on_host(content)])} |", flush=True)
            if given.board:
                row = [name, *on_board(content, name.replace(" ", "_"), given.board)]
                print(f"| {given.board} | {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()

"""`kill -9` at random moments over everything that takes time, each gone on with.

    python benchmarks/kills.py [--kills 200] [--only KIND] [--seed 0] [--json]

Counted for each kind of work: evaluations that were finished and are so no more (lost), or are
there twice (doubled); files that are not whole, looked at after each kill (torn); processes that a
dead one left and that still ran 10 s later (left); and what else is wrong when the work is done.
All have to be 0. Races are no kills: two processes ask for one trial at the same moment, KILLS
times. `calibrate` and `flash qemu-m4` want the compiler, QEMU and DANAS_TFLM_LIBRARY, `PostgreSQL`
its programs; without them their kinds are skipped and said so. Exit code 1: something is not 0.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from danas_hil.board import load_board
from danas_hil.run import RunFolder
from danas_hil.search import SearchSettings, create_run
from danas_hil.study import StorageSettings
from killing import (
    Tally,
    Work,
    calm,
    done,
    evaluations_in,
    evaluations_of,
    fresh,
    kill_and_go_on,
)
from strategies import make_space
from study.postgresql import postgresql
from study.racing import race_to_end, race_to_take
from tasks.some_tasks import SIGNS

TRIALS = 30
SETTINGS = SearchSettings(
    data="signs",
    task=SIGNS,
    limits=load_board("qemu-m4").limits,
    space=make_space((16, 24), ("monochrome",), b6=(0,), b7=(0,), alpha=(0.1, 0.3, 0.5)),
    trials=TRIALS,
    population=6,
    supernet_steps=30,
    batch_size=8,
    export_limit=2,
)
EXPERIMENT = """
data = "signs"
seeds = [0, 1]
trials = 4
supernet_steps = 6
batch_size = 8
export_limit = 1
device_class = "small"
resolutions = [16, 24]
colours = ["monochrome"]
space = { b3 = [0, 1], b4 = [0], b5 = [0], b6 = [0], b7 = [0], alpha = [0.1, 0.3] }

[[search]]
name = "both"

[[search]]
name = "fixed"
baseline = true
resolutions = [24]
"""

Made = Callable[[Path], Work]


class Bench:
    """What the kinds have in common: a folder, a finished run, a database if there is one."""

    def __init__(self, folder: Path, url: str | None) -> None:
        self.folder, self.url = folder, url
        self._finished: Path | None = None

    @property
    def finished(self) -> Path:
        """A search that came to its end undisturbed."""
        if self._finished is None:
            work = self.search(1, self.folder / "finished")
            calm(work)
            self._finished = work.watched
        return self._finished

    def search(self, workers: int, folder: Path, shared: bool = False) -> Work:
        folder.mkdir()
        kept_at = None
        if shared:
            kept_at = StorageSettings(self.url, folder.name, 8)
        run = create_run(folder / "run", SETTINGS, kept_at)
        finished = partial(evaluations_of, run.path)
        if shared:
            assert self.url is not None
            url = self.url.replace("postgresql:", "postgresql+psycopg:")
            finished = partial(evaluations_in, url, folder.name)
        at = str(run.path)
        helpers = [["worker", at, "--threads", "1"]] * (workers - 1)
        return Work(
            [["resume", at], *helpers], folder, run.path, finished, partial(done, run.path, TRIALS)
        )

    def train(self, folder: Path) -> Work:
        run = fresh(self.finished, folder / "run")
        command = ["train", str(run), "--all", "--steps", "60", "--threads", "1"]
        finished = partial(evaluations_of, run)
        return Work([command], folder, run, finished, partial(_trained, run))

    def experiment(self, folder: Path) -> Work:
        folder.mkdir()
        (folder / "mine.toml").write_text(EXPERIMENT)
        watched = folder / "runs" / "mine"

        def finished() -> dict[int, str]:
            runs = sorted(watched.glob("*-seed*"))
            return {
                1000 * place + number: record
                for place, run in enumerate(map(str, _EXPERIMENT_RUNS))
                for number, record in evaluations_of(watched / run).items()
                if runs
            }

        return Work(
            [["experiment", "mine.toml"]],
            folder,
            watched,
            # The same genome may be in several of its searches: each has its own say on doubles.
            lambda: {k: _with_place(k, v) for k, v in finished().items()},
            lambda: [wrong for run in _EXPERIMENT_RUNS for wrong in done(watched / run, 4)],
        )

    def flash(self, board: str, folder: Path) -> Work:
        run = fresh(self.finished, folder / "run")
        command = ["flash", str(run), "--board", board, "--all", "--accuracy", "20"]
        finished = partial(evaluations_of, run)
        return Work([command], folder, run, finished, partial(_measured, run, board))

    def calibrate(self, folder: Path) -> Work:
        folder.mkdir()
        command = ["calibrate", "--board", "qemu-m4", "--genomes", "3", "--force"]
        home = Path(os.environ["DANAS_HIL_HOME"])
        for kept in ("calibrations", "measurements"):
            shutil.rmtree(home / kept, ignore_errors=True)
        return Work([command], folder, home / "calibrations", dict, partial(_calibrated, home))


_EXPERIMENT_RUNS = ("both-seed0", "fixed-seed0", "both-seed1", "fixed-seed1")


def _with_place(number: int, record: str) -> str:
    value = json.loads(record)
    return json.dumps({**value, "id": f"{number // 1000} {value['id']}"})


def _trained(run: Path) -> list[str]:
    front = RunFolder(run).front()
    wrong = done(run, TRIALS)
    wrong += [f"{one} is left" for one in map(str, (run / "candidates").glob(".part-*"))]
    for candidate in front.candidates:
        noted = json.loads((run / "candidates" / candidate.id / "training.json").read_text())
        if noted["finetune_steps"] != candidate.finetune_steps:
            wrong.append(f"{candidate.id}: the front tells of another training")
        if candidate.finetune_steps != 60 and "60" not in noted["no_better"]:
            wrong.append(f"{candidate.id} was not trained")
    return wrong


def _measured(run: Path, board: str) -> list[str]:
    wrong = []
    for candidate in RunFolder(run).front().candidates:
        file = run / "candidates" / candidate.id / board / "measurement.json"
        if not file.exists() or json.loads(file.read_text())["status"] != "OK":
            wrong.append(f"{candidate.id} was not measured well")
    return wrong


def _calibrated(home: Path) -> list[str]:
    return [] if list((home / "calibrations").glob("*.json")) else ["no rates were kept"]


def kinds(bench: Bench) -> dict[str, Made]:
    """What can be killed here, by name; the share of kills is the same for all."""
    found: dict[str, Made] = {
        "search": partial(bench.search, 1),
        "search, 3 workers": partial(bench.search, 3),
        "train": bench.train,
        "experiment": bench.experiment,
        "flash host": partial(bench.flash, "host"),
    }
    if bench.url is not None:
        found["search, PostgreSQL"] = partial(bench.search, 1, shared=True)
        found["search, 3 workers, PostgreSQL"] = partial(bench.search, 3, shared=True)
    tools = all(map(shutil.which, ("arm-none-eabi-g++", "qemu-system-arm")))
    if tools and "DANAS_TFLM_LIBRARY" in os.environ:
        found["calibrate"] = bench.calibrate
        found["flash qemu-m4"] = partial(bench.flash, "qemu-m4")
    return found


def kill(made: Made, folder: Path, kills: int, rng: np.random.Generator, total: Tally) -> None:
    """So many kills, of as many rounds of the work as it takes, added to `total`."""
    span = calm(made(folder.with_name(f"{folder.name}-calm")))
    rounds = 0
    while total.kills < kills:
        work = made(folder.with_name(f"{folder.name}-{rounds}"))
        # A round ends so that what comes out of it is looked at, not only killed.
        most = min(kills - total.kills, 8 + 4 * len(work.commands))
        tally = kill_and_go_on(work, most, rng, span)
        span = span if tally.kills else span / 2  # it was quicker than our patience
        rounds += 1
        total.add(tally)


@contextlib.contextmanager
def database() -> Iterator[str | None]:
    """The URL of a PostgreSQL database of our own; None where its programs are not installed."""
    with contextlib.ExitStack() as at_end:
        try:
            yield at_end.enter_context(postgresql())
        except pytest.skip.Exception:
            yield None


def races(folder: Path, url: str | None, rounds: int) -> dict[str, int]:
    """Rounds in which both of two processes, or neither, were told yes."""
    found = {}
    for name, at in (("SQLite", None), ("PostgreSQL", url)):
        if name != "SQLite" and at is None:
            continue
        settings = StorageSettings(at, "races")
        run = RunFolder.create(folder / f"races-{name}", {"storage": settings.to_config()})
        for what, race in (("take", race_to_take), ("finish", race_to_end)):
            told = race(run, rounds)
            found[f"{name}, {what}"] = told.both + told.neither
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--only", help="one kind; `races` for the races alone")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the database ends with us
    rng = np.random.default_rng(options.seed)
    tallies: dict[str, tuple[Tally, float]] = {}
    raced: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="danas-kills-") as name, database() as url:
        folder = Path(name)
        os.environ.setdefault("DANAS_HIL_HOME", str(folder / "home"))
        bench = Bench(folder, url)
        chosen = {k: v for k, v in kinds(bench).items() if options.only in (None, k)}
        if not chosen and options.only != "races":
            parser.error(
                f"here is no {options.only!r}; there are: {', '.join(kinds(bench))}, races"
            )
        for place, (kind, made) in enumerate(chosen.items()):
            began, tally = time.monotonic(), Tally()
            share = -(-options.kills // len(chosen))
            try:
                kill(made, folder / f"w{place}", share, rng, tally)
            finally:  # also where somebody ends us: what was killed was killed
                tallies[kind] = tally, time.monotonic() - began
                if not options.json:
                    _show(kind, *tallies[kind])
                    for fault in tally.faults:
                        print(f"  {fault}")
        if options.only in (None, "races"):
            raced = races(folder, url, options.kills)
    faults = [fault for tally, _ in tallies.values() for fault in tally.faults]
    if options.json:
        rows = {kind: asdict(tally) | {"seconds": s} for kind, (tally, s) in tallies.items()}
        print(json.dumps({"kills": rows, "races": raced}, indent=2))
    else:
        total = Tally()
        for tally, _ in tallies.values():
            total.add(tally)
        if len(tallies) > 1:
            _show("all", total, sum(seconds for _, seconds in tallies.values()))
        for what, wrong in raced.items():
            print(f"races ({what}): {wrong} of {options.kills} rounds wrong")
    return 1 if faults or any(raced.values()) else 0


def _show(kind: str, tally: Tally, seconds: float) -> None:
    counts = [len(getattr(tally, name)) for name in ("lost", "doubled", "torn", "left", "wrong")]
    names = ("lost", "doubled", "torn", "left", "wrong")
    told = "  ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True))
    print(
        f"{kind:30}  kills {tally.kills:3}  evaluations {tally.evaluations:4}  {told}"
        f"  {seconds:5.0f} s",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())

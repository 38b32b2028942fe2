"""Commands that are killed at random moments and gone on with, and what must hold all the while.

Nothing that was finished is lost or done twice, no file is torn, and 10 s after a kill nothing runs
that the dead process started. tests/ and benchmarks/kills.py kill with it.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import shutil
import sys
import time
import tomllib
import uuid
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext
from pathlib import Path

import numpy as np
import sqlalchemy

from danas_hil.cli import main
from danas_hil.estimate import read_graph
from danas_hil.run import RunFolder
from danas_hil.study import STUDY

LIMIT_SECONDS = 900.0
"""For any one command; they take some seconds."""
LEFT_SECONDS = 10.0

Evaluations = Mapping[int, str]
"""The records of finished evaluations, by the number of their trial."""


@dataclass
class Tally:
    """What came of kills. All but the first two have to be nothing."""

    kills: int = 0
    evaluations: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        return [*self.lost, *self.doubled, *self.torn, *self.left, *self.wrong]

    def add(self, other: Tally) -> None:
        self.kills += other.kills
        self.evaluations += other.evaluations
        for name in ("lost", "doubled", "torn", "left", "wrong"):
            getattr(self, name).extend(getattr(other, name))


@dataclass(frozen=True)
class Work:
    """Something to kill.

    commands: arguments of danas-hil, one process each. folder: to stand in. watched: the folder
    whose files have to be whole. finished: the evaluations that are finished now. check: what is
    wrong when all is done.
    """

    commands: Sequence[Sequence[str]]
    folder: Path
    watched: Path
    finished: Callable[[], Evaluations] = dict
    check: Callable[[], list[str]] = list
    environment: Mapping[str, str] = field(default_factory=dict)


class Process:
    """One command, with a mark in its environment that all it starts inherits.

    It is forked from a process that has imported TensorFlow, so that a kill meets the work and not,
    three times out of four, the imports before it.
    """

    def __init__(self, work: Work, arguments: Sequence[str]) -> None:
        self.arguments = arguments
        self._mark = "DANAS_KILLED", uuid.uuid4().hex
        self.log = work.folder / f"{arguments[0]}.log"
        environment = {**work.environment, self._mark[0]: self._mark[1]}
        told = list(arguments), work.folder, self.log, environment
        self._process = _forking().Process(target=_run, args=told, daemon=True)
        self._process.start()

    @property
    def ended(self) -> bool:
        return self._process.exitcode is not None

    def end(self) -> int:
        self._process.join(LIMIT_SECONDS)
        assert self._process.exitcode is not None, f"{self.arguments} did not end"
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()
        self._process.join(LIMIT_SECONDS)

    def left(self) -> list[str]:
        """What still runs of it, once it has had its time to end."""
        end = time.monotonic() + LEFT_SECONDS
        while found := _with_environment("=".join(self._mark)):
            if time.monotonic() > end:
                return found
            time.sleep(0.05)
        return []


def _forking() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    names = ("tensorflow", "keras", "optuna", "ai_edge_litert.interpreter")
    context.set_forkserver_preload([*names, "danas_hil.cli.app", "danas_hil.search"])
    return context


def _run(arguments: list[str], folder: Path, log: Path, environment: Mapping[str, str]) -> None:
    """What `danas-hil ARGUMENTS` does, in `folder`."""
    os.chdir(folder)
    os.environ.update(environment)
    told = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(told, number)
    sys.argv = ["danas-hil", *arguments]
    main()


def kill_and_go_on(work: Work, kills: int, rng: np.random.Generator, span: float) -> Tally:
    """Kill one of the processes again and again, at most `kills` times, and start it anew.

    span: seconds that the work takes by itself. Ends when the work is done.
    """
    tally = Tally()
    processes = [Process(work, arguments) for arguments in work.commands]
    try:
        while not all(process.ended for process in processes):
            if tally.kills == kills:
                break
            _wait(processes, rng.uniform(0.1, 1.0) * span / len(processes))
            running = [place for place, one in enumerate(processes) if not one.ended]
            if running:
                place = int(rng.choice(running))
                before = work.finished()
                processes[place].kill()
                tally.kills += 1
                tally.left += processes[place].left()
                tally.torn += torn(work.watched)
                tally.lost += _lost(before, work.finished())
                processes[place] = Process(work, processes[place].arguments)
        before = work.finished()
        for process in processes:
            status = process.end()
            if status:
                tally.wrong.append(f"{' '.join(process.arguments)}: {status}: {_tail(process.log)}")
    finally:
        for process in processes:
            process.kill()
    after = work.finished()
    tally.lost += _lost(before, after)
    tally.evaluations = len(after)
    ids = Counter(json.loads(record)["id"] for record in after.values())
    tally.doubled += [f"{id_} {count} times" for id_, count in ids.items() if count > 1]
    tally.torn += torn(work.watched)
    tally.wrong += work.check()
    return tally


def calm(work: Work) -> float:
    """Do the work undisturbed; seconds that it took."""
    began = time.monotonic()
    processes = [Process(work, arguments) for arguments in work.commands]
    for process in processes:
        assert process.end() == 0, _tail(process.log)
    return time.monotonic() - began


def evaluations_in(url: str, study: str = STUDY) -> Evaluations:
    """The finished evaluations of a study, read beside those who write."""
    engine = sqlalchemy.create_engine(url)
    words = sqlalchemy.text(
        "SELECT trials.number, value_json FROM trials JOIN studies USING (study_id)"
        " JOIN trial_user_attributes USING (trial_id)"
        " WHERE key = 'evaluation' AND study_name = :study AND trials.state = 'COMPLETE'"
    )
    try:
        with engine.connect() as connection:
            rows = connection.execute(words, {"study": study}).all()
    except sqlalchemy.exc.DatabaseError:
        return {}  # there are no tables yet
    finally:
        engine.dispose()
    return {int(number): json.loads(record) for number, record in rows}


def evaluations_of(run: Path) -> Evaluations:
    """As `evaluations_in`, of a run's own study."""
    file = run / "study.db"
    return evaluations_in(f"sqlite:///{file}") if file.exists() else {}


def torn(folder: Path) -> list[str]:
    """Files in `folder`, at any depth, that are not whole; what begins with .part- may be so."""
    found = []
    for file in folder.rglob("*"):
        if any(part.startswith(".part-") for part in file.parts) or not file.is_file():
            continue
        try:
            _read(file)
        except FileNotFoundError:
            continue  # it was put aside meanwhile
        except Exception as error:  # noqa: BLE001 - whatever a reader says of it
            found.append(f"{file}: {error!r}")
    return found


def done(run: Path, trials: int) -> list[str]:
    """What is wrong with a search that came to its end: its front, and what belongs to it."""
    front = RunFolder(run).front()
    wrong = []
    if len(front.evaluations) != trials:
        wrong.append(f"{run.name} has {len(front.evaluations)} evaluations, not {trials}")
    if len({evaluation.genome for evaluation in front.evaluations}) != len(front.evaluations):
        wrong.append(f"{run.name} has a genome twice")
    for candidate in front.candidates:
        names = {file.name for file in (run / "candidates" / candidate.id).iterdir()}
        lacking = {"model.tflite", "model.keras", "golden.npz", "training.json"} - names
        wrong += [f"{candidate.id} lacks {name}" for name in lacking]
    return wrong


def _read(file: Path) -> None:
    match file.suffix:
        case ".json":
            json.loads(file.read_bytes())
        case ".toml":
            tomllib.loads(file.read_text())
        case ".npz" | ".keras":
            with zipfile.ZipFile(file) as packed:
                assert packed.testzip() is None
        case ".tflite":
            read_graph(file.read_bytes())
        case ".db":
            engine = sqlalchemy.create_engine(f"sqlite:///{file}")
            with contextlib.closing(engine.raw_connection()) as connection:
                rows = connection.cursor().execute("PRAGMA integrity_check").fetchall()
            engine.dispose()
            assert rows == [("ok",)], rows


def _lost(before: Evaluations, after: Evaluations) -> list[str]:
    return [f"trial {number}" for number, record in before.items() if after.get(number) != record]


def _wait(processes: Sequence[Process], seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not all(process.ended for process in processes):
        time.sleep(0.01)


def _with_environment(mark: str) -> list[str]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                if mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                    command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    found.append(f"{folder.name} {command[:80]}")
    return found


def _tail(log: Path) -> str:
    return " / ".join(log.read_text(errors="replace").splitlines()[-6:])


def fresh(source: Path, target: Path) -> Path:
    """A copy of a finished run, to do more work on."""
    return Path(shutil.copytree(source, target))

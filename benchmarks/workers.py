"""How many candidates a minute workers evaluate together, the study included.

    python benchmarks/workers.py [DATA] [--resolution 64] [--seconds 60] [--storage URL] [--json]

One `danas-hil worker` with one thread, two with one thread each, and one on all cores evaluate
random genomes of one data configuration on a run of their own, with a supernet that is trained
before (for one step: how good it is makes no difference here). Counted is what is in the study over
SECONDS, from when every worker has finished ten evaluations. DATA is what `danas-hil search` takes;
up to 2,000 validation images are used. Nothing else should keep the computer busy.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import optuna

from danas_hil.base import Deadline
from danas_hil.data import task_of
from danas_hil.run import RunFolder
from danas_hil.search import SearchSettings, create_run
from danas_hil.search.session import join
from danas_hil.signals.image.files import open_images
from danas_hil.study import StorageSettings, open_storage
from strategies import make_space

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "person_mix"
WARM = 10
START_SECONDS = 600.0
POLL_SECONDS = 0.2


def finished(study: Any) -> Counter[str]:
    """Evaluations in the study by the worker that made them."""
    by: Counter[str] = Counter()
    for trial in study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.COMPLETE]):
        by.update(key for key in trial.user_attrs if key.startswith("taken by "))
    return by


def rate(run: RunFolder, study: Any, workers: int, threads: int, seconds: float) -> float:
    """Candidates a minute of so many workers with so many threads each."""
    command = [
        sys.executable,
        "-m",
        "danas_hil",
        "worker",
        str(run.path),
        "--threads",
        str(threads),
    ]
    log = (run.path / "workers.log").open("wb")
    processes = [
        subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) for _ in range(workers)
    ]
    try:
        deadline = Deadline(START_SECONDS, "the workers to get going")
        while len(by := finished(study)) < workers or min(by.values()) < WARM:
            deadline.check(f"See {log.name}.")
            for process in processes:
                if process.poll() is not None:
                    raise SystemExit(f"A worker ended; see {log.name}.")
            time.sleep(POLL_SECONDS)
        begin, before = time.perf_counter(), finished(study).total()
        time.sleep(seconds)
        after, end = finished(study).total(), time.perf_counter()
    finally:
        for process in processes:
            process.send_signal(signal.SIGINT)
        for process in processes:
            process.wait()
    return 60 * (after - before) / (end - begin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", default=str(SHARED) if SHARED.is_dir() else "signs")
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--storage", help="URL of a database; default: study.db of each run")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()

    cores = len(os.sched_getaffinity(0))
    setups = {
        "1 worker, 1 thread": (1, 1),
        f"{cores} workers, 1 thread each": (cores, 1),
        f"1 worker, {cores} threads": (1, cores),
    }
    results: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="workers-") as folder:
        settings = SearchSettings(
            data=options.data,
            task=task_of(open_images(options.data)),
            space=make_space((options.resolution,), ("rgb",)),
            sampler="random",
            trials=1_000_000,
            supernet_steps=1,
            supernets=f"{folder}/supernets",
        )
        for name, (workers, threads) in setups.items():
            kept_at = StorageSettings(options.storage, f"workers-{time.time_ns()}")
            run = create_run(Path(folder) / name.replace(" ", "-"), settings, kept_at)
            with join(run, settings, options.storage):
                pass  # makes the study
            storage = open_storage(run, kept_at)
            study = optuna.load_study(study_name=kept_at.study, storage=storage)
            results[name] = rate(run, study, workers, threads, options.seconds)

    one, together, _ = results.values()
    if options.json:
        answer: dict[str, Any] = {"candidates_per_minute": results, "times_one": together / one}
        print(json.dumps(answer))
        return
    for name, value in results.items():
        print(f"{name:28} {value:7.0f} candidates a minute")
    print(f"{'the second line by the first':28} {together / one:7.2f}")


if __name__ == "__main__":
    main()

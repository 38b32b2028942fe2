"""Running an experiment: one search after the other, each in a run folder of its own.

NAME/
  SEARCH-seedN/          ordinary runs
  supernets/             those that runs share, in a folder for each way to train them
  ended.json             the runs that came to their end
  sittings.json          seconds of each run so far, written whenever it ends or is stopped
  report.html  figures.json  figures.csv
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from statistics import fmean

from danas_hil.base import DanasError, checking, read_json, restore, write_json
from danas_hil.experiment.definition import Experiment, PlannedRun, run_name
from danas_hil.run import RunFolder
from danas_hil.search import Outcome, SearchSettings, create_run, source_of

_NOT_TRAINING = (
    *("sampler", "population", "update_ratio", "crossover_ratio", "trials", "time_budget"),
    *("evaluation_finetune_steps", "export_finetune_steps"),
    *("recalibration_images", "validation_images"),
    *("drop_infeasible", "export_limit", "clear_names", "supernets"),
)
"""Settings of a search that its supernets do not depend on. Checkpoints are checked all the same:
one left out here in error ends in a message, not in a wrong figure."""


@dataclass(frozen=True)
class Ended:
    """A run that came to its end.

    seconds: of the clock, with the trainings that fell to it, summed over all sittings of a run
        that was stopped; one that was killed left no word of its time, which is not counted.
    """

    run: str
    evaluations: int
    reason: str
    seconds: float


def settings_of(experiment: Experiment, run: PlannedRun) -> SearchSettings:
    """The settings of a run, with its seed and the place of its supernets."""
    settings = replace(run.variant.settings, seed=run.seed)
    if settings.supernet_of is not None:
        return replace(settings, supernet_of=f"../{run_name(settings.supernet_of, run.seed)}")
    if not experiment.reuse_supernets:
        return settings
    return replace(settings, supernets=f"../supernets/{_training(settings)}")


def _training(settings: SearchSettings) -> str:
    """A name for all that supernets are trained by, but for their data configuration."""
    config = settings.to_config()
    for key in _NOT_TRAINING:
        config["search"].pop(key, None)
    if all(len(of.configs) == 1 for of in settings.supernets_of_space.values()):
        del config["search"]["supernet"]  # then other data do not matter
        del config["space"][settings.space.data.signal]
    config["limits"].pop("origin")
    del config["weights"]
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()
    return f"seed{settings.seed}-{digest[:8]}"


def ended_runs(folder: Path) -> dict[str, Ended]:
    """The runs of the experiment in `folder` that came to their end, by name."""
    path = folder / "ended.json"
    if not path.exists():
        return {}
    hint = "Remove it: the searches are then looked at again, and nothing finished is lost."
    rows = read_json(path, hint)
    with checking(path, hint):
        ended: tuple[Ended, ...] = restore(tuple[Ended, ...], rows)
        return {row.run: row for row in ended}


def _sittings(folder: Path) -> dict[str, float]:
    """Seconds of all sittings of each run in `folder`, by its name."""
    path = folder / "sittings.json"
    if not path.exists():
        return {}
    hint = "Remove it: the time that runs took so far is lost with it, and nothing else."
    rows = read_json(path, hint)
    with checking(path, hint):
        seconds: dict[str, float] = restore(Mapping[str, float], rows)
        return seconds


def check(experiment: Experiment, folder: Path) -> None:
    """Raise DanasError unless the experiment can run in `folder`, or go on there.

    What is there has the same settings, and the images are there if anything is left to do. A run
    that an older version made can't go on, and its supernets are called otherwise.
    """
    ended = ended_runs(folder)
    for run in experiment.runs:
        if not (folder / run.name / "config.toml").is_file():
            continue
        run_folder = RunFolder.open(folder / run.name)
        if run.name not in ended:
            run_folder.check_goes_on()
        there = SearchSettings.from_config(run_folder.config())
        wanted = settings_of(experiment, run)
        if run_folder.is_older:
            wanted = replace(wanted, supernets=there.supernets)
        different = [
            field.name
            for field in fields(SearchSettings)
            if getattr(there, field.name) != getattr(wanted, field.name)
        ]
        if different:
            raise DanasError(
                f"{folder / run.name} was made with other settings: {', '.join(different)}.",
                "Choose another --out for the changed experiment, or remove that run.",
            )
    if not {run.name for run in experiment.runs} <= set(ended):
        for settings in {v.settings.data: v.settings for v in experiment.variants}.values():
            source_of(settings)


def run_experiment(
    experiment: Experiment,
    folder: Path,
    run_search: Callable[[RunFolder], Outcome],
    begins: Callable[[PlannedRun], None] = lambda _run: None,
) -> Iterator[Ended]:
    """Run what has not ended yet, and tell of each run when it has.

    run_search: `danas_hil.search.search`, or one with its own listener. When it was stopped, so is
    the experiment. A run that was killed or stopped goes on where it was.
    """
    check(experiment, folder)
    for run in experiment.runs:
        if run.name in ended_runs(folder):
            continue
        earlier = _sittings(folder).get(run.name, 0.0)
        begins(run)
        began = time.monotonic()
        path = folder / run.name
        there = (path / "config.toml").is_file()
        run_folder = (
            RunFolder.open(path) if there else create_run(path, settings_of(experiment, run))
        )
        try:
            outcome = run_search(run_folder)
        finally:
            seconds = (earlier if there else 0.0) + time.monotonic() - began
            # Read anew: another process may run other searches of the same folder.
            write_json(folder / "sittings.json", {**_sittings(folder), run.name: seconds})
        if outcome.stopped:
            return
        result = Ended(run.name, outcome.evaluations, outcome.reason, seconds)
        rows = {**ended_runs(folder), run.name: result}
        write_json(folder / "ended.json", [asdict(row) for row in rows.values()])
        yield result


def seconds_left(experiment: Experiment, ended: Mapping[str, Ended]) -> float | None:
    """An estimate of what the other runs take: as long as those of the same search took, or as all
    took, or as the budget says; None where nothing is known.
    """
    known: dict[str, list[float]] = {}
    for run in experiment.runs:
        if run.name in ended:
            known.setdefault(run.variant.name, []).append(ended[run.name].seconds)
    everything = [seconds for several in known.values() for seconds in several]
    total = 0.0
    for run in experiment.runs:
        if run.name in ended:
            continue
        budget = run.variant.settings.time_budget
        if like_it := known.get(run.variant.name, everything):
            total += fmean(like_it)
        elif budget is not None:
            total += budget
        else:
            return None
    return total

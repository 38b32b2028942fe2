"""Experiments: several searches under equal budgets and seeds, and what tells them apart."""

from danas_hil.experiment.definition import Experiment, PlannedRun, Variant, read_experiment
from danas_hil.experiment.results import RunResult, gather_results
from danas_hil.experiment.running import Ended, ended_runs, run_experiment, seconds_left

__all__ = [
    "Ended",
    "Experiment",
    "PlannedRun",
    "RunResult",
    "Variant",
    "ended_runs",
    "gather_results",
    "read_experiment",
    "run_experiment",
    "seconds_left",
]

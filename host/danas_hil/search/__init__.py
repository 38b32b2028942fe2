"""The search: genomes proposed, evaluated, written down; and the exported Pareto front."""

from danas_hil.search.create import create_run, discard_unbegun
from danas_hil.search.fitness import Weights, fitness, within
from danas_hil.search.further import Trained, TrainingOutcome, train_candidates
from danas_hil.search.lender import check_lends, find_lender
from danas_hil.search.listener import Listener
from danas_hil.search.looking import steps_taken
from danas_hil.search.loop import Outcome, search
from danas_hil.search.memory import check_possible
from danas_hil.search.opening import check_data
from danas_hil.search.pareto import (
    contributions,
    hypervolume,
    hypervolume_history,
    pareto_front,
    run_hypervolume,
)
from danas_hil.search.planning import search_seconds
from danas_hil.search.settings import SearchSettings

__all__ = [
    "Listener",
    "Outcome",
    "SearchSettings",
    "Trained",
    "TrainingOutcome",
    "Weights",
    "check_data",
    "check_lends",
    "check_possible",
    "contributions",
    "create_run",
    "discard_unbegun",
    "find_lender",
    "fitness",
    "hypervolume",
    "hypervolume_history",
    "pareto_front",
    "run_hypervolume",
    "search",
    "search_seconds",
    "steps_taken",
    "train_candidates",
    "within",
]

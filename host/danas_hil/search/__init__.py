"""The search: genomes proposed, evaluated, written down; and the exported Pareto front."""

from danas_hil.search.budget import search_seconds
from danas_hil.search.cost import check_possible
from danas_hil.search.data_focus import steps_taken
from danas_hil.search.finetune import Trained, TrainingOutcome, train_candidates
from danas_hil.search.listener import Listener
from danas_hil.search.loop import Outcome, search
from danas_hil.search.pareto import (
    contributions,
    hypervolume,
    hypervolume_history,
    pareto_front,
    run_hypervolume,
)
from danas_hil.search.scoring import Weights, fitness, within
from danas_hil.search.session import create_run, discard_unbegun, source_of
from danas_hil.search.settings import SearchSettings
from danas_hil.search.supernet_source import check_supernet_source, find_supernet_source

__all__ = [
    "Listener",
    "Outcome",
    "SearchSettings",
    "Trained",
    "TrainingOutcome",
    "Weights",
    "check_possible",
    "check_supernet_source",
    "contributions",
    "create_run",
    "discard_unbegun",
    "find_supernet_source",
    "fitness",
    "hypervolume",
    "hypervolume_history",
    "pareto_front",
    "run_hypervolume",
    "search",
    "search_seconds",
    "source_of",
    "steps_taken",
    "train_candidates",
    "within",
]

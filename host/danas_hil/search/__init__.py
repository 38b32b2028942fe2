"""The search: genomes proposed, evaluated, written down; and the exported Pareto front."""

from danas_hil.search.create import create_run
from danas_hil.search.fitness import Weights, fitness, pareto_front, within
from danas_hil.search.listener import Listener
from danas_hil.search.loop import Outcome, search, search_seconds
from danas_hil.search.settings import SearchSettings

__all__ = [
    "Listener",
    "Outcome",
    "SearchSettings",
    "Weights",
    "create_run",
    "fitness",
    "pareto_front",
    "search",
    "search_seconds",
    "within",
]

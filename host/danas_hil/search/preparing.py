"""What all work on a run begins with: its settings, estimates, and where its supernets are."""

from __future__ import annotations

from dataclasses import dataclass, replace

from danas_hil.run import RunFolder
from danas_hil.search.lender import Lender, find_lender
from danas_hil.search.listener import Listener
from danas_hil.search.memory import MemoryEstimator, check_possible
from danas_hil.search.rates import rates_of_run
from danas_hil.search.settings import SearchSettings
from danas_hil.study import SupernetStore, open_store


@dataclass(frozen=True)
class Prepared:
    """What config.toml of a run means here. store: of its supernets, the lender's if it has one."""

    settings: SearchSettings
    estimator: MemoryEstimator
    store: SupernetStore
    lender: Lender | None


def prepare(run: RunFolder, listener: Listener, data: str | None = None) -> Prepared:
    """What config.toml of `run` means, with `data` as the place of the images if it is given.

    Raises DanasError where nothing can come of it: no genome fits, the board is not known, its
    supernets are out of reach.
    """
    config = run.config()
    settings = SearchSettings.from_config(config)
    if data is not None:
        settings = replace(settings, data=data)
    estimator = MemoryEstimator(settings, rates_of_run(config))
    check_possible(settings, estimator)
    lender = find_lender(settings, run.path)
    if lender is None:
        store = open_store(settings.supernets or run.supernets.name, run.path)
        return Prepared(settings, estimator, store, None)
    settings = replace(settings, decode_resolution=lender.pixels)
    for warning in lender.warnings(settings):
        listener.warning(warning)
    return Prepared(settings, estimator, lender.store(run.supernets), lender)

"""A search of a small space, for tests."""

from danas_hil.search import SearchSettings
from study.shared_runs import SPACE

SETTINGS = SearchSettings(data="faces", space=SPACE, trials=100, supernet_steps=1)

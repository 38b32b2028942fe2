"""A search of a small space, for tests."""

from danas_hil.search import SearchSettings
from study.shared_runs import SPACE
from tasks.some_tasks import FACES

SETTINGS = SearchSettings(data="faces", task=FACES, space=SPACE, trials=100, supernet_steps=1)

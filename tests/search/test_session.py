"""Those who search one run do so by the same settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from danas_hil.base import DanasError
from danas_hil.search import create_run
from danas_hil.search.session import join
from search.small_search import SETTINGS


def test_a_run_folder_of_another_search_is_refused(tmp_path: Path) -> None:
    run = create_run(tmp_path / "run", SETTINGS)
    with join(run, SETTINGS):
        pass
    with (
        pytest.raises(DanasError, match=r"of another search than this run folder: seed\."),
        join(run, replace(SETTINGS, seed=7, trials=200)),
    ):
        pass

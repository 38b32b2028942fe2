"""Searches that share their supernets train each of them once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from danas_hil.base import DanasError
from danas_hil.data import Balance
from danas_hil.search import Listener, SearchSettings, create_run, search
from strategies import make_space, narrowed
from tasks.some_tasks import SIGNS

pytest.importorskip("tensorflow", reason="the extra [search] is not installed")

BOTH = SearchSettings(
    data="signs",
    task=SIGNS,
    space=make_space((16, 24), ("monochrome",), b4=(0,), b5=(0,), b6=(0,), b7=(0,), alpha=(0.3,)),
    trials=1,
    supernet="per-data",
    supernet_steps=2,
    batch_size=8,
    export_limit=1,
    supernets="../supernets",
    finest=24,
)


class Trained(Listener):
    """Counts the training steps by data configuration."""

    def __init__(self) -> None:
        self.steps: dict[str, int] = {}

    def training(self, data: str, step: int, steps: int, loss: float) -> None:
        if step:
            self.steps[data] = self.steps.get(data, 0) + 1

    def data_ready(self, balance: Mapping[str, Balance]) -> None:
        assert balance["train"].images


def trained(path: Path, settings: SearchSettings) -> dict[str, int]:
    listener = Trained()
    search(create_run(path, settings), listener)
    return listener.steps


def test_a_search_takes_the_supernets_that_another_one_trained(tmp_path: Path) -> None:
    assert trained(tmp_path / "both", BOTH) == {"16-monochrome": 2, "24-monochrome": 2}
    fixed = replace(BOTH, space=narrowed(BOTH.space, resolution=(16,)))
    assert trained(tmp_path / "fixed", fixed) == {}
    assert not (tmp_path / "fixed" / "supernets").exists()
    assert trained(tmp_path / "one", replace(BOTH, supernet="shared")) == {"shared": 2}
    for other in (replace(fixed, supernet_steps=3), replace(fixed, finest=32)):
        name = f"{other.supernet_steps}-{other.finest}"
        with pytest.raises(DanasError, match=r"made with other settings: (steps|images)"):
            trained(tmp_path / name, other)

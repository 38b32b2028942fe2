"""Who evaluates just now."""

from __future__ import annotations

from pathlib import Path

from danas_hil.study import Present
from study.shared_runs import joined, new_run


def test_workers_have_places_of_their_own(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run")
    with joined(run) as one, joined(run) as other, Present(one.locks, one.worker.name) as first:
        assert first.place() == (0, 1)
        with Present(other.locks, other.worker.name) as second:
            seen_by_first = Present(one.locks, one.worker.name).place()
            assert sorted([second.place(), seen_by_first]) == [(0, 2), (1, 2)]
        assert Present(one.locks, one.worker.name).place() == (0, 1)

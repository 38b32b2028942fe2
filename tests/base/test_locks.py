"""Waiting for another's lock is told, once it takes longer than a moment."""

from __future__ import annotations

import threading
from pathlib import Path

import filelock
import pytest

from danas_hil.base import held, locks


def test_a_free_lock_is_held_without_a_word(tmp_path: Path) -> None:
    told: list[str] = []
    with (
        held(tmp_path / "lock", 5, lambda: told.append("waiting")),
        pytest.raises(filelock.Timeout),
    ):
        filelock.FileLock(tmp_path / "lock", timeout=0).acquire()
    filelock.FileLock(tmp_path / "lock", timeout=0).acquire()
    assert not told


@pytest.mark.parametrize("seconds", [60.0, None])
def test_who_waits_for_another_says_so_and_goes_on_when_it_is_free(
    seconds: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "TOLD_AFTER_SECONDS", 0.05)
    taken, told = threading.Event(), threading.Event()

    def other() -> None:
        with filelock.FileLock(tmp_path / "lock"):
            taken.set()
            assert told.wait(60)

    thread = threading.Thread(target=other)
    thread.start()
    assert taken.wait(60)
    with held(tmp_path / "lock", seconds, told.set):
        assert told.is_set()
    thread.join()


def test_who_waits_in_vain_says_so_and_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "TOLD_AFTER_SECONDS", 0.05)
    told: list[str] = []
    with filelock.FileLock(tmp_path / "lock"):
        for seconds in (0.0, 0.15):
            with (
                pytest.raises(filelock.Timeout),
                held(tmp_path / "lock", seconds, lambda: told.append("waiting")),
            ):
                raise AssertionError("it is another's")
    assert told == ["waiting"], "not for what is given up at once"

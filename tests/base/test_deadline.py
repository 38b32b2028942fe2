import time

import pytest

from danas_hil.base import DanasError, Deadline


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_what_is_left_shrinks_and_is_never_negative(clock: list[float]) -> None:
    deadline = Deadline(5)
    assert deadline.left() == 5
    clock[0] += 4
    assert deadline.left() == 1
    assert not deadline.expired
    clock[0] += 2
    assert deadline.left() == 0
    assert deadline.expired


def test_no_deadline_never_comes(clock: list[float]) -> None:
    deadline = Deadline(None)
    clock[0] += 1e9
    assert deadline.left() is None
    assert not deadline.expired
    deadline.check()


def test_an_expired_deadline_says_what_it_waited_for(clock: list[float]) -> None:
    deadline = Deadline(2.5, "the board")
    deadline.check()
    clock[0] += 2.5
    with pytest.raises(DanasError, match=r"Waited 2\.5 s for the board\. Press reset\."):
        deadline.check("Press reset.")

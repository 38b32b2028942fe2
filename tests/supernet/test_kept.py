from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.supernet.kept import Kept, Same

PUTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 60)), max_size=40)


@given(PUTS, st.integers(0, 100))
def test_never_more_than_the_bytes_allowed_and_the_last_one_put_is_there(
    puts: list[tuple[int, int]], most: int
) -> None:
    kept, sizes = Kept(most), dict[int, int]()
    for number, (key, size) in enumerate(puts):
        kept.put(key, number, size)
        if size <= most:
            sizes[key] = size
            assert kept.get(key) == number
        held = [key for key in range(10) if kept.get(key) is not None]
        assert kept.bytes == sum(sizes[key] for key in held) <= most


def test_what_was_not_used_for_longest_goes_first() -> None:
    kept = Kept(2)
    kept.put("a", 1, 1)
    kept.put("b", 2, 1)
    kept.get("a")
    kept.put("c", 3, 1)
    assert [kept.get(key) for key in "abc"] == [1, None, 3]


def test_what_is_too_large_drives_nothing_out() -> None:
    kept = Kept(2)
    kept.put("a", 1, 2)
    kept.put("b", 2, 3)
    assert (kept.get("a"), kept.get("b")) == (1, None)


def test_arrays_in_a_key_count_by_identity() -> None:
    one, alike = np.zeros(3), np.zeros(3)
    assert Same(one) == Same(one)
    assert hash(Same(one)) == hash(Same(one))
    assert Same(one) != Same(alike)

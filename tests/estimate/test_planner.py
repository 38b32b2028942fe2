from hypothesis import given
from hypothesis import strategies as st

from danas_hil.estimate.planner import BufferRequest, head_bytes, plan


def request(size: int, first: int, last: int) -> BufferRequest:
    return BufferRequest("buffer", "activations", size, first, last)


@st.composite
def requests(draw: st.DrawFn) -> list[BufferRequest]:
    count = draw(st.integers(0, 25))
    times = st.tuples(st.integers(0, 12), st.integers(0, 4))
    spans = draw(st.lists(times, min_size=count, max_size=count))
    sizes = draw(st.lists(st.integers(1, 200), min_size=count, max_size=count))
    return [
        request(size, first, first + length)
        for size, (first, length) in zip(sizes, spans, strict=True)
    ]


@given(requests())
def test_buffers_that_live_at_the_same_time_never_overlap(wanted):
    placed = plan(wanted)
    for one in placed:
        for other in placed:
            together = one.first <= other.last and other.first <= one.last
            if one is not other and together:
                assert one.end <= other.offset or other.end <= one.offset


@given(requests())
def test_a_plan_keeps_order_lifetimes_and_alignment_and_holds_the_live_bytes(wanted):
    placed = plan(wanted)
    assert [(b.first, b.last) for b in placed] == [(r.first, r.last) for r in wanted]
    for buffer, asked in zip(placed, wanted, strict=True):
        assert buffer.offset >= 0
        assert buffer.offset % 16 == buffer.size % 16 == 0
        assert asked.size <= buffer.size < asked.size + 16
    for time in range(20):
        live = sum(b.size for b in placed if b.first <= time <= b.last)
        assert live <= head_bytes(placed)


@given(requests())
def test_no_buffer_could_lie_lower_among_the_larger_ones(wanted):
    """First fit: below each buffer there is no gap for it between those placed before it."""
    placed = plan(wanted)
    order = sorted(range(len(wanted)), key=lambda i: (-placed[i].size, -i))
    for rank, index in enumerate(order):
        buffer = placed[index]
        before = [
            placed[i]
            for i in order[:rank]
            if placed[i].first <= buffer.last and buffer.first <= placed[i].last
        ]
        for offset in range(0, buffer.offset, 16):
            free = all(
                offset + buffer.size <= other.offset or other.end <= offset for other in before
            )
            assert not free


def test_of_two_buffers_of_one_size_the_later_is_placed_first():
    first, second = plan([request(32, 0, 1), request(32, 1, 2)])
    assert (first.offset, second.offset) == (32, 0)


def test_a_gap_between_placed_buffers_is_used():
    #  the three largest leave a hole of 48 bytes at time 1, into which the smallest goes
    wanted = [request(96, 0, 0), request(80, 0, 2), request(64, 1, 1), request(16, 1, 1)]
    placed = plan(wanted)
    assert [b.offset for b in placed] == [0, 96, 0, 64]
    assert head_bytes(placed) == 176


def test_no_buffers_take_nothing():
    assert plan([]) == ()
    assert head_bytes(()) == 0

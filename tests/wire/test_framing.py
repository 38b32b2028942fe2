import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.wire import LINE_BYTES, Damaged, Decoder, Frame, Text, encode

BODY = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="@"))
FRAMES = st.builds(
    Frame,
    st.integers(0, 9999),
    st.from_regex(r"[A-Za-z]{1,8}", fullmatch=True),
    BODY.map(lambda body: body[:70]),
)


@given(st.lists(FRAMES, max_size=4), st.lists(st.integers(0, 400)))
def test_what_is_encoded_is_decoded_however_it_is_cut(frames, cuts):
    data = b"".join(map(encode, frames))
    decoder = Decoder()
    events = []
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(data)], strict=True):
        events += decoder.feed(data[start:end])
    assert events == frames


@given(st.binary(max_size=300), FRAMES)
def test_a_frame_is_found_behind_any_noise(noise, frame):
    assert Decoder().feed(noise + encode(frame))[-1] == frame


@given(FRAMES, st.integers(0, 95), st.integers(1, 255))
def test_no_single_flipped_byte_makes_another_frame(frame, place, flip):
    line = bytearray(encode(frame))
    line[place % len(line)] ^= flip
    found = Decoder().feed(bytes(line) + b"\n")
    assert [event for event in found if isinstance(event, Frame)] in ([], [frame])


@given(FRAMES, st.integers(0, 95), st.booleans())
def test_no_dropped_or_doubled_byte_makes_another_frame(frame, place, dropped):
    line = encode(frame)
    place %= len(line)
    line = line[:place] + (b"" if dropped else line[place : place + 1] * 2) + line[place + 1 :]
    found = Decoder().feed(line + b"\n")
    assert [event for event in found if isinstance(event, Frame)] in ([], [frame])


@given(st.lists(st.binary(max_size=50)))
def test_any_bytes_are_decoded_without_a_fault(pieces):
    for piece in pieces:
        assert all(isinstance(e, Frame | Damaged | Text) for e in Decoder().feed(piece))


def test_a_line_is_what_the_protocol_says():
    crc = zlib.crc32(b"12 put at=0")
    assert encode(Frame(12, "put", "at=0")) == f"@12 put at=0 *{crc:08x}\n".encode()


@pytest.mark.parametrize(
    "frame",
    [
        Frame(1, "ok", "user@host"),
        Frame(1, "ok", "two\nlines"),
        Frame(1, "ok", "schön"),
        Frame(1, "two words"),
        Frame(10_000, "ok"),
        Frame(-1, "ok"),
        Frame(1, "ok", "x" * LINE_BYTES),
    ],
)
def test_what_can_not_be_a_line_is_refused(frame):
    with pytest.raises(ValueError, match=r"line has|not a frame"):
        encode(frame)


def test_a_cut_line_damages_only_itself():
    cut = encode(Frame(1, "OK", "{}"))[:-4]
    assert Decoder().feed(b"log" + cut + encode(Frame(2, "OK", "{}"))) == [
        Text("log"),
        Damaged(cut.decode()),
        Frame(2, "OK", "{}"),
    ]


def test_a_flood_without_line_ends_is_cut_into_log_lines():
    events = Decoder().feed(b"x" * 10_000)
    assert events
    assert all(isinstance(event, Text) and len(event.text) < 600 for event in events)


def test_an_endless_frame_takes_no_memory_and_is_damaged():
    assert [type(e) for e in Decoder().feed(b"@" + b"x" * 100_000 + b"\n")] == [Damaged]

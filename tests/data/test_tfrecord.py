from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.base import DanasError
from danas_hil.data.tfrecord import crc32c, masked_crc32c, parse_example, read_tfrecords
from data.data_files import example, framed

int64 = st.integers(-(1 << 63), (1 << 63) - 1)
values = st.lists(st.binary(max_size=200), min_size=1) | st.lists(int64, min_size=1)


def test_crc32c_gives_the_values_of_rfc_3720() -> None:
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E
    assert crc32c(bytes(reversed(range(32)))) == 0x113FDB5C


def test_masked_checksum_is_that_of_an_empty_tfrecord_length() -> None:
    # The first 12 bytes that tf.io.TFRecordWriter writes for b"".
    assert masked_crc32c(bytes(8)).to_bytes(4, "little") == bytes.fromhex("2903 9807")


@given(st.dictionaries(st.text(), values), st.booleans())
def test_reading_an_example_gives_what_was_written(
    features: dict[str, list[bytes] | list[int]], packed: bool
) -> None:
    assert parse_example(example(features, packed)) == features


@given(st.binary(max_size=300))
def test_reading_noise_gives_features_or_a_value_error(noise: bytes) -> None:
    try:
        assert isinstance(parse_example(noise), dict)
    except ValueError:
        return


def test_rows_come_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "x.tfrecord"
    path.write_bytes(b"".join(framed(row) for row in (b"one", b"", b"three")))
    assert list(read_tfrecords(path, check_crc=True)) == [b"one", b"", b"three"]


@pytest.mark.parametrize("cut", [5, 13, 18, 20, 25, 37])
def test_a_file_cut_off_is_told_with_its_row(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "x.tfrecord"
    path.write_bytes((framed(b"one") + framed(b"three"))[:cut])
    with pytest.raises(DanasError, match=rf"x\.tfrecord.*middle of row {int(cut > 19)}"):
        list(read_tfrecords(path))


def test_a_damaged_length_is_always_found(tmp_path: Path) -> None:
    path = tmp_path / "x.tfrecord"
    path.write_bytes(b"\x07" + framed(b"one")[1:])
    with pytest.raises(DanasError, match="row 0: the checksum of its length"):
        list(read_tfrecords(path))


def test_a_damaged_row_is_found_when_checksums_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "x.tfrecord"
    good = framed(b"one")
    path.write_bytes(good + good[:12] + b"two" + good[15:])
    assert list(read_tfrecords(path)) == [b"one", b"two"]
    with pytest.raises(DanasError, match="row 1: its checksum"):
        list(read_tfrecords(path, check_crc=True))

"""TFRecord files and the `tf.train.Example` messages in them, read without TensorFlow.

Formats: tensorflow/core/lib/io/record_writer.h (length, masked CRC-32C of the length, payload,
masked CRC-32C of the payload; little endian) and tensorflow/core/example/{example,feature}.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from danas_hil.base import DanasError

Feature = list[bytes] | list[int]
"""Values of one feature of an Example; features of floats are passed over."""

_POLYNOMIAL = 0x82F63B78  # Castagnoli, reflected
_MASK_DELTA = 0xA282EAD8  # tensorflow/core/lib/hash/crc32c.h
_VARINT, _FIXED64, _LENGTH_DELIMITED, _FIXED32 = 0, 1, 2, 5
_HINT = "The file is damaged or incomplete: download or build it again."


def _table() -> tuple[int, ...]:
    rows = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        rows.append(value)
    return tuple(rows)


_TABLE = _table()


def crc32c(data: bytes) -> int:
    """CRC-32C (RFC 3720, appendix B.4) of `data`."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def masked_crc32c(data: bytes) -> int:
    """The form in which TFRecord files store a CRC-32C."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


def read_tfrecords(path: Path, check_crc: bool = False) -> Iterator[bytes]:
    """The payloads of a TFRecord file, one after another.

    The checksum of each length is always checked, that of each payload if `check_crc`. Raises
    DanasError naming file and row for a file that is cut off or damaged.
    """
    with path.open("rb") as file:
        row = 0
        while header := file.read(12):
            if len(header) < 12:
                raise DanasError(f"{path} ends in the middle of row {row}.", _HINT)
            length, length_crc = struct.unpack("<QI", header)
            if masked_crc32c(header[:8]) != length_crc:
                raise DanasError(f"{path} row {row}: the checksum of its length is wrong.", _HINT)
            payload, footer = file.read(length), file.read(4)
            if len(payload) < length or len(footer) < 4:
                raise DanasError(f"{path} ends in the middle of row {row}.", _HINT)
            if check_crc and masked_crc32c(payload) != struct.unpack("<I", footer)[0]:
                raise DanasError(f"{path} row {row}: its checksum is wrong.", _HINT)
            yield payload
            row += 1


def parse_example(payload: bytes) -> dict[str, Feature]:
    """The byte and integer features of a serialised Example. Raises ValueError if it is none."""
    features: dict[str, Feature] = {}
    for field, message in _fields(payload):
        if field != 1:  # Example.features
            continue
        for entry_field, entry in _fields(_bytes(message)):
            if entry_field != 1:  # Features.feature
                continue
            name, feature = "", b""
            for key, value in _fields(_bytes(entry)):
                if key == 1:
                    name = _bytes(value).decode()
                elif key == 2:
                    feature = _bytes(value)
            values = _feature(feature)
            if values is not None:
                features[name] = values
    return features


def _feature(message: bytes) -> Feature | None:
    for field, value in _fields(message):
        if field == 1:  # BytesList
            return [_bytes(item) for number, item in _fields(_bytes(value)) if number == 1]
        if field == 3:  # Int64List
            return _integers(_bytes(value))
    return None


def _integers(message: bytes) -> list[int]:
    """Int64List.value, packed or not."""
    found: list[int] = []
    for field, value in _fields(message):
        if field != 1:
            continue
        if isinstance(value, int):
            found.append(_signed(value))
            continue
        place = 0
        while place < len(value):
            number, place = _varint(value, place)
            found.append(_signed(number))
    return found


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers and raw values of a protobuf message."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        kind = key & 7
        value: int | bytes
        if kind == _VARINT:
            value, place = _varint(message, place)
        else:
            if kind == _LENGTH_DELIMITED:
                length, place = _varint(message, place)
            elif kind in (_FIXED64, _FIXED32):
                length = 8 if kind == _FIXED64 else 4
            else:
                raise ValueError(f"wire type {kind} at byte {place}")
            value = message[place : place + length]
            if len(value) < length:
                raise ValueError(f"cut off at byte {place}")
            place += length
        yield key >> 3, value


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """The number at `place` and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            raise ValueError("cut off inside a number")
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError(f"a number of over 64 bits ends at byte {place}")


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number where a message should be")  # noqa: TRY004 (malformed input)
    return value


def _signed(value: int) -> int:
    """Two's complement of 64 bits."""
    return value - (1 << 64) if value >= 1 << 63 else value

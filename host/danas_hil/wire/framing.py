r"""Lines on the wire: `@SEQ TYPE BODY *CRC32\n`, printable ASCII, at most 96 characters.

An `@` begins a frame wherever it stands, so that a lost line end damages one line and not two; a
body therefore holds none. CRC32 (IEEE 802.3, as in zlib) covers `SEQ TYPE BODY`. Everything that
is not a frame is the device's log.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

PROTOCOL_VERSION = 1
LINE_BYTES = 96  # with the line end; firmware/danas_wire.h has the same
CHUNK_BYTES = 45  # of raw data in one line: 60 characters of base64
LAST_SEQ = 9999  # 0 is the device's, for NAK
_TEXT_BYTES = 512  # a log line is cut here
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_PAYLOAD = re.compile(r"(0|[1-9][0-9]{0,3}) ([A-Za-z]{1,8}) ([ -?A-~]*)")


@dataclass(frozen=True)
class Frame:
    """One good line. seq: 0 to 9999; kind: 1 to 8 letters; body: printable ASCII without `@`."""

    seq: int
    kind: str
    body: str = ""


@dataclass(frozen=True)
class Damaged:
    """A line that began as a frame and is none; printable characters of it, for the log."""

    text: str


@dataclass(frozen=True)
class Text:
    """A line of the device's log, without its end."""

    text: str


def encode(frame: Frame) -> bytes:
    """The line of a frame, at most LINE_BYTES. Raises ValueError for what can't be a frame."""
    payload = f"{frame.seq} {frame.kind} {frame.body}"
    match = _PAYLOAD.fullmatch(payload)
    if match is None or match.groups() != (str(frame.seq), frame.kind, frame.body):
        raise ValueError(f"not a frame: {frame!r}")
    line = f"@{payload} *{zlib.crc32(payload.encode()):08x}\n".encode()
    if len(line) > LINE_BYTES:
        raise ValueError(f"{len(line)} characters, and a line has {LINE_BYTES} at most: {frame!r}")
    return line


class Decoder:
    """Bytes in, in any pieces; frames, damaged frames and log lines out."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[Frame | Damaged | Text]:
        """The lines that `data` completes, in their order."""
        events: list[Frame | Damaged | Text] = []
        for byte in data:
            if byte == ord("\n"):
                self._finish(events)
            elif byte == ord("@"):
                self._finish(events)  # what came before lost its end
                self._pending.append(byte)
            else:
                self._pending.append(byte)
                # A frame that is too long stays so whatever follows: its first 97 tell it.
                limit = LINE_BYTES + 1 if self._pending.startswith(b"@") else _TEXT_BYTES
                if len(self._pending) > limit:
                    if limit == _TEXT_BYTES:
                        self._finish(events)
                    else:
                        self._pending.pop()
        return events

    def _finish(self, events: list[Frame | Damaged | Text]) -> None:
        line = bytes(self._pending)
        self._pending.clear()
        if line.startswith(b"@"):
            events.append(_parse(line) or Damaged(_printable(line)))
        elif line.strip():
            events.append(Text(_printable(line)))


def _parse(line: bytes) -> Frame | None:
    """The frame of a line without its end; None if it is damaged."""
    payload, mark, crc = line[1:-10], line[-10:-8], line[-8:]
    if len(line) >= LINE_BYTES or mark != b" *" or crc != b"%08x" % zlib.crc32(payload):
        return None
    match = _PAYLOAD.fullmatch(payload.decode("latin-1"))
    return None if match is None else Frame(int(match[1]), match[2], match[3])


def _printable(line: bytes) -> str:
    """For logs and messages: what would move a cursor or change a colour is spelt out."""
    text = line.decode("ascii", errors="replace").replace("\r", "").replace("\x00", "")
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)

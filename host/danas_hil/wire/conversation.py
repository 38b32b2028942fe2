"""Requests and their answers over a stream of bytes that loses, doubles and damages some."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from danas_hil.base import Deadline
from danas_hil.wire.errors import DeviceError, DeviceResetError, ProtocolError
from danas_hil.wire.framing import (
    CHUNK_BYTES,
    LAST_SEQ,
    LINE_BYTES,
    PROTOCOL_VERSION,
    Damaged,
    Decoder,
    Frame,
    Text,
    encode,
)
from danas_hil.wire.replies import Reply

WINDOW_LINES = 16  # of an input, sent before the first of them is answered
_LONG_BYTES = 16 * 1024  # of a reply that takes more than a line; the firmware keeps a KiB
_LONGER = 4  # times that patience is doubled at the most
_FLOOD = 100  # bytes a second that are not the wire's; a device that boots prints less than that
_HINT = "See the device's log; `danas-hil doctor --board NAME` tests port, wire and timer."


class ByteStream(Protocol):
    """What a conversation needs of a port, a socket or a pipe."""

    def read(self, seconds: float) -> bytes:
        """What has arrived, waiting at most `seconds` for the first byte; b"" is silence."""
        ...

    def write(self, data: bytes) -> None: ...


class Conversation:
    """Ask a device and get the right answer, or an error; never a wrong answer.

    Every request has a SEQ of ours, and the device answers a repeated one with the reply that it
    kept, so a request runs once however often it must be sent. A device that started anew refuses
    everything until `hello`. `log` is given each line that is not a frame.

    patience: seconds of silence until a request is repeated; it has no say in when to give up.
    settle: seconds to let a damaged line or a NAK pass before the request is repeated.
    receive_bytes: what the device's receive buffer holds, where all that is sent arrives at once
    and what does not go in is lost: no more is then sent before it is answered. None: no bound.
    """

    def __init__(
        self,
        stream: ByteStream,
        *,
        log: Callable[[str], None] = lambda _line: None,
        patience: float = 0.5,
        settle: float = 0.02,
        receive_bytes: int | None = None,
    ) -> None:
        self._stream = stream
        self._log = log
        self._patience = patience
        self._settle = settle
        self._receive_bytes = receive_bytes
        self._longer = 0  # times that patience is doubled, for as long as silence had to be broken
        self._decoder = Decoder()
        self._seq = secrets.randbelow(LAST_SEQ) + 1
        self.requests = 0  # over the whole conversation
        self.repeats = 0  # requests that had to be sent again, over the whole conversation

    def hello(self, seconds: float) -> dict[str, Any]:
        """Greet until the device answers, and return what it says about itself.

        Raises ProtocolError when it does not within `seconds`, or speaks another version.
        """
        deadline = Deadline(seconds, "the device to answer hello")
        while True:
            nonce = secrets.token_hex(4)
            try:
                reply = self._ask("hello", deadline, {"nonce": nonce})
            except (DeviceResetError, ProtocolError):
                if deadline.expired:
                    raise
                continue  # it started anew while it told, or an answer to somebody before us came
            about = reply.fields
            if about.get("nonce") != nonce:
                deadline.check(_HINT)
                continue
            spoken = reply.number("protocol")
            if spoken != PROTOCOL_VERSION:
                raise ProtocolError(
                    f"The device speaks version {spoken} of the protocol,"
                    f" and this danas-hil {PROTOCOL_VERSION}.",
                    "Flash it again with this version.",
                )
            return about

    def ask(self, request: str, seconds: float, **fields: int | str) -> dict[str, Any]:
        """Send a request and return its reply, an object of JSON.

        Raises DeviceError when the device refuses, DeviceResetError when it started anew since
        `hello`, ProtocolError when no good reply has come after `seconds`.
        """
        return self.asked(request, seconds, **fields).fields

    def asked(self, request: str, seconds: float, **fields: int | str) -> Reply:
        """As `ask`, with a reply whose fields are checked as they are read."""
        return self._ask(request, Deadline(seconds, f"the reply to {request!r}"), fields)

    def upload(self, data: bytes, seconds: float) -> None:
        """Write `data` into the model's input, whole and checked. Errors as `ask`."""
        deadline = Deadline(seconds, "the device to take the input")
        bytes_, lines = self._window(len(data))
        chunks: list[dict[str, int | str]] = [
            {"at": at, "data": base64.b64encode(data[at : at + bytes_]).decode()}
            for at in range(0, len(data), bytes_)
        ]
        for first in range(0, len(chunks), lines):
            replies = self._exchange("put", deadline, chunks[first : first + lines])
            for reply in replies:
                Reply.parse("put", _good_body("put", reply), _HINT)
        self._ask("loaded", deadline, {"bytes": len(data), "crc": f"{zlib.crc32(data):08x}"})

    def _window(self, size: int) -> tuple[int, int]:
        """How many bytes of an input of `size` go in one line, and how many lines go at once."""
        if self._receive_bytes is None:
            return CHUNK_BYTES, WINDOW_LINES
        empty = len(_line(LAST_SEQ, "put", {"at": size, "data": ""}))
        room = (self._receive_bytes - empty) // 4 * 3  # of base64
        chunk = max(3, min(CHUNK_BYTES, room))
        lines = self._receive_bytes // (empty + chunk // 3 * 4)
        return chunk, max(1, min(WINDOW_LINES, lines))

    def download(self, size: int, crc: str, seconds: float) -> bytes:
        """The model's output of `size` bytes, whose CRC32 a reply told. Errors as `ask`."""
        return self._fetch("get", size, crc, Deadline(seconds, "the device to send its output"))

    def _ask(self, request: str, deadline: Deadline, fields: Mapping[str, int | str]) -> Reply:
        (reply,) = self._exchange(request, deadline, [fields])
        if reply.kind == "LONG":
            size, _, crc = reply.body.partition(" ")
            if not size.isdecimal() or not 0 < int(size) <= _LONG_BYTES:
                raise ProtocolError(
                    f"The reply to {request!r} makes no sense: {reply.body!r}.", _HINT
                )
            text = self._fetch("more", int(size), crc, deadline).decode("ascii", "replace")
        else:
            text = _good_body(request, reply)
        return Reply.parse(request, text, _HINT)

    def _fetch(self, request: str, size: int, crc: str, deadline: Deadline) -> bytes:
        """Data of the device in chunks: `DATA OFFSET BASE64` each."""
        data = bytearray()
        while len(data) < size:
            (reply,) = self._exchange(request, deadline, [{"at": len(data)}])
            offset, _, text = reply.body.partition(" ")
            try:
                chunk = base64.b64decode(text, validate=True)
            except binascii.Error:
                chunk = b""
            if reply.kind != "DATA" or offset != str(len(data)) or not chunk:
                raise ProtocolError(f"{reply.body!r} is no data for {request!r}.", _HINT)
            data += chunk
        if len(data) != size or f"{zlib.crc32(data):08x}" != crc:
            raise ProtocolError(f"The data of {request!r} does not have the CRC told.", _HINT)
        return bytes(data)

    def _exchange(
        self, request: str, deadline: Deadline, bodies: Sequence[Mapping[str, int | str]]
    ) -> list[Frame]:
        """Send a line for each of `bodies`, again where need be, until each has its one reply.

        Returns the replies in the order of `bodies`; raises for the first that refuses. Several at
        once save the time that a line takes there and back. The device keeps only its last reply,
        so a line before the last may be carried out twice: several are for requests that may be.
        """
        unanswered: dict[int, bytes] = {}
        for fields in bodies:
            self._seq = self._seq % LAST_SEQ + 1
            unanswered[self._seq] = _line(self._seq, request, fields)
        self.requests += len(bodies)
        replies: dict[int, Frame | None] = dict.fromkeys(unanswered)
        heard, frames, damaged, sent = 0, 0, 0, 0
        started = time.monotonic()
        while True:
            if deadline.left() == 0.0:
                what = (
                    f"No reply to {request!r} within {deadline.seconds:g} s (waiting for"
                    f" {deadline.waiting_for}): sent {sent} times, {heard} bytes came,"
                    f" {damaged} damaged lines or NAKs among them."
                )
                answers = max(frames, sent * len(bodies))  # also those that came damaged
                foreign = heard - answers * LINE_BYTES
                if foreign > _FLOOD * (time.monotonic() - started):
                    raise ProtocolError(
                        f"{what} The device floods the line with what is not the wire's.",
                        f"Silence what else prints to this port. {_HINT}",
                    )
                raise ProtocolError(what, _HINT)
            self._stream.write(b"".join(unanswered.values()))
            sent += 1
            self.repeats += len(unanswered) if sent > 1 else 0
            # A device that is slow, such as one in an emulator, is not to be buried in repetitions;
            # one that starts is asked often.
            starts = request == "hello"
            patience = self._patience * (1 if starts else 2**self._longer)
            damaged_before = damaged
            silence_ends = time.monotonic() + patience
            while (now := time.monotonic()) < silence_ends:
                data = self._stream.read(min(silence_ends - now, deadline.left() or 0.0))
                if not data:
                    break
                heard += len(data)
                for event in self._decoder.feed(data):
                    frames += isinstance(event, Frame)
                    match event:
                        case Text(text):
                            self._log(text)
                            continue  # a device that talks all the time is asked again as well
                        case Damaged(text):
                            self._log(f"damaged: {text}")
                            damaged += 1
                            patience = self._settle
                        case Frame(0, "NAK", _):
                            damaged += 1
                            patience = self._settle
                        case Frame(seq, "WAIT", _) if seq in unanswered:
                            patience = 10 * self._patience
                        case Frame(seq, _, _) if seq in unanswered:
                            del unanswered[seq]
                            replies[seq] = event
                        case _:
                            continue  # a second reply to a request that was sent twice
                    silence_ends = time.monotonic() + patience
                if not unanswered:
                    if sent == 1:
                        self._longer = max(0, self._longer - 1)
                    good = [reply for reply in replies.values() if reply is not None]
                    for reply in good:
                        _raise_refusal(request, reply)
                    return good
                if deadline.expired:
                    break
            if not starts and damaged == damaged_before:
                self._longer = min(self._longer + 1, _LONGER)


def _line(seq: int, request: str, fields: Mapping[str, int | str]) -> bytes:
    """A request as it is sent; the line end before it ends what noise may have begun."""
    body = " ".join(f"{key}={value}" for key, value in fields.items())
    return b"\n" + encode(Frame(seq, request, body))


def _good_body(request: str, reply: Frame) -> str:
    if reply.kind != "OK":
        raise ProtocolError(f"The reply to {request!r} is a {reply.kind}: {reply.body!r}.", _HINT)
    return reply.body


def _raise_refusal(request: str, reply: Frame) -> None:
    if reply.kind != "ERR":
        return
    refusal = Reply.parse(request, reply.body, _HINT)
    code = refusal.text("error")
    detail = refusal.text("detail") if refusal.has("detail") else ""
    if code == "hello":
        raise DeviceResetError(
            f"The device started anew before it answered {request!r}.",
            "A fault that it recorded is told by the next hello.",
        )
    raise DeviceError(code, request, detail)

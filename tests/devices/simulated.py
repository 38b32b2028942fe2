"""A device in Python that keeps the protocol, and a line that does not keep the bytes."""

from __future__ import annotations

import base64
import json
import random
import zlib
from collections.abc import Callable

from danas_hil.wire import CHUNK_BYTES, Damaged, Decoder, Frame, encode


class RestartedError(Exception):
    """Raised by an answer that never comes because the device starts anew. last: what it said."""

    def __init__(self, last: Frame | None = None) -> None:
        self.last = b"" if last is None else encode(last)


class SimulatedDevice:
    """Turns its input of `size` bytes into an output: each byte plus how often it ran, mod 256.

    Because the output counts the runs, a request that ran twice shows in the figures.
    """

    def __init__(self, size: int = 100, about: dict[str, object] | None = None) -> None:
        self.size = size
        self.about = about or {"board": "simulated", "text": "x" * 150}
        self.log_lines = 0
        self.invocations = 0
        self.start()

    def start(self) -> None:
        """As after a reset: everything but what survives is forgotten."""
        self.decoder = Decoder()
        self.greeted = False
        self.kept: tuple[Frame | None, bytes] = (None, b"")
        self.input = bytearray(self.size)
        self.loaded = False
        self.output = b""
        self.text = b""

    def feed(self, data: bytes) -> bytes:
        replies = b""
        for event in self.decoder.feed(data):
            match event:
                case Damaged():
                    replies += encode(Frame(0, "NAK"))
                case Frame():
                    if event != self.kept[0]:
                        try:
                            kind, body = self._answer(event)
                        except RestartedError as restarted:
                            self.start()
                            return replies + restarted.last
                        self.kept = (event, encode(Frame(event.seq, kind, body)))
                    replies += b"a log line\n" * self.log_lines + self.kept[1]
        return replies

    def _answer(self, request: Frame) -> tuple[str, str]:
        fields = dict(pair.split("=", 1) for pair in request.body.split())
        if request.kind == "hello":
            self.greeted = True
            self.text = json.dumps({"protocol": 1, "nonce": fields["nonce"], **self.about}).encode()
            return "LONG", f"{len(self.text)} {zlib.crc32(self.text):08x}"
        if not self.greeted:
            return "ERR", '{"error":"hello"}'
        match request.kind:
            case "more":
                return "DATA", _chunk(self.text, int(fields["at"]))
            case "put":
                chunk = base64.b64decode(fields["data"])
                self.input[int(fields["at"]) : int(fields["at"]) + len(chunk)] = chunk
                return "OK", "{}"
            case "loaded":
                self.loaded = f"{zlib.crc32(self.input):08x}" == fields["crc"]
                return ("OK", "{}") if self.loaded else ("ERR", '{"error":"crc"}')
            case "invoke":
                if not self.loaded:
                    return "ERR", '{"error":"input"}'
                self.loaded = False
                self.invocations += 1
                self.output = bytes((byte + self.invocations) % 256 for byte in self.input)
                crc = f"{zlib.crc32(self.output):08x}"
                return "OK", json.dumps({"bytes": self.size, "crc": crc}, separators=(",", ":"))
            case "get":
                return "DATA", _chunk(self.output, int(fields["at"]))
        return "ERR", '{"error":"request"}'


def _chunk(data: bytes, at: int) -> str:
    return f"{at} {base64.b64encode(data[at : at + CHUNK_BYTES]).decode()}"


class Line:
    """The stream between: what `spoil` makes of the bytes, each way. Silence takes no time."""

    def __init__(
        self,
        feed: Callable[[bytes], bytes],
        spoil: Callable[[bytes], bytes] = lambda data: data,
        noise: bytes = b"",
    ) -> None:
        self.feed = feed
        self.spoil = spoil
        self.arrived = noise

    def read(self, _seconds: float) -> bytes:
        data, self.arrived = self.arrived, b""
        return data

    def write(self, data: bytes) -> None:
        self.arrived += self.spoil(self.feed(self.spoil(data)))


def noisy(rate: float, seed: int) -> Callable[[bytes], bytes]:
    """Each byte is flipped in one bit, dropped or doubled with probability `rate` in all."""
    random_ = random.Random(seed)

    def spoil(data: bytes) -> bytes:
        spoiled = bytearray()
        for byte in data:
            if random_.random() >= rate:
                spoiled.append(byte)
                continue
            match random_.randrange(3):
                case 0:
                    spoiled.append(byte ^ (1 << random_.randrange(8)))
                case 1:
                    spoiled += bytes((byte, byte))
        return bytes(spoiled)

    return spoil

"""The conversation with a device: framing, checksums, repetition. It opens no port of its own."""

from danas_hil.wire.conversation import ByteStream, Conversation
from danas_hil.wire.errors import DeviceError, DeviceResetError, ProtocolError
from danas_hil.wire.framing import (
    CHUNK_BYTES,
    LINE_BYTES,
    PROTOCOL_VERSION,
    Damaged,
    Decoder,
    Frame,
    Text,
    encode,
)
from danas_hil.wire.replies import MOST_TICKS, Reply

__all__ = [
    "CHUNK_BYTES",
    "LINE_BYTES",
    "MOST_TICKS",
    "PROTOCOL_VERSION",
    "ByteStream",
    "Conversation",
    "Damaged",
    "Decoder",
    "DeviceError",
    "DeviceResetError",
    "Frame",
    "ProtocolError",
    "Reply",
    "Text",
    "encode",
]

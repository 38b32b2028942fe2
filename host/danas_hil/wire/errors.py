"""What can go wrong in a conversation."""

from __future__ import annotations

from danas_hil.base import DanasError


class ProtocolError(DanasError):
    """No understandable answer: silence, noise, or an answer that breaks the protocol."""


class DeviceResetError(DanasError):
    """The device started anew since the last `hello`: what it was told before is lost."""


class DeviceError(DanasError):
    """The device understood and refused. `code` is its word for the reason, as in firmware/."""

    def __init__(self, code: str, request: str, detail: str = "") -> None:
        super().__init__(
            f"The device answered {request!r} with the error {code!r}"
            + (f" ({detail})." if detail else "."),
            "The device's own log lines say more.",
        )
        self.code = code
        self.detail = detail

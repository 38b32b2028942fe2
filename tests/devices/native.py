"""The firmware as a program of this computer, and a run of it as a stream of bytes."""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
FIRMWARE = HERE.parents[1] / "firmware"


class Native:
    """A run of the firmware as a byte stream; `spoil` is done to the bytes each way."""

    def __init__(
        self, program: Path, spoil: Callable[[bytes], bytes] = lambda data: data, **environment: str
    ) -> None:
        self.process = subprocess.Popen(
            [program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            bufsize=0,
        )
        self.spoil = spoil

    def read(self, seconds: float) -> bytes:
        assert self.process.stdout is not None
        out = self.process.stdout.fileno()
        # A pipe answers at once or not at all: a short wait is silence enough.
        if not select.select([out], [], [], min(seconds, 0.02))[0]:
            return b""
        return self.spoil(os.read(out, 65536))

    def write(self, data: bytes) -> None:
        self.process.stdin.write(self.spoil(data))

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()


def build(path: Path, *flags: str) -> Path:
    """Compile firmware/ and native.cpp to `path`, strictly."""
    command = ["g++", "-std=c++14", "-O1", "-Wall", "-Wextra", "-Werror", "-fno-exceptions"]
    command += [*flags, "-fno-sanitize-recover", f"-I{FIRMWARE}"]
    sources = [*sorted(FIRMWARE.glob("*.cpp")), HERE / "native.cpp"]
    subprocess.run([*command, *map(str, sources), "-o", str(path)], check=True, timeout=120)
    return path

"""10,000 exchanges with the firmware over a line that damages 1 % of its bytes, each way.

    python benchmarks/wire.py [EXCHANGES] [RATE]

The firmware (needs g++) gives back each byte of an input plus how often it ran, so a figure that
is wrong, lost or comes from a second run shows. One exchange is one request with its reply.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from danas_hil.wire import Conversation
from devices.native import Native, build
from devices.simulated import noisy


def main() -> int:
    exchanges = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rate = float(sys.argv[2]) if len(sys.argv) > 2 else 0.01
    random_ = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        device = Native(build(Path(folder) / "native"), noisy(rate, seed=1))
        conversation = Conversation(device, patience=0.05, settle=0.0)
        started = time.monotonic()
        conversation.hello(60)
        conversation.ask("prepare", 60)
        wrong = run = done = 0
        while done < exchanges:
            run += 1
            data = random_.randbytes(100)
            conversation.upload(data, 60)
            reply = conversation.ask("invoke", 60)
            output = conversation.download(reply["bytes"], reply["crc"], 60)
            wrong += output != bytes((byte + run) % 256 for byte in data)
            done += 8  # 3 put, loaded, invoke, 3 get
        seconds = time.monotonic() - started
        device.end()
    print("| damaged bytes | exchanges | repeated requests | wrong figures | seconds |")
    print("| --- | --- | --- | --- | --- |")
    print(f"| {rate:.1%} | {done} | {conversation.repeats} | {wrong} | {seconds:.1f} |")
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())

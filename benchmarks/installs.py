"""Whether the wheel works where nothing else is: tflite-runtime's extra, and pytest's neighbours.

    python benchmarks/installs.py [--only tflite-runtime] [--python python3.11] [--json]

Each row is an empty environment that the wheel is installed into, with its extra. tflite-runtime:
`--help`, an estimate, and answers of an int8 model by tflite-runtime, against those of LiteRT in
this environment; it has wheels for Python 3.11 and older only (give another with --python). pytest:
tests with `danas_board` and `dut` under the oldest pytest allowed and the newest, beside
pytest-xdist, and beside pytest-embedded, whose `dut` stays its own with and without this plugin.
Packages come from the package index. Exit code 1: a row failed. Nothing is skipped.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from danas_hil.calibrate import random_model
from danas_hil.convert import classify
from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome

ROOT = Path(__file__).resolve().parents[1]
IMAGES = 64
STEPS = 8  # of the output's quantisation: as far apart as kernels of different ages may be
GENOME = Genome(ImageConfig(64, "rgb"), MobileNetV2(3, 2, 1, 1, 0, 0.5))

OURS = """
def test_long(danas_board):
    assert danas_board.board.id == "host"

def test_short(dut):
    assert type(dut).__module__.startswith("danas_hil.") is SHORT_IS_OURS
"""
ANSWERS = """
import sys
import numpy as np
from danas_hil import convert
from pathlib import Path
assert "ai_edge_litert" not in sys.modules and "tensorflow" not in sys.modules
images = np.load(sys.argv[2])
np.save(sys.argv[3], convert.classify(Path(sys.argv[1]).read_bytes(), images))
assert "tflite_runtime" in sys.modules
"""


@dataclass(frozen=True)
class Row:
    """What was tried in one environment, and what came of it."""

    environment: str
    tried: str
    good: bool
    detail: str


class FailedError(Exception):
    """A program ended with another status than it should have."""


def run(*command: str | Path, folder: Path | None = None) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise FailedError(
            f"{command[0]} ended with {ended.returncode}: {ended.stdout}{ended.stderr}"
        )
    return ended.stdout


def environment(folder: Path, python: str, packages: Sequence[str]) -> Path:
    """The programs of a new environment with `packages`, which fit one another."""
    run(python, "-m", "venv", folder)
    run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", *packages)
    run(folder / "bin" / "python", "-m", "pip", "check")
    return folder / "bin"


def tflite_runtime(folder: Path, wheel: Path, python: str) -> list[Row]:
    bins = environment(folder / "env", python, [f"{wheel}[tflite-runtime]"])
    versions = run(bins / "python", "-m", "pip", "freeze").splitlines()
    name = ", ".join(v for v in versions if v.startswith(("numpy=", "tflite-runtime=")))
    help_text = run(bins / "danas-hil", "--help")
    rows = [Row(name, "--help", "estimate" in help_text, "names its commands")]
    content = random_model(GENOME)
    model, drawn, answers = (folder / one for one in ("model.tflite", "images.npy", "answers.npy"))
    model.write_bytes(content)
    told = run(bins / "danas-hil", "estimate", model, "--unknown", "fits", "--json")
    rows.append(Row(name, "estimate", '"used_bytes"' in told, "tells an arena"))
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, *GENOME.data.shape), dtype=np.uint8)
    np.save(drawn, images)
    run(bins / "python", "-c", ANSWERS, model, drawn, answers)
    apart = float(np.abs(np.load(answers) - classify(content, images)).max()) * 256
    detail = f"{apart:.0f} steps from LiteRT's at most, {IMAGES} images"
    rows.append(Row(name, "int8 answers", apart <= STEPS, detail))
    return rows


def pytest_beside(folder: Path, wheel: Path, python: str) -> list[Row]:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extra = pyproject["project"]["optional-dependencies"]["pytest"]
    lowest = [one.replace(">=", "==") for one in extra]
    rows = []
    for name, packages, arguments in (
        ("oldest pytest", lowest, []),
        ("newest pytest", ["pytest"], []),
        ("pytest-xdist", ["pytest", "pytest-xdist"], ["-n", "2"]),
        ("pytest-embedded", ["pytest", "pytest-embedded"], []),
    ):
        place = folder / name.replace(" ", "-")
        bins = environment(place / "env", python, [f"{wheel}[pytest]", *packages])
        embedded = name == "pytest-embedded"
        test = place / "test_it.py"
        test.write_text(OURS.replace("SHORT_IS_OURS", str(not embedded)), encoding="utf-8")
        for tried, board in (
            ("--danas-board", ["--danas-board", "host"]),
            ("--board", ["--board", "host"]),
        ):
            said = run(bins / "pytest", "-rs", *board, *arguments, test, folder=place)
            rows.append(
                Row(name, tried, "2 passed" in said, said.strip().splitlines()[-1].strip("= "))
            )
        if embedded:
            test.write_text(
                "def test_theirs(dut):\n    assert 'embedded' in type(dut).__module__\n"
            )
            for tried, without in (("dut beside us", []), ("without us", ["-p", "no:danas_hil"])):
                said = run(bins / "pytest", "-rs", *without, test, folder=place)
                rows.append(
                    Row(name, tried, "1 passed" in said, said.strip().splitlines()[-1].strip("= "))
                )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("tflite-runtime", "pytest"))
    parser.add_argument("--python", default=sys.executable, help="of the environments")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-m", "pip", "wheel", ROOT, "--quiet", "--no-deps"]
        run(*command, "--no-build-isolation", "--wheel-dir", folder)
        (wheel,) = folder.glob("*.whl")
        if options.only != "pytest":
            rows += tflite_runtime(folder / "lite", wheel, options.python)
        if options.only != "tflite-runtime":
            rows += pytest_beside(folder / "pytest", wheel, options.python)
    if options.json:
        print(json.dumps([vars(row) for row in rows], indent=2))
    else:
        for row in rows:
            verdict = "good" if row.good else "FAILED"
            print(f"{row.environment:34} {row.tried:14} {verdict:7} {row.detail}")
    sys.exit(not all(row.good for row in rows))


if __name__ == "__main__":
    main()

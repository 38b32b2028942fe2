"""A small finished run that the tests of the commands share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def danas() -> Run:
    """Runs danas-hil as a user does: arguments, and the folder to stand in."""

    def run(
        *arguments: str, folder: Path, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "danas_hil", *arguments],
            cwd=folder,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def searched(danas: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished search: signs, two resolutions, ten evaluations."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "space.toml").write_text(
        'resolution = [16, 24]\ncolour = "monochrome"\nalpha = [0.5, 1.0]\nb6 = 0\n'
    )
    arguments = (
        "search signs --name small --space space.toml --board qemu-m4 --ram 64kB --flash 512kB"
    )
    arguments += " --trials 10 --supernet-steps 15 --batch-size 16 --export-finetune-steps 2"
    arguments += " --export-limit 3 --seed 3"
    done = danas(*arguments.split(), folder=folder)
    assert done.returncode == 0, done.stderr
    return folder / "runs" / "small"

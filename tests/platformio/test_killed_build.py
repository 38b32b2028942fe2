"""A command that is killed while it builds leaves no compiler."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from processes import comes, marked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what is adopted is found by /proc")

# Stands for PlatformIO, which starts SCons, which starts compilers.
PLATFORMIO = """
import os, subprocess, sys
compiler = [sys.executable, "-c", "import time; time.sleep(60)", os.environ["MARK"]]
scons = f"import subprocess, time; subprocess.Popen({compiler!r}); time.sleep(60)"
subprocess.Popen([sys.executable, "-c", scons, os.environ["MARK"]])
subprocess.Popen(compiler, start_new_session=True)
subprocess.run(compiler)
"""
RUNNING = 4  # SCons, its compiler, and two more


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """For a command that finds all it needs for qemu-m4, and this PlatformIO."""
    package = tmp_path / "packages" / "platformio"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(PLATFORMIO)
    tool = tmp_path / "home" / "platformio" / "packages" / "tool-scons" / "package.json"
    tool.parent.mkdir(parents=True)
    tool.write_text(json.dumps({"name": "tool-scons"}))
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("qemu-system-arm", "arm-none-eabi-g++"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    paths = [str(package.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "DANAS_HIL_HOME": str(tmp_path / "home"),
        "MARK": f"mark-{uuid.uuid4().hex}",
    }


@pytest.mark.parametrize(
    ("end", "status"),
    [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, -1)],
)
def test_a_command_that_is_ended_leaves_no_process(
    environment: dict[str, str], end: signal.Signals, status: int
) -> None:
    command = [sys.executable, "-m", "danas_hil", "doctor", "--board", "qemu-m4"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as we:
        assert comes(lambda: len(marked(environment["MARK"])) == RUNNING, 30)
        we.send_signal(end)
        assert we.wait(10) == status
        assert comes(lambda: not marked(environment["MARK"]), 10)


def test_sigterm_ends_a_command_that_a_shell_runs_in_the_background(
    environment: dict[str, str],
) -> None:
    """There the shell ignores SIGINT for it."""
    command = [sys.executable, "-m", "danas_hil", "doctor", "--board", "qemu-m4"]
    with subprocess.Popen(
        command,
        env=environment,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    ) as we:
        assert comes(lambda: len(marked(environment["MARK"])) == RUNNING, 30)
        we.terminate()
        assert we.wait(10) == 143
    assert not marked(environment["MARK"])

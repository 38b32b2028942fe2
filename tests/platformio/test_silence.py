"""How long a build may take, and what is heard of it meanwhile."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from danas_hil.base import EnvironmentFaultError, locks
from danas_hil.board import load_board
from danas_hil.platformio import BuildError, build, upload
from danas_hil.platformio.build import project_folder
from danas_hil.platformio.prune import in_use
from danas_hil.sketch import SelfTest, render_selftest

# What PlatformIO prints, in its own time; SCons fetches what was compiled before.
LINES = [
    "Processing qemu-m4 (platform: symlink:///x; board: mps2_an386; framework: arduino)",
    "Compiling .pio/build/qemu-m4/lib6be/Chirale_TensorFlowLite/l2_pool_2d.cpp.o",
    "Compiling .pio/build/qemu-m4/src/src_model.cpp.o",
    "Retrieved `.pio/build/qemu-m4/lib6be/Chirale_TensorFlowLite/add.cc.o' from cache",
    "Compiling .pio/build/qemu-m4/FrameworkArduino/machine.cpp.o",
    "Archiving .pio/build/qemu-m4/lib6be/libChirale_TensorFlowLite.a",
]
PLATFORMIO = f"""
import time
for line in {LINES!r}:
    print(line, flush=True)
    time.sleep(0.3)
time.sleep(30)
"""


class Heard:
    """Keeps what a build tells."""

    def __init__(self, told: list[Any]) -> None:
        self._told = told

    def compiling(self, what: str, files: int) -> None:
        self._told.append((what, files))

    def waiting(self, what: str) -> None:
        self._told.append(what)


def test_a_build_is_given_up_when_it_is_silent_and_not_when_it_is_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "packages" / "platformio"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(PLATFORMIO)
    monkeypatch.setenv("PYTHONPATH", f"{package.parent}:{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path / "home"))
    tool = tmp_path / "home" / "platformio" / "packages" / "tool-scons" / "package.json"
    tool.parent.mkdir(parents=True)
    tool.write_text(json.dumps({"name": "tool-scons"}))
    heard: list[tuple[str, int]] = []
    log = tmp_path / "build.log"
    with pytest.raises(BuildError, match="printed nothing for 1 s, and was given up") as caught:
        build(
            render_selftest(load_board("qemu-m4"), SelfTest.make()),
            tmp_path / "firmware.elf",
            log,
            Heard(heard),
            silence_seconds=1.0,
        )
    assert "the same command goes on where it stopped" in caught.value.hint
    assert log.read_text().splitlines() == LINES, "1.8 s of lines are longer than the silence"
    assert heard == [
        ("the library", 1),
        ("the sketch", 1),
        ("the library", 2),
        ("the framework", 1),
    ]


def test_a_project_that_another_build_holds_ends_the_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next model would wait as long."""
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path))
    building = importlib.import_module("danas_hil.platformio.build")
    monkeypatch.setattr(building, "check_packages", lambda *_: None)
    monkeypatch.setattr(building, "LOCK_SECONDS", 0.2)
    monkeypatch.setattr(locks, "TOLD_AFTER_SECONDS", 0.1)
    board = load_board("qemu-m4")
    sketch = render_selftest(board, SelfTest.make())
    project, log = project_folder(board, sketch.kind), tmp_path / "log"
    heard: list[Any] = []
    with in_use(project, 1.0):
        with pytest.raises(EnvironmentFaultError, match="Another build has held"):
            build(sketch, tmp_path / "firmware.elf", log, Heard(heard))
        with pytest.raises(EnvironmentFaultError, match="Another build has held"):
            upload(sketch, None, log, listener=Heard(heard))
    assert heard == [f"another build in {project}, 1 min at most"] * 2

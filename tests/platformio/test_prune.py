"""What builds leave stays within bounds."""

import os
from pathlib import Path

import filelock
import pytest

from danas_hil.platformio.prune import in_use, prune


@pytest.fixture
def left(monkeypatch, tmp_path):
    """Eight objects of 100 bytes and two projects with 300; higher numbers were used later."""
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path))
    for used in range(8):
        path = tmp_path / "platformio" / f"objects-{'tflm' if used % 2 else 'selftest'}" / "0A"
        path.mkdir(parents=True, exist_ok=True)
        (path / f"object{used}").write_bytes(bytes(100))
        os.utime(path / f"object{used}", (used, used))
    for used in (2, 6):
        project = tmp_path / "projects" / f"board{used}-tflm"
        for name in (".pio/build/b/firmware.elf", ".pio/libdeps/b/x.h", "src/main.cpp"):
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).write_bytes(bytes(300 if name.endswith(".elf") else 50))
        os.utime(project / ".pio/build/b/firmware.elf", (used + 0.5, used + 0.5))
    (tmp_path / "platformio" / "objects-tflm" / "config").write_text("{}")
    return tmp_path


def names(home: Path) -> set[str]:
    objects = {path.name for path in home.glob("platformio/objects-*/0A/*")}
    return objects | {path.parents[3].name for path in home.glob("projects/*/.pio/build/b/*.elf")}


ALL = {f"object{used}" for used in range(8)} | {"board2-tflm", "board6-tflm"}


@pytest.mark.parametrize(
    ("most", "gone"),
    [
        (1400, set()),
        (1399, {"object0"}),
        (1000, {"object0", "object1", "object2", "board2-tflm"}),
        (0, ALL),
    ],
)
def test_what_was_not_used_for_the_longest_goes_first(left, most, gone):
    prune(left / "platformio", most)
    assert names(left) == ALL - gone
    for project in (left / "projects").glob("*-tflm"):  # what is not made here again stays
        assert (project / ".pio/libdeps/b/x.h").is_file()
        assert (project / "src/main.cpp").is_file()
    assert (left / "platformio/objects-tflm/config").is_file()


def test_nothing_goes_while_anybody_builds(left):
    with in_use(left / "projects" / "board2-tflm", 1):
        prune(left / "platformio", 0)
    assert names(left) == ALL
    prune(left / "platformio", 0)
    assert names(left) == set()


def test_a_build_waits_until_pruning_is_over(left):
    project = left / "projects" / "board2-tflm"
    with (
        filelock.FileLock(left / "projects" / ".pruning"),
        pytest.raises(filelock.Timeout),
        in_use(project, 0.1),
    ):
        raise AssertionError("began while others prune")

"""A build of the user's: one TOML, and templates where its API differs; no code is touched."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from danas_hil.base import DanasError, tree_folder
from danas_hil.board import load_board
from danas_hil.builds import list_builds, load_build
from danas_hil.estimate.on_board import estimate_on
from danas_hil.sketch import LIBRARY_VARIABLE, library_of, render_tflm
from estimate.operator_models import convolution

MODEL = convolution((1, 32, 32, 3), channels=8)
OWN = """
title = "Chirale_TensorFLowLite 3.0.0, with columns padded to four"
extends = "arduino"
kernels = ["cmsis-nn"]
dialect = "tflm-va-list"

[library]
owner = "somebody"
name = "Chirale_TensorFLowLite"
version = "3.0.0"
hash = "00aa"
flags = ["-DQUIET"]

[operators]
PADV2 = { method = "AddPadVersion2" }

[optimised.cmsis-nn.operators]
CONV_2D = { prepare = ["input 0", "output", "channel tables", "columns", "columns"] }

[[code]]
kernels = "cmsis-nn"
toolchain = "stm32 -O2"
source = "linked here"
spread = 100

[code.sets]
"CONV_2D" = 12345
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder, with a board of theirs beside it that runs the build `own`."""
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(LIBRARY_VARIABLE, raising=False)
    (tmp_path / "home" / "builds").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def write(home: Path) -> Callable[..., None]:
    """Write a build of the user's: OWN, with words of it replaced."""

    def written(old: str = "", new: str = "", name: str = "own") -> None:
        assert old in OWN
        (home / "builds" / f"{name}.toml").write_text(OWN.replace(old, new) if old else OWN)
        dialect = home / "builds" / "tflm-va-list"
        shutil.copytree(tree_folder("templates") / "tflm", dialect, dirs_exist_ok=True)
        (dialect / "debug_log.inc").write_text('extern "C" void DebugLog(const char*, va_list);\n')

    return written


@pytest.fixture
def board(home: Path, write: Callable[..., None]):
    write()
    text = (tree_folder("boards") / "qemu-m4.toml").read_text()
    path = home / "boards" / "own-board.toml"
    path.parent.mkdir()
    path.write_text(text.replace('build = "arduino"', 'build = "own"'))
    return load_board("own-board")


def test_it_gets_another_estimate(board) -> None:
    shipped, own = (estimate_on(load_board("qemu-m4"), MODEL), estimate_on(board, MODEL))
    assert (shipped.build, own.build) == ("arduino", "own")
    assert own.arena.used_bytes > shipped.arena.used_bytes
    assert (
        dict(own.arena.by_cause)["scratch buffers"]
        != dict(shipped.arena.by_cause)["scratch buffers"]
    )
    assert own.flash.library.bytes == 12345
    assert shipped.flash.library.bytes != 12345


def test_it_gets_another_sketch(board) -> None:
    shipped, own = (
        render_tflm(one, "m", b"model", ["CONV_2D", "PADV2"], 1024)
        for one in (load_board("qemu-m4"), board)
    )
    assert own.kind == "tflm-va-list"
    assert own.identity != shipped.identity
    assert "somebody/Chirale_TensorFLowLite@3.0.0\n" in own.files["platformio.ini"]
    assert "    -DQUIET\n" in own.files["platformio.ini"]
    assert "-DARDUINO_EXCLUDE_CODE" not in own.files["platformio.ini"]
    assert "AddPadVersion2()" in own.files["src/interpreter.cpp"]
    assert "DebugLog(const char*, va_list);" in own.files["src/main.cpp"]
    assert "device.log" not in own.files["src/main.cpp"]
    assert '"Chirale_TensorFLowLite 3.0.0"' in own.files["src/model.cpp"]
    assert library_of(board).hash == "00aa"


def test_it_is_listed_beside_those_that_are_shipped(write: Callable[..., None]) -> None:
    write()
    listed = {one.name: one for one in list_builds()}
    assert {"arduino", "current", "host", "own"} == set(listed)
    assert listed["own"].library == "Chirale_TensorFLowLite 3.0.0"


def test_faults_library_and_code_sizes_are_not_inherited(write: Callable[..., None]) -> None:
    """What one version computes wrongly, or takes, says nothing of another."""
    write()
    assert load_build("arduino").faults
    assert load_build("own").faults == ()
    assert set(load_build("own").code) == {"stm32 -O2"}
    assert load_build("own").structs == load_build("arduino").structs


def test_a_file_that_is_rewritten_is_read_anew(write: Callable[..., None]) -> None:
    write()
    assert load_build("own").library.version == "3.0.0"
    write('"3.0.0"', '"3.0.0-beta"')
    assert load_build("own").library.version == "3.0.0-beta"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("title = ", "titel = ", "'titel'"),
        ('"columns", "columns"', '"colums"', "CONV_2D.prepare has 'colums', which is no rule"),
        ('"input 0", "output", ', '"input x", ', "'input x'"),
        ('dialect = "tflm-va-list"', 'dialect = "../x"', "dialect"),
        ('dialect = "tflm-va-list"', 'dialect = "none"', "'none' has no folder of templates"),
        ('"-DQUIET"', '"!touch /tmp/x"', "no flag of a compiler"),
        ('owner = "somebody"', 'owner = "https://x"', "'https://x' can't be"),
        ('"AddPadVersion2"', '"AddPad(); x"', "no name of an operator"),
        ('extends = "arduino"', 'extends = "own"', "extends = 'own' can't be"),
        ('extends = "arduino"', 'extends = "arduno"', "no build 'arduno'"),
        ('kernels = ["cmsis-nn"]\ndialect', 'kernels = ["xnn"]\ndialect', "optimised.xnn"),
        ("spread = 100", 'spread = "much"', "spread"),
        ("spread = 100", "spread = -1", "spread"),
        ('name = "Chirale_TensorFLowLite"\n', "", "library lacks 'name'"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_name(
    write: Callable[..., None], old: str, new: str, told: str
) -> None:
    write(old, new)
    with pytest.raises(DanasError) as caught:
        load_build("own")
    said = f"{caught.value.what} {caught.value.hint}"
    assert told in said
    assert "own.toml" in said or "no build" in said


def test_the_name_of_a_shipped_build_is_refused(write: Callable[..., None]) -> None:
    write(name="current")
    with pytest.raises(DanasError, match=r"current\.toml has the name of a build that is shipped"):
        list_builds()


def test_no_sketch_is_made_of_a_build_without_a_dialect(board, write: Callable[..., None]) -> None:
    write('dialect = "tflm-va-list"\n')
    with pytest.raises(DanasError, match="No firmware is made of the build own"):
        render_tflm(board, "m", b"model", ["CONV_2D"], 1024)


def test_a_library_that_is_in_no_registry_is_asked_for_by_its_folder(
    board, write: Callable[..., None]
) -> None:
    write('owner = "somebody"\n')
    with pytest.raises(DanasError, match="PlatformIO has no library") as caught:
        render_tflm(board, "m", b"model", ["CONV_2D"], 1024)
    assert LIBRARY_VARIABLE in caught.value.hint

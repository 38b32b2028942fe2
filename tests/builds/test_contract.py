"""What holds for every build: those that are shipped, and whoever adds one sees it held here."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from danas_hil.base import DanasError
from danas_hil.board import known_boards, load_board
from danas_hil.builds import Build, list_builds, load_build, words
from danas_hil.estimate import kernels, outputs, refusals
from danas_hil.sketch import LIBRARY_VARIABLE, render_tflm

BUILDS = [
    pytest.param(load_build(one.name, kernels, recording=recording), id=f"{one.name} {kernels}")
    for one in list_builds()
    for kernels in one.kernels
    for recording in (False, True)
]


def test_each_word_of_a_build_has_its_rule_and_each_rule_its_word() -> None:
    assert set(kernels.TABLES) == words.TABLES
    assert set(kernels.SCRATCH) == words.SCRATCH
    assert set(refusals.REFUSALS) == words.REFUSALS
    assert set(outputs.WHEN) == words.WHEN


@pytest.mark.parametrize("build", BUILDS)
def test_a_build_covers_what_it_tells_of(build: Build) -> None:
    assert build.title
    assert build.library.name
    assert build.library.version
    assert build.operators
    for fault in build.faults:
        assert fault.operator in build.operators
        assert fault.what.startswith(fault.operator)
        assert fault.hint.endswith(".")
    for toolchain, table in build.code.items():
        assert re.fullmatch(r"[a-z0-9_-]+ -O\w", toolchain)
        assert table.source
        assert table.sets or table.base
        for operators in (*table.sets, *table.groups, *table.static_groups):
            assert operators <= build.operators.keys(), f"{toolchain}: {sorted(operators)}"


@pytest.mark.parametrize("build", BUILDS)
def test_what_firmware_is_made_of_can_be_got_and_is_known_by_its_hash(build: Build) -> None:
    if build.dialect:
        assert re.fullmatch(r"[\w-]+/[\w.-]+@[\w.+-]+", build.library.place)
        assert re.fullmatch(r"[0-9a-f]{64}", build.library.hash)
    else:
        with pytest.raises(DanasError, match="names no dialect"):
            build.sketch_templates()


@pytest.mark.parametrize("board", known_boards()[0], ids=lambda board: board.id)
def test_every_board_has_a_build_and_is_rendered_in_its_dialect(
    board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(LIBRARY_VARIABLE, raising=False)
    build = load_build(board.build, board.kernels)
    if board.firmware is None:
        assert not build.dialect
        return
    build.check_core(board.core)
    sketch = render_tflm(board, "m", b"model", sorted(build.operators), 1024)
    assert sketch.kind == build.dialect
    assert build.library.place in sketch.files["platformio.ini"]
    assert all(flag in sketch.files["platformio.ini"] for flag in build.library.flags)
    assert build.library.shown in sketch.files["src/model.cpp"]


def test_the_host_build_is_the_wheel_that_is_asked_for(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    library = load_build(load_board("host").build).library
    assert f"{library.name}>={library.version}" in project["optional-dependencies"]["host"]

"""Which library is built is known by what is compiled of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from danas_hil.base import DanasError
from danas_hil.board import load_board
from danas_hil.builds import load_build
from danas_hil.cli.app import app
from danas_hil.sketch import (
    LIBRARY_VARIABLE,
    check_downloaded,
    library_hash,
    library_of,
    read_library,
    render_tflm,
)

BOARD = load_board("qemu-m4")
REAL = Path(os.environ.get("DANAS_TFLM_LIBRARY", "/nowhere"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A library, with what is compiled of it and what is not."""
    files = {
        "library.properties": "name=Any_TFLM\nversion=3.1.0\nsentence=Learns.\n",
        "src/add.cpp": "int add(int a) {\n  return a;\n}\n",
        "src/deep/table.inc": "1, 2, 3\n",
        "src/deep/LICENSE": "Yours.\n",
        "src/.DS_Store": "x",
        "README.md": "Read me.\n",
        "examples/one/one.ino": "void setup() {}\n",
    }
    for name, text in files.items():
        path = tmp_path / "tflm" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "tflm"


@pytest.mark.skipif(not (REAL / "library.properties").is_file(), reason="no DANAS_TFLM_LIBRARY")
def test_the_library_that_is_estimated_is_the_one_that_is_published() -> None:
    assert library_hash(REAL) == load_build("arduino").library.hash
    assert library_of(BOARD).custom == ""
    assert library_of(BOARD).shown == "Chirale_TensorFLowLite 2.0.0"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("src/add.cpp", b"int add(int a) {\n  return b;\n}\n"),  # of the same size
        ("src/deep/table.inc", b"1, 2, 4\n"),
        ("src/new.h", b""),
        ("src/license.h", b"int x;\n"),
        ("src/table.txt", b"1, 2\n"),  # which may be included
        ("src/.hidden.h", b"int x;\n"),
        ("include/config.h", b"#define X\n"),
        ("library.properties", b"name=Any_TFLM\nversion=3.1.0\nldflags=-lm\n"),
        ("library.json", b'{"build": {"flags": "-DX"}}'),
    ],
)
def test_one_byte_of_what_is_compiled_makes_another_library(
    folder: Path, name: str, content: bytes
) -> None:
    before = library_hash(folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    state = (folder / "src" / "add.cpp").stat()
    os.utime(folder / name, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    assert library_hash(folder) != before


def test_a_file_under_another_name_makes_another_library(folder: Path) -> None:
    before = library_hash(folder)
    (folder / "src" / "add.cpp").rename(folder / "src" / "sum.cpp")
    assert library_hash(folder) != before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("src/add.cpp", b"int add(int a) {\r\n  return a;\r\n}\r\n"),
        ("src/deep/LICENSE", b"Ours.\n"),
        ("src/.DS_Store", b"y"),
        ("src/README.txt", b"x"),
        ("README.md", b"Other words.\n"),
        ("examples/one/one.ino", b"void loop() {}\n"),
        ("library.properties", b"name=Any_TFLM\r\nversion=3.1.0\r\nsentence=Teaches.\r\n"),
        ("library.json", b'{"name": "Any_TFLM"}'),
        (".piopm", b"{}"),
    ],
)
def test_what_is_not_compiled_makes_no_other_library(
    folder: Path, name: str, content: bytes
) -> None:
    before = library_hash(folder)
    (folder / name).write_bytes(content)
    assert library_hash(folder) == before


def test_where_a_library_lies_does_not_count(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "elsewhere")
    assert library_hash(tmp_path / "elsewhere") == library_hash(folder)


def test_a_link_to_a_folder_above_ends(folder: Path) -> None:
    (folder / "src" / "again").symlink_to(folder / "src")
    os.mkfifo(folder / "src" / "pipe.h")
    library_hash(folder)


def test_of_a_custom_library_all_counts(folder: Path) -> None:
    """Its sources may include ../config.h."""
    (folder / "config.h").write_text("#define X 1\n")
    before = read_library(folder)
    (folder / "config.h").write_text("#define X 2\n")
    assert library_hash(folder) == library_hash(folder)
    assert read_library(folder).custom != before.custom


def test_another_library_is_custom_and_makes_another_build(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def identity() -> str:
        return render_tflm(BOARD, "m", b"model", ("CONV_2D",), 1024).identity

    monkeypatch.delenv(LIBRARY_VARIABLE, raising=False)
    pinned, named = identity(), library_of(BOARD)
    assert (named.place, named.custom) == ("spaziochirale/Chirale_TensorFLowLite@2.0.0", "")
    monkeypatch.setenv(LIBRARY_VARIABLE, str(folder))
    library = library_of(BOARD)
    assert library.custom == f"custom:{library.hash[:12]}"
    assert library.shown == f"Any_TFLM 3.1.0 {library.custom}"
    first = identity()
    (folder / "src" / "add.cpp").write_text("int add(int a) { return 1; }\n")
    assert len({pinned, first, identity()}) == 3
    sketch = render_tflm(BOARD, "m", b"model", ("CONV_2D",), 1024)
    assert library_of(BOARD).shown in sketch.files["src/model.cpp"]


def test_a_download_that_is_another_library_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "libdeps" / "Chirale_TensorFLowLite"
    shutil.copytree(folder, place)
    check_downloaded(read_library(folder), place.parent)  # it is not what is built
    monkeypatch.delenv(LIBRARY_VARIABLE, raising=False)
    with pytest.raises(DanasError, match=r"is not Chirale_TensorFLowLite 2\.0\.0") as caught:
        check_downloaded(library_of(BOARD), place.parent)
    assert f"{LIBRARY_VARIABLE}={place}" in caught.value.hint
    shutil.rmtree(place)
    check_downloaded(library_of(BOARD), place.parent)


def test_the_command_tells_of_each_library_and_fails_for_another_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(LIBRARY_VARIABLE, raising=False)
    told = CliRunner().invoke(app, ["boards", "library"])
    assert isinstance(told.exception, DanasError), "nothing was downloaded yet"
    place = tmp_path / "home/projects/nano33ble-tflm/.pio/libdeps/nano33ble/Chirale_TensorFLowLite"
    shutil.copytree(folder, place)
    told = CliRunner().invoke(app, ["boards", "library"])
    assert told.exit_code == 1
    assert f"{read_library(folder).custom}: nothing is estimated" in told.stdout
    monkeypatch.setattr("danas_hil.sketch.library.estimated", lambda: (library_hash(folder),))
    told = CliRunner().invoke(app, ["boards", "library", str(folder)])
    assert told.exit_code == 0
    assert f"sha256 {library_hash(folder)}\n  estimated\n" in told.stdout

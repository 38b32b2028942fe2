"""The wheel carries what a computer without the source tree needs."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from danas_hil import __version__

FOLDERS = ("boards", "templates", "firmware")


@pytest.fixture(scope="module")
def unpacked(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built and unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", str(root), "--quiet", "--wheel-dir"]
    built = subprocess.run(
        [*command, str(folder), "--no-deps", "--no-build-isolation", "--no-index"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("danas_hil-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


@pytest.mark.parametrize("name", FOLDERS)
def test_the_wheel_carries_the_folders_of_the_tree(unpacked: Path, root: Path, name: str) -> None:
    carried = _files(unpacked / "danas_hil" / "_tree" / name)
    assert carried
    assert carried == _files(root / name)


def test_the_wheel_carries_all_code_and_its_types(unpacked: Path, root: Path) -> None:
    carried = _files(unpacked / "danas_hil")
    code = _files(root / "host" / "danas_hil")
    assert "py.typed" in code
    assert code.items() <= carried.items()


def test_an_unpacked_wheel_finds_its_folders_and_boards(unpacked: Path, root: Path) -> None:
    program = (
        "from danas_hil import __version__\n"
        "from danas_hil.base import tree_folder\n"
        "from danas_hil.board import board_names, load_board\n"
        "print(__version__)\n"
        f"for name in {FOLDERS!r}: print(tree_folder(name))\n"
        "print(*(load_board(name).id for name in board_names()))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(unpacked)},
        cwd=unpacked,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    version, *folders, boards = ended.stdout.splitlines()
    assert version == __version__
    tree = unpacked.resolve() / "danas_hil" / "_tree"
    assert folders == [str(tree / name) for name in FOLDERS]
    files = {file.stem for file in (root / "boards").glob("*.toml")}
    assert set(boards.split()) == files - {"classes"}


def test_the_version_is_told_in_one_voice(unpacked: Path) -> None:
    (metadata,) = unpacked.glob("danas_hil-*.dist-info/METADATA")
    assert f"\nVersion: {__version__}\n" in metadata.read_text(encoding="utf-8")


def test_no_extra_contradicts_the_base(root: Path) -> None:
    """Each can be installed: some version of every package is within all that is said of it."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tried = ("1.25.2", "1.26.4", "2.0.0", "2.4.6")  # of numpy, which several name
    for extra, lines in project["optional-dependencies"].items():
        wanted = [Requirement(line) for line in [*project["dependencies"], *lines]]
        ranges = [one.specifier for one in wanted if one.name == "numpy"]
        good = [version for version in tried if all(version in one for one in ranges)]
        assert good, f"no numpy will do for the extra {extra}: {ranges}"

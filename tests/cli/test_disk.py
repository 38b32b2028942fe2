"""Disks without room, folders that can't be written, and output that nobody takes."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from cli.told import told
from danas_hil.base import DanasError
from danas_hil.run import RunFolder
from danas_hil.search import create_run
from search.small_search import SETTINGS
from study.shared_runs import evaluate, genomes, joined, new_run

ROOM = "Make room there, and run the same command again"


@contextlib.contextmanager
def no_room() -> Iterator[None]:
    """No file can become longer than it is, which is nothing for new ones.

    Around the command alone: what pytest writes of it may go to a file as well.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, with nothing left on it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("file systems can't be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> None:
    with (folder / "filling").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass


@pytest.mark.parametrize(
    "command",
    [
        ["pick", "RUN", "--k", "1"],
        ["report", "RUN"],
        ["export", "RUN", "--all", "--to", "COPY"],
        ["flash", "RUN", "--board", "host", "--top", "1", "--again"],
        ["search", "signs", "--name", "new", "--trials", "1", "--supernet-steps", "1"],
    ],
    ids=lambda command: command[0],
)
def test_where_there_is_no_room_a_command_says_so_and_what_was_there_stays(
    command: list[str],
    searched: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    before = {path: path.read_bytes() for path in searched.rglob("*") if path.is_file()}
    places = {"RUN": str(searched), "COPY": str(tmp_path / "copy")}
    with no_room():
        status = told(*(places.get(word, word) for word in command))
    assert status == 2
    shown = " ".join(capsys.readouterr().err.split())
    assert "Error: " in shown
    assert "File too large" in shown
    assert "room" in shown
    assert {p: p.read_bytes() for p in searched.rglob("*") if p.is_file()} == before
    assert not (tmp_path / "copy").exists()


def test_a_full_disk_never_advises_to_start_a_search_anew(
    full_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = create_run(full_disk / "run", SETTINGS)
    with joined(run) as shared:
        evaluate(shared.ledger, genomes(1)[0])
    fill(full_disk)
    assert told("worker", str(run.path)) == 2
    shown = " ".join(capsys.readouterr().err.split())
    assert "room there" in shown
    assert "anew" not in shown
    (full_disk / "filling").unlink()
    with joined(run) as shared:
        assert [e.genome for e in shared.ledger.evaluations] == genomes(1)


def test_a_study_that_can_grow_no_more_is_told_as_a_full_disk(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run")
    with joined(run) as shared:
        with shared.ledger._claims._storage.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count=1")
        with pytest.raises(DanasError, match="database or disk is full") as error:
            list(map(partial(evaluate, shared.ledger), genomes(100)))
    assert "can't be written" in error.value.what
    assert error.value.hint == "What was finished is kept: make room there, then resume the run."


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, ROOM),
        (errno.EDQUOT, ROOM),
        (errno.EROFS, "can only be read"),
        (errno.EACCES, "See to the rights"),
        (errno.EIO, "is sound"),
    ],
)
def test_what_the_system_refuses_is_told_with_its_place_and_what_to_do(
    number: int,
    hint: str,
    searched: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*_arguments: object, **_named: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    assert told("pick", str(searched), "--k", "1") == 2
    shown = " ".join(capsys.readouterr().err.split())
    assert f"picks.json can't be used: {os.strerror(number)}. " in shown
    assert hint in shown


def test_a_place_where_no_run_can_be_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").write_text("in the way")
    assert told("search", "signs", "--trials", "1", "--supernet-steps", "1") == 2
    shown = " ".join(capsys.readouterr().err.split())
    assert "There is a file where a folder has to be: move it away." in shown


def test_a_name_that_is_too_long_for_the_system_is_told(
    searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told("export", str(searched), "--all", "--to", str(tmp_path / ("x" * 300))) == 2
    assert "Choose a shorter name" in " ".join(capsys.readouterr().err.split())


def test_a_folder_in_a_files_place_is_told(
    searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunFolder(shutil.copytree(searched, tmp_path / "run"))
    run.front_file.unlink()
    run.front_file.mkdir()
    assert told("report", str(run.path)) == 2
    assert "front.json is a folder" in capsys.readouterr().err


class TestOutput:
    """What a user's shell does with standard output and standard error."""

    @pytest.mark.parametrize(
        ("redirection", "status", "message"),
        [
            (">/dev/full", 2, "Standard output can't be written: No space left on device."),
            ("| sleep 0", 141, ""),
            (">&-", 0, ""),
        ],
    )
    @pytest.mark.parametrize("options", ["", "--json"])
    def test_output_that_is_not_taken_ends_without_a_traceback(
        self, redirection: str, status: int, message: str, options: str
    ) -> None:
        command = f"{sys.executable} -m danas_hil boards list {options} {redirection}"
        told = subprocess.run(
            ["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"],
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,  # no terminal
            stdin=subprocess.DEVNULL,
        )
        assert told.returncode == status, told.stderr
        assert "Traceback" not in told.stderr
        assert message in told.stderr
        assert bool(told.stderr) == bool(message)

    @pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-"])
    def test_an_error_that_cant_be_told_is_still_one(self, redirection: str) -> None:
        command = f"{sys.executable} -m danas_hil report nowhere {redirection}"
        assert subprocess.run(["bash", "-c", command], check=False).returncode == 2

    def test_letters_that_a_terminal_lacks_are_told_by_their_code(self) -> None:
        told = subprocess.run(
            [sys.executable, "-m", "danas_hil", "report", "größe"],
            env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 2
        assert r"gr\xf6\xdfe is not a run" in told.stderr

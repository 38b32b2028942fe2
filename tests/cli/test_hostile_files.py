"""What is no file, or comes from elsewhere, at every place where a user names one."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from danas_hil.base import DanasError, reading
from danas_hil.cli.app import app
from danas_hil.run import RunFolder
from danas_hil.search import create_run
from search.small_search import SETTINGS

COMMANDS = {
    "estimate model": ["estimate", "{file}.tflite"],
    "estimate genome": ["estimate", "{file}.json"],
    "search --space": ["search", "signs", "--trials", "1", "--space", "{file}.toml"],
    "experiment": ["experiment", "{file}.toml"],
    "boards scan --write": ["boards", "scan", "--write", "{file}.yaml"],
    "pick": ["pick", "{run}"],
    "resume": ["resume", "{run}"],
    "export": ["export", "{run}", "--to", "{to}"],
    "report": ["report", "{run}"],
    "flash": ["flash", "{run}", "--board", "host"],
}
KINDS = {"device": "/dev/zero", "folder": "", "pipe": ""}


def make(kind: str, place: Path) -> None:
    place.unlink(missing_ok=True)
    if kind == "device":
        place.symlink_to("/dev/zero")
    elif kind == "folder":
        place.mkdir()
    else:
        os.mkfifo(place)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_reads_what_is_no_file(
    command: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reading, "PIPE_SECONDS", 0.1)
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path / "home"))
    run = create_run(tmp_path / "run", SETTINGS)
    make(kind, run.config_file if command == "resume" else run.front_file)
    for suffix in ("tflite", "json", "toml", "yaml"):
        make(kind, tmp_path / f"odd.{suffix}")
    words = [
        word.format(file=tmp_path / "odd", run=run.path, to=tmp_path / "copy")
        for word in COMMANDS[command]
    ]
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 2 or isinstance(ended.exception, DanasError), ended.exception
    told = str(ended.exception) + ended.output
    named = "config.toml" if command == "resume" else "front.json"
    assert "odd" in told or named in told or "run" in told
    assert time.monotonic() - started < 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 512 * 1024


def test_a_run_whose_folders_are_links_elsewhere_is_not_written_to(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    run = RunFolder(tmp_path / "run")
    (run.path / "candidates").mkdir(parents=True)
    run.candidate("1f0c22ab").symlink_to(outside)
    with pytest.raises(DanasError, match="leads out of"):
        run.measured("1f0c22ab", "host")
    for id_ in ("../../outside", "../..", "/etc"):
        with pytest.raises(DanasError, match="leads out of"):
            run.measured(id_, "host")


@pytest.mark.parametrize("place", ["run/copy", "run/candidates/x", "run"])
def test_an_export_into_the_run_itself_is_refused(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from danas_hil.run import export_bundle

    run = create_run(tmp_path / "run", SETTINGS)
    monkeypatch.setattr(RunFolder, "front", lambda _self: None)
    with pytest.raises(DanasError, match="lies in the run itself"):
        export_bundle(run, tmp_path / place)
    assert not (tmp_path / "run" / "copy").exists()


def test_a_page_into_a_folder_that_is_not_there_makes_it(tmp_path: Path) -> None:
    page = tmp_path / "not" / "there" / "plan.html"
    odd = tmp_path / "odd.tflite"
    odd.write_bytes(b"nothing")
    CliRunner().invoke(app, ["estimate", str(odd), "--html", str(page)])
    assert "odd.tflite" in page.read_text(encoding="utf-8")

"""Workers and the dashboard, as a user types them."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from danas_hil.base import DanasError
from danas_hil.cli.app import app
from danas_hil.run import RunFolder
from danas_hil.search import create_run
from search.small_search import SETTINGS
from study.shared_runs import evaluate, genomes, joined

DEADLINE = 60.0
"""Seconds that anything here may take; it takes a few."""


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return create_run(tmp_path / "run", SETTINGS)


def told(*arguments: str) -> DanasError:
    error = CliRunner().invoke(app, list(arguments)).exception
    assert isinstance(error, DanasError)
    return error


class TestWorker:
    def test_it_needs_a_run(self, tmp_path: Path) -> None:
        assert "is not a run" in told("worker", str(tmp_path)).what

    def test_threads_out_of_range_are_refused(self, run: RunFolder) -> None:
        for threads in ("0", "1025"):
            ended = CliRunner().invoke(app, ["worker", str(run.path), "--threads", threads])
            assert ended.exit_code == 2
            assert "--threads" in ended.output

    def test_a_storage_out_of_reach_is_told_and_nothing_is_left(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        url = f"sqlite:///{tmp_path}/no/such/folder/study.db"
        arguments = ["search", "signs", "--trials", "1", "--supernet-steps", "1"]
        assert "can't be read: " in told(*arguments, "--storage", url).what
        assert not (tmp_path / "runs").exists()


class TestDashboard:
    def test_a_run_without_a_study_is_told(self, run: RunFolder) -> None:
        pytest.importorskip("optuna_dashboard", reason="the extra [dashboard] is not installed")
        assert "has no study yet" in told("dashboard", str(run.path), "--no-browser").what

    def test_a_missing_extra_is_told(self, run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "optuna_dashboard", None)
        error = told("dashboard", str(run.path), "--no-browser")
        assert "danas-hil[dashboard]" in error.hint

    def test_it_shows_the_study_until_it_is_interrupted(self, run: RunFolder) -> None:
        with shown(run) as (process, url):
            assert "danas-hil" in studies(url)
            process.send_signal(signal.SIGINT)
            assert process.wait(DEADLINE) == 0

    def test_connections_left_open_hold_up_neither_others_nor_the_end(self, run: RunFolder) -> None:
        with shown(run) as (process, url), ExitStack() as at_end:
            for begun in (
                b"",
                b"GET /api/studies HTTP/1.1\r\n",
                b"POST /api/studies HTTP/1.1\r\nContent-Type: application/json\r\n"
                b"Content-Length: 9\r\n\r\n",
            ):
                address = ("127.0.0.1", urlsplit(url).port)
                connection = at_end.enter_context(socket.create_connection(address, DEADLINE))
                connection.sendall(begun)
            with ThreadPoolExecutor(8) as threads:
                assert all("danas-hil" in names for names in threads.map(studies, [url] * 16))
            process.send_signal(signal.SIGINT)
            assert process.wait(DEADLINE) == 0


@contextmanager
def shown(run: RunFolder) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The dashboard of a run with a study, as a process of its own, and its URL."""
    pytest.importorskip("optuna_dashboard", reason="the extra [dashboard] is not installed")
    with joined(run) as shared:
        for genome in genomes(3):
            evaluate(shared.ledger, genome)
    command = [sys.executable, "-m", "danas_hil", "dashboard", str(run.path), "--no-browser"]
    process = subprocess.Popen(
        [*command, "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        # A shell's background jobs, and what they start, ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    late = threading.Timer(2 * DEADLINE, process.kill)  # ends all that waits for it here
    late.start()
    try:
        assert process.stdout is not None
        answer = ""
        for line in process.stdout:
            answer += line
            if line == "}\n":
                break
        yield process, json.loads(answer)["url"]
    finally:
        late.cancel()
        process.kill()
        process.communicate()


def studies(url: str) -> list[str]:
    """The names of those that the dashboard tells of."""
    with urllib.request.urlopen(url + "api/studies", timeout=DEADLINE) as reply:
        return [study["study_name"] for study in json.loads(reply.read())["study_summaries"]]

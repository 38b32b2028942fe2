"""danas-hil worker, dashboard: more processes at one run, and a look at its study."""

from __future__ import annotations

import threading
import webbrowser
from contextlib import suppress
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Annotated, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import typer

from danas_hil.base import DanasError, require
from danas_hil.cli.arguments import data_place
from danas_hil.cli.options import RunArgument, StorageOption, ThreadsOption
from danas_hil.cli.running import run_search, show_outcome, use_threads
from danas_hil.cli.show import JsonOption, note, print_json

if TYPE_CHECKING:  # imported where it is used: --help is to be quick
    from danas_hil.run import RunFolder


def register(app: typer.Typer) -> None:
    app.command()(worker)
    app.command()(dashboard)


def worker(
    run: RunArgument,
    storage: StorageOption = None,
    data: Annotated[
        str | None,
        typer.Option(help="Where the data are on this computer.", rich_help_panel="Sharing"),
    ] = None,
    threads: ThreadsOption = None,
    json: JsonOption = False,
) -> None:
    """Work on a run beside others: on this computer, or on many that share a --storage.

    RUN is the run's folder or a copy of it. What a worker that was killed had
    begun is taken up by the others. The front is exported by `search` or
    `resume`; where neither is at work any more, by the first worker that finds
    everything done.

    [bold]Examples[/bold]

      danas-hil worker runs/porch --threads 1

      danas-hil worker porch --storage postgresql://me@db/nas --data /data/photos
    """
    from danas_hil.run import RunFolder

    use_threads(threads)
    folder = RunFolder.open(run)
    there = None if data is None else data_place(data)
    outcome = run_search(folder, storage=storage, data=there, leading=False)
    show_outcome(folder, outcome, json)


def dashboard(
    run: RunArgument,
    port: Annotated[
        int, typer.Option(help="Port on this computer; 0 takes a free one.", min=0, max=65535)
    ] = 8080,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
    storage: StorageOption = None,
    json: JsonOption = False,
) -> None:
    """Look at a run's study with optuna-dashboard, also while it is searched; Ctrl-C ends it.

    Example: danas-hil dashboard runs/porch --port 8081 --no-browser
    """
    from danas_hil.run import RunFolder

    pages = _pages(RunFolder.open(run), storage)
    try:
        server = make_server("127.0.0.1", port, pages, _Server, _Quiet)
    except (OSError, OverflowError) as error:
        raise DanasError(
            f"Port {port} can't be used: {error}.", "Choose another one: --port 0 takes a free one."
        ) from error
    url = f"http://127.0.0.1:{server.server_port}/"
    with server, suppress(KeyboardInterrupt):
        if json:
            print_json({"url": url})
        else:
            note(f"The study is shown at {url} until Ctrl-C.")
        if browser:
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
        server.serve_forever()


def _pages(run: RunFolder, storage: str | None) -> Any:
    """The WSGI application that shows the study of `run`."""
    optuna_dashboard = require("optuna_dashboard", "dashboard")
    from danas_hil.study import StorageSettings, open_storage

    kept_at = StorageSettings.from_config(run.config(), storage)
    if kept_at.url is None and not run.study_file.exists():
        raise DanasError(
            f"{run.path} has no study yet.", f"Begin its search: danas-hil resume {run.path}"
        )
    return optuna_dashboard.wsgi(open_storage(run, kept_at))


class _Server(ThreadingMixIn, WSGIServer):
    """Answers each connection in a thread of its own, so that none holds up others or the end."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    """Doesn't tell of every request."""

    def log_message(self, format: str, *arguments: object) -> None:
        pass

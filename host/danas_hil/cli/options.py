"""Options and arguments that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RunArgument = Annotated[Path, typer.Argument(help="A run's folder, such as runs/NAME.")]

CandidateOption = Annotated[
    list[str] | None, typer.Option(help="Id of a candidate of the run; repeatable.")
]
AllCandidatesOption = Annotated[bool, typer.Option("--all", help="All candidates of the run.")]

StorageOption = Annotated[
    str | None,
    typer.Option(
        help="URL of the run's storage, over the one in config.toml, which has no password.",
        rich_help_panel="Sharing",
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        help="Threads for training and evaluating. Default: all cores.",
        min=1,
        max=1024,
        rich_help_panel="Sharing",
    ),
]

"""danas-hil train: candidates of a run trained further, each by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from danas_hil.base import DanasError
from danas_hil.cli.options import (
    AllCandidatesOption,
    CandidateOption,
    RunArgument,
    StorageOption,
    ThreadsOption,
)
from danas_hil.cli.running import gentle_interrupt, use_threads
from danas_hil.cli.show import JsonOption, console, percent, print_json, say, table

if TYPE_CHECKING:  # imported where they are used: they load numpy, and --help is to be quick
    from danas_hil.run import RunFolder
    from danas_hil.search import TrainingOutcome


def register(app: typer.Typer) -> None:
    app.command()(train)


def train(
    run: RunArgument,
    steps: Annotated[
        int,
        typer.Option(help="Training steps of each candidate by itself, in all.", min=1, max=10**9),
    ],
    candidate: CandidateOption = None,
    everything: AllCandidatesOption = False,
    threads: ThreadsOption = None,
    storage: StorageOption = None,
    json: JsonOption = False,
) -> None:
    """Train candidates further by themselves; export anew those that it made better.

    The picks are trained (danas-hil pick), or those named. Each starts with the
    weights of the supernet, as in the fine-tuning of a search
    (--export-finetune-steps). A model is replaced when the new one is better by
    the run's metric, in int8 on validation examples; until then it stays.

    After Ctrl-C or a kill the same command goes on: from checkpoints, and with
    the candidates that are left.

    [bold]Examples[/bold]

      danas-hil train runs/porch --steps 20000

      danas-hil train runs/porch --steps 20000 --candidate 1f0c22ab
    """
    from danas_hil.cli.progress import TrainingProgress
    from danas_hil.run import RunFolder
    from danas_hil.search import SearchSettings, train_candidates

    use_threads(threads)
    folder = RunFolder.open(run)
    ids = _chosen(folder, candidate or [], everything)
    measured = {id_ for id_, _ in folder.measurements()}
    settings = SearchSettings.from_config(folder.config())
    with gentle_interrupt() as stopping, TrainingProgress(settings) as progress:
        outcome = train_candidates(folder, ids, steps, progress, stopping.is_set, storage=storage)
    if json:
        print_json({"run": str(run), **_as_json(outcome)})
    else:
        _show(folder, outcome, measured)


def _show(run: RunFolder, outcome: TrainingOutcome, measured: set[str]) -> None:
    genomes = {candidate.id: candidate.genome for candidate in outcome.front.candidates}
    rows = [
        (
            one.id + ("*" if one.id == outcome.front.chosen else ""),
            genomes[one.id].data.short,
            f"{one.steps:,}",
            percent(one.before),
            percent(one.after),
            one.verdict,
        )
        for one in outcome.trained
    ]
    better = {one.id for one in outcome.trained if one.verdict == "better"}
    if rows:
        columns = ("id", "data", ">steps", ">before", ">after", "verdict")
        console().print(table(columns, rows))
        metric = outcome.front.task.metric_name
        say(
            "",
            f"before, after: {metric} in int8 on validation examples.",
            "The better model is the one that stays.",
        )
    if better & measured:
        say("What boards showed for the earlier models is gone with them.")
    if outcome.stopped:
        say("Stopped: the same command goes on.")
    elif better:
        say(f"Next: danas-hil flash {run.path} --board NAME")


def _chosen(run: RunFolder, ids: list[str], everything: bool) -> tuple[str, ...]:
    from danas_hil.measure import FrontRow, choose

    front = run.front()
    picks = None if ids or everything else run.picks()
    if not (ids or everything or picks):
        raise DanasError(
            "Which candidates are to be trained?",
            f"Pick some: danas-hil pick {run.path}; or name them by --candidate; or --all.",
        )
    rows = [
        FrontRow(c.id, c.estimate["totals"]["ram_bytes"], c.scores["int8_validation"].worth)
        for c in front.candidates
    ]
    return choose(rows, ids=ids, everything=everything, picks=picks.ids if picks else ())


def _as_json(outcome: TrainingOutcome) -> dict[str, object]:
    return {
        "trained": [
            {
                "id": one.id,
                "steps": one.steps,
                "int8_validation_before": one.before,
                "int8_validation_after": one.after,
                "verdict": one.verdict,
            }
            for one in outcome.trained
        ],
        "stopped": outcome.stopped,
        "chosen": outcome.front.chosen,
    }

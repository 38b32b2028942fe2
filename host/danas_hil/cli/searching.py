"""danas-hil search: from images to an exported Pareto front."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from danas_hil.base import DanasError, parse_duration
from danas_hil.board import choose_limits
from danas_hil.cli.arguments import from_anywhere, lease_of, numbers, pixels, place, seen_from
from danas_hil.cli.running import run_search, runs_folder, show_outcome
from danas_hil.cli.show import JsonOption
from danas_hil.cli.working import ThreadsOption, use_threads

_DEFAULT_BUDGET = "1h"


def register(app: typer.Typer) -> None:
    app.command()(search)


def search(
    data: Annotated[
        str,
        typer.Argument(help="Images: a folder (Wake Vision, Parquet, class folders) or `faces`."),
    ],
    name: Annotated[
        str | None, typer.Option(help="Name of the run; its folder is runs/NAME.")
    ] = None,
    board: Annotated[
        str | None, typer.Option(help="Board whose limits hold.", rich_help_panel="Limits")
    ] = None,
    device_class: Annotated[
        str | None,
        typer.Option(
            help="Device class whose limits hold: small, medium, large.", rich_help_panel="Limits"
        ),
    ] = None,
    ram: Annotated[
        str | None,
        typer.Option(help="RAM of the whole firmware, as 256kB.", rich_help_panel="Limits"),
    ] = None,
    flash: Annotated[
        str | None,
        typer.Option(help="Flash of the whole firmware, as 1MB.", rich_help_panel="Limits"),
    ] = None,
    latency: Annotated[
        str | None,
        typer.Option(
            help="Time of one inference on --board, as 200ms: see `danas-hil calibrate`.",
            rich_help_panel="Limits",
        ),
    ] = None,
    space: Annotated[
        str,
        typer.Option(
            help="data-aware, hardware-aware, layers, or a TOML file.",
            rich_help_panel="Search space",
        ),
    ] = "data-aware",
    resolutions: Annotated[
        str | None, typer.Option(help="Resolutions, as 32,64,96.", rich_help_panel="Search space")
    ] = None,
    colours: Annotated[
        str | None,
        typer.Option(help="Colours, as monochrome,rgb.", rich_help_panel="Search space"),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            min=1, max=10**7, help="End after so many evaluations.", rich_help_panel="Time"
        ),
    ] = None,
    time_budget: Annotated[
        str | None,
        typer.Option(
            help=f"End after this time, training included. Default {_DEFAULT_BUDGET}.",
            rich_help_panel="Time",
        ),
    ] = None,
    supernet_steps: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=10**9,
            help="Training steps of each supernet. Default: 80 % of the time before the last"
            " training and the export.",
            rich_help_panel="Time",
        ),
    ] = None,
    candidate_steps: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=10**9,
            help="Training steps of each candidate of --space layers. Default: what --time-budget"
            " allows for 50 of them, else 25,000.",
            rich_help_panel="Time",
        ),
    ] = None,
    final_steps: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=10**9,
            help="Training steps of the best candidates by themselves. Default: 25 % of"
            " --time-budget, for four of them.",
            rich_help_panel="Time",
        ),
    ] = None,
    supernets: Annotated[
        str | None,
        typer.Option(
            help="Folder or URL (s3://, …) of supernets to share with other searches and workers:"
            " what it lacks is trained there first, outside --time-budget. Needs --supernet-steps"
            " (--space layers: --candidate-steps).",
            rich_help_panel="Time",
        ),
    ] = None,
    supernet_of: Annotated[
        Path | None,
        typer.Option(
            help="Run whose trained supernet to use; none is trained then. Its search space has to"
            " hold this one's.",
            rich_help_panel="Time",
        ),
    ] = None,
    finetune_steps: Annotated[
        int,
        typer.Option(
            min=0,
            max=10**9,
            help="Steps of fine-tuning for each candidate (the paper: 100).",
            rich_help_panel="Time",
        ),
    ] = 0,
    sampler: Annotated[
        str,
        typer.Option(
            help="nsga2, surrogate, tournament, regularized or random.", rich_help_panel="Method"
        ),
    ] = "nsga2",
    supernet: Annotated[
        str | None,
        typer.Option(
            help="shared (default): one for all data configurations. focused: the same, trained"
            " after a quarter of its steps most for those on the front. per-data: one for each, as"
            " in the paper.",
            rich_help_panel="Method",
        ),
    ] = None,
    population: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=100_000,
            help="Size of the population. Default: tournament 10, regularized 100, others 20.",
            rich_help_panel="Method",
        ),
    ] = None,
    update_ratio: Annotated[
        float,
        typer.Option(
            min=0,
            max=100,
            help="tournament: tournaments for each member of it.",
            rich_help_panel="Method",
        ),
    ] = 0.5,
    crossover_ratio: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="tournament: children that have two parents.",
            rich_help_panel="Method",
        ),
    ] = 0.2,
    weights: Annotated[
        str,
        typer.Option(
            help="w1..w5 of the fitness: accuracy,precision,recall,RAM,flash.",
            rich_help_panel="Method",
        ),
    ] = "1,1,1,1,1",
    seed: Annotated[
        int,
        typer.Option(
            min=0,
            max=2**31 - 1,
            help="The same seed gives the same genomes.",
            rich_help_panel="Method",
        ),
    ] = 0,
    memory_model: Annotated[
        str, typer.Option(help="exact, or paper (Eq. 1 and 2).", rich_help_panel="Limits")
    ] = "exact",
    drop_infeasible: Annotated[
        bool,
        typer.Option(
            help="Skip what is estimated not to fit, instead of penalising it.",
            rich_help_panel="Limits",
        ),
    ] = False,
    batch_size: Annotated[
        int,
        typer.Option(
            min=2, max=65_536, help="Images in a training step.", rich_help_panel="Method"
        ),
    ] = 64,
    validation_images: Annotated[
        int,
        typer.Option(
            min=10,
            max=10**7,
            help="Images on which a candidate is scored, at most.",
            rich_help_panel="Method",
        ),
    ] = 2000,
    export_limit: Annotated[
        int,
        typer.Option(
            min=1,
            max=10_000,
            help="Members of the front to export, at most.",
            rich_help_panel="Export",
        ),
    ] = 24,
    clear_names: Annotated[
        bool,
        typer.Option(
            help="Clear tensor names in the models: saves flash.", rich_help_panel="Export"
        ),
    ] = True,
    decode_resolution: Annotated[
        int | None,
        typer.Option(
            min=16,
            max=4096,
            help="Pixels that images are kept in. Default: the largest resolution.",
            rich_help_panel="Images",
        ),
    ] = None,
    train_split: Annotated[
        str | None,
        typer.Option(
            help="Training split: train_quality or train_large.", rich_help_panel="Images"
        ),
    ] = None,
    person_class: Annotated[
        str | None, typer.Option(help="Class folder that is person.", rich_help_panel="Images")
    ] = None,
    label_column: Annotated[
        str | None, typer.Option(help="Label column of Parquet files.", rich_help_panel="Images")
    ] = None,
    image_column: Annotated[
        str | None, typer.Option(help="Image column of Parquet files.", rich_help_panel="Images")
    ] = None,
    group_column: Annotated[
        str | None,
        typer.Option(
            help="Column of Parquet files that says where an image is from.",
            rich_help_panel="Images",
        ),
    ] = None,
    missing_shards: Annotated[
        bool,
        typer.Option(
            "--missing-shards",
            help="Go on where some of the data set's numbered files are missing.",
            rich_help_panel="Images",
        ),
    ] = False,
    split_seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=2**31 - 1,
            help="Of the images drawn from train where validation or test are missing. Default: 0.",
            rich_help_panel="Images",
        ),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            help="Database that workers on many computers share, as postgresql://user@host/name."
            " Default: study.db in the run's folder.",
            rich_help_panel="Sharing",
        ),
    ] = None,
    lease: Annotated[
        str,
        typer.Option(
            help="A worker not heard of for so long counts as dead; others take up its work.",
            rich_help_panel="Sharing",
        ),
    ] = "60s",
    threads: ThreadsOption = None,
    json: JsonOption = False,
) -> None:
    """Search images and networks together, under a board's limits.

    [bold]Examples[/bold]

      danas-hil search ~/wake_vision --board nano33ble --time-budget 8h

      danas-hil search photos/ --ram 256kB --flash 1MB --resolutions 32,64,96

      danas-hil search faces --device-class small --trials 50 --supernet-steps 300

      danas-hil search photos/ --ram 256kB --space hardware-aware --resolutions 96

      danas-hil search photos/ --ram 64kB --flash 256kB --supernet-of runs/large
    """
    from danas_hil.search import (
        SearchSettings,
        Weights,
        check_data,
        check_possible,
        create_run,
        discard_unbegun,
        find_lender,
    )
    from danas_hil.space import SearchSpace, choose_space
    from danas_hil.study import StorageSettings, check_storage

    options = {
        "train_split": train_split,
        "person_class": person_class,
        "label_column": label_column,
        "image_column": image_column,
        "group_column": group_column,
        "missing_shards": missing_shards or None,
        "split_seed": split_seed,
    }
    chosen = choose_space(
        space,
        None if resolutions is None else pixels(resolutions),
        None if colours is None else [colour.strip() for colour in colours.split(",")],
    )
    if supernet_of is not None and supernet is not None:
        raise DanasError(
            "--supernet can't be given with --supernet-of: that run's supernets are trained.",
            "Leave one of them out.",
        )
    steps = supernet_steps if isinstance(chosen, SearchSpace) else candidate_steps
    known = steps is not None or supernet_of is not None
    if time_budget is None and (trials is None or not known):
        time_budget = _DEFAULT_BUDGET
    folder = runs_folder(name)
    settings = SearchSettings(
        data=data if data == "faces" else str(Path(data).expanduser().resolve()),
        limits=choose_limits(board, device_class, ram, flash, latency),
        board=from_anywhere(board),
        data_options={key: value for key, value in options.items() if value is not None},
        space=chosen,
        memory_model=memory_model,  # type: ignore[arg-type]  # checked by SearchSettings
        sampler=sampler,  # type: ignore[arg-type]
        population=population,
        update_ratio=update_ratio,
        crossover_ratio=crossover_ratio,
        weights=Weights(*numbers(weights, 5)),
        seed=seed,
        trials=trials,
        time_budget=None if time_budget is None else parse_duration(time_budget),
        supernet=supernet or "shared",  # type: ignore[arg-type]
        supernet_steps=supernet_steps,
        candidate_steps=candidate_steps,
        final_steps=final_steps,
        supernets=place(supernets),
        supernet_of=None if supernet_of is None else seen_from(folder, supernet_of),
        decode_resolution=decode_resolution,
        batch_size=batch_size,
        finetune_steps=finetune_steps,
        validation_images=validation_images,
        drop_infeasible=drop_infeasible,
        export_limit=export_limit,
        clear_names=clear_names,
    )
    use_threads(threads)
    kept_at = StorageSettings(lease_seconds=lease_of(lease))
    if storage is not None:
        kept_at = replace(kept_at, url=storage, study=f"{folder.name}-{secrets.token_hex(3)}")
        check_storage(kept_at)
    check_possible(settings)
    find_lender(settings, folder)  # raises where it can't lend
    check_data(settings)
    run = create_run(folder, settings, kept_at)
    try:
        outcome = run_search(run, storage=storage)
    except DanasError:
        discard_unbegun(run)
        raise
    show_outcome(run, outcome, json)

"""danas-hil search: from data to an exported Pareto front."""

from __future__ import annotations

import typer

from danas_hil.base import DanasError
from danas_hil.cli import search_options as options
from danas_hil.cli.options import ThreadsOption
from danas_hil.cli.running import run_search, runs_folder, show_outcome, use_threads
from danas_hil.cli.search_request import SearchRequest
from danas_hil.cli.show import JsonOption


def register(app: typer.Typer) -> None:
    app.command()(search)


def search(
    data: options.DataArgument,
    name: options.NameOption = None,
    board: options.BoardOption = None,
    device_class: options.DeviceClassOption = None,
    ram: options.RamOption = None,
    flash: options.FlashOption = None,
    latency: options.LatencyOption = None,
    space: options.SpaceOption = "data-aware",
    family: options.FamilyOption = None,
    signal: options.SignalOption = None,
    resolutions: options.ResolutionsOption = None,
    colours: options.ColoursOption = None,
    trials: options.TrialsOption = None,
    time_budget: options.TimeBudgetOption = None,
    supernet_steps: options.SupernetStepsOption = None,
    candidate_steps: options.CandidateStepsOption = None,
    export_finetune_steps: options.ExportFinetuneStepsOption = None,
    supernets: options.SupernetsOption = None,
    supernet_of: options.SupernetOfOption = None,
    evaluation_finetune_steps: options.EvaluationFinetuneStepsOption = 0,
    sampler: options.SamplerOption = "nsga2",
    supernet: options.SupernetOption = None,
    population: options.PopulationOption = None,
    update_ratio: options.UpdateRatioOption = 0.5,
    crossover_ratio: options.CrossoverRatioOption = 0.2,
    weights: options.WeightsOption = "1,1,1,1,1",
    seed: options.SeedOption = 0,
    memory_model: options.MemoryModelOption = "exact",
    drop_infeasible: options.DropInfeasibleOption = False,
    batch_size: options.BatchSizeOption = 64,
    balance: options.BalanceOption = False,
    validation_images: options.ValidationImagesOption = 2000,
    export_limit: options.ExportLimitOption = 24,
    clear_names: options.ClearNamesOption = True,
    finest: options.FinestOption = None,
    train_split: options.TrainSplitOption = None,
    classes: options.ClassesOption = None,
    positive: options.PositiveOption = None,
    metric: options.MetricOption = "accuracy",
    label_column: options.LabelColumnOption = None,
    image_column: options.ImageColumnOption = None,
    group_column: options.GroupColumnOption = None,
    missing_shards: options.MissingShardsOption = False,
    split_seed: options.SplitSeedOption = None,
    storage: options.SharedStorageOption = None,
    lease: options.LeaseOption = "60s",
    threads: ThreadsOption = None,
    json: JsonOption = False,
) -> None:
    """Search data and networks together, under a board's limits.

    [bold]Examples[/bold]

      danas-hil search ~/wake_vision --board nano33ble --time-budget 8h

      danas-hil search photos/ --ram 256kB --flash 1MB --resolutions 32,64,96

      danas-hil search signs --device-class small --resolutions 16,32,48

      danas-hil search photos/ --ram 256kB --family ds_cnn --resolutions 96x64

      danas-hil search photos/ --ram 256kB --space hardware-aware --resolutions 96

      danas-hil search photos/ --ram 64kB --flash 256kB --supernet-of runs/large
    """
    run_request(SearchRequest(**locals()))


def run_request(asked: SearchRequest) -> None:
    """Make the run that was asked for, search, and show what came of it."""
    from danas_hil.search import (
        check_possible,
        create_run,
        discard_unbegun,
        find_supernet_source,
    )

    folder = runs_folder(asked.name)
    settings = asked.settings(folder)
    use_threads(asked.threads)
    kept_at = asked.kept_at(folder)
    check_possible(settings)
    find_supernet_source(settings, folder)  # raises where it can't lend
    run = create_run(folder, settings, kept_at)
    try:
        outcome = run_search(run, storage=asked.storage)
    except DanasError:
        discard_unbegun(run)
        raise
    show_outcome(run, outcome, asked.json)

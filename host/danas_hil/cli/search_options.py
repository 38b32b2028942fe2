"""The options of danas-hil search, each once, by the panels of its help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_LIMITS = "Limits"
_SPACE = "Search space"
_TIME = "Time"
_METHOD = "Method"
_EXPORT = "Export"
_DATA = "Data"
_SHARING = "Sharing"

DEFAULT_BUDGET = "1h"

DataArgument = Annotated[
    str, typer.Argument(help="A folder (Wake Vision, Parquet, class folders) or `signs`.")
]
NameOption = Annotated[str | None, typer.Option(help="Name of the run; its folder is runs/NAME.")]

BoardOption = Annotated[
    str | None, typer.Option(help="Board whose limits hold.", rich_help_panel=_LIMITS)
]
DeviceClassOption = Annotated[
    str | None,
    typer.Option(
        help="Device class whose limits hold: small, medium, large.", rich_help_panel=_LIMITS
    ),
]
RamOption = Annotated[
    str | None, typer.Option(help="RAM of the whole firmware, as 256kB.", rich_help_panel=_LIMITS)
]
FlashOption = Annotated[
    str | None, typer.Option(help="Flash of the whole firmware, as 1MB.", rich_help_panel=_LIMITS)
]
LatencyOption = Annotated[
    str | None,
    typer.Option(
        help="Time of one inference on --board, as 200ms: see `danas-hil calibrate`.",
        rich_help_panel=_LIMITS,
    ),
]
MemoryModelOption = Annotated[
    str, typer.Option(help="exact, or paper (Eq. 1 and 2).", rich_help_panel=_LIMITS)
]
DropInfeasibleOption = Annotated[
    bool,
    typer.Option(
        help="Skip what is estimated not to fit, instead of penalising it.",
        rich_help_panel=_LIMITS,
    ),
]

SpaceOption = Annotated[
    str,
    typer.Option(
        help="data-aware, hardware-aware, layers, or a TOML file.", rich_help_panel=_SPACE
    ),
]
FamilyOption = Annotated[
    str | None,
    typer.Option(
        help="Families of networks: mobilenet_v2 (default), ds_cnn, both as mobilenet_v2,ds_cnn, or"
        " layers, whose networks share no weights. `danas-hil doctor` lists those of other"
        " packages too.",
        rich_help_panel=_SPACE,
        metavar="NAME[,NAME]",
    ),
]
SignalOption = Annotated[
    str | None,
    typer.Option(
        help="What the device senses: image (default), or what another package adds, whose genes"
        " stand in the file of --space.",
        rich_help_panel=_SPACE,
    ),
]
ResolutionsOption = Annotated[
    str | None,
    typer.Option(
        help="Sides in pixels, as 32,64,96; of images that are not square WIDTHxHEIGHT, as 96x64.",
        rich_help_panel=_SPACE,
    ),
]
ColoursOption = Annotated[
    str | None, typer.Option(help="Colours, as monochrome,rgb.", rich_help_panel=_SPACE)
]

TrialsOption = Annotated[
    int | None,
    typer.Option(min=1, max=10**7, help="End after so many evaluations.", rich_help_panel=_TIME),
]
TimeBudgetOption = Annotated[
    str | None,
    typer.Option(
        help=f"End after this time, training included. Default {DEFAULT_BUDGET}.",
        rich_help_panel=_TIME,
    ),
]
SupernetStepsOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=10**9,
        help="Training steps of each supernet. Default: 80 % of the time before the last"
        " fine-tuning and the export.",
        rich_help_panel=_TIME,
    ),
]
CandidateStepsOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=10**9,
        help="Training steps of each candidate of --family layers. Default: what --time-budget"
        " allows for 50 of them, else 25,000.",
        rich_help_panel=_TIME,
    ),
]
ExportFinetuneStepsOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=10**9,
        help="Steps of fine-tuning for the best candidates, before they are exported. Default:"
        " 25 % of --time-budget, for four of them.",
        rich_help_panel=_TIME,
    ),
]
SupernetsOption = Annotated[
    str | None,
    typer.Option(
        help="Folder or URL (s3://, …) of supernets to share with other searches and workers:"
        " what it lacks is trained there first, outside --time-budget. Needs --supernet-steps"
        " (--family layers: --candidate-steps).",
        rich_help_panel=_TIME,
    ),
]
SupernetOfOption = Annotated[
    Path | None,
    typer.Option(
        help="Run whose trained supernet to use; none is trained then. Its search space has to"
        " hold this one's.",
        rich_help_panel=_TIME,
    ),
]
EvaluationFinetuneStepsOption = Annotated[
    int,
    typer.Option(
        min=0,
        max=10**9,
        help="Steps of fine-tuning for each subnet, before it is scored (the paper: 100).",
        rich_help_panel=_TIME,
    ),
]

SamplerOption = Annotated[
    str,
    typer.Option(
        help="nsga2, surrogate, tournament, regularized, random, or one of another package"
        " (danas-hil doctor lists them).",
        rich_help_panel=_METHOD,
    ),
]
SupernetOption = Annotated[
    str | None,
    typer.Option(
        help="shared (default): one for all data configurations. focused: the same, trained after a"
        " quarter of its steps most for those on the front. per-data: one for each, as in the"
        " paper.",
        rich_help_panel=_METHOD,
    ),
]
PopulationOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=100_000,
        help="Size of the population. Default: tournament 10, regularized 100, others 20.",
        rich_help_panel=_METHOD,
    ),
]
UpdateRatioOption = Annotated[
    float,
    typer.Option(
        min=0,
        max=100,
        help="tournament: tournaments for each member of it.",
        rich_help_panel=_METHOD,
    ),
]
CrossoverRatioOption = Annotated[
    float,
    typer.Option(
        min=0, max=1, help="tournament: children that have two parents.", rich_help_panel=_METHOD
    ),
]
WeightsOption = Annotated[
    str,
    typer.Option(
        help="w1..w5 of the fitness: accuracy,precision,recall,RAM,flash.",
        rich_help_panel=_METHOD,
    ),
]
SeedOption = Annotated[
    int,
    typer.Option(
        min=0,
        max=2**31 - 1,
        help="The same seed gives the same genomes.",
        rich_help_panel=_METHOD,
    ),
]
BatchSizeOption = Annotated[
    int,
    typer.Option(min=2, max=65_536, help="Examples in a training step.", rich_help_panel=_METHOD),
]
BalanceOption = Annotated[
    bool,
    typer.Option(
        "--balance",
        help="Let every class count alike in training, however many examples it has.",
        rich_help_panel=_METHOD,
    ),
]
ValidationImagesOption = Annotated[
    int,
    typer.Option(
        min=10,
        max=10**7,
        help="Examples on which a candidate is scored, at most.",
        rich_help_panel=_METHOD,
    ),
]

ExportLimitOption = Annotated[
    int,
    typer.Option(
        min=1,
        max=10_000,
        help="Members of the front to export, at most.",
        rich_help_panel=_EXPORT,
    ),
]
ClearNamesOption = Annotated[
    bool,
    typer.Option(help="Clear tensor names in the models: saves flash.", rich_help_panel=_EXPORT),
]

FinestOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=10**6,
        help="How fine records are kept, in the signal's unit: of images the pixels of the short"
        " side. Default: what the finest data of the space need.",
        rich_help_panel=_DATA,
    ),
]
TrainSplitOption = Annotated[
    str | None,
    typer.Option(help="Training split: train_quality or train_large.", rich_help_panel=_DATA),
]
ClassesOption = Annotated[
    Path | None,
    typer.Option(
        help='JSON file of classes: {"what stands in the data": "class", ...}; what it lacks is'
        " left out. Default: all that the data have.",
        rich_help_panel=_DATA,
    ),
]
PositiveOption = Annotated[
    str | None,
    typer.Option(
        help="Of two classes the one whose precision and recall count. Default: the one that the"
        " data set names, as Wake Vision does; else the means over both.",
        rich_help_panel=_DATA,
    ),
]
MetricOption = Annotated[
    str,
    typer.Option(
        help="What decides which candidate is chosen: accuracy, macro-f1, f1:CLASS or"
        " recall:CLASS.",
        rich_help_panel=_METHOD,
    ),
]
LabelColumnOption = Annotated[
    str | None, typer.Option(help="Label column of Parquet files.", rich_help_panel=_DATA)
]
ImageColumnOption = Annotated[
    str | None, typer.Option(help="Image column of Parquet files.", rich_help_panel=_DATA)
]
GroupColumnOption = Annotated[
    str | None,
    typer.Option(
        help="Column of Parquet files that says where an example is from.",
        rich_help_panel=_DATA,
    ),
]
MissingShardsOption = Annotated[
    bool,
    typer.Option(
        "--missing-shards",
        help="Go on where some of the data set's numbered files are missing.",
        rich_help_panel=_DATA,
    ),
]
SplitSeedOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=2**31 - 1,
        help="Of the examples drawn from train where validation or test are missing. Default: 0.",
        rich_help_panel=_DATA,
    ),
]

SharedStorageOption = Annotated[
    str | None,
    typer.Option(
        help="Database that workers on many computers share, as postgresql://user@host/name."
        " Default: study.db in the run's folder.",
        rich_help_panel=_SHARING,
    ),
]
LeaseOption = Annotated[
    str,
    typer.Option(
        help="A worker not heard of for so long counts as dead; others take up its work.",
        rich_help_panel=_SHARING,
    ),
]

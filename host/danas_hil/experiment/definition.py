"""What an experiment is: several searches on the same data, under the same budget and seeds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from danas_hil.base import DanasError, parse_duration, read_toml
from danas_hil.board import choose_limits, names_file
from danas_hil.data import FileKind, SourceOptions, open_source, settled, task_of
from danas_hil.run import RunFolder
from danas_hil.search import SearchSettings, Weights, check_possible, check_supernet_source
from danas_hil.signals import DEFAULT, Signal, find_signal
from danas_hil.space import choose_space
from danas_hil.tasks import Task, read_class_map

THRESHOLD = 0.75
"""Validation accuracy from which on models are counted, as arXiv 2502.12690 does."""

_LIMITS = ("board", "device_class", "ram", "flash", "latency")
_TRAINING = ("supernet", "supernet_steps")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Variant:
    """One of the searches that are compared. `settings` hold for every seed; their `supernet_of` is
    the name of another search, whose run with the same seed is meant.

    baseline: one that the others under the same limits are compared with.
    """

    name: str
    baseline: bool
    settings: SearchSettings


@dataclass(frozen=True)
class PlannedRun:
    """A variant with a seed: one ordinary run, called `name`."""

    name: str
    variant: Variant
    seed: int


def run_name(search: str, seed: int) -> str:
    """Of the run, and its folder, of the search `search` with a seed."""
    return f"{search}-seed{seed}"


@dataclass(frozen=True)
class Experiment:
    """Several searches, each with every seed.

    threshold: validation accuracy from which on models are counted.
    reuse_supernets: each supernet is trained once for a seed, for all searches that want the same
        one, outside the budget. Else every search trains its own within its budget, but for those
        that use another one's.
    """

    name: str
    variants: tuple[Variant, ...]
    seeds: tuple[int, ...]
    threshold: float = THRESHOLD
    reuse_supernets: bool = True

    @property
    def timed(self) -> bool:
        """Whether the clock ends its searches, not a number of evaluations."""
        return self.variants[0].settings.time_budget is not None

    @property
    def runs(self) -> tuple[PlannedRun, ...]:
        """All runs in their order: every search with the first seed, then with the next one."""
        return tuple(
            PlannedRun(run_name(variant.name, seed), variant, seed)
            for seed in self.seeds
            for variant in self.variants
        )


def read_experiment(path: Path, data: str | None = None, folder: Path | None = None) -> Experiment:
    """The experiment of a TOML file; `data` stands in for the file's own.

    folder: where its runs are, if there are any: they know the classes, so that the images of an
        experiment that has ended need not be there.

    Keys: see docs/guide.md. Every setting of every search is looked at, also whether any genome
    fits its limits. Raises DanasError that names the file, the search and the key.
    """
    content = read_toml(path, "An experiment is a TOML file: see docs/guide.md.")
    with _within(str(path)):
        return _experiment(path, content if data is None else {**content, "data": data}, folder)


def _experiment(path: Path, content: Mapping[str, Any], folder: Path | None) -> Experiment:
    _check(content, _OF_EXPERIMENT | _of_all(content), "An experiment")
    if "data" not in content:
        raise DanasError("It names no data.", 'Write data = "FOLDER" or give --data FOLDER.')
    tables = content.get("search", [])
    if not tables or not all(isinstance(table, dict) for table in tables):
        raise DanasError("It has no [[search]].", "Each search is a table [[search]] with a name.")
    options = _data_options(path, content)
    task = _task(path, content, options, folder)
    variants: list[Variant] = []
    for place, table in enumerate(tables, 1):
        name = table.get("name", f"number {place}")
        with _within(f"search {name}"):
            variants.append(_variant(path, content, table, task, options))
            _check_supernet_source(variants)
    names = [variant.name for variant in variants]
    if len(set(names)) < len(names):
        raise DanasError(f"Two searches have the same name: {', '.join(names)}.")
    seeds = tuple(content.get("seeds", (0, 1, 2)))
    whole = all(type(seed) is int and seed >= 0 for seed in seeds)
    if not seeds or not whole or len(set(seeds)) < len(seeds):
        raise DanasError(f"seeds = {list(seeds)}: they are different whole numbers, 0 or more.")
    threshold = float(content.get("threshold", THRESHOLD))
    if not 0 < threshold < 1:
        raise DanasError(f"threshold = {threshold:g} is no accuracy between 0 and 1.")
    finest = max(variant.settings.space.data.finest for variant in variants)
    variants = [  # the same images for all: kept at one size
        replace(variant, settings=replace(variant.settings, finest=finest)) for variant in variants
    ]
    return Experiment(
        name=path.stem,
        variants=tuple(variants),
        seeds=seeds,
        threshold=threshold,
        reuse_supernets=content.get("reuse_supernets", True),
    )


def _data_options(path: Path, common: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the data source; a file of classes is looked for from the experiment's file on."""
    options = {key: common[key] for key in _DATA_OPTIONS if key in common}
    classes = options.get("classes")
    if isinstance(classes, str):
        options["classes"] = read_class_map(path.parent / Path(classes).expanduser())
    elif classes is not None and not all(isinstance(name, str) for name in classes.values()):
        raise DanasError("classes is a table of texts, or the name of a JSON file.")
    return options


def _task(
    path: Path, common: Mapping[str, Any], options: Mapping[str, Any], folder: Path | None
) -> Task:
    """What all searches tell apart, as a run that is there has it, or as the images do."""
    positive, metric = common.get("positive"), common.get("metric", "accuracy")
    for config in sorted(folder.glob("*/config.toml")) if folder is not None else ():
        known = SearchSettings.from_config(RunFolder.open(config.parent).config()).task
        return Task(known.classes, positive or known.positive, metric)
    files = _files(common)
    data = settled(common["data"], path.parent, files)
    source = open_source(data, files, SourceOptions(**options))
    return task_of(source, positive, metric)


def _files(common: Mapping[str, Any]) -> FileKind:
    """What the signal reads, which all searches have in common."""
    return _signal(common).files()


def _signal(common: Mapping[str, Any]) -> Signal:
    name = common.get("signal", DEFAULT)
    return find_signal(name if isinstance(name, str) else DEFAULT)  # what is none is told later


def _of_all(common: Mapping[str, Any]) -> dict[str, tuple[type, ...]]:
    """The settings of all searches or of one, and how the signal calls the values of its genes."""
    return _OF_ALL | dict.fromkeys(_signal(common).options, (list,))


def _variant(
    path: Path,
    common: Mapping[str, Any],
    table: Mapping[str, Any],
    task: Task,
    data_options: Mapping[str, Any],
) -> Variant:
    of_all = _of_all(common)
    _check(table, _OF_SEARCH | of_all, "A search")
    name = table.get("name", "")
    if not _NAME.fullmatch(name):
        raise DanasError(
            f"name = {name!r} is no name for a search.",
            "It becomes part of a folder's name: up to 64 letters, digits, dots, - and _.",
        )
    given = {key: value for key, value in common.items() if key in of_all}
    if any(key in table for key in _LIMITS):  # limits are taken whole
        given = {key: value for key, value in given.items() if key not in _LIMITS}
    if "supernet_of" in table:  # how others train theirs is no matter here
        given = {key: value for key, value in given.items() if key not in _TRAINING}
    given |= {key: value for key, value in table.items() if key in of_all}
    board = given.get("board")
    if isinstance(board, str) and names_file(board):
        given["board"] = str((path.parent / board).resolve())
    plain = {key: value for key, value in given.items() if key in _SETTINGS}
    if "weights" in given:
        numbers = given["weights"]
        if len(numbers) != len(fields(Weights)) or not {*map(type, numbers)} <= {int, float}:
            raise DanasError("weights are five numbers: accuracy, precision, recall, RAM, flash.")
        plain["weights"] = Weights(*map(float, numbers))
    settings = SearchSettings(
        data=settled(common["data"], path.parent, _files(common)),
        task=task,
        data_options=data_options,
        limits=choose_limits(*(given.get(key) for key in _LIMITS)),
        board=given.get("board"),
        space=choose_space(
            given.get("space"),
            {"signal": common.get("signal"), "family": given.get("family")}
            | {gene: given.get(key) for key, gene in _signal(common).options.items()},
            folder=path.parent,
        ),
        trials=common.get("trials"),
        time_budget=_seconds(common.get("time_budget")),
        supernet_of=table.get("supernet_of"),
        **plain,
    )
    trains = settings.shares_weights and settings.supernet_of is None
    if trains and common.get("reuse_supernets", True) and settings.supernet_steps is None:
        raise DanasError(
            "How long are the supernets trained that searches share?",
            "Give supernet_steps; or reuse_supernets = false, and every search trains its own"
            " within its time_budget.",
        )
    check_possible(settings)
    return Variant(name, table.get("baseline", False), settings)


def _check_supernet_source(variants: list[Variant]) -> None:
    """Raise DanasError unless the supernet of the last search, if it is another's, can be used."""
    *earlier, last = variants
    name = last.settings.supernet_of
    if name is None:
        return
    supernet_source = next((variant for variant in earlier if variant.name == name), None)
    if supernet_source is None:
        raise DanasError(
            f"supernet_of = {name!r} is no search that stands before it.",
            f"Searches before it: {', '.join(variant.name for variant in earlier) or 'none'}.",
        )
    check_supernet_source(supernet_source.settings, last.settings, name)


def _seconds(duration: str | float | None) -> float | None:
    return parse_duration(duration) if isinstance(duration, str) else duration


# -- keys and their kinds --------------------------------------------------------------------------

_ELSEWHERE = (
    *("data", "task", "limits", "board", "data_options", "space", "weights", "seed", "trials"),
    *("time_budget", "supernets", "supernet_of", "finest"),
)
"""Settings of a search that have another form here, or that an experiment chooses."""


def _kinds(of: type, without: tuple[str, ...] = ()) -> dict[str, tuple[type, ...]]:
    """The plain fields of a dataclass with the types of their values."""
    hints = get_type_hints(of)
    names = (field.name for field in fields(of) if field.name not in without)
    return {name: _types(hints[name]) for name in names}


def _types(hint: Any) -> tuple[type, ...]:
    if hint is float:
        return (int, float)
    if get_origin(hint) is Literal:
        return (str,)
    if get_args(hint):
        return tuple(
            kind for part in get_args(hint) if part is not NoneType for kind in _types(part)
        )
    return (hint,)


_SETTINGS = _kinds(SearchSettings, _ELSEWHERE)
_DATA_OPTIONS = {**_kinds(SourceOptions, ("classes",)), "classes": (str, dict)}
_OF_ALL: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(_LIMITS, (str,)),
    "space": (str, dict),
    "family": (str, list),
    "signal": (str,),
    "weights": (list,),
    **_SETTINGS,
}
"""Settings of all searches, or of one."""
_OF_EXPERIMENT: dict[str, tuple[type, ...]] = {
    "data": (str,),
    "signal": (str,),
    "seeds": (list,),
    "trials": (int,),
    "time_budget": (str, int, float),
    "threshold": (int, float),
    "reuse_supernets": (bool,),
    **_DATA_OPTIONS,
    "positive": (str,),
    "metric": (str,),
    "search": (list,),
}
_OF_SEARCH: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "baseline": (bool,),
    "supernet_of": (str,),
}


def _check(content: Mapping[str, Any], kinds: Mapping[str, tuple[type, ...]], what: str) -> None:
    """Raise DanasError for a key that is not there, or a value of another type."""
    for key, value in content.items():
        if key not in kinds:
            of_experiment = key in _OF_EXPERIMENT
            raise DanasError(
                f"{what} has no key {key!r}.",
                f"{key} is the same for all searches: set it above the first [[search]]."
                if of_experiment
                else f"Keys: {', '.join(sorted(kinds))}.",
            )
        if not isinstance(value, kinds[key]) or (
            isinstance(value, bool) and bool not in kinds[key]
        ):
            words = " or ".join(_WORDS[kind] for kind in kinds[key] if kind in _WORDS)
            raise DanasError(f"{key} = {value!r} is not {words}.")


_WORDS: dict[type, str] = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
}


@contextmanager
def _within(where: str) -> Iterator[None]:
    """Errors say where in the file they are."""
    try:
        yield
    except DanasError as error:
        raise DanasError(f"{where}: {error.what}", error.hint) from error

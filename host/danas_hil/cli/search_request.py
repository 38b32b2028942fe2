"""What was asked of danas-hil search, and the settings that come of it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from danas_hil.base import DanasError, parse_duration
from danas_hil.board import choose_limits
from danas_hil.cli.arguments import (
    data_place,
    from_anywhere,
    lease_of,
    listed,
    numbers,
    place,
    seen_from,
)
from danas_hil.cli.search_options import DEFAULT_BUDGET

if TYPE_CHECKING:  # imported where they are used: they load numpy, and --help is to be quick
    from danas_hil.search import SearchSettings
    from danas_hil.space import Space
    from danas_hil.study import StorageSettings

_DATA_OPTIONS = (
    "train_split",
    "label_column",
    "image_column",
    "group_column",
    "split_seed",
)
_AS_TYPED = (
    "memory_model",
    "drop_infeasible",
    "trials",
    "supernet_steps",
    "candidate_steps",
    "export_finetune_steps",
    "evaluation_finetune_steps",
    "sampler",
    "population",
    "update_ratio",
    "crossover_ratio",
    "seed",
    "batch_size",
    "balance",
    "validation_images",
    "export_limit",
    "clear_names",
    "finest",
)
"""Options that are settings of the same name and value."""


@dataclass(frozen=True, kw_only=True)
class SearchRequest:
    """The options of one search as they were typed, under their own names; None was not typed.

    What each means stands in search_options.py, and what the defaults are in the command.
    """

    data: str
    name: str | None
    board: str | None
    device_class: str | None
    ram: str | None
    flash: str | None
    latency: str | None
    memory_model: str
    drop_infeasible: bool
    space: str
    family: str | None
    signal: str | None
    resolutions: str | None
    colours: str | None
    trials: int | None
    time_budget: str | None
    supernet_steps: int | None
    candidate_steps: int | None
    export_finetune_steps: int | None
    supernets: str | None
    supernet_of: Path | None
    evaluation_finetune_steps: int
    sampler: str
    supernet: str | None
    population: int | None
    update_ratio: float
    crossover_ratio: float
    weights: str
    seed: int
    batch_size: int
    balance: bool
    validation_images: int
    export_limit: int
    clear_names: bool
    finest: int | None
    train_split: str | None
    classes: Path | None
    positive: str | None
    metric: str
    label_column: str | None
    image_column: str | None
    group_column: str | None
    missing_shards: bool
    split_seed: int | None
    storage: str | None
    lease: str
    threads: int | None
    json: bool

    def settings(self, folder: Path) -> SearchSettings:
        """The search, resolved. folder: of the run that is to be made, which needs not be there.

        Raises DanasError for what can't be taken, or not together.
        """
        from danas_hil.data import SourceOptions, open_source, task_of
        from danas_hil.search import SearchSettings, Weights
        from danas_hil.signals import find_signal

        if self.supernet_of is not None and self.supernet is not None:
            raise DanasError(
                "--supernet can't be given with --supernet-of: that run's supernets are trained.",
                "Leave one of them out.",
            )
        space, data_options = self._chosen_space(), self._data_options()
        signal = space.data.signal
        data = data_place(self.data, signal)
        source = open_source(data, find_signal(signal).files(), SourceOptions(**data_options))
        return SearchSettings(
            data=data,
            task=task_of(source, self.positive, self.metric),
            limits=choose_limits(self.board, self.device_class, self.ram, self.flash, self.latency),
            board=from_anywhere(self.board),
            data_options=data_options,
            space=space,
            weights=Weights(*numbers(self.weights, 5)),
            time_budget=self._seconds(space),
            supernet=self.supernet or "shared",  # type: ignore[arg-type]  # checked there
            supernets=place(self.supernets),
            supernet_of=None if self.supernet_of is None else seen_from(folder, self.supernet_of),
            **{option: getattr(self, option) for option in _AS_TYPED},
        )

    def kept_at(self, folder: Path) -> StorageSettings:
        """Where the study of the run in `folder` is kept."""
        from danas_hil.study import StorageSettings, check_storage

        lease = lease_of(self.lease)
        if self.storage is None:
            return StorageSettings(lease_seconds=lease)
        study = f"{folder.name}-{secrets.token_hex(3)}"
        kept_at = StorageSettings(url=self.storage, study=study, lease_seconds=lease)
        check_storage(kept_at)
        return kept_at

    def _chosen_space(self) -> Space:
        from danas_hil.signals import DEFAULT, find_signal
        from danas_hil.space import SPACES, choose_space

        if self.family is not None and "family" in SPACES.get(self.space, {}):
            raise DanasError(
                f"--family can't be given with --space {self.space}, which is one of a family.",
                "Leave one of them out.",
            )
        own = find_signal(DEFAULT).options  # of other signals the file of --space has the genes
        genes = {gene: listed(getattr(self, option)) for option, gene in own.items()}
        return choose_space(
            self.space, {**genes, "family": listed(self.family), "signal": self.signal}
        )

    def _data_options(self) -> dict[str, Any]:
        from danas_hil.tasks import read_class_map

        given = {option: getattr(self, option) for option in _DATA_OPTIONS}
        given["missing_shards"] = self.missing_shards or None
        given["classes"] = None if self.classes is None else read_class_map(self.classes)
        return {option: value for option, value in given.items() if value is not None}

    def _seconds(self, space: Space) -> float | None:
        """Of --time-budget; its default where nothing else ends the search or its training."""
        budget = self.time_budget
        steps = self.supernet_steps if space.shares_weights else self.candidate_steps
        training_ends = steps is not None or self.supernet_of is not None
        if budget is None and (self.trials is None or not training_ends):
            budget = DEFAULT_BUDGET
        return None if budget is None else parse_duration(budget)

"""The run whose supernets another search uses: trained once, they serve many limits and boards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from danas_hil.base import DanasError
from danas_hil.base.genes import missing_values
from danas_hil.run import RunFolder
from danas_hil.search.cost import CostEstimator, rates_of_run
from danas_hil.search.data_focus import FOCUS
from danas_hil.search.settings import SearchSettings
from danas_hil.space import Genome, Space
from danas_hil.study import SupernetStore, open_to_read
from danas_hil.supernet import CHECKPOINT, Checkpoint, Subnets


@dataclass(frozen=True)
class SupernetSource:
    """A run that trained supernets, by its own settings.

    steps: planned training steps by the name of a supernet, of those that the borrower needs.
    images: what it was trained on, as its config.toml says.
    """

    run: RunFolder
    settings: SearchSettings
    steps: Mapping[str, int]
    images: Mapping[str, Any]

    @property
    def finest(self) -> int:
        """How fine its records are kept, in the signal's unit."""
        return self.settings.finest or self.settings.space.data.finest

    @cached_property
    def fits(self) -> Callable[[Genome], bool]:
        """Whether a genome fits the limits that its training kept to."""
        return CostEstimator(self.settings, rates_of_run(self.run.config())).fits

    def store(self, copies: Path) -> SupernetStore:
        """Its checkpoints, where it has them. copies: folder for those that are at a URL."""
        place = self.settings.supernets or self.run.supernets.name
        return open_to_read(place, self.run.path, copies)

    def check_images(self, seen: Mapping[str, Any]) -> None:
        """Raise DanasError unless it was trained on the images `seen`, told in the same words."""
        training = [key for key in {**self.images, **seen} if not key.startswith("validation_")]
        different = [key for key in training if self.images.get(key) != seen.get(key)]
        if different:
            raise DanasError(
                f"{self.run.path} was trained on other data: {_told(self.images, different)};"
                f" here: {_told(seen, different)}.",
                "Search with the data that its config.toml names, and options as it has.",
            )

    def check_trained(self, store: SupernetStore, name: str) -> None:
        """Raise DanasError unless the training of its supernet `name` has finished."""
        store.pull(name)
        path = store.folder / name / CHECKPOINT
        done, steps = 0, self.steps[name]
        if path.exists():
            saved = Checkpoint.load(path)
            done, steps = saved.step, saved.steps
        if done < steps:
            raise DanasError(
                f"The supernet {name} of {self.run.path} is not trained: {done:,} of {steps:,}"
                " steps are done.",
                f"Let it finish: danas-hil resume {self.run.path}",
            )

    def warnings(self, settings: SearchSettings) -> list[str]:
        """Where `settings` allow what its training left out, or want what it had little of."""
        found = []
        bounds = ("ram_bytes", "flash_bytes", "latency_us")
        for bound in bounds:
            theirs, ours = getattr(self.settings.limits, bound), getattr(settings.limits, bound)
            if theirs is not None and (ours is None or ours > theirs):
                found.append(
                    f"The supernets of {self.run.path} were trained for {self.settings.limits}:"
                    " what exceeds that took no part in the training."
                )
                break
        fewer = set(settings.space.data_configs) < set(self.settings.space.data_configs)
        if fewer and FOCUS in self.run.config():
            found.append(
                f"The supernet of {self.run.path} was trained most for the data on its own front:"
                " to compare fixed data with each other, use one of --supernet shared."
            )
        return found


def find_supernet_source(settings: SearchSettings, folder: Path) -> SupernetSource | None:
    """The run that `settings` name by `supernet_of`, from the run's `folder` on; None without one.

    Raises DanasError where that is no run, has no finished supernets, was made by an older version,
    or where its space lacks something of this one's.
    """
    if settings.supernet_of is None:
        return None
    run = RunFolder((folder / settings.supernet_of).resolve())
    if not run.config_file.is_file():
        raise DanasError(
            f"There is no run {run.path}, whose supernet is to be used.",
            "Name a run that `danas-hil search` made, or put it back: exported copies lack it.",
        )
    run.check_goes_on()
    config = run.config()
    theirs = SearchSettings.from_config(config)
    check_supernet_source(theirs, settings, str(run.path))
    needed = needed_supernets(theirs, settings.space)
    steps, images = config.get("supernet_steps", {}), config.get("data", {})
    if not images or not needed.keys() <= steps.keys():
        raise DanasError(
            f"{run.path} has not begun to train its supernets.",
            f"Let it finish: danas-hil resume {run.path}",
        )
    supernet_source = SupernetSource(run, theirs, {name: steps[name] for name in needed}, images)
    if settings.finest not in (None, supernet_source.finest):
        raise DanasError(
            f"{run.path} was trained on data kept at {supernet_source.finest}, not at"
            f" {settings.finest}.",
            f"Leave --finest out: it is {supernet_source.finest} then.",
        )
    if "://" not in (theirs.supernets or ""):  # else they are looked at when they are carried here
        for name in needed:
            supernet_source.check_trained(supernet_source.store(folder), name)
    return supernet_source


def check_supernet_source(theirs: SearchSettings, ours: SearchSettings, name: str) -> None:
    """Raise DanasError unless supernets trained by the settings `theirs`, of the run or search
    `name`, hold all subnets of `ours`.
    """
    if not theirs.shares_weights:
        raise DanasError(
            f"{name} has no supernet: it trains each candidate by itself.",
            "Name a run of a family whose networks share weights.",
        )
    if theirs.supernet_of is not None:
        raise DanasError(
            f"{name} has no supernet of its own: it uses that of {Path(theirs.supernet_of).name}.",
            "Name that one.",
        )
    _check_holds(theirs, ours, name)


def needed_supernets(theirs: SearchSettings, space: Space) -> dict[str, Subnets]:
    """What each supernet of `theirs` holds that has subnets of `space`, by its name."""
    ours = set(space.data_configs)
    return {
        name: of
        for name, of in theirs.supernets_of_space.items()
        if ours & set(of.configs) and of.family in space.families
    }


def _check_holds(theirs: SearchSettings, ours: SearchSettings, name: str) -> None:
    if theirs.task.classes != ours.task.classes:
        raise DanasError(
            f"The supernet of {name} tells {', '.join(theirs.task.classes)} apart, not"
            f" {', '.join(ours.task.classes)}.",
            "Search with the data that it was trained on, and the same --classes.",
        )
    if lacking := missing_values(theirs.space.data.genes, ours.space.data.genes):
        raise _lacks(name, lacking)
    for family in ours.space.families:
        if family not in theirs.space.families:
            raise DanasError(
                f"{name} has no supernet of the family {family}.",
                f"It has {', '.join(theirs.space.families)}: search those.",
            )
        if lacking := theirs.space.subnets(family).lacks(ours.space.of(family)):
            raise _lacks(name, lacking)


def _lacks(name: str, lacking: str) -> DanasError:
    return DanasError(
        f"The supernet of {name} lacks {lacking}.",
        "Narrow this search's space to what that one has.",
    )


def _told(images: Mapping[str, Any], keys: Iterable[str]) -> str:
    named = ((key.replace("_", " "), told(images.get(key, "none"))) for key in keys)
    return ", ".join(f"{key} {value}" for key, value in named)


def told(value: Any) -> str:
    """A value of what the search sees, for people: images by class as `60 cat and 40 dog`."""
    if not isinstance(value, Mapping):
        return str(value)
    return " and ".join(f"{count:,} {name}" for name, count in value.items())

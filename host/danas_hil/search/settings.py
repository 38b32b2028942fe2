"""Everything that a search was asked for: what config.toml holds and `resume` reads back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from danas_hil.base import DanasError, build, checking, has_secret, known_or_near
from danas_hil.board import Limits
from danas_hil.run import anew
from danas_hil.search.samplers import Sampler, SamplerOptions, check_sampler, make_sampler
from danas_hil.search.scoring import Weights
from danas_hil.space import DEFAULT_SPACE, Space, space_from_json
from danas_hil.supernet import Subnets
from danas_hil.tasks import Task

MemoryModel = Literal["exact", "paper"]
SupernetName = Literal["shared", "focused", "per-data"]


@dataclass(frozen=True)
class SearchSettings:
    """A search, resolved: the same settings and the same data give the same genomes.

    data, data_options: what `danas_hil.data.open_source` takes. task: the classes that it has.
    limits, board: what a candidate has to fit in; board also says for which build of TFLM the
        exact memory model is.
    sampler: the name of any that is registered (danas_hil.search.samplers).
    population: of the sampler; None is its own usual one, or 10 where each candidate is trained
        from scratch.
    trials, time_budget: evaluations and seconds after which the search ends; None is no end.
    supernet: one for all data configurations (shared), whose training goes on after a quarter of it
        most for those on the front (focused); or one for each (per-data).
    supernet_steps: planned training steps of each supernet; None derives them from time_budget.
    supernets: folder of supernets shared with other searches, from the run's folder on. Those it
        lacks are trained there before the search begins, and take nothing of time_budget. None
        is the run's own folder, where each is trained when it is first needed. Where candidates
        share no weights, theirs are kept there.
    supernet_of: folder of a run, from this run's folder on, whose supernets this search uses: none
        is trained then. Its space is within that run's.
    candidate_steps: training steps of each candidate where they share no weights; None derives
        them from time_budget, and is 25,000 without one.
    evaluation_finetune_steps: each subnet is fine-tuned for so many before it is scored.
    export_finetune_steps: the most accurate candidates are fine-tuned for so many before they are
        exported; None derives it from time_budget, and is none without one.
    finest: how fine records are kept, in the signal's unit (of images pixels of the short side);
        None is what the space needs, or what the run `supernet_of` has.
    balance: whether every class counts alike in training, however many images it has.
    recalibration_images, validation_images: at most so many are used for one evaluation.
    drop_infeasible: never evaluate what is estimated not to fit, instead of penalising it.
    export_limit: at most so many members of the Pareto front are exported.
    """

    data: str
    task: Task
    limits: Limits = field(default_factory=Limits)
    board: str | None = None
    data_options: Mapping[str, Any] = field(default_factory=dict)
    space: Space = DEFAULT_SPACE
    memory_model: MemoryModel = "exact"
    sampler: str = "nsga2"
    population: int | None = None
    update_ratio: float = 0.5
    crossover_ratio: float = 0.2
    weights: Weights = field(default_factory=Weights)
    seed: int = 0
    trials: int | None = None
    time_budget: float | None = None
    supernet: SupernetName = "shared"
    supernet_steps: int | None = None
    candidate_steps: int | None = None
    export_finetune_steps: int | None = None
    supernets: str | None = None
    supernet_of: str | None = None
    finest: int | None = None
    batch_size: int = 64
    balance: bool = False
    evaluation_finetune_steps: int = 0
    recalibration_images: int = 256
    validation_images: int = 2000
    drop_infeasible: bool = False
    export_limit: int = 24
    clear_names: bool = True

    def __post_init__(self) -> None:
        choices = {"memory_model": MemoryModel, "supernet": SupernetName}
        for name, choice in choices.items():
            allowed = get_args(choice)
            if getattr(self, name) not in allowed:
                raise DanasError(
                    f"There is no {name.replace('_', ' ')} {getattr(self, name)!r}.",
                    known_or_near(str(getattr(self, name)), allowed, "There are"),
                )
        check_sampler(self.sampler)
        for name, (least, most) in BOUNDS.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:  # nor is NaN within them
                option, wrong = f"--{name.replace('_', '-')}", "large" if value > most else "small"
                told = str(value) if value != value else f"{value:g}"
                raise DanasError(
                    f"{option} {told} is too {wrong}.", f"Use {least:,.15g} to {most:,.15g}."
                )
        if self.trials is None and self.time_budget is None:
            raise DanasError("This search would never end.", "Give --trials or --time-budget.")
        if self.supernet_of is not None:
            self._check_trains_none()
        elif self.shares_weights and self.supernet_steps is None and self.time_budget is None:
            raise DanasError(
                "How long are the supernets to be trained?",
                "Give --time-budget, from which it is derived, or --supernet-steps.",
            )
        steps = "supernet_steps" if self.shares_weights else "candidate_steps"
        if self.supernets is not None and getattr(self, steps) is None:
            raise DanasError(
                "How long is what others share with this search trained?",
                f"With --supernets give --{steps.replace('_', '-')}.",
            )
        largest = self.space.data.finest
        if self.finest is not None and self.finest < largest:
            raise DanasError(
                f"--finest {self.finest} is below the finest data of the space, {largest}.",
                "Data can't be seen finer than they are kept.",
            )
        if self.supernets is not None and "://" in self.supernets and has_secret(self.supernets):
            raise DanasError(
                "The URL of --supernets has a password or a key in it.",
                "config.toml would carry it about. Leave it out: fsspec takes it from the"
                " environment, such as AWS_SECRET_ACCESS_KEY, or from its own configuration.",
            )
        self.make_sampler()  # raises for settings out of range

    def _check_trains_none(self) -> None:
        if not self.shares_weights:
            raise DanasError(
                f"--supernet-of is no use to --family {self.space.families[0]}: its candidates"
                " share no weights.",
                "Leave --supernet-of out.",
            )
        given = {
            "--supernet-steps": self.supernet_steps is not None,
            "--supernets": self.supernets is not None,
            "--supernet per-data": self.supernet == "per-data",
        }
        if any(given.values()):
            options = ", ".join(option for option, there in given.items() if there)
            raise DanasError(
                f"{options} can't be given with --supernet-of: that run's supernets are trained.",
                "Leave one of them out.",
            )

    @property
    def shares_weights(self) -> bool:
        """Whether candidates are subnets of supernets; else each is trained from scratch."""
        return self.space.shares_weights

    @property
    def supernets_of_space(self) -> dict[str, Subnets]:
        """What each supernet holds, by its name: one for each family, and with per-data for each
        data configuration; none where no weights are shared."""
        if not self.shares_weights:
            return {}
        configs, families = self.space.data_configs, self.space.families
        together = self.supernet != "per-data" and len(configs) > 1
        groups = {"shared": configs} if together else {data.name: (data,) for data in configs}
        return {
            name if len(families) == 1 else f"{name}-{family}": Subnets(
                self.space, family, of, len(self.task.classes)
            )
            for family in families
            for name, of in groups.items()
        }

    def make_sampler(self) -> Sampler:
        """Raises DanasError where there is none of that name, and for options out of range."""
        population = self.population
        if population is None and not self.shares_weights:
            population = 10  # few candidates can be trained from scratch: dozens are all drawn
        options = SamplerOptions(
            population, self.update_ratio, self.crossover_ratio, self.task.chance
        )
        return make_sampler(self.sampler, self.space, self.seed, self.limits, options)

    def to_config(self) -> dict[str, Any]:
        """The [search], [task], [space], [limits] and [weights] tables, without what is None."""
        nested = ("task", "space", "limits", "weights", "data_options")
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in nested}
        tables = {
            "search": plain,
            "task": self.task.to_json(),
            "data_options": dict(self.data_options),
            "space": self.space.to_json(),
            "limits": self.limits.to_json(),
            "weights": self.weights.to_json(),
        }
        return {
            name: {key: value for key, value in table.items() if value is not None}
            for name, table in tables.items()
        }

    @staticmethod
    def from_config(config: Mapping[str, Any]) -> SearchSettings:
        """The inverse of `to_config`; other tables are ignored. Raises DanasError if damaged."""
        with checking("config.toml", anew(Path("config.toml"))):
            settings: SearchSettings = build(
                SearchSettings,
                {**config["search"], "data_options": config["data_options"]},
                "search",
                task=Task.from_json(config["task"]),
                space=space_from_json(config["space"]),
                limits=Limits.from_json(config["limits"]),
                weights=build(Weights, config["weights"], "weights"),
            )
        return settings


MOST_STEPS = 10**9
BOUNDS: dict[str, tuple[float, float]] = {
    "trials": (1, 10**7),
    "time_budget": (1, 10 * 366 * 86_400),
    "supernet_steps": (1, MOST_STEPS),
    "batch_size": (2, 65_536),
    "evaluation_finetune_steps": (0, MOST_STEPS),
    "candidate_steps": (1, MOST_STEPS),
    "export_finetune_steps": (0, MOST_STEPS),
    "recalibration_images": (2, 10**6),
    "validation_images": (10, 10**7),
    "export_limit": (1, 10_000),
    "population": (1, 100_000),
    "update_ratio": (0, 100),
    "crossover_ratio": (0, 1),
    "finest": (1, 10**6),
    "seed": (0, 2**31 - 1),
}
"""Of each number of a search: what is beyond is a slip, and would take all memory or time."""

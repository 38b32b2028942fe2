"""Do the candidates of a supernet rank like networks that are trained alone?

    python benchmarks/ranking.py RUN [RUN ...] [--genomes 16] [--steps 400] [--seeds 0 1]
        [--out FOLDER] [--known] [--data DATA] [--json]

RUN is a folder that `danas-hil search` has left, with its supernets trained. Genomes are drawn that
fit all runs, spread over data configurations and, in each, over sizes (multiplications). Each is
trained by itself from fresh weights, all by one recipe: batches of 64 augmented training images,
AdamW, a warm-up and a cosine. Scored are validation images in float32, with batch-norm statistics
of training images, alone as under the supernets. What was trained alone is kept in FOLDER, so that
the same command goes on after an end of any kind; small networks come first, and --known ranks what
there is so far.

Printed: the accuracies of each genome; for each run Spearman's rho against the mean of the seeds
trained alone, with a 95 % bootstrap interval over genomes, and within a data configuration (the
mean over those with three genomes or more); the same for the number of multiplications, which ranks
without any training; rho between the runs, and how much more one agrees with
what was trained alone than another; and rho between the first two seeds, which tells how well
anything could rank networks that were trained so long.

TF_NUM_INTRAOP_THREADS=1 keeps it to one core.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from danas_hil.base import DanasError, read_json, write_json
from danas_hil.run import RunFolder
from danas_hil.search import SearchSettings
from danas_hil.search.listener import Listener
from danas_hil.search.session import Prepared, open_data, prepare
from danas_hil.search.supernet_source import needed_supernets
from danas_hil.signals import DataConfig
from danas_hil.signals.shown import Dataset, EvaluationView, TrainingView
from danas_hil.space import Genome, layers, space_from_json
from danas_hil.supernet import Subnets, Supernet, TrainingSettings, make_deterministic
from danas_hil.supernet.training import State, train_step
from danas_hil.tasks import Scores

RECIPE = TrainingSettings()
"""Of each network trained alone: batch, learning rate and weight decay of a supernet."""
DRAWS = 400
"""Genomes drawn for each data configuration, of which those used are spread over sizes."""
RESAMPLES = 2000
LEAST = 3
"""Genomes that can be ranked, in all and within a data configuration."""

Floats = npt.NDArray[np.float64]
Interval = tuple[float, float, float]
"""A figure, and the ends of its 95 % interval."""


class Images:
    """What networks see of a data set: the same for those trained alone and for supernets."""

    def __init__(self, dataset: Dataset, settings: SearchSettings) -> None:
        self._dataset, self._settings = dataset, settings
        self.task = settings.task
        self.plain = cache(self._plain)

    def _plain(self, split: str, data: DataConfig) -> EvaluationView:
        return self._dataset.evaluation_view(split, data)

    def training(self, data: DataConfig, seed: int) -> TrainingView:
        return self._dataset.training_view(data, seed)

    def scores(self, supernet: Supernet, genome: Genome) -> Scores:
        """Of a subnet on validation images, in float32."""
        recalibration = self.plain("train", genome.data).arrays(self._settings.recalibration_images)
        images = self.plain("validation", genome.data).arrays(self._settings.validation_images)
        found = supernet.evaluate(genome, recalibration.images, images.images)
        return Scores.of(images.labels, np.argmax(found, axis=1), self.task)


class Alone:
    """Networks trained by themselves, each once: `file` keeps what came of them.

    Raises DanasError when `file` holds results of another recipe.
    """

    def __init__(self, file: Path, images: Images, recipe: dict[str, Any]) -> None:
        self._file, self._images, self._recipe = file, images, recipe
        self._known: dict[str, dict[str, Any]] = {}
        if file.exists():
            kept = read_json(file)
            if kept["recipe"] != json.loads(json.dumps(recipe)):
                raise DanasError(
                    f"{file} holds networks that were trained otherwise.", "Give another --out."
                )
            self._known = kept["networks"]

    def knows(self, genome: Genome, seed: int) -> bool:
        return f"{genome.id}-{seed}" in self._known

    def accuracy(self, genome: Genome, seed: int) -> float:
        key = f"{genome.id}-{seed}"
        if key not in self._known:
            begun = time.monotonic()
            scores = self._trained(genome, seed)
            self._known[key] = {
                "genome": genome.to_json(),
                "seed": seed,
                "scores": scores.to_json(),
                "seconds": round(time.monotonic() - begun, 1),
            }
            write_json(self._file, {"recipe": self._recipe, "networks": self._known})
        return float(self._known[key]["scores"]["accuracy"])

    def _trained(self, genome: Genome, seed: int) -> Scores:
        """A network that holds this genome only shares its weights with nobody."""
        genes = genome.to_json()
        named = {key: genes.pop(key) for key in ("signal", "family")}
        space = space_from_json({**named, **{gene: [value] for gene, value in genes.items()}})
        classes = len(self._images.task.classes)
        supernet = Supernet(Subnets(space, genome.family, (genome.data,), classes), seed, RECIPE)
        view, steps = self._images.training(genome.data, seed), int(self._recipe["steps"])
        state = State.fresh(supernet.weights)
        for step in range(steps):
            images, labels = view.batch(step, RECIPE.batch_size)
            rate = RECIPE.rate(step, steps)
            train_step(supernet.network, state, [genome], images, labels, rate, RECIPE)
        supernet.weights = np.asarray(state.weights)
        return self._images.scores(supernet, genome)


class Run:
    """The trained supernets of a run folder. Raises DanasError where they are missing."""

    def __init__(self, path: Path, images: str | None) -> None:
        self.folder = RunFolder.open(path)
        self.config = self.folder.config()
        prepared = prepare(self.folder, Listener(), images)
        self.settings, self.estimator = prepared.settings, prepared.estimator
        self._supernets = _trained(prepared, self.config.get("supernet_steps", {}))

    def described(self) -> dict[str, Any]:
        planned = self.config.get("supernet_steps", {})
        focus = self.config.get("supernet_focus", {})  # with the steps that a training came to
        return {
            "run": str(self.folder.path),
            "supernet": self.settings.supernet,
            "steps": planned | {name: one["steps"] for name, one in focus.items()},
            "seed": self.settings.seed,
        }

    def holds(self, genome: Genome) -> bool:
        return genome in self.settings.space and self.estimator.fits(genome)

    def accuracy(self, genome: Genome, images: Images) -> float:
        return images.scores(self._supernets[genome.data], genome).accuracy


def _trained(run: Prepared, steps: dict[str, int]) -> dict[DataConfig, Supernet]:
    """Those that the run uses: its own, or those of the run that it takes them from."""
    by, fits, store = run.settings, run.estimator.fits, run.store
    if run.supernet_source is not None:
        by, fits = run.supernet_source.settings, run.supernet_source.fits
    supernets: dict[DataConfig, Supernet] = {}
    for name, subnets in needed_supernets(by, run.settings.space).items():
        training = TrainingSettings(batch_size=by.batch_size)
        supernet = Supernet(subnets, by.seed, training, fits)
        store.pull(name)
        done = supernet.load(store.folder / name)
        wanted = supernet.focus.steps if supernet.focus else steps.get(name)
        if done != wanted:
            raise DanasError(
                f"The supernet {store.folder / name} has been trained for {done} of {wanted} steps."
            )
        supernets |= dict.fromkeys(subnets.configs, supernet)
    return supernets


def drawn(runs: list[Run], count: int, seed: int = 0) -> list[Genome]:
    """Different genomes that fit all runs: as many for each data configuration, up to one.

    In each, those drawn are sorted by multiplications and cut into as many parts as genomes are
    wanted, and one comes from each part.
    """
    space, rng, genomes = runs[0].settings.space, np.random.default_rng(seed), []
    configs = space.data_configs
    for place, data in enumerate(configs):
        tries = {space.sample(rng, data) for _ in range(DRAWS)}
        fitting = sorted((g for g in tries if all(run.holds(g) for run in runs)), key=_size)
        wanted = count // len(configs) + (place < count % len(configs))
        if len(fitting) < wanted:
            raise DanasError(f"Of {DRAWS} genomes of {data.name} only {len(fitting)} fit.")
        parts = np.array_split(np.arange(len(fitting)), wanted) if wanted else []
        genomes += [fitting[int(rng.choice(part))] for part in parts]
    return genomes


def _size(genome: Genome) -> tuple[int, str]:
    return multiplications(genome), genome.id


def multiplications(genome: Genome) -> int:
    return sum(layer.macs for layer in layers(genome, classes=2))


def ranks(values: Floats) -> Floats:
    """From 1, smallest first; ties share the mean of their ranks."""
    below = (values[:, None] > values[None, :]).sum(axis=1)
    alike = (values[:, None] == values[None, :]).sum(axis=1)
    return np.asarray(below + (alike + 1) / 2, np.float64)


def spearman(one: Floats, other: Floats) -> float:
    """Spearman's rho: the correlation of ranks; NaN where either has one value only."""
    a, b = ranks(one) - (len(one) + 1) / 2, ranks(other) - (len(other) + 1) / 2
    norm = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / norm) if norm else float("nan")


def with_interval(one: Floats, other: Floats) -> Interval:
    """Rho, and the ends of its 95 % percentile bootstrap interval over genomes."""
    found = [spearman(one[place], other[place]) for place in _resamples(len(one))]
    low, high = np.nanquantile(found, (0.025, 0.975))
    return spearman(one, other), float(low), float(high)


def by_how_much(alone: Floats, one: Floats, other: Floats) -> Interval:
    """How much better `one` agrees with `alone` than `other` does: the difference of their rhos."""
    places = _resamples(len(alone))
    found = [spearman(alone[p], one[p]) - spearman(alone[p], other[p]) for p in places]
    low, high = np.nanquantile(found, (0.025, 0.975))
    return spearman(alone, one) - spearman(alone, other), float(low), float(high)


def _resamples(count: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(0).integers(count, size=(RESAMPLES, count))


def within(genomes: list[Genome], one: Floats, other: Floats) -> dict[str, float]:
    """Rho in each data configuration that has enough genomes, by its name."""
    names = np.array([genome.data.name for genome in genomes])
    places = {name: np.flatnonzero(names == name) for name in dict.fromkeys(names.tolist())}
    return {
        name: spearman(one[place], other[place])
        for name, place in places.items()
        if len(place) >= LEAST
    }


def agreement(genomes: list[Genome], one: Floats, other: Floats) -> dict[str, Any]:
    inside = within(genomes, one, other)
    mean = float(np.mean(list(inside.values()))) if inside else None
    return {"rho": with_interval(one, other), "within": inside, "within_mean": mean}


def compared(
    genomes: list[Genome], alone: dict[int, Floats], by_run: list[Floats], runs: list[Run]
) -> dict[str, Any]:
    """All that is printed. Accuracies are shares of 1."""
    mean = np.mean(list(alone.values()), axis=0)
    table = [
        {
            "genome": genome.to_json(),
            "data": genome.data.name,
            "network": genome.arch.short,
            "mmacs": multiplications(genome) / 1e6,
            "alone": {str(seed): float(values[place]) for seed, values in alone.items()},
            "runs": [float(values[place]) for values in by_run],
        }
        for place, genome in enumerate(genomes)
    ]
    rows = [
        {**run.described(), **agreement(genomes, mean, values)}
        for run, values in zip(runs, by_run, strict=True)
    ]
    pairs = [
        {
            "runs": [one + 1, other + 1],
            "rho": with_interval(by_run[one], by_run[other]),
            "difference": by_how_much(mean, by_run[one], by_run[other]),
        }
        for one, other in combinations(range(len(by_run)), 2)
    ]
    seeds = list(alone)[:2]
    return {
        "genomes": table,
        "runs": rows,
        "multiplications": agreement(genomes, mean, np.array([row["mmacs"] for row in table])),
        "between_runs": pairs,
        "between_seeds": agreement(genomes, *(alone[seed] for seed in seeds))
        if len(seeds) == 2
        else None,
    }


def show(result: dict[str, Any]) -> None:
    seeds = list(result["genomes"][0]["alone"])
    names = [f"run {place}" for place, _ in enumerate(result["runs"], 1)]
    print("accuracy on validation images, %, float32\n")
    columns = ["data", "network", "million MACs", *(f"alone, seed {s}" for s in seeds), *names]
    print("| " + " | ".join(columns) + " |\n|" + " --- |" * len(columns))
    for row in result["genomes"]:
        cells = [row["data"], row["network"], f"{row['mmacs']:.1f}"]
        cells += [f"{100 * value:.1f}" for value in (*row["alone"].values(), *row["runs"])]
        print("| " + " | ".join(cells) + " |")
    print("\nSpearman's rho, with 95 % bootstrap intervals over genomes\n")
    print("| between | rho | within a data configuration |\n| --- | --- | --- |")
    for name, row in zip(names, result["runs"], strict=True):
        print(f"| {name} and alone | {_told(row['rho'])} | {_mean(row['within_mean'])} |")
    simple = result["multiplications"]
    print(
        f"| multiplications and alone | {_told(simple['rho'])} | {_mean(simple['within_mean'])} |"
    )
    for pair in result["between_runs"]:
        one, other = pair["runs"]
        print(f"| runs {one} and {other} | {_told(pair['rho'])} | |")
        told = _told(pair["difference"])
        print(f"| run {one} and alone, less run {other} and alone | {told} | |")
    if (ceiling := result["between_seeds"]) is not None:
        print(
            f"| alone, seeds {seeds[0]} and {seeds[1]} | {_told(ceiling['rho'])}"
            f" | {_mean(ceiling['within_mean'])} |"
        )
    print(f"\nalone: {result['steps']} steps each")
    for name, row in zip(names, result["runs"], strict=True):
        steps = ", ".join(f"{key} {value}" for key, value in row["steps"].items())
        print(
            f"{name}: {row['run']}: supernet {row['supernet']}, seed {row['seed']}, steps {steps}"
        )


def _told(rho: Interval) -> str:
    return "{:.2f} ({:.2f} to {:.2f})".format(*rho)


def _mean(rho: float | None) -> str:
    return "" if rho is None else f"{rho:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="*", metavar="RUN")
    parser.add_argument("--genomes", type=int, default=16)
    parser.add_argument("--steps", type=int, default=400, help="of each network alone")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of networks alone")
    parser.add_argument("--out", type=Path, default=Path("ranking"))
    parser.add_argument("--known", action="store_true", help="only what was trained already")
    parser.add_argument("--data", help="images, if they are no longer where RUN says")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if not options.runs:
        print("skipped: name a run, whose supernets it ranks by")
        return
    if options.genomes < LEAST:
        parser.error(f"{LEAST} genomes are the least that can be ranked")
    try:
        result = measured(options)
    except DanasError as error:
        parser.exit(2, f"{error}\n")
    if options.json:
        print(json.dumps(result))
    else:
        show(result)


def measured(options: argparse.Namespace) -> dict[str, Any]:
    runs = [Run(path, options.data) for path in options.runs]
    seen = [run.config["data"] for run in runs]
    if any(data != seen[0] for data in seen):
        raise DanasError("These runs have not seen the same images.", "Give runs that have.")
    settings = runs[0].settings
    make_deterministic()
    images = Images(open_data(settings, Listener()), settings)
    genomes = drawn(runs, options.genomes)
    recipe = {"steps": options.steps, "settings": asdict(RECIPE), "images": seen[0]}
    alone = Alone(options.out / f"alone-{options.steps}.json", images, recipe)
    if options.known:
        genomes = [g for g in genomes if all(alone.knows(g, seed) for seed in options.seeds)]
        if len(genomes) < LEAST:
            raise DanasError(f"{len(genomes)} networks were trained: too few.", "Try later.")
    for seed in options.seeds:
        for place, genome in enumerate(sorted(genomes, key=_size), 1):
            print(f"seed {seed}, {place} of {len(genomes)}: {genome}", file=sys.stderr)
            alone.accuracy(genome, seed)
    accuracies = {
        seed: np.array([alone.accuracy(genome, seed) for genome in genomes])
        for seed in options.seeds
    }
    by_run = [np.array([run.accuracy(genome, images) for genome in genomes]) for run in runs]
    return {"steps": options.steps, **compared(genomes, accuracies, by_run, runs)}


if __name__ == "__main__":
    main()

"""Samplers against each other, on the trained supernets of a run.

    python benchmarks/samplers.py RUN [--evaluations 250] [--seeds 3] [--samplers nsga2 random]
        [--known] [--data DATA] [--validation-images N] [--json]

RUN is a folder that `danas-hil search` has left. Each sampler searches its space under its limits,
with several seeds; genomes are evaluated as the search evaluates them, by the run's supernets, and
what one sampler had evaluated the others need not evaluate again: it is kept in RUN/oracle.jsonl,
and RUN's own evaluations are used too. Printed: the run's hypervolume (danas_hil.search.pareto)
after so many evaluations, the mean over seeds and the standard deviation; and after equal time.

With --known the samplers choose among the genomes that RUN itself evaluated, and all others are
refused: nothing is evaluated anew, and RUN needs no supernets and no images. That favours the
sampler that made RUN, and by what a refusal costs it, proposals take longer than in a search.

Time is what the sampler took to propose, in seconds of one core measured here, and for each
evaluation the median of its data configuration, in RUN and here. Equal time is when the first of
all searches ended; a sampler that is slow, or proposes what is slow to evaluate, has made fewer
evaluations by then. Beside it stands the best validation accuracy of what fits, in %, at the end.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

from danas_hil.board import Limits
from danas_hil.run import Evaluation, RunFolder
from danas_hil.search import SearchSettings, hypervolume_history
from danas_hil.search.cost import CostEstimator, rates_of_run
from danas_hil.search.evaluator import Evaluator
from danas_hil.search.listener import Listener
from danas_hil.search.samplers import samplers
from danas_hil.search.scoring import judged
from danas_hil.search.session import join, open_session, prepare
from danas_hil.search.training_plan import agree_on_training
from danas_hil.signals import DataConfig
from danas_hil.space import Genome

SHARES = (0.1, 0.2, 0.4, 0.6, 1.0)
"""Of all evaluations, after which the hypervolume is printed."""


class Oracle:
    """Evaluations of genomes by a run's supernets, each made once."""

    def __init__(
        self, run: RunFolder, data: str | None, validation_images: int | None, at_end: ExitStack
    ) -> None:
        config = run.config()
        own, self._rates = SearchSettings.from_config(config), rates_of_run(config)
        images = validation_images or own.validation_images
        self.settings = replace(own, validation_images=images)
        self.estimator = self.new_estimator()
        self._run, self._data, self._at_end = run, data, at_end
        self._evaluator: Evaluator | None = None
        self.own = {e.genome: e for e in run.front().evaluations if e.scores}
        self._known: dict[Genome, Evaluation] = {}
        as_run = images == own.validation_images
        self._file = run.path / ("oracle.jsonl" if as_run else f"oracle-{images}.jsonl")
        if as_run:
            self._known |= self.own
        if self._file.exists():
            for line in self._file.read_text(encoding="utf-8").splitlines():
                evaluation = Evaluation.from_json(json.loads(line))
                self._known[evaluation.genome] = evaluation

    def __call__(self, genome: Genome) -> Evaluation:
        if genome not in self._known:
            evaluation = self._evaluate(genome)
            self._known[genome] = evaluation
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(evaluation.to_json()) + "\n")
        return self._known[genome]

    def new_estimator(self) -> CostEstimator:
        """One that has worked out nothing yet, by the rates that RUN began with."""
        return CostEstimator(self.settings, self._rates)

    def seconds(self) -> dict[DataConfig, float]:
        """The usual seconds of an evaluation, by data configuration."""
        seconds: dict[DataConfig, list[float]] = {}
        for evaluation in (self.own | self._known).values():
            seconds.setdefault(evaluation.genome.data, []).append(evaluation.seconds)
        return {data: median(values) for data, values in seconds.items()}

    def _evaluate(self, genome: Genome) -> Evaluation:
        self._evaluator = self._evaluator or self._opened()
        self._evaluator.supernet(genome)  # its training is not part of the evaluation's time
        begun = time.perf_counter()
        scores = self._evaluator.scores(genome)
        seconds = time.perf_counter() - begun
        costs, settings = self.estimator.costs(genome), self.settings
        found = judged(genome, scores, costs, settings.limits, settings.weights)
        return replace(found, seconds=seconds)

    def _opened(self) -> Evaluator:
        listener, run = Listener(), self._run
        prepared = prepare(run, listener, self._data)
        shared = self._at_end.enter_context(join(run, prepared.settings))
        settings = replace(prepared.settings, validation_images=self.settings.validation_images)
        prepared = replace(prepared, settings=settings)
        session = open_session(run, prepared, shared, listener, lambda: False)
        return Evaluator(session, agree_on_training(session))


def search(
    oracle: Oracle, name: str, seed: int, count: int, known: bool
) -> tuple[list[Evaluation], list[float]]:
    """`count` evaluations that the sampler asks for, and the seconds of each proposal."""
    # The estimates that a sampler needs are part of its time, so it gets none that another made.
    estimator = oracle.new_estimator()
    settings = replace(oracle.settings, sampler=name, seed=seed, population=None)
    sampler = settings.make_sampler()
    history: list[Evaluation] = []
    seconds: list[float] = []
    seen: set[Genome] = set()

    def acceptable(genome: Genome) -> bool:
        if genome in seen or (known and genome not in oracle.own):
            return False
        return not settings.drop_infeasible or estimator.fits(genome)

    while len(history) < count:
        begun = time.process_time()
        genome = sampler.propose(history, acceptable)
        seconds.append(time.process_time() - begun)
        history.append(replace(oracle(genome), index=len(history)))
        seen.add(genome)
    return history, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, nargs="?", metavar="RUN")
    parser.add_argument("--evaluations", type=int, default=250)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--samplers", nargs="+", default=list(samplers()))
    parser.add_argument("--known", action="store_true", help="only what RUN evaluated itself")
    parser.add_argument("--data", help="images, if they are no longer where RUN says")
    parser.add_argument("--validation-images", type=int)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if options.run is None:
        print("skipped: name a run, whose evaluations samplers choose from")
        return

    run, searches = RunFolder.open(options.run), {}
    with ExitStack() as at_end:
        oracle = Oracle(run, options.data, options.validation_images, at_end)
        for seed in range(options.seeds):
            for name in options.samplers:
                print(f"{name}, seed {seed}", file=sys.stderr)
                searches[name, seed] = search(
                    oracle, name, seed, options.evaluations, options.known
                )

    seconds = oracle.seconds()
    rows = compared(searches, oracle.settings.limits, lambda e: seconds[e.genome.data])
    if options.json:
        print(json.dumps(rows))
        return
    counts = [_part(share, options.evaluations) for share in SHARES]
    print(
        "| sampler |",
        *(f"{count} |" for count in counts),
        f"{rows[0]['equal_seconds']:.0f} s | accuracy | a proposal |",
    )
    print("| --- " * (len(counts) + 4) + "|")
    for row in rows:
        print(
            f"| {row['sampler']} |",
            *(f"{mean:.3f} ± {spread:.3f} |" for mean, spread in row["at_evaluations"]),
            "{:.3f} ± {:.3f} |".format(*row["at_equal_time"]),
            "{:.1f} ± {:.1f} |".format(*row["best_accuracy"]),
            f"{1000 * row['proposal_seconds']:.0f} ms |",
        )


def compared(
    searches: dict[tuple[str, int], tuple[list[Evaluation], list[float]]],
    limits: Limits,
    evaluation_seconds: Callable[[Evaluation], float],
) -> list[dict[str, object]]:
    """A row for each sampler, the best after all evaluations first."""
    curves = {
        key: hypervolume_history(history, limits, 0.5) for key, (history, _) in searches.items()
    }
    clocks = {
        key: np.cumsum(np.add(proposals, [evaluation_seconds(e) for e in history]))
        for key, (history, proposals) in searches.items()
    }
    end = min(clock[-1] for clock in clocks.values())
    rows = []
    for name in dict.fromkeys(name for name, _ in searches):
        keys = [key for key in searches if key[0] == name]
        finished = [curves[key][clocks[key] <= end] for key in keys]
        rows.append(
            {
                "sampler": name,
                "at_evaluations": [
                    _spread([curves[key][_part(share, len(curves[key])) - 1] for key in keys])
                    for share in SHARES
                ],
                "equal_seconds": float(end),
                "at_equal_time": _spread([curve[-1] for curve in finished]),
                "best_accuracy": _spread([_best(searches[key][0]) for key in keys]),
                "proposal_seconds": float(np.mean([searches[key][1] for key in keys])),
            }
        )
    return sorted(rows, key=lambda row: -row["at_evaluations"][-1][0])


def _part(share: float, count: int) -> int:
    return max(1, round(share * count))


def _best(history: list[Evaluation]) -> float:
    """In %."""
    return 100 * max((e.scores.accuracy for e in history if e.scores and e.feasible), default=0.0)


def _spread(values: list[float]) -> tuple[float, float]:
    """Mean and standard deviation."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


if __name__ == "__main__":
    main()

"""What int8 costs: accuracy of a run's candidates before and after quantisation.

    python benchmarks/quantisation.py [RUN ...] [--json]

Reads what the search wrote down: both models were scored on the same images. The last lines are
means over candidates, the narrow ones (alpha to 0.3) apart, with the spread of a candidate's
difference. Nothing is trained and nothing is run.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Sequence
from pathlib import Path

from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.run import Candidate, RunFolder

NARROW = 0.3
SPLITS = ("validation", "test")


def points(candidate: Candidate, split: str) -> tuple[float, float]:
    """Accuracy in percent, float32 and int8."""
    kinds = (f"float_{split}", f"int8_{split}")
    float32, int8 = (100 * candidate.scores[kind].accuracy for kind in kinds)
    return float32, int8


def narrow(candidate: Candidate) -> bool:
    arch = candidate.genome.arch
    return isinstance(arch, MobileNetV2) and arch.alpha <= NARROW


def changes(candidates: Sequence[Candidate], split: str) -> list[float]:
    """What int8 adds, in percentage points."""
    pairs = (points(candidate, split) for candidate in candidates)
    return [int8 - before for before, int8 in pairs]


def summary(candidates: Sequence[Candidate], split: str) -> dict[str, float]:
    found = changes(candidates, split)
    spread = statistics.stdev(found) if len(found) > 1 else 0.0
    return {
        "candidates": len(found),
        "mean": statistics.fmean(found),
        "spread": spread,
        "lowest": min(found),
        "highest": max(found),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="*", metavar="RUN")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if not options.runs:
        print("skipped: name a run, whose candidates it tells of")
        return

    candidates = [c for path in options.runs for c in RunFolder.open(path).front().candidates]
    groups = {"all": candidates, "narrow": [c for c in candidates if narrow(c)]}
    found = {
        name: {split: summary(group, split) for split in SPLITS}
        for name, group in groups.items()
        if group
    }
    if options.json:
        print(json.dumps({"percentage_points": found}))
        return
    print(f"{'id':8}  {'data':16} {'network':16} {'validation':>20} {'test':>13}")
    for c in candidates:
        validation, test = points(c, "validation"), points(c, "test")
        print(
            f"{c.id:8}  {c.genome.data.name:16} {c.genome.arch.short:16}"
            f" {validation[0]:5.1f} -> {validation[1]:5.1f} {test[0]:5.1f} -> {test[1]:5.1f}"
        )
    print("\nint8 less float32, percentage points")
    for name, splits in found.items():
        for split, row in splits.items():
            print(
                f"{name:7} {split:10} {row['candidates']:3} candidates: mean {row['mean']:+.2f},"
                f" spread {row['spread']:.2f}, from {row['lowest']:+.2f} to {row['highest']:+.2f}"
            )


if __name__ == "__main__":
    main()

"""Where everything of a run stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import tomli_w

from danas_hil.base import (
    DanasError,
    build,
    check_format,
    check_inside,
    checking,
    read_json,
    read_toml,
    write_atomic,
    write_json,
)
from danas_hil.run.anew import anew
from danas_hil.run.format1 import config_of_format1
from danas_hil.run.picks import Picks
from danas_hil.run.records import Front

FORMAT = 2
"""Of config.toml, whose key `format` says so."""
_HINT = "A run is a folder that `danas-hil search` made, such as runs/NAME."


@dataclass(frozen=True)
class _Settled:
    """What of config.toml is no setting: what a search found out as it went on."""

    data: Mapping[str, Any] = field(default_factory=dict)
    supernet_steps: Mapping[str, int] = field(default_factory=dict)
    supernet_step_seconds: Mapping[str, float] = field(default_factory=dict)
    supernet_focus: Mapping[str, Any] = field(default_factory=dict)
    evaluation_precision: str = ""
    storage: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    latency: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunFolder:
    """A run on disk. Every file is written whole or not at all.

    config.toml             resolved settings, with the seed and the versions that count
    study.db                every evaluation (Optuna's SQLite), unless the run has another --storage
    supernets/              checkpoints
    trainings/              checkpoints of candidates that are being trained by themselves
    workers/                a lock for each process at work on the run
    front.json              the exported Pareto front and all evaluations
    picks.json              the candidates that `danas-hil pick` chose
    test-images.npz         a sample for accuracy on a device
    candidates/ID/          genome.json  training.json  model.keras  model.tflite  golden.npz
                            estimate.json
      BOARD[@SERIAL]/       measurement.json, and what building and talking left
    report.html  figures.json  figures.csv
    """

    path: Path

    @staticmethod
    def create(path: Path, config: Mapping[str, Any]) -> RunFolder:
        """Make a new run. Raises DanasError when there is something at `path` already.

        What a creation that was killed left behind is nothing.
        """
        if path.exists() and not (
            path.is_dir() and all(file.name.startswith(".part-") for file in path.iterdir())
        ):
            raise DanasError(
                f"There is something at {path} already.",
                f"Choose another --name, or go on with it: danas-hil resume {path}",
            )
        folder = RunFolder(path)
        folder.write_config(config)
        return folder

    @staticmethod
    def open(path: Path) -> RunFolder:
        """An existing run. Raises DanasError where there is none."""
        folder = RunFolder(path)
        if not folder.config_file.is_file():
            raise DanasError(f"{path} is not a run: it has no config.toml.", _HINT)
        return folder

    @property
    def name(self) -> str:
        return self.path.resolve().name

    @property
    def config_file(self) -> Path:
        return self.path / "config.toml"

    @property
    def study_file(self) -> Path:
        return self.path / "study.db"

    @property
    def supernets(self) -> Path:
        return self.path / "supernets"

    def training(self, id_: str, steps: int) -> Path:
        """The checkpoint of a candidate's training by itself; gone once its model is exported."""
        return self.path / "trainings" / f"{id_}-{steps}.npz"

    @property
    def workers(self) -> Path:
        return self.path / "workers"

    @property
    def front_file(self) -> Path:
        return self.path / "front.json"

    @property
    def picks_file(self) -> Path:
        return self.path / "picks.json"

    @property
    def test_images_file(self) -> Path:
        return self.path / "test-images.npz"

    @property
    def report_file(self) -> Path:
        return self.path / "report.html"

    def candidate(self, id_: str) -> Path:
        """The folder of a candidate: genome.json, model.tflite, golden.npz, estimate.json."""
        return self.path / "candidates" / id_

    def measured(self, id_: str, target: str) -> Path:
        """The folder of what `target` (BOARD or BOARD@SERIAL) showed for a candidate.

        Raises DanasError where links lead out of the run: it may be a copy from elsewhere.
        """
        return check_inside(self.candidate(id_) / target, self.path)

    def write_config(self, config: Mapping[str, Any]) -> None:
        write_atomic(self.config_file, tomli_w.dumps({"format": FORMAT, **config}))

    def config(self) -> dict[str, Any]:
        """The tables of config.toml. Raises DanasError for a damaged one, or a newer format."""
        hint = anew(self.config_file)
        config = self._tables(hint)
        with checking(self.config_file, hint):
            if config.pop("format", 1) == 1:
                config = config_of_format1(config)
            settled = {field.name for field in fields(_Settled)}
            build(_Settled, {key: one for key, one in config.items() if key in settled})
        return config

    @property
    def is_older(self) -> bool:
        """Whether an older version made it: it can be read then, and not gone on with."""
        return bool(self._tables(anew(self.config_file)).get("format", 1) < FORMAT)

    def check_goes_on(self) -> None:
        """Raise DanasError where nothing can be searched or trained any more in this run, nor with
        its supernets: where an older version made it."""
        if self.is_older:
            raise DanasError(
                f"{self.path} was made by an older danas-hil, and its search can't go on: genomes"
                " and supernets are kept otherwise now.",
                "Search anew, under another --name. What was found there can still be looked at:"
                " flash, compare, report, pick and export work on it.",
            )

    def _tables(self, hint: str) -> dict[str, Any]:
        """What config.toml says, with its format."""
        config = read_toml(self.config_file, hint)
        check_format(self.config_file, config, FORMAT, hint, "format")
        return config

    def write_front(self, front: Front) -> None:
        write_json(self.front_file, front.to_json())

    def front(self) -> Front:
        """The exported front. Raises DanasError when the search has not exported one yet."""
        if not self.front_file.exists():
            raise DanasError(
                f"There is no file {self.front_file}.",
                f"Let the search come to its end: danas-hil resume {self.path}",
            )
        hint = anew(self.front_file)
        return Front.from_json(read_json(self.front_file, hint), self.front_file, hint)

    def write_picks(self, picks: Picks) -> None:
        write_json(self.picks_file, picks.to_json())

    def picks(self) -> Picks | None:
        """What was picked from the front; None where nothing was.

        Raises DanasError for a pick that is not on the front any more.
        """
        if not self.picks_file.exists():
            return None
        hint = anew(self.picks_file)
        picks = Picks.from_json(read_json(self.picks_file, hint), self.picks_file, hint)
        lost = set(picks.ids) - {candidate.id for candidate in self.front().candidates}
        if lost:
            raise DanasError(
                f"Picked candidates are not on the front any more: {', '.join(sorted(lost))}.",
                f"Pick anew: danas-hil pick {self.path}",
            )
        return picks

    def measurements(self) -> dict[tuple[str, str], Path]:
        """All measurement.json of the run, by (candidate id, target), sorted."""
        files = sorted(self.path.glob("candidates/*/*/measurement.json"))
        places = {(file.parts[-3], file.parts[-2]): file for file in files}
        # What begins with a full stop is a candidate that is just being replaced.
        return {place: file for place, file in places.items() if place[0][0] != "."}

"""The example package in docs: a signal, a family and a sampler of another package go the whole way
from a command to TFLM on this computer."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from danas_hil.base import DanasError, NotInstalledError, read_toml
from danas_hil.families import find_family
from danas_hil.run import RunFolder
from danas_hil.signals import find_signal
from danas_hil.space import choose_space

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "docs" / "example_package"
SPACE = "motions.toml"
TOYS = "danas_hil_toys"
LATEST = 0.35
"""Of four classes, what a network that learned nothing hardly ever gets right."""


@dataclass(frozen=True)
class Ended:
    code: int
    told: str


class Toys:
    """A copy of the package, and commands with and without it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = Path(shutil.copytree(EXAMPLE, folder / "site"))

    def danas_hil(self, *arguments: str, installed: bool = True) -> Ended:
        path = [str(ROOT / "host"), *([str(self.site)] if installed else [])]
        ended = subprocess.run(
            [sys.executable, "-m", "danas_hil", *arguments],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(path),
                "DANAS_HIL_HOME": str(self.folder / "home"),
                "COLUMNS": "400",
            },
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout + ended.stderr)

    @property
    def run(self) -> Path:
        return self.folder / "runs" / "toys"


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Toys:
    """After a search of the built-in motions with all three toys, measured on this computer."""
    pytest.importorskip("tensorflow", reason="needs the extra search")
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    made = Toys(tmp_path_factory.mktemp("toys"))
    space = str(made.site / SPACE)
    searched = made.danas_hil(
        *("search", "motions", "--name", "toys", "--space", space, "--sampler", "climber"),
        *("--population", "3", "--trials", "8", "--supernet-steps", "150", "--batch-size", "16"),
        *("--export-finetune-steps", "0", "--export-limit", "2", "--threads", "1"),
        *("--ram", "64kB", "--flash", "256kB"),
    )
    assert searched.code == 0, searched.told
    assert "image" not in searched.told
    flashed = made.danas_hil("flash", "runs/toys", "--board", "host")
    assert flashed.code == 0, flashed.told
    reported = made.danas_hil("report", "runs/toys")
    assert reported.code == 0, reported.told
    return made


def test_config_front_and_genomes_name_the_toys(toys: Toys) -> None:
    config = read_toml(toys.run / "config.toml")
    assert config["space"]["signal"] == "motion"
    assert config["space"]["family"] == ["time_cnn"]
    assert config["space"]["motion"] == {"rate": [10, 25, 50], "window": [1, 2]}
    assert config["search"]["sampler"] == "climber"
    assert config["task"]["classes"] == ["rest", "walk", "run", "shake"]
    assert config["versions"]["danas-hil-toys"] == "1.0"
    front = json.loads((toys.run / "front.json").read_text())
    assert len(front["evaluations"]) == 8
    genomes = [row["genome"] for row in (*front["evaluations"], *front["candidates"])]
    assert {(genome["signal"], genome["family"]) for genome in genomes} == {("motion", "time_cnn")}
    for candidate in front["candidates"]:
        kept = json.loads((toys.run / "candidates" / candidate["id"] / "genome.json").read_text())
        assert kept["genome"] == candidate["genome"]
        assert kept["classes"] == config["task"]["classes"]


def test_the_networks_have_learned_something_of_motion(toys: Toys) -> None:
    front = json.loads((toys.run / "front.json").read_text())
    scores = [candidate["scores"]["int8_test"] for candidate in front["candidates"]]
    assert max(score["accuracy"] for score in scores) > LATEST
    assert all(len(score["confusion"]) == 4 for score in scores)


def test_tflm_on_this_computer_takes_what_was_estimated_to_the_byte(toys: Toys) -> None:
    measured = sorted(toys.run.glob("candidates/*/host/measurement.json"))
    assert len(measured) == 2
    for file in measured:
        told = json.loads(file.read_text())
        assert told["status"] == "OK", told
    compared = toys.danas_hil("compare", "runs/toys", "--json")
    rows = json.loads(compared.told)["comparison"]["rows"]
    exact = {(row["candidate"], row["quantity"]): row for row in rows if row["model"] == "exact"}
    arenas = [row for (_, quantity), row in exact.items() if quantity in ("arena", "model")]
    assert len(arenas) == 4
    assert all(row["error"] == 0 and row["observed"] > 1000 for row in arenas), arenas


def test_the_report_shows_motion_and_how_the_device_makes_it(toys: Toys) -> None:
    page = (toys.run / "report.html").read_text()
    for part in ("motions", "time_cnn", "climber", "shake", "accelerometer at "):
        assert part in page, part


@pytest.mark.parametrize(
    "command",
    [("report", "runs/toys"), ("flash", "runs/toys", "--board", "host"), ("resume", "runs/toys")],
    ids=lambda command: command[0],
)
def test_without_the_package_a_run_is_refused_by_the_name_of_what_is_missing(
    toys: Toys, command: tuple[str, ...]
) -> None:
    ended = toys.danas_hil(*command, installed=False)
    assert ended.code == 2
    assert "There is no signal 'motion'" in ended.told
    assert "danas_hil.signals" in ended.told
    assert "[versions]" in ended.told
    assert "damaged" not in ended.told
    assert "Traceback" not in ended.told


# -- in this process -----------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the package, found as an installed one is."""
    copied = Path(shutil.copytree(EXAMPLE, tmp_path / "site"))
    _forget()
    monkeypatch.syspath_prepend(copied)
    yield copied
    _forget()


def _forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == TOYS]:
        del sys.modules[name]


def test_folders_of_files_are_read_and_what_is_no_motion_is_left_out(
    site: Path, tmp_path: Path
) -> None:
    from danas_hil.data import open_source

    rng = np.random.default_rng(0)
    for split, of, number in ((s, c, n) for s in ("train", "test") for c in "ab" for n in range(3)):
        file = tmp_path / "mine" / split / of / f"{number}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savetxt(file, rng.normal(size=(200, 3)), delimiter=",")
    (tmp_path / "mine" / "train" / "a" / "short.csv").write_text("1,2,3\n")
    (tmp_path / "mine" / "train" / "a" / "words.csv").write_text("no,table,here\n")
    motion = find_signal("motion")
    source = open_source(str(tmp_path / "mine"), motion.files())
    dataset = motion.dataset(source, 50, lambda *_: None, lambda _: None)
    data = motion.config({"rate": 25, "window": 2})
    assert dataset.evaluation_view("test", data).arrays().images.shape == (6, 50, 1, 3)
    assert dataset.training_view(data, 0).batch(3, 4)[0].shape == (4, 50, 1, 3)
    (left_out,) = dataset.warnings("train")
    assert left_out.startswith("train: 2 left out that can't be read. ")
    assert "short.csv has not 200 lines" in left_out


def test_a_batch_depends_on_seed_step_and_size_alone(site: Path) -> None:
    from danas_hil.data import open_source

    motion = find_signal("motion")
    data = motion.config({"rate": 10, "window": 1})

    def batch(seed: int, *before: int) -> tuple[np.ndarray, np.ndarray]:
        source = open_source("motions", motion.files())
        view = motion.dataset(source, 50, lambda *_: None, lambda _: None).training_view(data, seed)
        for step in before:
            view.batch(step, 16)
        return view.batch(9, 16)

    one, again, other = batch(1), batch(1, 30, 2), batch(2)
    assert np.array_equal(one[0], again[0])
    assert np.array_equal(one[1], again[1])
    assert not np.array_equal(one[0], other[0])


def test_hardware_aware_search_has_the_usual_data_of_the_signal(site: Path) -> None:
    space = choose_space("hardware-aware", {"signal": "motion", "family": "time_cnn"})
    assert [data.name for data in space.data_configs] == ["50hz-2s"]


def test_an_experiment_may_be_one_of_motion(site: Path, tmp_path: Path) -> None:
    from danas_hil.experiment import read_experiment

    file = tmp_path / "motion.toml"
    head = 'data = "motions"\nsignal = "motion"\ntrials = 2\nsupernet_steps = 1\n'
    search = '[[search]]\nname = "{}"\nspace = {{ family = "time_cnn", rate = {} }}\n'
    file.write_text(head + search.format("slow", [10]) + search.format("fast", [25, 50]))
    experiment = read_experiment(file)
    assert [variant.settings.finest for variant in experiment.variants] == [50, 50]
    file.write_text(head + 'resolutions = [32]\n[[search]]\nname = "a"\n')
    with pytest.raises(DanasError, match="no key 'resolutions'"):
        read_experiment(file)


def test_what_is_not_installed_is_told_apart_from_what_is_damaged(tmp_path: Path) -> None:
    for find, name in ((find_signal, "motion"), (find_family, "time_cnn")):
        with pytest.raises(NotInstalledError, match=name):
            find(name)
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.toml").write_text("format = 2\n")
    genome = {"signal": "motion", "family": "time_cnn", "rate": 10, "window": 1}
    row = {"id": "12345678", "index": 0, "genome": genome, "outcome": "complete"}
    front = {"schema": 2, "task": {"classes": ["a", "b"]}, "evaluations": [row], "candidates": []}
    (run / "front.json").write_text(json.dumps(front))
    with pytest.raises(DanasError, match="There is no signal 'motion'") as raised:
        RunFolder.open(run).front()
    assert "damaged" not in str(raised.value)


def test_every_toy_is_on_record() -> None:
    record = (EXAMPLE / f"{TOYS}-1.0.dist-info" / "RECORD").read_text().splitlines()
    named = {line.split(",")[0] for line in record}
    parts = (EXAMPLE / TOYS, EXAMPLE / f"{TOYS}-1.0.dist-info")
    there = {
        str(file.relative_to(EXAMPLE))
        for part in parts
        for file in part.iterdir()
        if file.is_file()
    }
    assert named == there


def test_the_contract_of_samplers_is_kept_in_a_space_of_toys(site: Path) -> None:
    kind = runpy.run_path(str(site / "tests" / "test_sampler.py"))["TestClimberOnMotion"]
    tests = [name for name in dir(kind) if name.startswith("test_")]
    assert len(tests) > 9
    for name in tests:
        getattr(kind(), name)()


def test_the_contracts_of_signals_and_families_are_kept(tmp_path: Path) -> None:
    contracts = [
        str(ROOT / "tests" / room / "test_contract.py") for room in ("signals", "families")
    ]
    path, toys = os.pathsep.join([str(ROOT / "host"), str(EXAMPLE)]), "motion or time_cnn"
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", toys, *contracts],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    passed = re.search(r"(\d+) passed", ended.stdout)
    assert passed is not None
    assert int(passed[1]) > 30

"""Runs that danas-hil 0.1.0 made, in the folder format1: they open, and tell what they told."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from cli.told import told
from danas_hil.base import DanasError
from danas_hil.measure import Measurement
from danas_hil.run import Front, RunFolder
from danas_hil.search import SearchSettings, steps_taken
from danas_hil.search.candidate import finetuned_steps
from danas_hil.search.supernet_source import find_supernet_source

RUNS = Path(__file__).parent / "format1"
IDS = {"subnets": ["36d8e18a", "c43e96da"], "layers": ["abf4f33c", "e9f3de3e"]}
CHOSEN = {"subnets": "36d8e18a", "layers": "e9f3de3e"}
ARENAS = {"36d8e18a": 10_944, "c43e96da": 15_136, "abf4f33c": 4_272, "e9f3de3e": 5_392}
"""Bytes that TensorFlow Lite Micro used on the computer that made the runs."""
EMULATED = {"36d8e18a": 8_948}
"""Those that it used on the emulated board, of the one candidate that was tried there."""


@pytest.fixture(params=list(IDS))
def run(request: pytest.FixtureRequest, tmp_path: Path) -> RunFolder:
    name: str = request.param
    return RunFolder.open(shutil.copytree(RUNS / name, tmp_path / "runs" / name))


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    status = told(*arguments)
    told_of = capsys.readouterr()
    assert status == 0, told_of.err
    return told_of.out


def test_the_front_is_read_with_its_candidates_and_all_evaluations(run: RunFolder) -> None:
    front = run.front()
    assert (front.run, front.chosen) == (run.name, CHOSEN[run.name])
    assert [candidate.id for candidate in front.candidates] == IDS[run.name]
    assert len(front.evaluations) == {"subnets": 12, "layers": 4}[run.name]
    assert [evaluation.index for evaluation in front.evaluations] == [
        *range(len(front.evaluations))
    ]
    assert all(evaluation.scores for evaluation in front.evaluations)


def test_the_scores_are_those_that_were_written(run: RunFolder) -> None:
    kept = json.loads(run.front_file.read_text())["candidates"]
    for candidate, written in zip(run.front().candidates, kept, strict=True):
        for name, scores in candidate.scores.items():
            assert scores.accuracy == written["scores"][name]["accuracy"]
            assert scores.precision == written["scores"][name]["precision"]
            assert scores.recall == written["scores"][name]["recall"]
            assert scores.images == 40


def test_genomes_say_what_they_said(run: RunFolder) -> None:
    genomes = {candidate.id: candidate.genome for candidate in run.front().candidates}
    if run.name == "subnets":
        assert genomes["36d8e18a"].data.shape == (16, 16, 3)
        assert genomes["c43e96da"].data.shape == (24, 24, 1)
        assert [genome.arch.short for genome in genomes.values()] == ["d11200 a0.1", "d13311 a0.1"]
    else:
        assert genomes["abf4f33c"].data.shape == (16, 16, 1)
        assert genomes["e9f3de3e"].data.shape == (16, 16, 3)
        assert [genome.arch.short for genome in genomes.values()] == ["c4s c2s c4s", "c8s c4"]


def test_the_settings_are_read(run: RunFolder) -> None:
    settings = SearchSettings.from_config(run.config())
    assert settings.trials == {"subnets": 12, "layers": 4}[run.name]
    assert settings.limits.ram_bytes == 256 * 1024
    assert all(evaluation.genome in settings.space for evaluation in run.front().evaluations)
    assert settings.task.classes == ("no person", "person")
    assert settings.task.positive == "person"


def test_another_width_for_monochrome_images_is_that_of_all_networks_of_the_run(
    tmp_path: Path,
) -> None:
    run = RunFolder.open(shutil.copytree(RUNS / "subnets", tmp_path / "run"))
    for file, usual, other in (
        (run.front_file, '"width_factor": 0.33', '"width_factor": 0.5'),
        (run.config_file, "monochrome_width = 0.33", "monochrome_width = 0.5"),
    ):
        text = file.read_text()
        assert usual in text
        file.write_text(text.replace(usual, other))
    settings, front = SearchSettings.from_config(run.config()), run.front()
    assert all(evaluation.genome in settings.space for evaluation in front.evaluations)
    genomes = [candidate.genome.to_json() for candidate in front.candidates]
    assert [genes["monochrome_width"] for genes in genomes] == [0.5, 0.5]


def test_what_a_focused_training_went_on_with_is_that_of_its_only_supernet(run: RunFolder) -> None:
    focus = "\n[supernet_focus]\nsteps = 130\nsteps_before = 25\n32-rgb = 1.0\n"
    run.config_file.write_text(run.config_file.read_text() + focus)
    assert run.config()["supernet_focus"] == {
        "shared": {"steps": 130, "steps_before": 25, "32-rgb": 1.0}
    }
    assert steps_taken({**run.config(), "supernet_steps": {"shared": 100}}) == 130


def test_the_focus_of_a_run_is_that_of_its_one_supernet(tmp_path: Path) -> None:
    run = RunFolder.open(shutil.copytree(RUNS / "subnets", tmp_path / "run"))
    assert steps_taken(run.config()) == 30
    focus = "\n[supernet_focus]\nbegin = 7\nplanned = 30\nsteps = 34\nshares = [0.5, 0.5]\n"
    run.config_file.write_text(run.config_file.read_text() + focus)
    assert steps_taken(run.config()) == 34


def test_what_carries_no_number_is_of_the_first_format(run: RunFolder) -> None:
    config, front = run.config(), run.front()
    numbered = run.config_file.read_text()
    run.config_file.write_text(numbered.replace("format = 1\n", ""))
    value = json.loads(run.front_file.read_text())
    del value["schema"]
    run.front_file.write_text(json.dumps(value))
    assert run.config_file.read_text() != numbered
    assert (run.config(), run.front()) == (config, front)


def test_the_measurements_are_read(run: RunFolder) -> None:
    measured = {place: Measurement.read(file) for place, file in run.measurements().items()}
    assert all(measurement.good for measurement in measured.values())
    arenas = {
        place: measurement.memory.arena_used_bytes if measurement.memory else None
        for place, measurement in measured.items()
    }
    assert arenas == _arenas(run)
    if run.name == "subnets":
        emulated = measured["36d8e18a", "qemu-m4"]
        assert emulated.sizes is not None
        assert emulated.sizes.flash_bytes == 113_264
        assert emulated.latency is not None
        assert emulated.latency.median_us == 14_307.6


def _arenas(run: RunFolder) -> dict[tuple[str, str], int | None]:
    """By candidate and target."""
    found: dict[tuple[str, str], int | None] = {(id_, "host"): ARENAS[id_] for id_ in IDS[run.name]}
    if run.name == "subnets":
        found |= {(id_, "qemu-m4"): arena for id_, arena in EMULATED.items()}
    return found


def test_compare_holds_each_estimate_against_its_measurement(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    out = json.loads(shown(capsys, "compare", str(run.path), "--json"))
    arenas = {
        (row["candidate"], row["target"]): (row["estimate"], row["observed"])
        for row in out["comparison"]["rows"]
        if (row["quantity"], row["model"]) == ("arena", "exact")
    }
    assert arenas == {place: (arena, arena) for place, arena in _arenas(run).items()}


def test_a_report_is_written(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    shown(capsys, "report", str(run.path))
    page = run.report_file.read_text()
    assert all(id_ in page for id_ in IDS[run.name])
    figures = json.loads((run.path / "figures.json").read_text())["figures"]
    assert sorted(row["id"] for row in figures["pareto_front"]) == IDS[run.name]
    measured = figures["measurements"]
    arenas = {(row["candidate"], row["target"]): row["arena_used_bytes"] for row in measured}
    assert arenas == _arenas(run)


def test_candidates_are_picked(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    kept = run.picks()
    assert (kept.ids if kept else None) == {"subnets": ("36d8e18a",), "layers": None}[run.name]
    shown(capsys, "pick", str(run.path), "--k", "2", "--board", "nano33ble")
    picks = run.picks()
    assert picks is not None
    assert CHOSEN[run.name] in picks.ids


def test_a_copy_is_exported_and_opens(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    copy = RunFolder(run.path.with_name("copy"))
    shown(capsys, "export", str(run.path), "--to", str(copy.path), "--all")
    assert copy.front().candidates == run.front().candidates
    shown(capsys, "compare", str(copy.path))


def test_a_part_of_the_front_is_exported_and_opens(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = RunFolder(run.path.with_name("copy"))
    shown(capsys, "pick", str(run.path), "--k", "1")
    shown(capsys, "export", str(run.path), "--to", str(copy.path))
    front, picks = copy.front(), run.picks()
    assert picks is not None
    assert tuple(candidate.id for candidate in front.candidates) == picks.ids
    assert front.evaluations == run.front().evaluations
    shown(capsys, "report", str(copy.path))


def test_what_was_measured_is_not_measured_again(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    before = {file: file.read_bytes() for file in run.measurements().values()}
    shown(capsys, "flash", str(run.path), "--board", "host", "--all")
    assert {file: file.read_bytes() for file in run.measurements().values()} == before


def test_candidates_are_measured_anew(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    again = ("--again", "--accuracy", "4")
    shown(capsys, "flash", str(run.path), "--board", "host", "--all", *again)
    for id_ in IDS[run.name]:
        measurement = Measurement.read(run.measured(id_, "host") / "measurement.json")
        assert measurement.good
        assert measurement.memory is not None
        assert measurement.memory.arena_used_bytes == ARENAS[id_]
        assert measurement.accuracy is not None
        assert measurement.accuracy.scores.images == 4


def test_a_genome_of_the_first_format_is_estimated_as_it_was(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    for candidate in run.front().candidates:
        genome = str(run.candidate(candidate.id) / "genome.json")
        out = json.loads(shown(capsys, "estimate", genome, "--board", "nano33ble", "--json"))
        exact = candidate.estimate["exact"]["nano33ble"]
        assert out[0]["arena"] == exact["arena"]
        assert out[0]["flash"]["model_bytes"] == exact["flash"]["model_bytes"]


def test_the_front_that_is_written_again_is_the_one_that_was_read(run: RunFolder) -> None:
    front = run.front()
    run.write_front(front)
    assert run.front() == front
    assert Front.from_json(front.to_json()) == front


def _content(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize(
    "command", [["resume"], ["worker"], ["train", "--steps", "5", "--all"]], ids=lambda c: c[0]
)
def test_what_would_go_on_with_the_search_refuses_and_says_what_to_do(
    run: RunFolder, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    if run.name == "layers" and command[0] == "train":
        return  # its candidates can't be trained further, whoever made the run
    before = _content(run.path)
    assert told(command[0], str(run.path), *command[1:]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "made by an older danas-hil" in said
    assert "Search anew, under another --name." in said
    assert _content(run.path) == before


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """The folder of an experiment whose one run 0.1 made, beside experiment.toml."""
    (tmp_path / "experiment.toml").write_text(
        """
data = "photos"
seeds = [5]
board = "nano33ble"
trials = 12
supernet_steps = 30
batch_size = 16
export_finetune_steps = 4
export_limit = 2
[[search]]
name = "subnets"
[search.space]
resolution = [16, 24]
colour = ["monochrome", "rgb"]
alpha = [0.1, 0.2]
"""
    )
    folder = tmp_path / "out"
    run = RunFolder(shutil.copytree(RUNS / "subnets", folder / "subnets-seed5"))
    config = run.config_file.read_text()
    config = config.replace('data = "faces"', f'data = "{tmp_path / "photos"}"')
    as_experiments = 'supernets = "../supernets/seed5-0123abcd"\ndecode_resolution = 24\n'
    run.config_file.write_text(config.replace("batch_size", f"{as_experiments}batch_size"))
    return folder


def _experiment(folder: Path) -> int:
    return told("experiment", str(folder.with_name("experiment.toml")), "--out", str(folder))


def test_an_experiment_that_has_ended_is_reported_on(
    experiment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = {"run": "subnets-seed5", "evaluations": 12, "reason": "all done", "seconds": 9.0}
    (experiment / "ended.json").write_text(json.dumps([ended]))
    assert _experiment(experiment) == 0, capsys.readouterr().err
    assert "65.0 %" in capsys.readouterr().out  # int8 validation accuracy of the chosen one
    assert "subnets" in (experiment / "report.html").read_text()


def test_an_experiment_that_has_not_ended_can_not_go_on(
    experiment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _content(experiment)
    assert _experiment(experiment) == 2
    assert "made by an older danas-hil" in " ".join(capsys.readouterr().err.split())
    assert _content(experiment) == before


def test_its_supernets_are_not_used_by_another_search() -> None:
    run = RunFolder.open(RUNS / "subnets")
    theirs = SearchSettings.from_config(run.config())
    ours = replace(theirs, supernet_steps=None, supernet_of=str(run.path))
    with pytest.raises(DanasError, match="made by an older danas-hil"):
        find_supernet_source(ours, run.path.with_name("new"))


@pytest.mark.parametrize(
    ("name", "key", "command"),
    [
        ("config.toml", "format", "report"),
        ("front.json", "schema", "compare"),
        ("front.json", "schema", "pick"),
        ("picks.json", "schema", "export"),
        ("measurement.json", "schema", "report"),
    ],
)
def test_a_newer_file_is_refused_by_what_reads_it(
    name: str, key: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunFolder(shutil.copytree(RUNS / "subnets", tmp_path / "run"))
    file = next(run.path.rglob(name))
    text = file.read_text()
    newer = re.sub(rf'^( *"?{key}"?) ?([=:]) \d+', r"\1 \2 99", text, count=1, flags=re.MULTILINE)
    assert newer != text
    file.write_text(newer)
    more = ["--to", str(tmp_path / "copy")] if command == "export" else []
    assert told(command, str(run.path), *more) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"{name} has {key} 99" in said
    assert "A newer danas-hil wrote it" in said


def test_a_newer_training_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "training.json").write_text('{"finetune_steps": 4, "format": 99}')
    with pytest.raises(DanasError, match=r"training\.json has format 99.*newer danas-hil"):
        finetuned_steps(tmp_path)

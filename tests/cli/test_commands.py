"""The commands, as a user types them."""

from __future__ import annotations

import inspect
import json
import shutil
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from danas_hil.base import DanasError, parse_duration
from danas_hil.board import load_board
from danas_hil.cli.app import app
from danas_hil.cli.show import format_duration
from danas_hil.estimate.latency import LatencyTable
from danas_hil.estimate.latency_tables import find_table, keep_table

from .conftest import Run


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


COMMANDS = {
    command.name or getattr(command.callback, "__name__", ""): inspect.getdoc(command.callback)
    for command in app.registered_commands
}
"""The help of each."""


class TestHelp:
    def test_it_loads_nothing_heavy(self) -> None:
        """`--help` is quick because of what it leaves out, on any machine."""
        code = "import sys, danas_hil.cli; print(*(m for m in sys.modules if '.' not in m))"
        loaded = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
        assert "typer" in loaded
        heavy = {"tensorflow", "keras", "optuna", "numpy", "PIL", "pyarrow", "tflite", "serial"}
        assert not heavy & set(loaded)

    @pytest.mark.parametrize("command", sorted(COMMANDS))
    def test_every_command_explains_itself(self, command: str) -> None:
        result = invoke(command, "--help")
        assert result.exit_code == 0
        assert "Usage:" in result.output
        if command != "demo":
            assert f"danas-hil {command}" in result.output

    @pytest.mark.parametrize("command", sorted(COMMANDS))
    def test_its_lines_are_not_broken_at_80_columns(self, command: str) -> None:
        """The first paragraph is filled anew; all others are shown line by line."""
        _, *rest = (COMMANDS[command] or "").split("\n\n")
        assert max((len(line) for part in rest for line in part.splitlines()), default=0) <= 78

    def test_the_version_is_told(self) -> None:
        assert invoke("--version").output.startswith("danas-hil ")


class TestBoards:
    def test_all_boards_and_classes_are_listed(self) -> None:
        output = invoke("boards", "list").output
        assert "nano33ble" in output
        assert "medium" in output
        assert max(map(len, output.splitlines())) <= 80

    def test_json_tells_the_same(self) -> None:
        content = json.loads(invoke("boards", "list", "--json").output)
        assert {b["id"]: b["ram_bytes"] for b in content["boards"]}["nucleo_f446re"] == 131072
        assert content["device_classes"]["large"]["flash_bytes"] == 2097152

    def test_one_board_is_shown(self) -> None:
        assert (
            json.loads(invoke("boards", "show", "qemu-m4", "--json").output)["kind"] == "emulated"
        )

    def test_an_unknown_board_is_a_clear_error(self, danas: Run, tmp_path: Path) -> None:
        done = danas("boards", "show", "uno", folder=tmp_path)
        assert done.returncode == 2
        assert "There is no board 'uno'" in done.stderr
        assert "nano33ble" in done.stderr
        assert "Traceback" not in done.stderr


def test_doctor_tells_versions_and_hints() -> None:
    findings = {f["what"]: f for f in json.loads(invoke("doctor", "--json").output)}
    assert findings["python"]["found"]
    assert "pip install" in findings["tensorflow"]["hint"]
    assert findings["pio"]["found"]


class TestSearch:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["signs", "--ram", "much"], "'much' is not a size"),
            (["signs", "--ram", "12"], "impossible"),
            (["signs", "--ram", "2kB", "--flash", "1MB"], "No genome fits"),
            (["signs", "--board", "nano"], "There is no board 'nano'"),
            (["signs", "--board", "host", "--device-class", "small"], "both set limits"),
            (["signs", "--time-budget", "soon"], "'soon' is not a duration"),
            (["signs", "--resolutions", "8"], "too small"),
            (["signs", "--resolutions", "big"], "'big' is no resolution"),
            (["signs", "--colours", "sepia"], "no colour 'sepia'"),
            (["signs", "--space", "layer"], "no search space file layer"),
            (
                ["signs", "--space", "hardware-aware", "--resolutions", "32,64"],
                "one data configuration",
            ),
            (["signs", "--sampler", "lucky"], "no sampler 'lucky'"),
            (["signs", "--weights", "1,2"], "has 2 numbers, not 5"),
            (["signs", "--name", "../x"], "no name for a run"),
            (["no/such/folder"], "no folder"),
        ],
    )
    def test_what_makes_no_sense_is_told_at_once(
        self, arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        result = invoke("search", "--trials", "3", "--supernet-steps", "3", *arguments)
        assert isinstance(result.exception, DanasError)
        assert message in str(result.exception)

    def test_a_run_is_never_overwritten(self, danas: Run, searched: Path) -> None:
        done = danas("search", "signs", "--name", "small", folder=searched.parents[1])
        assert done.returncode == 2
        assert "resume" in done.stderr

    def test_the_supernet_of_a_run_serves_another_search(
        self, danas: Run, searched: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = searched.parents[1]
        monkeypatch.chdir(folder)
        of = ("search", "signs", "--supernet-of", "runs/small", "--trials", "1")
        for options, message in (
            (("--supernet", "shared"), "--supernet can't be given with --supernet-of"),
            (("--supernet-steps", "3"), "--supernet-steps can't be given with --supernet-of"),
            (("--resolutions", "16,32"), "lacks the resolution 32"),
        ):
            refused = invoke(*of, "--name", "tiny", *options)
            assert isinstance(refused.exception, DanasError)
            assert message in str(refused.exception)
            assert not (folder / "runs" / "tiny").exists()
        space = ("--space", "space.toml", "--resolutions", "16", "--export-limit", "1")
        done = danas(*of, "--name", "tiny", *space, folder=folder)
        assert done.returncode == 0, done.stderr
        assert "training steps (of small): shared 15" in done.stderr
        config = tomllib.loads((folder / "runs" / "tiny" / "config.toml").read_text())
        assert config["search"]["supernet_of"] == "../small"

    def test_a_finished_run_can_be_resumed_and_stays_as_it_is(
        self, danas: Run, searched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also where its board was calibrated meanwhile."""
        copy = shutil.copytree(searched, tmp_path / "copy")
        before = json.loads((copy / "front.json").read_text())
        monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path / "home"))
        table = find_table(load_board("qemu-m4"))
        assert isinstance(table, LatencyTable)
        keep_table(replace(table, rates={kernel: {"call": 1.0} for kernel in table.rates}))
        done = danas("resume", str(copy), "--json", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        after = json.loads((copy / "front.json").read_text())
        assert after["candidates"] == before["candidates"]
        assert json.loads(done.stdout)["evaluations"] == 10

    def test_the_front_has_models_scores_and_estimates(self, searched: Path) -> None:
        front = json.loads((searched / "front.json").read_text())
        assert 1 <= len(front["candidates"]) <= 3
        assert len(front["evaluations"]) == 10
        for candidate in front["candidates"]:
            folder = searched / "candidates" / candidate["id"]
            assert {f.name for f in folder.iterdir()} >= {
                "model.keras",
                "model.tflite",
                "golden.npz",
                "genome.json",
                "estimate.json",
            }
            assert set(candidate["scores"]) == {
                "float_validation",
                "int8_validation",
                "float_test",
                "int8_test",
            }
            exact = candidate["estimate"]["exact"]["qemu-m4"]
            assert exact["flash"]["model_bytes"] == (folder / "model.tflite").stat().st_size
        trained = sorted(candidate["finetune_steps"] for candidate in front["candidates"])
        assert trained[-1] == 2
        assert set(trained) <= {0, 2}
        assert front["chosen"] in [candidate["id"] for candidate in front["candidates"]]

    def test_config_tells_how_the_run_was_made(self, searched: Path) -> None:
        text = (searched / "config.toml").read_text()
        assert "[data.train_images]\nblue-arrow = 180\nred-arrow = 180\n" in text
        assert "[versions]" in text


class TestMeasuring:
    def test_flash_compare_report_and_estimate_need_no_search_extra(
        self, danas: Run, searched: Path, tmp_path: Path
    ) -> None:
        """A lab computer has no TensorFlow: a bundle goes on from there."""
        bundle = tmp_path / "bundle"
        assert danas("export", str(searched), "--to", str(bundle), folder=tmp_path).returncode == 0
        assert not (bundle / "study.db").exists()
        assert not (bundle / "supernets").exists()
        blocker = tmp_path / "blocker"
        blocker.mkdir()
        (blocker / "sitecustomize.py").write_text(
            "import sys\n"
            "for name in ('tensorflow', 'keras', 'optuna', 'ai_edge_litert', 'PIL', 'pyarrow'):\n"
            "    sys.modules[name] = None\n"
        )
        env = {"PYTHONPATH": str(blocker)}
        flashed = danas("flash", str(bundle), "--board", "host", folder=tmp_path, env=env)
        assert flashed.returncode == 0, flashed.stderr
        assert "equal" in flashed.stdout
        compared = danas("compare", str(bundle), "--json", folder=tmp_path, env=env)
        rows = json.loads(compared.stdout)["comparison"]["rows"]
        exact = [r for r in rows if r["quantity"] == "arena" and r["model"] == "exact"]
        assert exact
        assert {row["error"] for row in exact} == {0}
        paper = [r for r in rows if r["quantity"] == "arena" and r["model"] == "paper"]
        assert all(row["error"] < 0 for row in paper)
        reported = danas("report", str(bundle), folder=tmp_path, env=env)
        assert reported.returncode == 0, reported.stderr
        assert (bundle / "report.html").stat().st_size > 10_000
        model = next(bundle.glob("candidates/*/model.tflite"))
        fits = danas("estimate", str(model), "--json", folder=tmp_path, env=env)
        assert fits.returncode == 0, fits.stderr
        assert json.loads(fits.stdout)[0]["arena"]["minimum_bytes"] > 1000
        search = danas("search", "signs", folder=tmp_path, env=env)
        assert search.returncode == 2
        assert "danas-hil[search]" in search.stderr

    def test_a_model_file_is_measured_by_itself(
        self, danas: Run, searched: Path, tmp_path: Path
    ) -> None:
        model = next(searched.glob("candidates/*/model.tflite"))
        done = danas("flash", str(model), "--board", "host", "--json", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        measurement = json.loads(done.stdout)["measurements"][0]
        assert measurement["kind"] == "host"
        assert measurement["parity"]["random_inputs"]
        assert (tmp_path / "measured" / "model" / "host" / "measurement.json").is_file()

    def test_a_damaged_model_fails_its_batch_with_exit_code_1(
        self, danas: Run, searched: Path, tmp_path: Path
    ) -> None:
        copy = shutil.copytree(searched, tmp_path / "copy")
        models = sorted(copy.glob("candidates/*/model.tflite"))
        models[0].write_bytes(models[0].read_bytes()[:500])
        done = danas("flash", str(copy), "--board", "host", "--all", "--json", folder=tmp_path)
        assert done.returncode == 1, done.stderr
        statuses = {m["model"]: m["status"] for m in json.loads(done.stdout)["measurements"]}
        damaged = models[0].parent.name
        assert statuses.pop(damaged) != "OK"
        assert set(statuses.values()) <= {"OK"}

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["flash", "RUN", "--board", "host", "--candidate", "nobody"], "no candidate nobody"),
            (["flash", "nothing.tflite", "--board", "host"], "no file nothing.tflite"),
            (["flash", "elsewhere", "--board", "host"], "is not a run"),
            (["compare", "elsewhere"], "is not a run"),
            (["report", "elsewhere"], "is not a run"),
            (["resume", "elsewhere"], "is not a run"),
        ],
    )
    def test_what_is_not_there_is_told(
        self, arguments: list[str], message: str, searched: Path
    ) -> None:
        result = invoke(*(str(searched) if a == "RUN" else a for a in arguments))
        assert isinstance(result.exception, DanasError)
        assert message in str(result.exception)


class TestEstimate:
    def test_a_file_that_is_no_model_is_told_without_a_traceback(
        self, danas: Run, tmp_path: Path
    ) -> None:
        (tmp_path / "torn.tflite").write_bytes(b"TFL3 or not")
        done = danas("estimate", "torn.tflite", "gone.tflite", "--json", folder=tmp_path)
        assert done.returncode == 2
        first, second = json.loads(done.stdout)
        assert first["error"]["what"]
        assert "gone.tflite" in second["error"]["what"]
        assert "Traceback" not in done.stderr

    def test_what_does_not_fit_exits_with_1(self, searched: Path, tmp_path: Path) -> None:
        model = str(next(searched.glob("candidates/*/model.tflite")))
        result = invoke("estimate", model, "--ram", "2kB")
        assert result.exit_code == 1
        assert "DOES NOT FIT" in result.output
        page = tmp_path / "plan.html"
        assert invoke("estimate", model, "--html", str(page)).exit_code == 0
        assert "<svg" in page.read_text()

    def test_builds_are_listed(self) -> None:
        names = [
            row["name"] for row in json.loads(invoke("estimate", "--list-builds", "--json").output)
        ]
        assert names == ["arduino", "current", "host"]


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("30m", 1800), ("1.5h", 5400), ("1h30m", 5400)]
)
def test_durations_are_understood(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "1x", "h", "-5m", "5 5"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(DanasError, match="is not a duration"):
        parse_duration(text)


def test_durations_are_told_in_words() -> None:
    assert [format_duration(s) for s in (5, 600, 3900)] == ["5 s", "10 min", "1 h 05 min"]

"""flash with boards: addresses, accuracy and Ctrl-C."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from danas_hil import convert, tflm
from danas_hil.base import DanasError
from danas_hil.board import board_names, load_board
from danas_hil.cli.app import app
from danas_hil.measure import measuring
from danas_hil.run import RunFolder
from danas_hil.tasks import Scores
from tasks.some_tasks import SIGNS


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def run(searched: Path, tmp_path: Path) -> Path:
    """A finished run of which nothing has been measured."""
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    copy = shutil.copytree(searched, tmp_path / "copy")
    for folder in copy.glob("candidates/*/host"):
        shutil.rmtree(folder)
    return copy


class TestAddresses:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--board", "uno"], "There is no board 'uno'"),
            (["--board", "nano33ble@A", "--device", "B"], "name two devices"),
            (["--board", "nano33ble@"], "lacks what comes after the @"),
            (["--board", "host", "--device", "A"], "neither devices nor an arena"),
            (["--board", "host", "--arena-margin", "1kB"], "neither devices nor an arena"),
            (["--board", "host", "--arena-margin", "much"], "'much' is not a size"),
            (["--board", "nano33ble", "--arena-margin", "1GB"], "is not a size"),
            (["--board", "qemu-m4", "--arena-margin", "99999MB"], "has 4 MB of RAM: an arena"),
        ],
    )
    def test_one_that_makes_no_sense_is_told(self, arguments: list[str], message: str) -> None:
        result = invoke("flash", "model.tflite", *arguments)
        assert isinstance(result.exception, DanasError)
        assert message in str(result.exception)

    def test_an_emulated_board_is_nowhere_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("shutil.which", lambda name, **_: name)
        result = invoke("doctor", "--board", "qemu-m4@A")
        assert isinstance(result.exception, DanasError)
        assert "qemu-m4 is emulated" in str(result.exception)

    @pytest.mark.parametrize(
        "name", [one for one in board_names() if load_board(one).kind == "real"]
    )
    def test_a_board_that_is_not_connected_is_told_at_once(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("serial.tools.list_ports.comports", list)
        for command in (("doctor",), ("flash", "model.tflite")):
            result = invoke(*command, "--board", name)
            assert isinstance(result.exception, DanasError)
            assert f"({name})" in result.exception.what
            assert "is not connected" in result.exception.what

    def test_tools_that_are_missing_are_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("shutil.which", lambda *_, **__: None)
        result = invoke("doctor", "--board", "qemu-m4")
        assert isinstance(result.exception, DanasError)
        assert "qemu-system-arm" in result.exception.what
        assert "apt install" in result.exception.hint

    def test_a_library_that_is_nowhere_ends_the_batch_before_it_begins(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr("shutil.which", lambda name, **_: name)
        monkeypatch.setenv("DANAS_TFLM_LIBRARY", str(tmp_path))
        result = invoke("flash", "model.tflite", "--board", "qemu-m4")
        assert isinstance(result.exception, DanasError)
        assert "DANAS_TFLM_LIBRARY" in str(result.exception)


class TestAccuracy:
    def test_images_of_the_run_are_classified_on_the_target(self, run: Path) -> None:
        result = invoke("flash", str(run), "--board", "host", "--accuracy", "12", "--json")
        assert result.exit_code == 0, result.output
        for one in json.loads(result.stdout)["measurements"]:
            scores = one["accuracy"]["scores"]
            assert scores["images"] == 12
            assert 0 <= scores["accuracy"] <= 1
        table = invoke("compare", str(run)).output
        assert "Classified there" in table
        assert "test examples" in table

    def test_all_images_give_what_the_library_makes_of_them(self, run: Path) -> None:
        result = invoke("flash", str(run), "--board", "host", "--accuracy", "999", "--json")
        images = np.load(run / "test-images.npz")
        data = {c.id: c.genome.data.name for c in RunFolder.open(run).front().candidates}
        for one in json.loads(result.stdout)["measurements"]:
            model = (run / "candidates" / one["model"] / "model.tflite").read_bytes()
            inputs = convert.quantise_input(
                images[data[one["model"]]], convert.input_quantisation(model)
            )
            expected = Scores.of(images["labels"], tflm.run(model, inputs).argmax(axis=1), SIGNS)
            assert Scores.from_json(one["accuracy"]["scores"]) == expected
            assert expected.images == 200

    def test_a_run_without_test_images_is_told(self, run: Path) -> None:
        (run / "test-images.npz").unlink()
        result = invoke("flash", str(run), "--board", "host", "--accuracy", "5")
        assert isinstance(result.exception, DanasError)
        assert "test-images.npz" in str(result.exception)

    def test_a_file_has_no_test_images(self, tmp_path: Path) -> None:
        result = invoke("flash", "model.tflite", "--board", "host", "--accuracy", "5")
        assert isinstance(result.exception, DanasError)
        assert "about a run" in str(result.exception)


def test_ctrl_c_keeps_what_is_measured_and_the_same_command_goes_on(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = measuring.measure_candidate, []

    def interrupted(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments[1].name)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(measuring, "measure_candidate", interrupted)
    stopped = invoke("flash", str(run), "--board", "host", "--all")
    assert stopped.exit_code == 130
    assert "Stopped after 1 of 3" in stopped.stderr
    assert len(list(run.glob("candidates/*/host/measurement.json"))) == 1
    monkeypatch.setattr(measuring, "measure_candidate", real)
    again = invoke("flash", str(run), "--board", "host", "--all")
    assert again.exit_code == 0
    assert again.stderr.count("measured earlier") == 1
    assert "3 of 3" in again.stderr
    assert " left" in again.stderr, "the time that remains"

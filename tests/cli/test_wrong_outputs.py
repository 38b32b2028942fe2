"""Models that a board's library computes wrongly, on the command line."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from danas_hil.cli.app import app
from danas_hil.targets import HostTarget

models = pytest.importorskip("estimate.operator_models", reason="packing models needs `search`")


@pytest.fixture
def per_channel(tmp_path: Path) -> str:
    path = tmp_path / "per_channel.tflite"
    path.write_bytes(models.dense(scales=4))
    return str(path)


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


def test_estimate_exits_with_1_and_names_the_converters_switch(per_channel: str) -> None:
    told = invoke("estimate", per_channel)
    assert told.exit_code == 1
    assert "DOES NOT FIT" in told.output
    assert "disable_per_channel_quantization_for_dense_layers" in told.output
    done = invoke("estimate", per_channel, "--json")
    assert done.exit_code == 1
    (result,) = json.loads(done.output)
    assert (result["fits"], result["reasons"]) == (False, ["outputs"])


def test_flash_names_what_is_given_in_place_of_a_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    monkeypatch.chdir(tmp_path)
    Path("net.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(50))
    done = invoke("flash", "net.h5", "--board", "host", "--json")
    assert done.exit_code == 1
    (found,) = json.loads(done.stdout)["measurements"]
    assert "Keras model in HDF5" in found["failure"]["reason"]
    assert "TFLITE_BUILTINS_INT8" in found["failure"]["hint"]
    Path("saved").mkdir()
    Path("saved/saved_model.pb").write_bytes(b"")
    done = invoke("flash", "saved", "--board", "host")
    assert "saved is a SavedModel, not an int8 .tflite file" in str(done.exception)


def test_flash_passes_on_that_wrong_outputs_are_accepted(
    per_channel: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    given = []

    @contextlib.contextmanager
    def reach(*_: Any, accept_wrong_outputs: bool, **__: Any) -> Iterator[HostTarget]:
        given.append(accept_wrong_outputs)
        yield HostTarget()

    monkeypatch.setattr("danas_hil.measure.reach", reach)
    monkeypatch.chdir(tmp_path)
    for more in ([], ["--accept-wrong-outputs"]):
        assert invoke("flash", per_channel, "--board", "host", *more).exit_code == 0
    assert given == [False, True]

"""Every file of a run, torn, zeroed, replaced or mistyped: one sentence that names it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.told import told
from danas_hil.base import DanasError
from danas_hil.run import RunFolder
from danas_hil.search.candidate import has_model
from danas_hil.supernet import CHECKPOINT, Checkpoint, load

pytest.importorskip("tflite_micro", reason="needs the extra host")


ANYTHING = (0, 1, 2)
"""Good, a failed verdict, or told: never a traceback."""


@pytest.fixture(scope="module")
def whole(searched: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with picks, and one candidate measured on this computer."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    shutil.copytree(searched, folder)
    assert told("pick", str(folder), "--k", "1") == 0
    (picked,) = RunFolder.open(folder).picks().ids  # type: ignore[union-attr]
    for other in (folder / "candidates").iterdir():  # one is enough, and quick
        if other.name != picked:
            shutil.rmtree(other)
    front = json.loads((folder / "front.json").read_text())
    front["candidates"] = [one for one in front["candidates"] if one["id"] == picked]
    (folder / "front.json").write_text(json.dumps(front))
    assert told("flash", str(folder), "--board", "host") == 0
    return folder


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "run")


def damages(content: bytes, other: bytes) -> Iterator[bytes]:
    """Torn in the middle, zeroed, empty, and another file in its place."""
    yield content[: len(content) // 2]
    yield bytes(len(content))
    yield b""
    yield other
    torn = bytearray(content)
    torn[len(torn) // 2] ^= 0x55
    yield bytes(torn)


def commands(run: Path) -> Mapping[str, list[list[str]]]:
    """What reads each file, and neither trains nor searches."""
    flash, at = ["flash", str(run), "--board", "host", "--again"], str(run)
    export = ["export", at, "--to", str(run.with_name("copy"))]
    each = [["compare", at], ["report", at], flash]
    search = ["resume", at], ["worker", at], ["train", at, "--steps", "3"]
    return {
        "config.toml": [["report", at], *search],
        "front.json": [["pick", at, "--k", "1"], export, *each, search[2]],
        "picks.json": [export, flash, search[2]],
        "test-images.npz": [[*flash, "--accuracy", "2"]],
        "model.tflite": [*each, ["pick", at, "--board", "nano33ble"]],
        "golden.npz": [flash],
        "measurement.json": [*each, search[2]],
        "genome.json": [["estimate", str(next(run.glob("candidates/*/genome.json")))]],
        "estimate.json": each,
    }


FILES = ["config.toml", "front.json", "picks.json", "test-images.npz", "model.tflite", "golden.npz"]
FILES += ["measurement.json", "genome.json", "estimate.json"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_damaged_is_named_by_every_command_that_reads_it(
    name: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (file,) = run.rglob(name)
    content = file.read_bytes()
    other = b"[]" if file.suffix in (".npz", ".tflite") else (run / "test-images.npz").read_bytes()
    for damaged in damages(content, other):
        for command in commands(run)[name][: 1 if damaged == b"" else None]:
            file.write_bytes(damaged)
            shutil.rmtree(run.with_name("copy"), ignore_errors=True)
            if command[0] in ("resume", "worker", "train") and _is_whole(run, name):
                continue  # it would do its work
            capsys.readouterr()
            status = told(*command)
            shown = capsys.readouterr()
            assert status in ANYTHING
            if status == 2:
                assert file.name in " ".join((shown.err + shown.out).split()), (command, shown.err)
                assert "Error: " in shown.err


def _is_whole(run: Path, name: str) -> bool:
    """Whether the changed byte makes no difference to the reader."""
    folder = RunFolder(run)
    readers: dict[str, Callable[[], object]] = {
        "config.toml": folder.config,
        "front.json": folder.front,
        "picks.json": folder.picks,
    }
    try:
        readers.get(name, dict)()
    except DanasError:
        return False
    return True


def wrongs(value: Any) -> Iterator[Any]:
    """The value with each entry, down to the third level, of a type that it can't have; and NaN."""
    for change in (None, "text", [1], {"a": {}}, float("nan"), -1, 10**400):
        for place in _places(value, 3):
            copy = json.loads(json.dumps(value))
            parent = copy
            for key in place[:-1]:
                parent = parent[key]
            parent[place[-1]] = change
            yield copy


def _places(value: Any, depth: int) -> Iterator[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value[:1])
    for key, one in pairs:
        yield (key,)
        if depth > 1 and isinstance(one, dict | list):
            yield from ((key, *rest) for rest in _places(one, depth - 1))


READERS = {"front.json": "report", "measurement.json": "compare", "picks.json": "export"}


@pytest.mark.parametrize("name", READERS)
def test_an_entry_of_a_wrong_type_is_told_or_of_no_account(
    name: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (file,) = run.rglob(name)
    value = json.loads(file.read_text())
    value.pop("evaluations", None)  # thousands of them; a test of the front has them
    rng = np.random.default_rng(0)
    every = list(wrongs(value))
    for wrong in (every[i] for i in rng.choice(len(every), min(40, len(every)), replace=False)):
        file.write_text(json.dumps(wrong))
        shutil.rmtree(run.with_name("copy"), ignore_errors=True)
        more = ["--to", str(run.with_name("copy"))] if name == "picks.json" else []
        assert told(READERS[name], str(run), *more) in ANYTHING
        capsys.readouterr()


@pytest.mark.parametrize("name", ["model.tflite", "model.keras", "training.json"])
def test_a_model_that_is_damaged_is_told_before_it_is_exported_anew(name: str, run: Path) -> None:
    (folder,) = (run / "candidates").iterdir()
    assert has_model(folder)
    content = (folder / name).read_bytes()
    for damaged in list(damages(content, b"[]"))[:4]:
        (folder / name).write_bytes(damaged)
        with pytest.raises(DanasError, match=name) as error:
            has_model(folder)
        assert name == "model.tflite" or f"danas-hil resume {run}" in error.value.hint


def test_a_keras_model_that_is_damaged_is_named(run: Path) -> None:
    (file,) = run.rglob("model.keras")
    for damaged in list(damages(file.read_bytes(), b"[]"))[:4]:
        file.write_bytes(damaged)
        with pytest.raises(DanasError, match=r"model\.keras can't be read"):
            load(file)


def test_a_checkpoint_that_is_damaged_is_named(run: Path) -> None:
    (file,) = run.rglob(CHECKPOINT)
    content = file.read_bytes()
    saved = Checkpoint.load(file)
    for damaged in list(damages(content, b"[]"))[:4]:
        file.write_bytes(damaged)
        with pytest.raises(DanasError, match=CHECKPOINT):
            Checkpoint.load(file)
    with np.load(run / "test-images.npz") as images:  # another file of its kind
        np.savez(file, **images)
    with pytest.raises(DanasError, match=r"is damaged: it lacks 'made_by'"):
        Checkpoint.load(file)
    saved.weights[0] = np.nan
    saved.save(file)
    with pytest.raises(DanasError, match="weights holds what is no number"):
        Checkpoint.load(file)


@pytest.mark.parametrize("part", range(5))
def test_a_study_that_is_damaged_is_named_and_nothing_is_begun_on_it(
    part: int, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = run / "study.db"
    content = file.read_bytes()
    damaged = list(damages(content, b"[]"))[part]
    if part in (2, 4):  # empty: a study that begins; a byte: perhaps of no account
        damaged = content[: 3 * len(content) // 4] + bytes(len(content) // 4)
    file.write_bytes(damaged)
    assert told("worker", str(run)) == 2
    assert "study.db" in capsys.readouterr().err

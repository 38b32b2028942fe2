"""docs/files.md against a run that is made: each file and each key, and no other."""

from __future__ import annotations

import ast
import json
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.told import told
from danas_hil.board import figures
from danas_hil.estimate import latency_tables
from danas_hil.measure import record
from danas_hil.measure.remember import _SCHEMA as REMEMBERED
from danas_hil.run import RunFolder, folder, genomes, picks, records
from danas_hil.supernet import CHECKPOINT

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "files.md").read_text(encoding="utf-8")

TYPES: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "text": (str,),
    "boolean": (bool,),
    "list": (list,),
    "table": (dict,),
}


def section(title: str) -> str:
    """What stands below a heading, down to the next one."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"docs/files.md has no heading {title!r}"
    return found[1]


def rows(title: str) -> dict[str, str]:
    """The first two columns of the tables below a heading: keys or files, and what they are."""
    found = {}
    for line in section(title).splitlines():
        if line.startswith("| `"):
            first, second = line.split(" | ")[:2]
            found |= dict.fromkeys(re.findall(r"`([^`]+)`", first), second)
    return found


# -- keys ------------------------------------------------------------------------------------------


def leaves(value: Any, known: dict[str, str], place: str = "") -> Iterator[tuple[str, Any]]:
    """Every key of a JSON value as the page writes it, as deep as the page goes."""
    if isinstance(value, list):
        for one in value:
            yield from leaves(one, known, f"{place}[]")
        return
    for key, one in value.items():
        path = f"{place}.{key}" if place else key
        if path not in known and f"{place}.*" in known:
            path = f"{place}.*"
        inner = (f"{path}.", f"{path}[].")
        if path not in known and one is not None and any(k.startswith(inner) for k in known):
            yield from leaves(one, known, path)
        else:
            yield path, one


def check_keys(title: str, *values: Any) -> None:
    """Hold the keys of all `values` of a file, and their types, against the page."""
    known = rows(title)
    there: set[str] = set()
    for value in values:
        for path, one in leaves(value, known):
            if one is None and any(key.startswith(f"{path}.") for key in known):
                there.add(path)
                continue  # a table that there is nothing for
            assert path in known, f"docs/files.md does not tell {path} of {title}"
            kind, *_ = known[path].split(",")[0].split()
            if one is None:
                assert "or null" in known[path], f"{path} of {title} is null"
            elif kind != "any":
                fits = isinstance(one, TYPES[kind]) and (kind == "boolean") == isinstance(one, bool)
                assert fits, f"{path} of {title} is {one!r}, not {kind}"
            there.add(path)
    lacking = {
        key
        for key, kind in known.items()
        if key not in there and "optional" not in kind and not _below_null(key, there)
    }
    assert not lacking, f"{title} has no {', '.join(sorted(lacking))}"


def _below_null(key: str, there: set[str]) -> bool:
    parts = key.split(".")
    return any(".".join(parts[:depth]) in there for depth in range(1, len(parts)))


@pytest.fixture(scope="module")
def run(searched: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished run, picked from, measured on this computer and reported on."""
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    made = RunFolder(tmp_path_factory.mktemp("files") / "run")
    shutil.copytree(searched, made.path)
    assert told("pick", str(made.path), "--k", "1") == 0
    assert told("flash", str(made.path), "--board", "host", "--accuracy", "2") == 0
    assert told("report", str(made.path)) == 0
    return made


def read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def test_config_toml_is_as_the_page_says(run: RunFolder) -> None:
    config = tomllib.loads(run.config_file.read_text(encoding="utf-8"))
    check_keys("`config.toml`", config)
    assert config["format"] == folder.FORMAT


@pytest.mark.parametrize("name", ["front.json", "picks.json", "figures.json"])
def test_a_file_of_the_run_is_as_the_page_says(run: RunFolder, name: str) -> None:
    check_keys(f"`{name}`", read(run.path / name))


@pytest.mark.parametrize("name", ["genome.json", "training.json", "measurement.json"])
def test_a_file_of_a_candidate_is_as_the_page_says(run: RunFolder, name: str) -> None:
    found = [read(file) for file in run.path.glob(f"candidates/**/{name}")]
    assert found
    check_keys(f"`{name}`", *found)


def test_an_estimate_is_as_the_page_says(run: RunFolder) -> None:
    found = [read(file) for file in run.path.glob("candidates/*/estimate.json")]
    assert found
    check_keys("`estimate.json` of a candidate", *found)


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("golden.npz", "candidates/*/golden.npz"),
        ("test-images.npz", "test-images.npz"),
        (CHECKPOINT, f"supernets/*/{CHECKPOINT}"),
    ],
)
def test_arrays_are_as_the_page_says(run: RunFolder, name: str, pattern: str) -> None:
    known = rows(f"`{name}`")
    file = next(run.path.glob(pattern))
    with np.load(file) as arrays:
        there = {key: arrays[key] for key in arrays.files}
    assert {key if key in known else "*" for key in there} == set(known)
    for key, array in there.items():
        kind, shape = known.get(key, known.get("*", "")).split(" ", 1)
        assert array.dtype.kind == "U" if kind == "text" else array.dtype == kind
        assert array.ndim == len([part for part in shape.strip("()").split(",") if part])


# -- files -----------------------------------------------------------------------------------------


RUN, CANDIDATE, TARGET = (f"The folder of a {what}" for what in ("run", "candidate", "target"))


def names(title: str) -> set[str]:
    """The files and folders of the table below a heading."""
    return {name.split("/")[0] for name in rows(title)}


def test_every_file_of_the_run_stands_on_the_page(run: RunFolder) -> None:
    assert {file.name for file in run.path.iterdir()} <= names(RUN)
    for candidate in run.candidate("").iterdir():
        files = {file.name for file in candidate.iterdir() if file.is_file()}
        assert files == names(CANDIDATE) - {"TARGET"}
    assert run.measurements()
    for measurement in run.measurements().values():
        assert {file.name for file in measurement.parent.iterdir()} <= names(TARGET)


def test_every_file_of_the_page_is_one_that_the_sources_name() -> None:
    source = "".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "host" / "danas_hil").rglob("*.py")
    )
    for name in (names(RUN) | names(CANDIDATE) | names(TARGET)) - {"TARGET", "BOARD.toml"}:
        assert f'"{name}"' in source, f"nothing writes {name}"


def test_the_numbers_of_formats_are_those_of_the_sources() -> None:
    numbers = {
        "config.toml": folder.FORMAT,
        "front.json": records.SCHEMA,
        "genome.json": genomes.FORMAT,
        "picks.json": picks.SCHEMA,
        "measurement.json": record.SCHEMA,
        "boards/BOARD.json": figures._SCHEMA,
        "calibrations/BOARD.json": latency_tables._SCHEMA,
        "measurements/BOARD/BUILD/": REMEMBERED,
    }
    told_of = {
        name: int(number)
        for line in PAGE.splitlines()
        for name, number in re.findall(r"^\| `([\w./]+)` .*`(?:format|schema)` (\d+) \|$", line)
    }
    assert {name: told_of.get(name) for name in numbers} == numbers


def test_the_folders_of_the_user_are_those_that_the_sources_ask_for() -> None:
    asked = set()
    for file in (ROOT / "host" / "danas_hil").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "user_folder":
                assert isinstance(node.args[0], ast.Constant), file
                asked.add(str(node.args[0].value))
    told_of = {name.split("/")[0] for name in rows("The user's folder") if "/" in name}
    assert told_of == asked - {"."}

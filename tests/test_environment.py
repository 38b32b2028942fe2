"""docs/environment.md against the sources: each variable that is read, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "environment.md").read_text(encoding="utf-8")
PYTHON = [
    file
    for folder in ("host", "platforms", "tests", "benchmarks")
    for file in sorted((ROOT / folder).rglob("*.py"))
]
C = [
    file
    for folder in ("firmware", "templates", "tests")
    for suffix in ("*.cpp", "*.h", "*.j2")
    for file in sorted((ROOT / folder).rglob(suffix))
]
TREES = {file: ast.parse(file.read_text(encoding="utf-8")) for file in PYTHON}


def _constants() -> dict[str, str]:
    """Texts that a module gives a name in capitals, as `HARDWARE_MAP_VARIABLE`."""
    found: dict[str, str] = {}
    for tree in TREES.values():
        for node in tree.body:
            if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Constant):
                continue
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id.endswith("_VARIABLE"):
                    found[target.id] = str(node.value.value)
    return found


CONSTANTS = _constants()


def _is_environment(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "environ"


def _keys(tree: ast.AST) -> Iterator[ast.expr]:
    """What `os.environ` and `os.getenv` are asked for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and _is_environment(node.value):
            yield node.slice
        elif isinstance(node, ast.Compare) and any(map(_is_environment, node.comparators)):
            yield node.left
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of_environment = _is_environment(node.func.value)
            method = node.func.attr
            if method == "getenv" or (of_environment and method in ("get", "setdefault", "pop")):
                yield node.args[0]


def _names(key: ast.expr, tree: ast.AST) -> list[str]:
    """The variables that a key may be: a text, a constant, or what a comprehension goes through."""
    if isinstance(key, ast.Constant):
        return [str(key.value)]
    name = key.attr if isinstance(key, ast.Attribute) else getattr(key, "id", "")
    if name in CONSTANTS:
        return [CONSTANTS[name]]
    return [
        str(one.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.comprehension)
        and isinstance(node.target, ast.Name)
        and node.target.id == name
        and isinstance(node.iter, ast.Tuple)
        for one in node.iter.elts
        if isinstance(one, ast.Constant)
    ]


def _read() -> dict[str, str]:
    """Each variable that is read, with a file that reads it."""
    found: dict[str, str] = {}
    for file, tree in TREES.items():
        for key in _keys(tree):
            place = f"{file.relative_to(ROOT)}:{key.lineno}"
            names = _names(key, tree)
            assert names, f"{place}: which variable is {ast.unparse(key)}?"
            found |= dict.fromkeys(names, place)
    for file in C:
        for name in re.findall(r'\bgetenv\("(\w+)"\)', file.read_text(encoding="utf-8")):
            found[name] = str(file.relative_to(ROOT))
    return found


def _set() -> set[str]:
    """Each variable that programs are started with, beside those of the sources' own tests."""
    found = set()
    for file, tree in TREES.items():
        if not file.is_relative_to(ROOT / "host"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set(re.findall(r"^(?:PLATFORMIO_[A-Z_]+|TMPDIR)$", node.value))
    return found


def _section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def _told(text: str) -> set[str]:
    """Variables in the first column of the tables in `text`."""
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


BETWEEN = set(re.findall(r"`((?:NATIVE|FAKE)_\w+)`", _section("Tests and benchmarks")))
READ = _read()


@pytest.mark.parametrize("name", sorted(READ))
def test_a_variable_that_is_read_stands_on_the_page(name: str) -> None:
    started = _told(_section("Of the programs that it starts"))
    assert name in _told(PAGE) - started | BETWEEN | (started & {"TMPDIR"}), READ[name]


def test_every_variable_of_the_page_is_read() -> None:
    told = set()
    for title in ("danas-hil", "Of the libraries below it", "Tests and benchmarks"):
        told |= _told(_section(title))
    assert len(told) > 10
    assert not (told | BETWEEN) - set(READ) - {"DANAS_KILLED"}
    assert "DANAS_KILLED" in (ROOT / "tests" / "killing.py").read_text(encoding="utf-8")


def test_what_programs_are_started_with_stands_on_the_page_and_nothing_else() -> None:
    assert _told(_section("Of the programs that it starts")) == _set()


def test_variables_of_the_program_are_read_by_the_program() -> None:
    host = {
        name
        for file, tree in TREES.items()
        if file.is_relative_to(ROOT / "host")
        for key in _keys(tree)
        for name in _names(key, tree)
    }
    told = _told(_section("danas-hil")) | _told(_section("Of the libraries below it"))
    assert told == host


def test_variables_of_make_stand_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    given = set(re.findall(r"^([A-Z_]+) \?= ", makefile, re.MULTILINE))
    assert set(re.findall(r"`([A-Z_]+)`", _section("Variables of make"))) == given

"""Rooms know classes by their places: what a class is called stands in the data."""

import ast
import re
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "host" / "danas_hil"
KNOW_THEIRS = {"data/wake_vision.py", "run/format1.py"}
"""The reader of Wake Vision, and what 0.1 searched for in any images."""


def texts(tree: ast.AST) -> list[str]:
    """All texts of a module but its docstrings and other texts that stand alone."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        if isinstance(node.value, str)
        if id(node) not in alone
    ]


def test_no_room_speaks_of_the_class_of_one_data_set() -> None:
    found = {
        file.relative_to(PACKAGE).as_posix()
        for file in PACKAGE.rglob("*.py")
        for text in texts(ast.parse(file.read_text(encoding="utf-8")))
        if re.search(r"\b(no[ _])?persons?\b", text)
    }
    assert found == KNOW_THEIRS

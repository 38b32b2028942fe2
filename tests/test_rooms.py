"""The order of the rooms: each imports only those before it, and keeps to its own business."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from danas_hil.board import board_names

PACKAGE = Path(__file__).resolve().parents[1] / "host" / "danas_hil"

# From the ground up. `__init__` (the version) is everyone's.
ROOMS = (
    "base",
    "tasks",
    "data",
    "signals",
    "families",
    "space",
    "builds",
    "board",
    "estimate",
    "run",
    "tflm",
    "supernet",
    "convert",
    "study",
    "search",
    "experiment",
    "sketch",
    "platformio",
    "wire",
    "targets",
    "measure",
    "calibrate",
    "compare",
    "report",
    "pytest_plugin",
    "cli",
)
PURE = ("base", "families", "tasks", "space", "builds", "board", "estimate", "run")
HEAVY = (
    "ai_edge_litert",
    "keras",
    "optuna",
    "PIL",
    "pyarrow",
    "tensorflow",
    "tflite_micro",
    "tflite_runtime",
)
# What a computer without the extra [search] uses.
LIGHT = (*PURE, *ROOMS[ROOMS.index("sketch") :])

FILES = sorted(PACKAGE.rglob("*.py"))
TREES = {file: ast.parse(file.read_text(encoding="utf-8"), str(file)) for file in FILES}


def _room(file: Path) -> str:
    name = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "cli" if name == "__main__" else name


def _place(file: Path, node: ast.AST) -> str:
    return f"{file.relative_to(PACKAGE)}:{node.lineno}"  # type: ignore[attr-defined]


def _imported(file: Path) -> Iterator[tuple[ast.AST, str]]:
    """Every module that a file imports anywhere in it, with the names taken from it."""
    for node in ast.walk(TREES[file]):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{_place(file, node)}: a relative import"
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and _name(node.func) in ("require", "import_module"):
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant):
                yield node, str(first.value)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _in_rooms(*rooms: str) -> list[Path]:
    return [file for file in FILES if _room(file) in rooms]


def test_every_module_has_its_room() -> None:
    assert {_room(file) for file in FILES} - {"__init__"} <= set(ROOMS)
    assert set(PURE) <= {_room(file) for file in FILES}


def test_a_room_imports_only_rooms_before_it() -> None:
    wrong = []
    for file in FILES:
        for node, module in _imported(file):
            package, _, rest = module.partition(".")
            if package != "danas_hil" or not rest or _room(file) == "__init__":
                continue
            room = rest.split(".")[0]
            if room in ROOMS and ROOMS.index(room) > ROOMS.index(_room(file)):
                wrong.append(f"{_place(file, node)} imports {room}")
    assert not wrong


@pytest.mark.parametrize("room", PURE)
def test_the_ground_floors_know_nothing_of_training_and_search(room: str) -> None:
    wrong = [
        f"{_place(file, node)} imports {module}"
        for file in _in_rooms(room)
        for node, module in _imported(file)
        if module.split(".")[0] in HEAVY
    ]
    assert not wrong


def test_importing_a_light_room_brings_no_heavy_library() -> None:
    modules = []
    for file in _in_rooms(*LIGHT):
        if file.name == "__main__.py":
            continue  # importing it runs the command
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        modules.append(".".join(parts).removesuffix(".__init__"))
    program = (
        f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\n"
        f"print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == ""


def test_only_the_command_line_prints() -> None:
    wrong = []
    for file in FILES:
        if _room(file) == "cli":
            continue
        wrong += [
            f"{_place(file, node)} imports {module}"
            for node, module in _imported(file)
            if module.split(".")[0] in ("rich", "typer", "click")
        ]
        for node in ast.walk(TREES[file]):
            if not isinstance(node, ast.Call):
                continue
            writing = _name(node.func) in ("write", "writelines") and "sys.std" in ast.unparse(
                node.func
            )
            if writing or _name(node.func) in ("print", "pprint"):
                wrong.append(f"{_place(file, node)} prints")
    assert not wrong


def _compared(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            yield from (node.left, *node.comparators)
        elif isinstance(node, ast.MatchValue):
            yield node.value


def test_no_decision_hangs_on_the_id_of_a_board() -> None:
    # `host` is the name of a kind of board too, and kinds may be told apart.
    ids = set(board_names()) - {"host"}
    wrong = [
        f"{_place(file, constant)} compares with {constant.value!r}"
        for file in FILES
        for compared in _compared(TREES[file])
        for constant in ast.walk(compared)
        if isinstance(constant, ast.Constant) and constant.value in ids
    ]
    assert len(ids) > 5
    assert not wrong


def test_no_file_has_more_than_400_lines() -> None:
    long = {
        str(file.relative_to(PACKAGE)): lines
        for file in FILES
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long

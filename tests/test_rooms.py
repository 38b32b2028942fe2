"""The order of the rooms: each imports only those before it, and keeps to its own business."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from danas_hil.board import board_names
from danas_hil.data import wake_vision
from danas_hil.families import families
from danas_hil.signals import signals
from danas_hil.signals.image.sign_drawing import SIGNS

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


# -- what a seam hides: words that rooms outside must not know ------------------------------------

_OF_DATA = {"colour", "colours", "monochrome", "resolution", "resolutions", "rgb", "sample_rate"}
_OF_NETWORKS = {
    "alpha",
    "b3",
    "b4",
    "b5",
    "b6",
    "b7",
    "monochrome_width",
    "stem_height",
    "stem_width",
}
"""Genes whose names can mean nothing else: another signal or family may well call one `window`."""
_COMMON = {"layers"}
"""The name of a family that is also a word of the layer table, which all know."""
_OPTIONS_OF_IMAGES = ("cli/search_options.py", "cli/search_request.py", "cli/searching.py")
"""The options of `danas-hil search` are those of the default signal; others have files."""
_TESTS_FOR_OTHERS = ("search/samplers/contract.py",)
"""Tests name spaces to test in."""
_OF_FORMAT_1 = ("run/format1.py",)
"""What 0.1 wrote had one signal, two families and two classes."""


def _words(file: Path) -> Iterator[tuple[ast.AST, str]]:
    """Every identifier and every word of a text in a file, but for docstrings."""
    docs = set()
    for node in ast.walk(TREES[file]):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docs.add(node.value)
    for node in ast.walk(TREES[file]):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docs:
            yield from ((node, word) for word in re.findall(r"\w+", node.value))
        elif isinstance(node, ast.Name):
            yield node, node.id
        elif isinstance(node, ast.Attribute):
            yield node, node.attr
        elif isinstance(node, ast.arg) or (isinstance(node, ast.keyword) and node.arg):
            yield node, str(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node, node.name


def _said(words: set[str], but: Iterable[str], *rooms: str) -> list[str]:
    """Where one of the words is said outside the rooms and the files that may."""
    return [
        f"{_place(file, node)} says {word}"
        for file in FILES
        if _room(file) not in rooms and str(file.relative_to(PACKAGE)) not in but
        for node, word in _words(file)
        if word.lower() in words
    ]


def test_only_signals_know_what_may_be_chosen_about_data() -> None:
    known = {name for of in signals().values() for name in (*of.options, *of.space({}).genes)}
    assert known & _OF_DATA >= {"resolution", "resolutions", "colour", "colours"}
    terminal = ("cli/memory.py",)  # its colours are those of a terminal
    may = (*_OPTIONS_OF_IMAGES, *_TESTS_FOR_OTHERS, *_OF_FORMAT_1, *terminal)
    # A family may say in a hint what a whole space looks like.
    assert _said(_OF_DATA, may, "signals", "families") == []


def test_only_families_know_what_their_networks_are_made_of() -> None:
    known = {gene for family in families().values() for gene in family.space({}).to_json()}
    assert known >= _OF_NETWORKS
    may = (*_TESTS_FOR_OTHERS, *_OF_FORMAT_1, "cli/search_options.py")
    assert _said(_OF_NETWORKS | set(families()) - _COMMON, may, "families") == []


def test_no_room_knows_a_class_by_name() -> None:
    assert _said({"person", *wake_vision.CLASSES}, (*_OF_FORMAT_1, "data/wake_vision.py")) == []
    compared = [
        f"{_place(file, one)} compares with {one.value!r}"
        for file in FILES
        if _room(file) != "signals"
        for of in _compared(TREES[file])
        for one in ast.walk(of)
        if isinstance(one, ast.Constant) and one.value in {*wake_vision.CLASSES, *SIGNS}
    ]
    assert compared == []


def test_one_signal_or_family_is_reached_through_its_seam() -> None:
    seams = {
        "signals": ("interface", "registry", "shown", "order", "in_memory"),
        "families": ("interface", "registry", "table"),
    }
    of_the_demo = ("cli/running.py",)  # which shows what the built-in pictures tell
    wrong = []
    for file in FILES:
        for node, module in _imported(file):
            parts = module.split(".")
            if parts[0] != "danas_hil" or len(parts) < 4 or parts[1] not in seams:
                continue
            own = _room(file) == parts[1] or str(file.relative_to(PACKAGE)) in of_the_demo
            if not own and parts[2] not in seams[parts[1]]:
                wrong.append(f"{_place(file, node)} imports {module}")
    assert wrong == []

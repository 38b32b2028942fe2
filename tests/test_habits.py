"""What a function may be: short, with few parameters; and what is left alone of other libraries."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "host" / "danas_hil"
MOST_LINES = 80
MOST_PARAMETERS = 8
MOST_LINES_OF_A_COMMAND = 30  # of its body: its parameters are its options, its docstring its help


@dataclass(frozen=True)
class Function:
    place: str
    lines: int
    parameters: int
    body_lines: int
    is_command: bool

    @property
    def faults(self) -> list[str]:
        found = []
        if self.is_command and self.body_lines > MOST_LINES_OF_A_COMMAND:
            found.append(f"{self.place}: {self.body_lines} lines of body")
        if self.lines > MOST_LINES:
            found.append(f"{self.place}: {self.lines} lines")
        if self.parameters > MOST_PARAMETERS and not self.is_command:
            found.append(f"{self.place}: {self.parameters} parameters")
        return found


def functions(source: str, file: str) -> Iterator[Function]:
    tree = ast.parse(source)
    registered = set(_registered(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            yield Function(
                f"{file}: {node.name}",
                _last(node) - node.lineno + 1,
                len(_parameters(node.args)),
                _last(body[-1]) - body[0].lineno + 1 if body else 0,
                node.name in registered or any(map(_is_command, node.decorator_list)),
            )


def _registered(tree: ast.AST) -> Iterator[str]:
    """Functions that are made commands as in app.command()(function)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_command(node.func):
            yield from (name.id for name in node.args if isinstance(name, ast.Name))


def _is_command(node: ast.expr) -> bool:
    """app.command(…) of Typer, or app.callback(…)."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("command", "callback")
    )


def _parameters(arguments: ast.arguments) -> list[ast.arg]:
    """All but the object or class that a method belongs to."""
    given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    given += [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return [one for one in given if one.arg not in ("self", "cls")]


def _last(node: ast.stmt) -> int:
    assert node.end_lineno is not None
    return node.end_lineno


def test_functions_are_short_and_have_few_parameters() -> None:
    files = {str(file.relative_to(PACKAGE)): file for file in PACKAGE.rglob("*.py")}
    found = [
        function
        for name, file in files.items()
        for function in functions(file.read_text(encoding="utf-8"), name)
    ]
    assert sum(function.is_command for function in found) > 20
    assert not [fault for function in found for fault in function.faults]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def f(a, b, c, d, e, f, g, h):\n    pass", []),
        ("def f(a, b, c, d, e, f, g, *h, i):\n    pass", ["f: 9 parameters"]),
        ("class C:\n  def f(self, a, b, c, d, e, f, g, h, **i):\n    pass", ["f: 9 parameters"]),
        ("@app.command()\ndef f(a, b, c, d, e, f, g, h, i):\n    pass", []),
        ("def f(a, b, c, d, e, f, g, h, i):\n    pass\napp.command()(f)", []),
        ("def f():\n" + "    pass\n" * 80, ["f: 81 lines"]),
        ("@app.command()\ndef f():\n    '''\n\n\n'''\n" + "    pass\n" * 30, []),
        (
            "@app.command('x')\ndef f():\n    'help'\n" + "    pass\n" * 31,
            ["f: 31 lines of body"],
        ),
    ],
)
def test_what_is_long_is_seen(source: str, told: list[str]) -> None:
    found = [fault for function in functions(source, "a.py") for fault in function.faults]
    assert found == [f"a.py: {one}" for one in told]


# -- Optuna: what is private there may go in any release -------------------------------------------


def private_names(source: str) -> Iterator[str]:
    """Underscored names of anything but one's own object, and what Optuna keeps for itself."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            if (_is_private(node.attr) and not own) or node.attr == "system_attrs":
                yield ast.unparse(node)
        elif isinstance(node, ast.keyword) and node.arg == "system_attrs":
            yield node.arg
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("optuna"):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name for name in names if any(map(_is_private, name.split("."))))
        elif isinstance(node, ast.Constant) and str(node.value).startswith("optuna._"):
            yield node.value


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def test_nothing_private_of_optuna_is_used() -> None:
    """In every file that has to do with Optuna, and in the rooms that its objects come to."""
    files = [file for file in PACKAGE.rglob("*.py") if "optuna" in file.read_text(encoding="utf-8")]
    files += [*(PACKAGE / "study").rglob("*.py"), *(PACKAGE / "search").rglob("*.py")]
    assert len(set(files)) > 20
    used = {file: list(private_names(file.read_text(encoding="utf-8"))) for file in files}
    assert not {file.name: names for file, names in used.items() if names}


@pytest.mark.parametrize(
    "line",
    [
        "trial._trial_id",
        "study._storage.get_trial(0)",
        "self._sampler._get_generation_key()",
        "trial.system_attrs",
        "create_trial(system_attrs={})",
        "from optuna._transform import x",
        "from optuna.samplers.nsgaii._crossover import perform_crossover",
        "require('optuna._transform', 'search')",
    ],
)
def test_a_private_name_is_seen(line: str) -> None:
    assert len(list(private_names(line))) == 1
    assert not list(private_names("self._a.b(cls._c).__dict__; optuna.trial.create_trial()"))

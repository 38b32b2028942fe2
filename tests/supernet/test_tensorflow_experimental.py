"""What TensorFlow may take away in any release: where it is used, and that it is still there."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from danas_hil.base import DanasError
from danas_hil.supernet import tensorflow_experimental as experimental
from danas_hil.supernet.backend import tensorflow

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = Path(experimental.__file__).resolve()
PRIVATE = re.compile(r"(tensorflow\.(python|.*experimental)|keras\.src)\b\S*")
GONE = "TensorFlow has dropped it: see what the docstring in tensorflow_experimental.py says to do"


def test_no_other_module_uses_what_is_experimental_or_private() -> None:
    files = [*(ROOT / "host").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    assert ALLOWED in files
    used = {file: list(_used(file)) for file in files}
    assert len(used.pop(ALLOWED)) == 2  # the third is known by the converter's attribute
    assert not {file: names for file, names in used.items() if names}


def _used(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr.lstrip("_").startswith("experimental"):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from filter(PRIVATE.fullmatch, [node.value])  # as import_module takes it
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if PRIVATE.fullmatch(alias.name))
        elif isinstance(node, ast.ImportFrom):
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from filter(PRIVATE.fullmatch, names)


@pytest.mark.parametrize(
    "line",
    [
        "tf.config.experimental.enable_op_determinism()",
        "converter._experimental_new_quantizer = True",
        "from tensorflow.python.framework import ops",
        "import tensorflow.python.ops",
        "require('tensorflow.python.ops', 'search')",
        "from tensorflow import experimental",
        "from keras.src import layers",
    ],
)
def test_such_a_use_is_seen(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.py").write_text(line)
    assert len(list(_used(tmp_path / "a.py"))) == 1


def test_every_one_says_what_to_do_when_it_goes() -> None:
    public = [
        function
        for name, function in inspect.getmembers(experimental, inspect.isfunction)
        if function.__module__ == experimental.__name__ and not name.startswith("_")
    ]
    assert len(public) == 3
    assert all("When it goes:" in inspect.getdoc(function) for function in public)


def test_operators_can_be_made_deterministic() -> None:
    assert hasattr(tensorflow().config.experimental, "enable_op_determinism"), GONE


def test_variables_become_constants() -> None:
    tf = tensorflow()
    variable = tf.Variable(np.float32(3))
    function = tf.function(lambda x: x * variable).get_concrete_function(tf.constant(1.0))
    constant = experimental.frozen(function)
    assert "ReadVariableOp" in {node.op for node in function.graph.as_graph_def().node}
    assert "ReadVariableOp" not in {node.op for node in constant.graph.as_graph_def().node}, GONE


def test_dense_layers_get_one_scale() -> None:
    """That the switch does something is held where a model is converted (tests/test_convert.py)."""
    tf = tensorflow()
    function = tf.function(lambda x: x).get_concrete_function(tf.TensorSpec((1, 4)))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
    experimental.quantise_dense_layers_per_tensor(converter)
    with pytest.raises(DanasError, match=r"has no tf\.lite\.TFLiteConverter\._experimental_dis"):
        experimental.quantise_dense_layers_per_tensor(object())

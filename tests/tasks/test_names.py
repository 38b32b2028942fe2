from __future__ import annotations

import json
from pathlib import Path

import pytest

from danas_hil.base import DanasError
from danas_hil.tasks import UNKNOWN, ClassNames, ordered, read_class_map, text_of


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["dog", "cat"], ("cat", "dog")),
        (["10", "9", "-2", "0"], ("-2", "0", "9", "10")),
        (["10", "9", "x"], ("10", "9", "x")),
    ],
)
def test_names_are_in_the_order_of_letters_or_numbers(
    names: list[str], expected: tuple[str, ...]
) -> None:
    assert ordered(names) == expected


@pytest.mark.parametrize(
    ("value", "names", "expected"),
    [
        ("dog", (), "dog"),
        (b"dog", (), "dog"),
        (3, (), "3"),
        (1, ("cat", "dog"), "dog"),
        (2, ("cat", "dog"), "2"),
        (True, ("cat", "dog"), "dog"),
        (False, (), "false"),
        (-1, (), None),
        (-2, ("cat", "dog"), "-2"),
        (None, (), None),
    ],
)
def test_a_value_is_called_as_the_data_have_it(
    value: object, names: tuple[str, ...], expected: str | None
) -> None:
    assert text_of(value, names) == expected


@pytest.mark.parametrize("value", [1.5, [1], {}])
def test_what_is_no_label_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="is no label"):
        text_of(value)


def test_without_a_map_names_are_classes_and_others_an_error() -> None:
    names = ClassNames.of(("cat", "dog"), None, "pets")
    assert names.classes == ("cat", "dog")
    assert [names.label(name, "f:0") for name in ("dog", "cat", None)] == [1, 0, UNKNOWN]
    with pytest.raises(DanasError, match=r"f:7 has the label 'dgo'.*mean dog\?.*--classes"):
        names.label("dgo", "f:7")


def test_a_map_joins_names_orders_classes_and_drops_the_rest() -> None:
    chosen = {"wolf": "dog", "dog": "dog", "cat": "cat"}
    names = ClassNames.of(("cat", "dog", "rat", "wolf"), chosen, "pets")
    assert names.classes == ("dog", "cat")
    found = [names.label(name, "f:0") for name in ("cat", "dog", "rat", "wolf", "unheard of")]
    assert found == [1, 0, UNKNOWN, 0, UNKNOWN]


def test_a_map_may_have_the_numbers_of_names_that_the_data_count() -> None:
    chosen = {"0": "airplane", "dog": "animal", "1": "animal"}
    names = ClassNames.of(("plane", "cat", "dog"), chosen, "pets", numbered=True)
    assert [names.label(name, "f:0") for name in ("plane", "cat", "dog")] == [0, 1, 1]


def test_a_class_that_nothing_goes_to_is_told_with_what_there_is() -> None:
    with pytest.raises(DanasError, match=r"goes to class cat: it has no ct.*mean cat\?.*cat, dog"):
        ClassNames.of(("cat", "dog"), {"ct": "cat", "dog": "dog"}, "pets")


def test_what_differs_has_another_identity() -> None:
    found = ("cat", "dog", "wolf")
    maps = (
        {"cat": "a", "dog": "b"},
        {"cat": "a", "dog": "b", "wolf": "b"},
        {"dog": "b", "cat": "a"},
    )
    identities = {ClassNames.of(found, one, "pets").identity for one in (None, *maps)}
    assert len(identities) == 4


def test_a_file_of_classes_is_read_without_what_is_null(tmp_path: Path) -> None:
    file = tmp_path / "classes.json"
    file.write_text(json.dumps({"wolf": "dog", "rat": None, "cat": "cat", "fox": "dog"}))
    assert list(read_class_map(file).items()) == [("wolf", "dog"), ("cat", "cat"), ("fox", "dog")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1]", "holds no table"),
        ("{", "can't be read"),
        ('{"a": 1, "b": "c"}', "gives 'a' the class 1"),
        ('{"a": "x", "b": "x"}', "fewer than two classes"),
        ('{"a": "x", "b": null}', "fewer than two classes"),
        ('{"a": "x", "b": "y", "a": "z"}', "has 'a' twice"),
    ],
)
def test_a_file_that_says_nothing_of_classes_is_told_with_its_form(
    tmp_path: Path, content: str, message: str
) -> None:
    file = tmp_path / "classes.json"
    file.write_text(content)
    with pytest.raises(DanasError, match=message) as caught:
        read_class_map(file)
    assert "several may go to one class" in caught.value.hint

"""docs/glossary.md against the sources: what it says stands in the code does."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "glossary.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"\(`([a-z_.]+\.[A-Z]\w+)`\)", PAGE)))
TERMS = re.findall(r"^\| ([^|]+) \| ", PAGE, re.MULTILINE)


def test_the_page_names_things_of_the_code() -> None:
    assert len(NAMED) > 15


@pytest.mark.parametrize("name", NAMED)
def test_a_name_of_the_page_is_one_of_the_code(name: str) -> None:
    room, _, thing = name.rpartition(".")
    assert hasattr(importlib.import_module(f"danas_hil.{room}"), thing)


def test_every_term_stands_there_once() -> None:
    terms = [part for term in TERMS if term not in ("term", "---") for part in term.split(", ")]
    assert len(terms) > 60
    assert sorted(set(terms)) == sorted(terms)

"""The pages: what they name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from test_rooms import ROOMS

TREE = Path(__file__).resolve().parents[1]
PAGES = sorted([*TREE.glob("*.md"), *TREE.glob("docs/**/*.md")])

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PATH = re.compile(r"(?<![\w/.])(?:tests|benchmarks|experiments|firmware)/[a-z0-9_/]+\.\w+")
_HEADING = re.compile(r"#+ (.+)")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TREE)))


def anchors(page: Path) -> set[str]:
    """What can stand behind a # in a link to `page`."""
    headings = filter(None, map(_HEADING.fullmatch, page.read_text(encoding="utf-8").splitlines()))
    plain = (re.sub(r"[^\w\- ]", "", heading[1].lower()) for heading in headings)
    return {words.replace(" ", "-") for words in plain}


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    wrong = []
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        place, _, anchor = link.partition("#")
        if "://" in place:
            continue
        target = (page.parent / place).resolve() if place else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    assert not wrong


@each_page
def test_files_of_the_tree_that_are_named_are_there(page: Path) -> None:
    """From the root of the tree, or from where the page lies; capitals stand for any name."""
    named = _PATH.findall(page.read_text(encoding="utf-8"))
    places = (TREE, page.parent)
    assert not [path for path in named if not any((place / path).is_file() for place in places)]


def test_the_page_on_the_architecture_names_every_room_from_the_ground_up() -> None:
    text = (TREE / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text[text.index("| room |") :].split("\n\n")[0].splitlines()[2:]
    assert tuple(row.split("|")[1].strip() for row in table) == ROOMS

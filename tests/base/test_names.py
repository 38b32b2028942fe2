from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.base import DanasError, check_inside, folder_name, plain_name


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "..", "../outside", "/etc", "a/b", "a\\b", "a\nb", "a\x1b[31m", "a\0",
        "\u202egpj", ".part-x", "\xe4" * 51, "x" * 101,
    ],
)  # fmt: skip
def test_what_leads_elsewhere_or_can_not_be_printed_is_no_name(name: str) -> None:
    with pytest.raises(DanasError, match=r"is no name for a run: .* Try another\.") as told:
        plain_name(name, "a run", "Try another.")
    assert str(told.value).isprintable()


@pytest.mark.parametrize(
    "name", ["porch", "Mein Lauf", "größe", "1f0c22ab", "-x", "a..b", "x" * 100]
)
def test_a_plain_name_stays_as_it_is(name: str) -> None:
    assert plain_name(name, "a run") == name


@given(st.text(max_size=300))
def test_any_text_makes_one_short_folder_name(text: str) -> None:
    name = folder_name(text)
    assert "/" not in name
    assert name.isprintable()
    assert len(name) <= 50
    assert folder_name(name) == name


def test_long_texts_have_folders_of_their_own() -> None:
    assert folder_name("x" * 300) != folder_name("x" * 299)
    assert folder_name("5F2A3B4C") == "5F2A3B4C"


def test_links_out_of_a_folder_are_refused_and_links_within_it_are_not(tmp_path: Path) -> None:
    run, outside = tmp_path / "run", tmp_path / "outside"
    (run / "candidates" / "a").mkdir(parents=True)
    outside.mkdir()
    (run / "candidates" / "b").symlink_to(outside)
    (run / "candidates" / "c").symlink_to(run / "candidates" / "a")
    link = tmp_path / "link"
    link.symlink_to(run)
    for good in ("candidates/a", "candidates/a/host", "candidates/c/host"):
        assert check_inside(link / good, link) == link / good
    (run / "candidates" / "a" / "build.log").symlink_to(outside / "anything")
    for bad in (
        "candidates/b",
        "candidates/b/host",
        "../outside",
        "candidates/../../x",
        "candidates/a",
    ):
        with pytest.raises(DanasError, match="leads out of"):
            check_inside(run / bad, run)

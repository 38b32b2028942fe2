"""A candidate's new folder takes the old one's place, killed or not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from danas_hil.run import RunFolder, new_folder, replace_candidate, settle


class KilledError(Exception):
    """Stands for kill -9."""


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run with one candidate, `old`, measured on a board, and its successor in the making."""
    run = RunFolder.create(tmp_path / "run", {})
    (run.measured("1", "board")).mkdir(parents=True)
    (run.candidate("1") / "model").write_text("old")
    (new_folder(run, "1") / "model").write_text("new")
    return run


def content(run: RunFolder) -> str:
    assert [folder.name for folder in run.candidate("").iterdir()] == ["1"]
    return (run.candidate("1") / "model").read_text()


def test_the_new_folder_takes_the_old_ones_place(run: RunFolder) -> None:
    replace_candidate(run, "1")
    assert content(run) == "new"
    assert not run.measured("1", "board").exists()


def test_what_was_not_yet_whole_is_dropped(run: RunFolder) -> None:
    settle(run)
    assert content(run) == "old"


@pytest.mark.parametrize("word", [1, 2, 3])
@pytest.mark.parametrize("heard", [False, True])
def test_a_kill_at_any_word_to_the_file_system_leaves_the_old_one_or_the_new_one(
    run: RunFolder, word: int, heard: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = 0

    def dying(function: Callable[..., Any]) -> Callable[..., Any]:
        def speak(*arguments: Any) -> Any:
            nonlocal said
            said += 1
            if said == word and not heard:
                raise KilledError
            answer = function(*arguments)
            if said == word:
                raise KilledError
            return answer

        return speak

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", dying(Path.rename))
        patch.setattr("shutil.rmtree", dying(shutil.rmtree))
        with pytest.raises(KilledError):
            replace_candidate(run, "1")
    settle(run)
    assert content(run) == ("old" if word == 1 and not heard else "new")

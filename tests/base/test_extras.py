import json
from pathlib import Path

import pytest

from danas_hil.base import DanasError, require


def test_an_installed_module_is_imported() -> None:
    assert require("json", "search") is json


@pytest.mark.parametrize("module", ["not_installed_here", "not_installed_here.part"])
def test_a_missing_module_names_itself_and_the_extra_that_brings_it(module: str) -> None:
    with pytest.raises(DanasError) as caught:
        require(module, "search")
    assert "not_installed_here" in caught.value.what
    assert "pip install 'danas-hil[search]'" in caught.value.hint


def test_a_broken_module_is_not_called_a_missing_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_for_a_test.py").write_text("import not_installed_here")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="not_installed_here"):
        require("broken_for_a_test", "search")

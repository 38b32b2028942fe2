"""Which space --space, --resolutions and --colours mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from danas_hil.base import DanasError
from danas_hil.space import DataConfig, LayerSpace, SearchSpace, choose_space, space_from_json


def test_the_default_is_data_aware() -> None:
    assert choose_space() == choose_space("data-aware") == SearchSpace()


def test_hardware_aware_search_has_the_data_genes_fixed() -> None:
    assert choose_space("hardware-aware").data_configs == (DataConfig(224, "rgb"),)
    chosen = choose_space("hardware-aware", [64], ["monochrome"])
    assert chosen.data_configs == (DataConfig(64, "monochrome"),)
    assert chosen.size == SearchSpace((64,), ("monochrome",)).size


@pytest.mark.parametrize(
    ("resolutions", "colours"), [([32, 64], None), (None, ["rgb", "monochrome"])]
)
def test_hardware_aware_search_of_several_is_refused(
    resolutions: list[int] | None, colours: list[str] | None
) -> None:
    with pytest.raises(DanasError, match="one resolution and one colour"):
        choose_space("hardware-aware", resolutions, colours)


def test_the_space_of_layers_has_the_same_data_genes() -> None:
    chosen = choose_space("layers")
    assert chosen == LayerSpace()
    assert chosen.data_configs == SearchSpace().data_configs
    assert choose_space("layers", [32], ["rgb"]).data_configs == (DataConfig(32, "rgb"),)


def test_a_file_gives_a_space_of_either_family(tmp_path: Path) -> None:
    file = tmp_path / "space.toml"
    file.write_text("resolution = [32]\nb3 = 1\n")
    assert choose_space(str(file), None, ["rgb"]) == SearchSpace((32,), ("rgb",), b3=(1,))
    file.write_text('family = "layers"\nresolution = 32\nlayers = [1, 2]\n')
    assert choose_space(str(file)) == LayerSpace((32,), layers=(1, 2))


def test_what_is_neither_a_name_nor_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DanasError) as caught:
        choose_space(str(tmp_path / "layer"))
    assert "hardware-aware" in caught.value.hint
    with pytest.raises(DanasError, match="no family of networks 'resnet'"):
        space_from_json({"family": "resnet"})

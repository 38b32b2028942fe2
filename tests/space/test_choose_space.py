"""Which space --space, --resolutions and --colours mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from danas_hil.base import DanasError
from danas_hil.signals.image import ImageConfig
from danas_hil.space import choose_space, space_from_json
from strategies import layer_space, make_space


def test_the_default_is_data_aware() -> None:
    assert choose_space() == choose_space("data-aware") == make_space()


def test_hardware_aware_search_has_the_data_genes_fixed() -> None:
    assert choose_space("hardware-aware").data_configs == (ImageConfig(224, "rgb"),)
    chosen = choose_space("hardware-aware", {"resolution": [64], "colour": ["monochrome"]})
    assert chosen.data_configs == (ImageConfig(64, "monochrome"),)
    assert chosen.size == make_space((64,), ("monochrome",)).size


@pytest.mark.parametrize(
    "genes",
    [{"resolution": [32, 64], "colour": None}, {"colour": ["rgb", "monochrome"]}],
    ids=["resolutions", "colours"],
)
def test_hardware_aware_search_of_several_is_refused(genes: dict[str, Any]) -> None:
    with pytest.raises(DanasError, match="one data configuration"):
        choose_space("hardware-aware", genes)


def test_the_space_of_layers_has_the_same_data_genes() -> None:
    chosen = choose_space("layers")
    assert chosen == layer_space()
    assert chosen.data_configs == make_space().data_configs
    narrow = choose_space("layers", {"resolution": [32], "colour": ["rgb"]})
    assert narrow.data_configs == (ImageConfig(32, "rgb"),)


def test_a_file_gives_a_space_of_any_family(tmp_path: Path) -> None:
    file = tmp_path / "space.toml"
    file.write_text("resolution = [32]\nb3 = 1\n")
    assert choose_space(str(file), {"colour": ["rgb"]}) == make_space((32,), ("rgb",), b3=(1,))
    file.write_text('family = "layers"\nresolution = 32\nlayers = [1, 2]\n')
    assert choose_space(str(file)) == layer_space((32,), layers=(1, 2))
    file.write_text('family = "ds_cnn"\nresolution = "96x64"\nblocks = [2, 4]\n')
    assert choose_space(str(file)) == make_space(("96x64",), family="ds_cnn", blocks=(2, 4))


def test_a_file_is_looked_for_in_the_folder_given(tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text("resolution = [32]\n")
    assert choose_space("space.toml", folder=tmp_path) == make_space((32,))


def test_what_stands_in_a_file_will_do_too() -> None:
    given = {"resolution": [32], "alpha": [0.1]}
    assert choose_space(given) == make_space((32,), alpha=(0.1,))
    assert choose_space(given, {"resolution": [64], "alpha": None}) == make_space(
        (64,), alpha=(0.1,)
    )
    assert given == {"resolution": [32], "alpha": [0.1]}


def test_genes_may_stand_in_tables_of_their_signal_and_family() -> None:
    tables = {"image": {"resolution": [32]}, "mobilenet_v2": {"alpha": [0.1]}}
    assert space_from_json(tables) == make_space((32,), alpha=(0.1,))
    assert choose_space(tables, {"resolution": [64]}) == make_space((64,), alpha=(0.1,))
    assert tables["image"] == {"resolution": [32]}


def test_a_gene_of_several_families_has_to_stand_in_a_table() -> None:
    both = {"family": ["mobilenet_v2", "ds_cnn"], "b3": [1], "blocks": [2]}
    assert space_from_json(both).families == ("mobilenet_v2", "ds_cnn")
    with pytest.raises(
        DanasError, match=r"mobilenet_v2 and ds_cnn both have a gene 'alpha'"
    ) as told:
        space_from_json({**both, "alpha": [0.5]})
    assert "[mobilenet_v2]" in told.value.hint
    space = space_from_json({**both, "ds_cnn": {"alpha": [0.5]}})
    assert space.genes["ds_cnn.alpha"] == (0.5,)
    assert len(space.genes["mobilenet_v2.alpha"]) == 10


def test_what_is_neither_a_name_nor_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DanasError) as caught:
        choose_space(str(tmp_path / "layer"))
    assert "hardware-aware" in caught.value.hint


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"family": "resnet"}, "no family of networks 'resnet'"),
        ({"signal": "smell"}, "no signal 'smell'"),
        ({"family": []}, "one family of networks or several"),
        ({"family": ["ds_cnn", "ds_cnn"]}, "each once"),
        ({"family": 3}, "names its signal and its families"),
        ({"signal": ["image"]}, "names its signal and its families"),
        ({"depth": [3]}, "no gene 'depth'"),
        ({"ds_cnn": {"alpha": [0.5]}}, "no gene 'ds_cnn'"),
        ({"mobilenet_v2": {"blocks": [3]}}, "no gene 'blocks'"),
        ({"image": [32]}, "no gene 'image'"),
    ],
)
def test_what_names_no_space_is_told(value: dict[str, Any], told: str) -> None:
    with pytest.raises(DanasError, match=told):
        space_from_json(value)

"""The folder of cores made of what PlatformIO has installed."""

from __future__ import annotations

import pytest

from cores.from_platformio import PLACES, link_cores


def test_every_core_is_linked_under_its_repositorys_name(tmp_path):
    for place in PLACES.values():
        (tmp_path / "home" / place.replace("*", "any")).mkdir(parents=True, exist_ok=True)
    link_cores(tmp_path / "home", tmp_path / "cores")
    assert {link.name for link in (tmp_path / "cores").iterdir()} == set(PLACES)
    assert all(link.is_dir() for link in (tmp_path / "cores").iterdir())


def test_what_is_not_installed_is_named(tmp_path):
    with pytest.raises(SystemExit, match="framework-arduinoststm32"):
        link_cores(tmp_path / "home", tmp_path / "cores")

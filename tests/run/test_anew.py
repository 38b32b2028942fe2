"""Each file of a run is made anew by a command that is told where it is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from danas_hil.run import anew


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("front.json", "danas-hil resume runs/porch"),
        ("test-images.npz", "danas-hil resume runs/porch"),
        ("picks.json", "danas-hil pick runs/porch"),
        ("config.toml", "Put back a copy of it"),
        ("candidates/1f/model.keras", "danas-hil resume runs/porch"),
        ("candidates/1f/golden.npz", "danas-hil resume runs/porch"),
        (
            "candidates/1f/nano33ble@7/measurement.json",
            "danas-hil flash runs/porch --board nano33ble@7 --candidate 1f",
        ),
        ("candidates/1f/nano33ble@7/estimate.json", "Remove it"),
    ],
)
def test_a_file_tells_the_command_that_makes_it_anew(file: str, command: str) -> None:
    told = anew(Path("runs/porch") / file)
    assert told.removeprefix("Make it anew: ").removeprefix("Pick anew: ").startswith(command)


def test_a_measurement_outside_a_run_is_flashed_again() -> None:
    assert "danas-hil flash" in anew(Path("measured/model/host/measurement.json"))

"""Things that other packages add by entry points."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from danas_hil.base import DanasError, registered

GROUP = "danas_hil.tests"
OURS = {"one": 1, "two": 2}


def package(folder: Path, name: str, points: str, module: str = "") -> None:
    """An installed package: its code, and the dist-info that says what it adds."""
    info = folder / f"{name}-1.5.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{points}\n")
    (folder / f"{name}.py").write_text(module)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_ours_come_first_and_those_of_others_by_name(site: Path) -> None:
    package(site, "toy_a", "zebra = toy_a:THING\nape = toy_a:THING", "THING = 3")
    found = registered(GROUP, OURS)
    assert list(found) == ["one", "two", "ape", "zebra"]
    assert len(found) == 4
    assert found["zebra"] == 3
    assert found["two"] == 2
    assert "bear" not in found
    with pytest.raises(KeyError):
        found["bear"]


def test_nothing_is_imported_before_it_is_asked_for(site: Path) -> None:
    package(site, "toy_b", "late = toy_b:THING", "THING = object()")
    found = registered(GROUP, OURS)
    assert "late" in found
    assert "toy_b" not in sys.modules
    assert found["late"] is found["late"]
    assert "toy_b" in sys.modules


def test_a_name_of_ours_stays_ours(site: Path) -> None:
    package(site, "toy_c", "one = toy_c:THING", "THING = 3")
    found = registered(GROUP, OURS)
    assert list(found) == ["one", "two"]
    assert found["one"] == 1


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("import not_installed_here", "No module named 'not_installed_here'"),
        ("OTHER = 3", "THING"),
        ("THING = = 3", "invalid syntax"),
        ("raise ValueError('no such luck.')", "no such luck"),
    ],
)
def test_one_that_cannot_be_imported_names_its_package_and_entry_point(
    site: Path, monkeypatch: pytest.MonkeyPatch, module: str, told: str
) -> None:
    monkeypatch.delitem(sys.modules, "toy_d", raising=False)
    package(site, "toy_d", "broken = toy_d:THING", module)
    found = registered(GROUP, OURS)
    assert list(found) == ["one", "two", "broken"]
    with pytest.raises(DanasError) as caught:
        found["broken"]
    for part in ("'broken'", "toy_d 1.5", GROUP, "toy_d:THING", told):
        assert part in caught.value.what
    assert caught.value.hint == "Mend or uninstall toy_d 1.5."


def test_a_name_that_two_packages_claim_is_neithers(site: Path) -> None:
    package(site, "toy_e", "same = toy_e:THING", "THING = 3")
    package(site, "toy_f", "same = toy_f:THING", "THING = 4")
    with pytest.raises(DanasError, match=r"Both toy_e 1\.5 and toy_f 1\.5 call something 'same'"):
        registered(GROUP, OURS)["same"]


def test_asking_for_names_costs_a_program_no_import_of_another_package(tmp_path: Path) -> None:
    package(tmp_path, "toy_g", "late = toy_g:THING", "raise SystemExit(7)")
    program = f"from danas_hil.base import registered\nprint(*registered({GROUP!r}, {{'one': 1}}))"
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{program}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout.split()) == (0, ["one", "late"]), ended.stderr

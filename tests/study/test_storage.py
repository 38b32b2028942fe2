"""Where the study is kept: what is wrong with it is told in seconds, and no secret is kept."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from danas_hil.base import DanasError
from danas_hil.run import RunFolder
from danas_hil.study import StorageSettings, check_storage, open_shared
from study.shared_runs import SPACE

SECRET = "postgresql://me:hunter2@db.example/nas"


def test_a_password_is_not_written_down(tmp_path: Path) -> None:
    settings = StorageSettings(SECRET, "porch", 30)
    run = RunFolder.create(tmp_path / "run", {"storage": settings.to_config()})
    assert "hunter2" not in run.config_file.read_text()
    assert "hunter2" not in settings.place
    kept = StorageSettings.from_config(run.config())
    assert kept == StorageSettings("postgresql://me@db.example/nas", "porch", 30)
    assert StorageSettings.from_config(run.config(), SECRET) == settings


@pytest.mark.parametrize(
    "query",
    ["password=hunter2", "sslpassword=hunter2", "passwd=hunter2", "odbc_connect=PWD%3Dhunter2"],
)
def test_no_secret_of_a_query_is_written_down_or_told(tmp_path: Path, query: str) -> None:
    settings = StorageSettings(f"postgresql://me@db.example/nas?{query}&sslmode=require")
    run = RunFolder.create(tmp_path / "run", {"storage": settings.to_config()})
    assert "hunter2" not in run.config_file.read_text()
    assert "sslmode=require" in run.config_file.read_text()
    assert "hunter2" not in settings.place


def test_an_option_that_the_driver_refuses_is_told(tmp_path: Path) -> None:
    settings = StorageSettings(f"sqlite:///{tmp_path}/study.db?timeout=many")
    with pytest.raises(DanasError, match=r"study\.db.*many.*Look at its options"):
        check_storage(settings)


def test_the_environment_may_hold_the_secret_of_this_storage_and_of_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {"storage": StorageSettings(SECRET).to_config()}
    monkeypatch.setenv("DANAS_HIL_STORAGE", SECRET)
    assert StorageSettings.from_config(config).url == SECRET
    assert StorageSettings.from_config(config, "sqlite:////x.db").url == "sqlite:////x.db"
    assert StorageSettings.from_config({}).url is None
    monkeypatch.setenv("DANAS_HIL_STORAGE", SECRET.replace("nas", "other"))
    assert StorageSettings.from_config(config).url == "postgresql://me@db.example/nas"


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file::memory:?uri=true",
        "sqlite:///file:x?mode=memory&uri=true",
    ],
)
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(DanasError, match="in memory"):
        StorageSettings(url)


def test_an_at_sign_in_a_password_is_told_without_the_password() -> None:
    with pytest.raises(DanasError, match="%40") as told:
        StorageSettings("postgresql://me:hunt@er2@db/nas")
    assert "hunt" not in str(told.value)
    assert "er2" not in str(told.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("porch", "porch is no URL of a storage"),
        ("postgresql:/me:hunter2@db", "is no URL of a storage"),
        ("redis://localhost", "redis:// is no relational database"),
        ("oracel://localhost/nas", "There is no database 'oracel'"),
    ],
)
def test_what_is_no_storage_is_told(url: str, message: str) -> None:
    with pytest.raises(DanasError, match=message) as told:
        StorageSettings(url)
    assert "postgresql://user@host/database" in told.value.hint
    assert "hunter2" not in str(told.value)


def test_a_missing_driver_is_told() -> None:
    with pytest.raises(DanasError, match="driver"):
        check_storage(StorageSettings("postgresql+psycopg2://localhost/nas"))


def test_a_server_that_is_not_there_is_told() -> None:
    pytest.importorskip("psycopg", reason="the extra [postgresql] is not installed")
    with socket.socket() as nobody:  # bound, and not listening
        nobody.bind(("127.0.0.1", 0))
        url = f"postgresql://me:hunter2@127.0.0.1:{nobody.getsockname()[1]}/nas"
        with pytest.raises(DanasError, match=r"can't be read: .*refused") as told:
            check_storage(StorageSettings(url))
    assert "hunter2" not in str(told.value)


def test_a_lease_too_short_for_heartbeats_is_refused() -> None:
    with pytest.raises(DanasError, match="--lease of 2 s is too short"):
        StorageSettings(lease_seconds=2)


def test_any_database_of_optunas_will_do(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/elsewhere.db"
    kept_at = StorageSettings(url, "porch")
    run = RunFolder.create(tmp_path / "run", {"storage": kept_at.to_config()})
    with open_shared(run, SPACE) as shared:
        assert not shared.ledger.evaluations
    assert not run.study_file.exists()
    assert (tmp_path / "elsewhere.db").exists()

"""Where the study of a run is kept: SQLite in its folder, or a database that many share."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from danas_hil.base import (
    DanasError,
    atomic_path,
    first_line,
    public_url,
    require,
    scrubbed,
)
from danas_hil.base.errors import FAILING, FORBIDDEN
from danas_hil.run import RunFolder

STUDY = "danas-hil"
STORAGE_VARIABLE = "DANAS_HIL_STORAGE"
"""Environment variable with the URL of config.toml and the secrets that it lacks there."""
LEASE_SECONDS = 60
CONNECT_SECONDS = 10
"""A database that has not answered by then counts as out of reach."""
_BUSY_SECONDS = 60
"""SQLite lets one process write at a time; so long the others wait for it."""
_OPENING_TRIES = 5
"""Processes that open an empty database at once may all try to make its tables."""
_PATIENCE = {
    "sqlite": {"timeout": _BUSY_SECONDS},
    "postgresql": {"connect_timeout": CONNECT_SECONDS},
    "mysql": {"connect_timeout": CONNECT_SECONDS},
}
_BEATS_IN_A_LEASE = 4
_DRIVERS = {"postgresql": "postgresql+psycopg"}
_EXTRAS = {"postgresql+psycopg": "postgresql"}


@dataclass(frozen=True)
class StorageSettings:
    """The [storage] table of config.toml.

    url: an SQLAlchemy URL that Optuna takes; None is study.db in the run's folder.
    study: the name of the study there.
    lease_seconds: a process that has not been heard of for so long counts as dead.
    """

    url: str | None = None
    study: str = STUDY
    lease_seconds: int = LEASE_SECONDS

    def __post_init__(self) -> None:
        if self.lease_seconds < _BEATS_IN_A_LEASE:
            raise DanasError(
                f"A --lease of {self.lease_seconds} s is too short.",
                f"Use {_BEATS_IN_A_LEASE}s or more: a worker is heard of a few times in it.",
            )
        if self.url is not None:
            _parsed(self.url)

    @property
    def beat_seconds(self) -> int:
        """Between two signs of life."""
        return self.lease_seconds // _BEATS_IN_A_LEASE

    @property
    def place(self) -> str:
        """The storage as people may read it: without what is secret."""
        return "study.db" if self.url is None else public_url(self.url)

    def to_config(self) -> dict[str, Any]:
        """The table, without what is secret: config.toml is copied about."""
        table: dict[str, Any] = {"study": self.study, "lease_seconds": self.lease_seconds}
        if self.url is not None:
            table["url"] = public_url(self.url)
        return table

    @staticmethod
    def from_config(config: Mapping[str, Any], url: str | None = None) -> StorageSettings:
        """What config.toml says, with `url` over it. Raises DanasError if it is damaged.

        Without a `url`, STORAGE_VARIABLE may hold the secret that config.toml lacks.
        """
        try:
            settings = StorageSettings(**config.get("storage", {}))
        except (TypeError, ValueError) as error:
            raise DanasError(f"config.toml is damaged: [storage]: {error}.") from error
        if url is None:
            url = os.environ.get(STORAGE_VARIABLE)
            if url is None or settings.url is None or public_url(url) != public_url(settings.url):
                return settings
        return StorageSettings(url, settings.study, settings.lease_seconds)


def check_storage(settings: StorageSettings) -> None:
    """Raise DanasError where `open_storage` would, before there is a run."""
    if settings.url is not None:
        with storage_errors(settings.place, url=settings.url):
            _connected(_normal(settings.url), settings, None).engine.dispose()


def open_storage(
    run: RunFolder, settings: StorageSettings, on_stale: Callable[..., None] | None = None
) -> Any:
    """The optuna.storages.RDBStorage of `run`, with its tables.

    on_stale(study, trial): called for a trial whose process was not heard of for a lease. Raises
    DanasError when the database can't be reached within seconds or is none of Optuna's.
    """
    if settings.url is not None:
        with storage_errors(settings.place, url=settings.url):
            return _connected(_normal(settings.url), settings, on_stale)
    with storage_errors(str(run.study_file), _TORN), _study_lock(run):
        if not run.study_file.exists():
            with atomic_path(run.study_file) as path:  # half a schema would be of no use
                path.unlink()
                _connected(f"sqlite:///{path.resolve()}", settings, on_stale)
        storage = _connected(f"sqlite:///{run.study_file.resolve()}", settings, on_stale)
        _write_ahead(storage.engine)
        return storage


@contextmanager
def _study_lock(run: RunFolder) -> Iterator[None]:
    lock = FileLock(run.path / ".study.lock", timeout=_BUSY_SECONDS)
    try:
        lock.acquire()
    except Timeout as error:
        raise DanasError(f"{lock.lock_file} is held by another process.", _BUSY) from error
    try:
        yield
    finally:
        lock.release()


def _write_ahead(engine: Any) -> None:
    """Let SQLite keep a write-ahead log, so that a transaction needn't wait for the disk.

    There are five for each evaluation. What is written stays when a process is killed; the last of
    it may go with the power.
    """
    event = require("sqlalchemy", "search").event

    def prepare(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    engine.dispose()  # connections made without it
    event.listen(engine, "connect", prepare)


_TORN = "Put back a copy of it, or start the search anew under another name."
_AWAY = (
    "Nothing that was finished is lost: see that the database is there, then resume the run. Where"
    f" it wants a password, which config.toml never has: give --storage URL with it, put that URL"
    f" into {STORAGE_VARIABLE}, or use the driver's own means, such as ~/.pgpass."
)
_BUSY = "Another process has held it for a minute: see what it does, then resume the run."
_KEPT = "What was finished is kept: make room there, then resume the run."
_SQLITE = {5: _BUSY, 6: _BUSY, 8: FORBIDDEN, 10: FAILING, 11: _TORN, 13: _KEPT, 14: FORBIDDEN}
_SQLITE |= {26: _TORN}
"""What to do, by SQLite's primary result codes (https://sqlite.org/rescode.html)."""
_READ_ONLY, _IO, _FULL, _CANT_OPEN = 8, 10, 13, 14
_ROOM_BYTES = 1024 * 1024
"""Where less is left SQLite's `disk I/O error` and `unable to open` mean a full disk."""


@contextmanager
def storage_errors(place: str, hint: str = _AWAY, url: str | None = None) -> Iterator[None]:
    """What goes wrong with the storage at `place` becomes a DanasError.

    url: whose secrets are kept out of what the database's driver says.
    """
    optuna, sqlalchemy = require("optuna", "search"), require("sqlalchemy", "search")
    try:
        yield
    except (optuna.exceptions.StorageInternalError, sqlalchemy.exc.SQLAlchemyError) as error:
        cause = _cause(error)
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        if code in (_IO, _CANT_OPEN) and _room(place) < _ROOM_BYTES:
            code = _FULL
        what = "written" if code in (_FULL, _READ_ONLY) else "read"
        said = f"{place} can't be {what}: {scrubbed(first_line(cause), url)}."
        raise DanasError(said, _SQLITE.get(code, hint)) from error
    except json.JSONDecodeError as error:  # Optuna keeps JSON in its tables
        raise DanasError(f"{place} can't be read: {first_line(error)}.", _TORN) from error


def _cause(error: BaseException) -> BaseException:
    """The driver's own error, which SQLAlchemy's and Optuna's go back to."""
    told: BaseException | None = error
    while told is not None:
        if isinstance(raw := getattr(told, "orig", None), BaseException):
            return raw
        told = told.__cause__
    return error.__cause__ or error


def _room(place: str) -> float:
    """Bytes left where the study's file is; enough where it is no file."""
    try:
        return shutil.disk_usage(Path(place).parent).free
    except OSError:
        return float("inf")


def _connected(url: str, settings: StorageSettings, on_stale: Callable[..., None] | None) -> Any:
    optuna, sqlalchemy = require("optuna", "search"), require("sqlalchemy", "search")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    dialect = sqlalchemy.make_url(url).drivername
    engine = {"connect_args": _PATIENCE.get(dialect.partition("+")[0], {}), "pool_pre_ping": True}
    for left in reversed(range(_OPENING_TRIES)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                return optuna.storages.RDBStorage(
                    url,
                    engine_kwargs=engine,
                    heartbeat_interval=settings.beat_seconds,
                    grace_period=settings.lease_seconds,
                    heartbeat_stale_trial_callback=on_stale,
                )
        except ImportError as error:
            extra = _EXTRAS.get(dialect)
            raise DanasError(
                f"The database driver for {dialect} is not installed.",
                f"Install it with: pip install 'danas-hil[{extra}]'"
                if extra
                else "Install the package that SQLAlchemy names for it.",
            ) from error
        except (TypeError, ValueError) as error:  # a driver that does not know an option
            raise DanasError(
                f"{public_url(url)}: {scrubbed(first_line(error), url)}.", "Look at its options."
            ) from None
        except (sqlalchemy.exc.ProgrammingError, sqlalchemy.exc.IntegrityError):
            if not left:
                raise
    raise AssertionError("unreachable")


def _parsed(url: str) -> Any:
    """Raises DanasError for what is no URL of a relational database."""
    sqlalchemy = require("sqlalchemy", "search")
    hint = "Examples: postgresql://user@host/database, sqlite:////shared/study.db"
    try:
        parsed = sqlalchemy.make_url(url)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        raise DanasError(f"{public_url(url)} is no URL of a storage.", hint) from None
    if parsed.get_backend_name() in ("redis", "rediss", "journal", "file", "http", "https"):
        raise DanasError(
            f"{parsed.get_backend_name()}:// is no relational database.",
            f"Workers share one that keeps Optuna's heartbeats. {hint}",
        )
    if "@" in (parsed.host or ""):
        raise DanasError(
            f"{public_url(url)} has more than one @ before its host.", "In a password @ is %40."
        )
    if parsed.get_backend_name() == "sqlite" and _in_memory(parsed):
        raise DanasError(
            "A SQLite database in memory ends with its process: nothing could be resumed.",
            f"Name a file, or leave --storage out. {hint}",
        )
    try:
        parsed.get_dialect()
    except sqlalchemy.exc.NoSuchModuleError as error:
        raise DanasError(f"There is no database {parsed.drivername!r}.", hint) from error
    except ImportError as error:
        raise DanasError(f"The driver of {parsed.drivername} is not installed.", hint) from error
    return parsed


def _normal(url: str) -> str:
    """The URL with the driver that our extras install, where it names none."""
    parsed = _parsed(url)
    named = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
    return str(named.render_as_string(hide_password=False))


def _in_memory(parsed: Any) -> bool:
    name = parsed.database or ""
    modes = parsed.query.get("mode", ())
    return name in ("", "file:") or ":memory:" in name or "memory" in (modes, *modes)

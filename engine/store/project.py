"""A project on disk: one folder, one SQLite file, arrays beside it; who may write, and what is cleared on opening."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from engine.errors import OldProjectError, ProjectBusyError, ProjectError
from engine.store import schema
from engine.store.files import clear_leftovers, write_json
from engine.store.sqlite import Database

FOLDERS = ("vectors", "indexes", "models", "minings", "runs", "duplicates", "exports", "logs")
_MOMENT = 0.5
"""Seconds to wait for the write lock: far longer than a look at it takes, far shorter than a job."""


def now() -> str:
    """The time of day for display, as ISO 8601 in UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Project:
    """An open project; use as a context manager or call `close`.

    Attributes:
        path: the project's folder.
        db: its database; all SQL on it lives in `engine.store`.
        readonly: True where nothing may be written (the window's way to look).
    """

    def __init__(self, path: Path, db: Database, *, readonly: bool) -> None:
        self.path = path
        self.db = db
        self.readonly = readonly
        self._file = _number_of(path / "project.db")

    @classmethod
    def create(cls, path: Path, name: str = "") -> Project:
        """Make a new project in a new or empty folder.

        Raises:
            ProjectError: the folder holds something, or cannot be made.
        """
        path = path.expanduser().absolute()
        if (path / "project.db").exists():
            raise ProjectError(f"{path} is a project already.", hint="Open it, or choose another folder.")
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise ProjectError(f"{path} is not empty.", hint="Choose a new or empty folder for the project.")
        try:
            for folder in FOLDERS:
                (path / folder).mkdir(parents=True, exist_ok=True)
            connection = _connect(path / "project.db")
        except (OSError, sqlite3.Error) as error:
            raise ProjectError(
                f"The project folder {path} cannot be made: {_reason(error)}.", hint="Choose another folder."
            ) from error
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        project = cls(path, Database(connection), readonly=False)
        project._migrate()
        project.set_meta("name", name or path.name)
        project.set_meta("created_at", now())
        return project

    @classmethod
    def open(cls, path: Path, *, readonly: bool = False, patience: float = 10, upgrade: bool = True) -> Project:
        """Open the project in `path`; `patience` is how many seconds to wait while another process commits.

        One made by an earlier version is brought up to date first, a backup beside it.

        Args:
            upgrade: False where this process must not write: the window, which lets the engine do it.

        Raises:
            ProjectError: no project there, damaged, or made by a newer version.
            OldProjectError: made by an earlier version, and `upgrade` is False.
        """
        path = path.expanduser().absolute()
        file = path / "project.db"
        if not file.is_file():
            raise ProjectError(f"There is no project in {path}.", hint="Make one with: searchsmith new PROJECT")
        if not readonly and not can_be_written(path):
            raise ProjectError(
                f"The project in {path} cannot be written to: its disk or folder is read-only.",
                hint="It can be searched and looked at; copy the folder elsewhere to change it.",
            )
        try:
            connection = _connect(file, readonly=readonly, patience=patience)
            version = _check_ours(connection, path)
        except sqlite3.Error as error:
            raise ProjectError(
                f"The project in {path} cannot be read: {error}.", hint="Restore it from a copy, or make a new one."
            ) from error
        if readonly and version < schema.VERSION:
            connection.close()
            if not upgrade:
                raise OldProjectError(f"The project in {path} was made by an earlier version of Searchsmith.")
            cls.open(path, patience=patience).close()
            return cls.open(path, readonly=True, patience=patience, upgrade=False)
        project = cls(path, Database(connection), readonly=readonly)
        if not readonly:
            project._migrate()
            for folder in FOLDERS:
                (path / folder).mkdir(exist_ok=True)
        return project

    @classmethod
    def open_as_allowed(cls, path: Path) -> Project:
        """Open the project to write where its disk lets it, else only to read.

        Raises:
            ProjectError: as `open`.
        """
        return cls.open(path, readonly=not can_be_written(path.expanduser().absolute()))

    def close(self) -> None:
        self.db.conn.close()

    def is_there(self) -> bool:
        """Whether its folder still holds this very project, not none or one made anew in its place."""
        return self._file is not None and _number_of(self.path / "project.db") == self._file

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        return self.meta("name") or self.path.name

    def meta(self, key: str) -> str:
        """A fact about the project, "" where it was never set."""
        row = self.db.execute("select value from meta where key = ?", [key]).fetchone()
        return row[0] if row else ""

    def set_meta(self, key: str, value: str) -> None:
        self.db.table("meta").upsert({"key": key, "value": value}, pk="key")

    def meta_json(self, key: str) -> Any:  # Any: JSON
        text = self.meta(key)
        return json.loads(text) if text else None

    def set_meta_json(self, key: str, value: Any) -> None:  # Any: JSON
        self.set_meta(key, json.dumps(value, ensure_ascii=False))

    @contextmanager
    def writing(self, what: str) -> Iterator[None]:
        """Hold the project's write lock for one heavy job.

        Raises:
            ProjectBusyError: another process holds it; the message names what it does.
        """
        lock = FileLock(self.path / ".write.lock")
        try:  # who only asks whether there is a job (`is_busy`) holds the lock for a moment, too
            lock.acquire(timeout=_MOMENT, poll_interval=_MOMENT / 20)
        except Timeout:
            raise ProjectBusyError(
                f"The project is busy: {self._holder()}.", hint="Wait until it ends, or cancel it there."
            ) from None
        holder = self.path / ".write.json"
        write_json(holder, {"pid": os.getpid(), "what": what, "since": now()})
        try:
            yield
        finally:
            holder.unlink(missing_ok=True)
            lock.release()

    def is_busy(self) -> bool:
        """Whether some process does a heavy job here."""
        lock = FileLock(self.path / ".write.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        except OSError:
            return False
        lock.release()
        return False

    def _holder(self) -> str:
        with suppress(OSError, ValueError):
            facts = json.loads((self.path / ".write.json").read_text(encoding="utf-8"))
            return f"process {facts['pid']} does '{facts['what']}' since {facts['since']}"
        return "another process is writing to it"

    def recover(self) -> list[str]:
        """Mark jobs whose process is gone as interrupted and clear what they left half done; call with the lock held.

        Models that have a checkpoint stay `building`, so that training can go on. Returns the kinds interrupted.
        """
        kinds = [row[0] for row in self.db.execute("select kind from jobs where state = 'running' order by id")]
        with self.db.atomic():
            self.db.execute(
                "update jobs set state = 'interrupted', ended_at = ?, message = ? where state = 'running'",
                [now(), "The engine was ended before this was done."],
            )
            for table in ("minings", "runs"):
                self._clear_building(table)
            for (model_id,) in self.db.execute("select id from models where state = 'building'").fetchall():
                if not (self.path / "models" / str(model_id) / "checkpoints").is_dir():
                    self.db.execute("delete from model_metrics where model_id = ?", [model_id])
                    self.db.execute("delete from models where id = ?", [model_id])
                    shutil.rmtree(self.path / "models" / str(model_id), ignore_errors=True)
        inside = (each for name in ("vectors", "models") for each in (self.path / name).glob("*/"))
        for folder in (*(self.path / name for name in FOLDERS), *inside):
            clear_leftovers(folder)
        return kinds

    def _clear_building(self, table: str) -> None:
        child = {"minings": ("negatives", "mining_id"), "runs": ("query_metrics", "run_id")}[table]
        for (row_id,) in self.db.execute(f"select id from {table} where state = 'building'").fetchall():
            self.db.execute(f"delete from {child[0]} where {child[1]} = ?", [row_id])
            self.db.execute(f"delete from {table} where id = ?", [row_id])
            shutil.rmtree(self.path / table / str(row_id), ignore_errors=True)

    def _migrate(self) -> None:
        if self._is_current():
            return
        with FileLock(self.path / ".upgrade.lock"):  # one process at a time; the others find it done
            if self._is_current():
                return
            if schema.migrations.pending(self.db) and schema.migrations.applied(self.db):
                self._backup()
            schema.migrations.apply(self.db)
            self.db.execute(f"PRAGMA user_version = {schema.VERSION}")

    def _is_current(self) -> bool:
        """Whether every step was taken and said: a process may have been ended between the two."""
        (version,) = self.db.execute("PRAGMA user_version").fetchone()
        return version == schema.VERSION and not schema.migrations.pending(self.db)

    def _backup(self) -> None:
        folder = self.path / "backups"
        folder.mkdir(exist_ok=True)
        copy = sqlite3.connect(folder / f"before-version-{schema.VERSION}.db")
        try:
            self.db.conn.backup(copy)
        finally:
            copy.close()


def _number_of(file: Path) -> int | None:
    """What tells a file from another one of its name."""
    try:
        return file.stat().st_ino
    except OSError:
        return None


def can_be_written(path: Path) -> bool:
    """Whether the project's folder and database let this person write; on a read-only disk they let nobody."""
    return os.access(path, os.W_OK) and os.access(path / "project.db", os.W_OK)


def _connect(file: Path, *, readonly: bool = False, patience: float = 10) -> sqlite3.Connection:
    mode = "ro" if readonly else "rwc"
    if readonly and not can_be_written(file.parent) and not file.with_name(f"{file.name}-wal").exists():
        mode += "&immutable=1"  # even to read, SQLite would make files beside a database with a log
    connection = sqlite3.connect(
        f"{file.as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=patience, check_same_thread=False
    )
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA mmap_size = 0")
    if not readonly:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    return connection


def _check_ours(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the project's format."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != schema.APPLICATION_ID:
        raise ProjectError(
            f"The file project.db in {path} is no project of this program.", hint="Choose another folder."
        )
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > schema.VERSION:
        raise ProjectError(
            f"The project in {path} was made by a newer version of Searchsmith (format {version}, this one reads "
            f"{schema.VERSION}).",
            hint="Update Searchsmith; nothing was changed.",
        )
    return int(version)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)

"""A project of an earlier version is brought up to date once, with a backup, and never by a process that only looks."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.errors import OldProjectError
from engine.store import queries, runs, schema
from engine.store.project import Project
from engine.store.queries import NewQuery
from engine.store.sqlite import Database


def _version(path) -> int:
    with sqlite3.connect(path / "project.db") as connection:
        return connection.execute("PRAGMA user_version").fetchone()[0]


@pytest.fixture
def old(tmp_path):
    """A project as the first version left it, with a query in it."""
    path = tmp_path / "old"
    path.mkdir()
    connection = sqlite3.connect(path / "project.db", isolation_level=None)
    connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    connection.execute("PRAGMA journal_mode = WAL")
    schema.migrations.apply(Database(connection), stop_before="002_pair_scores")
    connection.execute("PRAGMA user_version = 1")
    connection.execute("insert into queries (text, text_hash, source) values ('how red', 'x', 'imported')")
    connection.close()
    return path


def test_writing_to_it_brings_it_up_to_date_with_a_backup(old):
    with Project.open(old) as project:
        assert [query.text for query in queries.all_queries(project)] == ["how red"]
        assert runs.comparisons(project) == []
        queries.put_queries(project, [NewQuery("how big")], import_id=None)
    assert _version(old) == schema.VERSION
    (backup,) = (old / "backups").iterdir()
    with sqlite3.connect(backup) as connection:
        assert connection.execute("select count(*) from queries").fetchone() == (1,)


def test_looking_at_it_from_the_command_line_brings_it_up_to_date_too(old):
    with Project.open(old, readonly=True) as project:
        assert project.readonly
        assert runs.comparisons(project) == []
    assert _version(old) == schema.VERSION


def test_a_process_that_must_not_write_says_that_it_is_old(old):
    with pytest.raises(OldProjectError, match="earlier version"):
        Project.open(old, readonly=True, upgrade=False)
    assert _version(old) == 1
    assert not (old / "backups").exists()


def test_a_project_of_this_version_is_only_read(tmp_path):
    Project.create(tmp_path / "new").close()
    with Project.open(tmp_path / "new", readonly=True, upgrade=False) as project:
        assert project.readonly
    assert not (tmp_path / "new" / "backups").exists()


def test_two_processes_that_open_it_at_once_bring_it_up_to_date_once(old):
    together = threading.Barrier(4)

    def go(_number):
        together.wait()
        Project.open(old).close()

    with ThreadPoolExecutor(4) as opening:
        list(opening.map(go, range(4)))
    assert _version(old) == schema.VERSION


def test_an_upgrade_that_was_ended_before_its_last_word_is_finished(old):
    Project.open(old).close()
    connection = sqlite3.connect(old / "project.db")
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    Project.open(old, readonly=True).close()
    assert _version(old) == schema.VERSION

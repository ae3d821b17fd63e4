"""Thousands of files chosen at once: work for each of them, not for each pair."""

from __future__ import annotations

from pathlib import Path

from engine.ingest.again import vanished
from engine.ingest.finding import scan
from engine.params import ImportParams
from engine.store.documents import NewDocument, NewPassage, put_document
from engine.store.imports import start_import
from engine.store.project import Project
from tests.growth import calls


def work_of_looking(folder: Path, count: int) -> int:
    folder.mkdir()
    paths = [folder / f"{number}.txt" for number in range(count)]
    for path in paths:
        path.write_text("words", encoding="utf-8")
    params = ImportParams(paths=tuple(map(str, paths)), kind="documents")
    return calls(lambda: scan(params.paths, params))


def work_of_missing(path: Path, count: int) -> int:
    names = [str(path / f"{number}.txt") for number in range(count)]
    with Project.create(path) as project:
        import_id = start_import(project, names, "auto")
        for name in names:
            put_document(project, NewDocument("", name, "txt", name), [NewPassage("words")], import_id=import_id)
        return calls(lambda: vanished(project, names))


def test_twice_the_files_named_are_about_twice_the_looking(tmp_path):
    assert work_of_looking(tmp_path / "twice", 120) < 2.6 * work_of_looking(tmp_path / "once", 60)


def test_twice_the_places_read_again_are_about_twice_the_looking_for_what_vanished(tmp_path):
    assert work_of_missing(tmp_path / "twice", 120) < 2.6 * work_of_missing(tmp_path / "once", 60)

"""An import can be taken back exactly, and a folder read again."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from engine.edits import apply_edit
from engine.errors import UserError
from engine.ingest.again import note_vanished, reimport
from engine.ingest.importing import import_paths
from engine.params import ImportParams, ReimportParams
from engine.records import Qrel, Review
from engine.store import documents, queries
from engine.store.imported_runs import imported_run_folder, imported_runs
from engine.store.project import Project
from engine.store.undoing import foresee_undo, newest_import, undo_import, what_came
from engine.task import Task


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "p") as made:
        yield made


def _import(project: Project, *paths: Path) -> int:
    return import_paths(project, ImportParams(paths=tuple(str(path) for path in paths)), Task()).id


def _pairs(path: Path, rows: list[tuple[str, str, list[str]]]) -> Path:
    lines = [json.dumps({"query": q, "pos": [p], "neg": n}) for q, p, n in rows]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _state(project: Project) -> tuple:
    tables = {}
    for table, columns in (("documents", "path, content_hash"), ("queries", "text"), ("passages", "text")):
        tables[table] = sorted(project.db.execute(f"select {columns} from {table}").fetchall())
    texts = {p.id: p.text for p in documents.all_passages(project)}
    names = {q.id: q.text for q in queries.all_queries(project)}
    qrels = project.db.execute("select query_id, passage_id, grade from qrels").fetchall()
    wrong = project.db.execute("select query_id, passage_id from imported_negatives").fetchall()
    judged = sorted((names[q], texts[p], grade) for q, p, grade in qrels)
    return tables, judged, sorted((names[q], texts[p]) for q, p in wrong)


def test_taking_an_import_back_leaves_exactly_what_was_there_before(project, tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.txt").write_text("The red box.", encoding="utf-8")
    _import(
        project,
        folder,
        _pairs(tmp_path / "one.jsonl", [("how red", "very red", ["blue"]), ("how big", "two feet", [])]),
    )
    before = _state(project)
    (folder / "b.txt").write_text("The blue box.", encoding="utf-8")
    more = [("how red", "dark red", ["two feet"]), ("how long", "one mile", ["blue"])]
    second = _import(project, folder, _pairs(tmp_path / "two.jsonl", more))
    assert _state(project) != before
    came = what_came(project, second)
    assert (len(came[0]), len(came[1])) == (3, 1)
    undone = undo_import(project, second)
    assert _state(project) == before
    assert (undone.documents, undone.queries, undone.qrels, undone.negatives) == (3, 1, 2, 2)
    assert undone.kept_documents == undone.kept_queries == 0


def test_what_a_person_judged_since_stays(project, tmp_path):
    imported = _import(
        project, _pairs(tmp_path / "one.jsonl", [("how red", "very red", []), ("how big", "two feet", [])])
    )
    ids = {q.text: q.id for q in queries.all_queries(project)}
    passages = {p.text: p.id for p in documents.all_passages(project)}
    queries.put_review(project, ids["how red"], passages["two feet"], Review.NEGATIVE)
    queries.put_qrels(project, [Qrel(ids["how big"], passages["very red"], 2, "hand")])
    undone = undo_import(project, imported)
    assert (undone.kept_queries, undone.kept_documents, undone.qrels) == (2, 2, 2)
    assert _state(project)[1] == [("how big", "very red", 2)]


def test_what_a_person_said_of_a_pair_stays_when_its_set_is_read_again(project, tmp_path):
    path = _pairs(tmp_path / "one.jsonl", [("how red", "very red", []), ("how big", "two feet", [])])
    _import(project, path)
    ids = {q.text: q.id for q in queries.all_queries(project)}
    passages = {p.text: p.id for p in documents.all_passages(project)}
    queries.put_qrels(project, [Qrel(ids["how red"], passages["very red"], 0, "hand")])
    _pairs(path, [("how red", "very red", []), ("how big", "two feet", []), ("how long", "one mile", [])])
    assert reimport(project, ReimportParams(), Task()).new == 1
    assert queries.qrels_of(project, ids["how red"]) == [Qrel(ids["how red"], passages["very red"], 0, "hand")]
    assert [found.source for found in queries.qrels_of(project, ids["how big"])] == ["imported"]


def test_a_ranking_goes_with_the_import_that_brought_it(project, tmp_path):
    _import(project, _pairs(tmp_path / "one.jsonl", [("how red", "very red", [])]))
    ranking = tmp_path / "theirs.run"
    ranking.write_text("1 Q0 1 1 9.5 theirs\n", encoding="utf-8")
    imported = _import(project, ranking)
    (run,) = imported_runs(project)
    assert (foresee_undo(project, imported).rankings, undo_import(project, imported).rankings) == (1, 1)
    assert imported_runs(project) == []
    assert not imported_run_folder(project, run.id).exists()


def test_an_import_is_taken_back_once(project, tmp_path):
    imported = _import(project, _pairs(tmp_path / "one.jsonl", [("how red", "very red", [])]))
    topics, said = apply_edit(project, "undo_import", {})
    assert (said["import_id"], said["queries"], "documents" in topics) == (imported, 1, True)
    with pytest.raises(UserError, match="taken back before"):
        undo_import(project, imported)
    assert newest_import(project) == 0
    with pytest.raises(UserError, match="no import"):
        undo_import(project, 99)


def test_reading_again_takes_what_changed_and_names_what_vanished(project, tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.txt").write_text(f"The {name} box.", encoding="utf-8")
    with zipfile.ZipFile(folder / "z.zip", "w") as archive:
        archive.writestr("in.txt", "The packed box.")
    _import(project, folder)
    (folder / "a.txt").write_text("The new box.", encoding="utf-8")
    (folder / "b.txt").unlink()
    (folder / "d.txt").write_text("The d box.", encoding="utf-8")
    found = reimport(project, ReimportParams(), Task())
    assert (found.new, found.updated, found.unchanged, found.removed) == (1, 1, 2, 0)
    assert found.vanished == (str(folder / "b.txt"),)
    assert documents.count_documents(project) == 5
    again = reimport(project, ReimportParams(remove_vanished=True), Task())
    assert (again.unchanged, again.removed) == (4, 1)
    assert documents.document_at(project, str(folder / "b.txt")) is None


def test_a_place_that_is_away_loses_nothing(project, tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    (folder / "a.txt").write_text("The red box.", encoding="utf-8")
    _import(project, folder)
    folder.rename(tmp_path / "away")
    found = reimport(project, ReimportParams(remove_vanished=True), Task())
    assert (found.missing, found.removed, documents.count_documents(project)) == ((str(folder),), 0, 1)


def test_without_imports_there_is_nothing_to_read_again(project):
    with pytest.raises(UserError, match="Nothing was imported"):
        reimport(project, ReimportParams(), Task())


def _zip(path: Path, **files: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.txt", text)
    return path


def test_what_is_gone_from_inside_an_archive_is_offered_for_removal(project, tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    path = _zip(folder / "z.zip", a="The red box.", b="The blue box.")
    _import(project, folder)
    _zip(path, a="The red box.", c="The green box.")
    found = reimport(project, ReimportParams(), Task())
    assert (found.new, found.unchanged, found.vanished) == (1, 1, (f"{path}/b.txt",))
    assert reimport(project, ReimportParams(), Task()).vanished == (f"{path}/b.txt",)
    assert reimport(project, ReimportParams(remove_vanished=True), Task()).removed == 1
    assert {one for one, _ in documents.paths_of_files(project)} == {f"{path}/a.txt", f"{path}/c.txt"}
    assert reimport(project, ReimportParams(), Task()).vanished == ()


def test_what_comes_back_into_an_archive_is_not_offered_any_more(project, tmp_path):
    path = _zip(tmp_path / "z.zip", a="The red box.", b="The blue box.")
    _import(project, path)
    _zip(path, a="The red box.")
    assert len(reimport(project, ReimportParams(), Task()).vanished) == 1
    _zip(path, a="The red box.", b="The blue box!")
    found = reimport(project, ReimportParams(), Task())
    assert (found.updated, found.vanished) == (1, ())


def test_an_archive_that_cannot_be_opened_any_more_lost_nothing(project, tmp_path):
    with zipfile.ZipFile(tmp_path / "inner.zip", "w") as inner:
        inner.writestr("deep.txt", "The deep box.")
    path = tmp_path / "z.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(tmp_path / "inner.zip", "inner.zip")
        archive.writestr("a.txt", "The red box.")
    _import(project, path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inner.zip", (tmp_path / "inner.zip").read_bytes()[:40])
        archive.writestr("a.txt", "The red box.")
    assert reimport(project, ReimportParams(), Task()).vanished == ()
    path.write_bytes(path.read_bytes()[:60])
    assert reimport(project, ReimportParams(remove_vanished=True), Task()).vanished == ()
    assert documents.count_documents(project) == 2


def test_a_second_import_names_what_vanished_too(project, tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in "ab":
        (folder / f"{name}.txt").write_text(f"The {name} box.", encoding="utf-8")
    (tmp_path / "other.txt").write_text("The other box.", encoding="utf-8")
    _import(project, folder, tmp_path / "other.txt")
    (folder / "b.txt").unlink()
    (tmp_path / "other.txt").unlink()
    assert list(note_vanished(project, [str(folder)])) == [str(folder / "b.txt")]

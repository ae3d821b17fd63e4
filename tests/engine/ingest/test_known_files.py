"""What an import knows of files that did not change, and how it counts them."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest

from engine.ingest import importing, seen, unpacking
from engine.ingest.again import reimport
from engine.ingest.importing import import_paths
from engine.params import ImportParams, ReimportParams
from engine.records import ImportReport, Split
from engine.store import documents, imports, queries
from engine.store.project import Project
from engine.store.undoing import undo_import
from engine.task import Task


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "p") as made:
        yield made


@pytest.fixture
def old_files(monkeypatch):
    """Trust times at once: the files of a test are as old as the test."""
    monkeypatch.setattr(seen, "_TRUSTED_NS", -(10**12))


@pytest.fixture
def opened(monkeypatch):
    """Files whose content an import asks for."""
    found: list[str] = []
    before = importing.Importer._hash

    def counted(self, paths):
        found.extend(path.name for path in paths)
        return before(self, paths)

    monkeypatch.setattr(importing.Importer, "_hash", counted)
    return found


def _import(project: Project, *paths: Path, **more) -> ImportReport:
    return import_paths(project, ImportParams(paths=tuple(str(path) for path in paths), **more), Task())


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.txt").write_text(f"The {name} box.", encoding="utf-8")
    (folder / "bad.pdf").write_bytes(b"%PDF-1.4 cut")
    (folder / "copy.txt").write_text("The a box.", encoding="utf-8")
    return folder


def _pairs(path: Path, rows: list[tuple[str, str]]) -> Path:
    path.write_text("\n".join(json.dumps({"query": q, "pos": [p], "neg": []}) for q, p in rows), encoding="utf-8")
    return path


def _adds_up(report: ImportReport, units: int) -> bool:
    counts = report.counts
    return counts.new + counts.updated + counts.unchanged + counts.skipped == units


@pytest.mark.usefixtures("old_files")
def test_unchanged_files_are_not_opened_again_and_counted_alike(project, tmp_path, opened):
    folder = _folder(tmp_path)
    first = _import(project, folder)
    assert (first.counts.new, first.counts.skipped, len(opened)) == (3, 2, 5)
    opened.clear()
    second = _import(project, folder)
    assert opened == []
    assert (second.counts.unchanged, second.counts.skipped, second.counts.new) == (3, 2, 0)
    assert [(p.file, p.code) for p in second.problems] == [(p.file, p.code) for p in first.problems]
    assert imports.count_problems(project) == 2


@pytest.mark.usefixtures("old_files")
def test_only_what_changed_is_opened(project, tmp_path, opened):
    folder = _folder(tmp_path)
    _import(project, folder)
    opened.clear()
    (folder / "b.txt").write_text("The new box!", encoding="utf-8")
    report = _import(project, folder)
    assert opened == ["b.txt"]
    assert (report.counts.updated, report.counts.unchanged) == (1, 2)


@pytest.mark.usefixtures("old_files")
def test_a_file_that_was_only_touched_is_unchanged_by_its_content(project, tmp_path, opened):
    folder = _folder(tmp_path)
    _import(project, folder)
    opened.clear()
    os.utime(folder / "a.txt", (1, 1))
    assert _import(project, folder).counts.unchanged == 3
    assert opened == ["a.txt"]
    opened.clear()
    assert _import(project, folder).counts.unchanged == 3
    assert opened == []


def test_times_as_young_as_the_reading_are_not_trusted(project, tmp_path, opened):
    folder = _folder(tmp_path)
    _import(project, folder)
    opened.clear()
    assert _import(project, folder).counts.unchanged == 3
    assert sorted(opened) == ["a.txt", "b.txt", "bad.pdf", "c.txt", "copy.txt"]


@pytest.mark.usefixtures("old_files")
def test_a_change_behind_the_same_size_and_times_is_seen_by_a_thorough_import(project, tmp_path):
    folder = _folder(tmp_path)
    _import(project, folder)
    (folder / "b.txt").write_text("The z box.", encoding="utf-8")
    facts = (folder / "b.txt").stat()
    # as after a change on a system that keeps no time of it
    project.db.execute(
        "update seen_files set size = ?, mtime_ns = ?, ctime_ns = ? where path = ?",
        [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, str(folder / "b.txt")],
    )
    assert _import(project, folder).counts.unchanged == 3
    assert _import(project, folder, thorough=True).counts.updated == 1
    assert reimport(project, ReimportParams(thorough=True), Task()).unchanged == 3


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no time of the last change of any kind")
@pytest.mark.usefixtures("old_files")
def test_a_change_whose_time_was_set_back_is_seen(project, tmp_path):
    folder = _folder(tmp_path)
    _import(project, folder)
    facts = (folder / "b.txt").stat()
    (folder / "b.txt").write_text("The z box.", encoding="utf-8")
    os.utime(folder / "b.txt", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert _import(project, folder).counts.updated == 1


@pytest.mark.usefixtures("old_files")
def test_a_file_whose_problem_is_known_is_read_again_when_it_changed(project, tmp_path):
    folder = _folder(tmp_path)
    _import(project, folder)
    (folder / "bad.pdf").unlink()
    (folder / "bad.pdf").write_bytes(b"just some text, wrongly named")
    report = _import(project, folder)
    assert any("named like a PDF" in problem.reason for problem in report.problems)


@pytest.mark.usefixtures("old_files")
def test_a_document_that_was_taken_out_by_hand_comes_back(project, tmp_path):
    folder = _folder(tmp_path)
    _import(project, folder)
    found = documents.document_at(project, str(folder / "b.txt"))
    documents.remove_documents(project, [found.id])
    report = _import(project, folder)
    assert (report.counts.new, report.counts.unchanged) == (1, 2)


@pytest.mark.usefixtures("old_files")
def test_a_labelled_set_that_did_not_change_is_counted_without_reading(project, tmp_path, opened, monkeypatch):
    path = _pairs(tmp_path / "set.jsonl", [("how red", "very red"), ("how big", "two feet")])
    with path.open("a", encoding="utf-8") as file:
        file.write('\n{"query": 3}')
    first = _import(project, path)
    assert (first.counts.skipped, len(first.problems), _adds_up(first, 3)) == (1, 1, True)
    monkeypatch.setattr(importing, "read_units", lambda *_: pytest.fail("it was read"))
    opened.clear()
    second = _import(project, path)
    assert (opened, second.counts.unchanged, second.counts.skipped, _adds_up(second, 3)) == ([], 2, 1, True)
    assert second.problems == first.problems
    assert imports.count_problems(project) == 1


@pytest.mark.usefixtures("old_files")
@pytest.mark.parametrize("what", ["undone", "query", "document", "split"])
def test_a_labelled_set_is_read_again_where_what_it_brought_is_not_there(project, tmp_path, what):
    path = _pairs(tmp_path / "set.jsonl", [("how red", "very red"), ("how big", "two feet")])
    first = _import(project, path)
    if what == "undone":
        undo_import(project, first.id)
    elif what == "query":
        queries.remove_query(project, next(iter(queries.all_queries(project))).id)
    elif what == "document":
        documents.remove_documents(project, [next(iter(documents.all_passages(project))).document_id])
    _import(project, path, **({"split": "test"} if what == "split" else {}))
    assert (queries.count_qrels(project), len(list(queries.all_queries(project)))) == (2, 2)
    assert documents.count_documents(project) == 2


@pytest.mark.usefixtures("old_files")
def test_a_set_whose_file_got_a_name_that_says_its_split_is_read_again(project, tmp_path):
    folder = tmp_path / "set"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text('{"_id": "d", "text": "a text"}', encoding="utf-8")
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "a query"}', encoding="utf-8")
    (folder / "qrels" / "all.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\n", encoding="utf-8")
    _import(project, folder)
    (folder / "qrels" / "all.tsv").rename(folder / "qrels" / "test.tsv")
    _import(project, folder)
    assert [found.official_split for found in queries.all_queries(project)] == [Split.TEST]


def test_judgements_without_their_passages_are_read_again_once_these_are_there(project, tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    qrels = folder / "test.qrels"
    qrels.write_text("q1 0 d1 1\n", encoding="utf-8")
    assert _import(project, qrels).counts.skipped == 1
    (tmp_path / "corpus.jsonl").write_text('{"_id": "d1", "title": "", "text": "the red box"}\n', encoding="utf-8")
    (tmp_path / "queries.jsonl").write_text('{"_id": "q1", "text": "which box"}\n', encoding="utf-8")
    _import(project, tmp_path / "corpus.jsonl", tmp_path / "queries.jsonl")
    assert _import(project, qrels).counts.new == 1
    assert imports.count_problems(project) == 0


@pytest.mark.usefixtures("old_files")
def test_an_unchanged_archive_is_not_unpacked(project, tmp_path, monkeypatch):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("in.txt", "The packed box.")
        archive.writestr("bad.pdf", "%PDF-1.4 cut")
    (tmp_path / "in.txt").write_text("The packed box.", encoding="utf-8")
    both = (path, tmp_path / "in.txt")
    first = _import(project, *both)
    assert (first.counts.new, first.counts.skipped) == (1, 2)
    with monkeypatch.context() as patch:
        patch.setattr(unpacking, "unpack", lambda *_, **__: pytest.fail("it was unpacked"))
        second = _import(project, *both)
    assert (second.counts.unchanged, second.counts.skipped, second.counts.new) == (1, 2, 0)
    assert imports.count_problems(project) == 2
    found = documents.document_at(project, f"{path}/in.txt")
    documents.remove_documents(project, [found.id])
    assert _import(project, *both).counts.new == 1

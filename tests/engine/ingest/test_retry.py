"""Problems of imports are read again, ignored and resolved."""

from __future__ import annotations

import sys
import threading
import zipfile
from pathlib import Path

import pytest

from engine.edits import apply_edit
from engine.errors import Cancelled, UserError
from engine.ingest import document, foreign
from engine.ingest.again import reimport, retry
from engine.ingest.importing import import_paths
from engine.ingest.limits import LARGER, in_words
from engine.ingest.readers import opening
from engine.params import ImportParams, ReimportParams, RetryParams
from engine.records import ImportReport
from engine.store import documents, imports, places
from engine.store.project import Project
from engine.task import Task
from tests.engine.ingest.samples import make_pdf

# A child that is too slow with the usual limits, and reads as it should with larger ones.
_SLOW = "import sys, time; sys.argv[-1] == '{n}' or time.sleep(60); from engine.ingest.child import main; main()"


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "p") as made:
        yield made


def _import(project: Project, *paths: Path, **more) -> ImportReport:
    return import_paths(project, ImportParams(paths=tuple(str(path) for path in paths), **more), Task())


def _states(project: Project) -> list[tuple[str, str]]:
    rows = project.db.execute("select code, state from import_problems order by id")
    return [(code, state) for code, state in rows]


def test_a_file_that_met_a_limit_is_read_with_larger_ones_and_its_problem_is_resolved(project, tmp_path, monkeypatch):
    folder = tmp_path / "docs"
    folder.mkdir()
    make_pdf(folder / "a.pdf", ["The red page"])
    (folder / "bad.docx").write_bytes(b"no docx")
    monkeypatch.setattr(foreign, "child_command", lambda: [sys.executable, "-c", _SLOW.format(n=LARGER)])
    monkeypatch.setattr(foreign, "STALL_SECONDS", 0.5)
    (slow, _) = _import(project, folder).problems
    assert (slow.code, slow.path) == ("too_slow", str(folder / "a.pdf"))
    assert "0 seconds" in slow.reason
    assert "larger limits" in slow.reason
    monkeypatch.setattr(foreign, "STALL_SECONDS", 20.0)
    found = retry(project, RetryParams(larger=True), Task())
    assert (found.files, found.new, found.skipped, found.limits) == (1, 1, 0, in_words(LARGER))
    assert _states(project) == [("too_slow", "resolved"), ("format", "open")]
    with pytest.raises(UserError, match="no file with an open problem that met a limit"):
        retry(project, RetryParams(larger=True), Task())


@pytest.mark.parametrize("met", ["characters", "bytes"])
def test_a_file_that_is_too_large_is_read_with_larger_limits(project, tmp_path, monkeypatch, met):
    monkeypatch.setattr(*((document, "MAX_CHARS", 1000) if met == "characters" else (opening, "MAX_TEXT_BYTES", 1000)))
    path = tmp_path / "long.txt"
    path.write_text("The red box. " * 200, encoding="utf-8")
    (problem,) = _import(project, path).problems
    assert problem.code == "too_large"
    assert "Read it again with larger limits" in problem.reason
    assert retry(project, RetryParams(), Task()).skipped == 1
    assert retry(project, RetryParams(larger=True), Task()).new == 1
    assert imports.count_problems(project) == 0


def test_larger_limits_are_told_in_numbers():
    assert in_words(1).startswith("1 GB of memory, 5 minutes")
    assert in_words(4).startswith("4 GB of memory, 20 minutes")


def test_a_problem_that_stays_is_counted_once(project, tmp_path):
    bad = tmp_path / "bad.pdf"
    bad.write_bytes(b"%PDF-1.4 cut")
    _import(project, bad)
    assert retry(project, RetryParams(), Task()).skipped == 1
    reimport(project, ReimportParams(), Task())
    assert _states(project) == [("format", "repeated"), ("format", "repeated"), ("format", "open")]
    assert imports.count_problems(project) == 1


def test_a_later_import_of_the_mended_file_resolves_its_problem(project, tmp_path):
    bad = tmp_path / "bad.pdf"
    bad.write_bytes(b"%PDF-1.4 cut")
    _import(project, bad)
    make_pdf(bad, ["The red page"])
    assert _import(project, bad).counts.new == 1
    assert _states(project) == [("format", "resolved")]


def test_an_ignored_problem_stays_ignored_when_it_is_said_again(project, tmp_path):
    bad = tmp_path / "bad.pdf"
    bad.write_bytes(b"%PDF-1.4 cut")
    (problem,) = _import(project, bad).problems
    topics, said = apply_edit(project, "ignore_problem", {"problem_ids": [problem.id]})
    assert (topics, said, imports.count_problems(project)) == (["documents"], {"changed": 1}, 0)
    assert _import(project, bad).problems[0].state == "ignored"
    assert imports.count_problems(project) == 0
    newest = imports.open_problems(project, ignored=True)[-1]
    apply_edit(project, "unignore_problem", {"problem_ids": [newest.id]})
    assert imports.count_problems(project) == 1


def test_retrying_reads_only_the_files_that_were_named(project, tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.pdf").write_bytes(b"%PDF-1.4 cut")
    (folder / "c.txt").write_text("The c box.", encoding="utf-8")
    _import(project, folder)
    for name in ("a", "b"):
        make_pdf(folder / f"{name}.pdf", [f"The {name} page"])
    found = retry(project, RetryParams(files=(str(folder / "a.pdf"),)), Task())
    assert (found.files, found.new, found.unchanged) == (1, 1, 0)
    assert [problem.file for problem in imports.open_problems(project)] == ["b.pdf"]


def test_a_retried_file_is_read_as_the_folder_was(project, tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    pairs = folder / "pairs.jsonl"
    good = [f'{{"query": "how {word}", "pos": ["very {word}"], "neg": []}}' for word in ("red", "big", "long")]
    pairs.write_text("\n".join([*good[:2], '{"query": 3}']), encoding="utf-8")
    assert len(_import(project, folder, split="test").problems) == 1
    pairs.write_text("\n".join(good), encoding="utf-8")
    retry(project, RetryParams(files=(str(pairs),)), Task())
    splits = {row[0] for row in project.db.execute("select official_split from queries")}
    assert splits == {"test"}
    assert imports.count_problems(project) == 0


def test_a_file_in_an_archive_is_retried_within_it(project, tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("in.txt", "The packed box.")
        archive.writestr("bad.pdf", "%PDF-1.4 cut")
        archive.writestr("worse.pdf", "%PDF-1.4 cut, too")
    _import(project, path)
    found = retry(project, RetryParams(files=(f"{path}/bad.pdf",)), Task())
    assert (found.files, found.skipped, found.unchanged) == (1, 1, 0)
    assert [problem.file for problem in found.problems] == ["a.zip/bad.pdf"]
    again = _import(project, path)
    assert (again.counts.unchanged, again.counts.skipped, imports.count_problems(project)) == (1, 2, 2)


def test_copies_and_links_are_no_failures_to_retry(project, tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text("The same box.", encoding="utf-8")
    _import(project, folder)
    with pytest.raises(UserError, match="no file with an open problem"):
        retry(project, RetryParams(), Task())
    assert documents.count_documents(project) == 1


def test_problems_of_a_file_that_is_gone_are_settled_by_reading_again(project, tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "bad.pdf").write_bytes(b"%PDF-1.4 cut")
    (folder / "a.txt").write_text("The a box.", encoding="utf-8")
    _import(project, folder)
    (folder / "bad.pdf").unlink()
    assert retry(project, RetryParams(), Task()).gone == (str(folder / "bad.pdf"),)
    reimport(project, ReimportParams(), Task())
    assert imports.count_problems(project) == 0


def test_watched_folders_are_read_on_demand_and_what_was_imported_is_read_as_it_was(project, tmp_path):
    watched, asked = tmp_path / "watched", tmp_path / "asked"
    for folder in (watched, asked):
        folder.mkdir()
    (asked / "pairs.jsonl").write_text('{"query": "how red", "pos": ["very"], "neg": []}', encoding="utf-8")
    _import(project, asked, split="dev")
    topics, said = apply_edit(project, "watch", {"path": str(watched)})
    assert (topics, said["new"]) == (["documents"], True)
    assert places.watched(project)[0].read_at == ""
    (watched / "a.txt").write_text("The a box.", encoding="utf-8")
    (asked / "more.jsonl").write_text('{"query": "how big", "pos": ["two"], "neg": []}', encoding="utf-8")
    found = reimport(project, ReimportParams(), Task())
    assert (found.new, found.unchanged) == (2, 1)
    assert {row[0] for row in project.db.execute("select official_split from queries")} == {"dev"}
    assert places.watched(project)[0].read_at
    (watched / "b.txt").write_text("The b box.", encoding="utf-8")
    assert reimport(project, ReimportParams(paths=(str(watched),)), Task()).new == 1
    apply_edit(project, "unwatch", {"path": str(watched)})
    with pytest.raises(UserError, match="is not watched"):
        apply_edit(project, "unwatch", {"path": str(watched)})
    with pytest.raises(UserError, match="was not imported"):
        reimport(project, ReimportParams(paths=(str(tmp_path / "else"),)), Task())


@pytest.mark.parametrize(("on_cancel", "left"), [("keep", 1), ("undo", 0)])
def test_a_cancelled_import_keeps_what_came_or_takes_it_back(project, tmp_path, on_cancel, left):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.txt").write_text("The a box.", encoding="utf-8")
    (folder / "b.txt").write_text("The b box.", encoding="utf-8")

    class Impatient(Task):
        def on_progress(self, stage: str, done: int, total: int, note: str) -> None:
            if note == "b.txt" and stage == "import files":
                threading.Thread(target=self.cancel).start()
                self._cancelled.wait()

    with pytest.raises(Cancelled):
        import_paths(project, ImportParams(paths=(str(folder),), on_cancel=on_cancel), Impatient())
    assert documents.count_documents(project) == left
    assert imports.unfinished_imports(project) == []

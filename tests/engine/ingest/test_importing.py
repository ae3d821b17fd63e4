"""Importing: everything is stored once, every loss has its reason, and going on after a stop is the same as not stopping."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from engine.errors import Cancelled, UserError
from engine.ingest.finding import scan
from engine.ingest.importing import import_paths
from engine.ingest.preview import preview
from engine.ingest.storing import BATCH
from engine.params import ImportParams
from engine.records import ImportReport, Split
from engine.store import documents, imports, queries
from engine.store.project import Project
from engine.task import Task
from tests.datasets import shared_data
from tests.engine.ingest.samples import make_docx, make_pdf


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "project") as opened:
        yield opened


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "documents"
    path.mkdir()
    return path


def _import(project: Project, *paths: Path, **settings) -> ImportReport:
    return import_paths(project, ImportParams(paths=tuple(map(str, paths)), **settings), Task())


def _lines(path: Path, *rows: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def _beir(folder: Path, *, text: str = "Boil vinegar.") -> Path:
    _lines(folder / "corpus.jsonl", {"_id": "d1", "title": "Kettles", "text": text}, {"_id": "d2", "text": "Scrub."})
    _lines(folder / "queries.jsonl", {"_id": "q1", "text": "descale"}, {"_id": "q2", "text": "clean a pot"})
    _lines(folder / "qrels/test.tsv", "query-id\tcorpus-id\tscore", "q1\td1\t1", "q2\td2\t2")
    return folder


def _adds_up(report: ImportReport, units: int) -> bool:
    counts = report.counts
    return counts.new + counts.updated + counts.unchanged + counts.skipped == units


class _CancelAfter(Task):
    """Cancels itself at the n-th report of a stage."""

    def __init__(self, stage: str, count: int) -> None:
        super().__init__()
        self._stage, self._left = stage, count

    def on_progress(self, stage: str, done: int, total: int, note: str) -> None:
        if stage == self._stage:
            self._left -= 1
            if self._left <= 0:
                self.cancel()


def test_documents_of_every_kind_come_in_and_what_cannot_is_told(project, folder):
    (folder / "a.txt").write_text("Plain words.", encoding="utf-8")
    (folder / "b.md").write_text("# Title\n\nMarked words.", encoding="utf-8")
    (folder / "c.html").write_text("<html><body><p>Page words.</p></body></html>", encoding="utf-8")
    make_pdf(folder / "d.pdf", ["Pdf words."])
    make_docx(folder / "e.docx", [("", "Docx words.")])
    (folder / "f.csv").write_text("title,text\nA,Row words.\n", encoding="utf-8")
    (folder / "g.pdf").write_bytes(b"%PDF-1.4 cut")
    (folder / "h.blob").write_text("p {}", encoding="utf-8")
    (folder / ".hidden.txt").write_text("no", encoding="utf-8")
    report = _import(project, folder)
    assert (report.counts.documents, report.counts.passages, report.counts.new, report.counts.skipped) == (6, 6, 6, 2)
    assert {(problem.file, problem.code) for problem in report.problems} == {
        ("g.pdf", "format"),
        ("h.blob", "unknown_kind"),
    }
    assert {p.text for p in documents.all_passages(project)} == {
        *("Plain words.", "Marked words.", "Page words.", "Pdf words.", "Docx words.", "Row words.")
    }


def test_importing_again_leaves_alone_what_did_not_change(project, folder):
    (folder / "a.txt").write_text("Same.", encoding="utf-8")
    (folder / "b.txt").write_text("Old words.\n\nKept.", encoding="utf-8")
    _import(project, folder)
    (folder / "b.txt").write_text("New words.", encoding="utf-8")
    (folder / "c.txt").write_text("Added.", encoding="utf-8")
    counts = _import(project, folder).counts
    assert (counts.new, counts.updated, counts.unchanged, counts.skipped) == (1, 1, 1, 0)
    assert {p.text for p in documents.all_passages(project)} == {"Same.", "New words.", "Added."}


def test_another_passage_length_cuts_documents_anew(project, folder):
    (folder / "a.txt").write_text("One sentence is here. " * 40, encoding="utf-8")
    few = _import(project, folder).counts.passages
    counts = _import(project, folder, passage_tokens=40).counts
    assert counts.updated == 1
    assert counts.passages > few


def test_exact_copies_are_taken_once(project, folder):
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text("The same.", encoding="utf-8")
    report = _import(project, folder)
    assert report.counts.documents == 1
    assert report.problems[0].reason == "the same, byte for byte, as a.txt"


def test_a_document_whose_file_became_a_copy_keeps_no_old_text(project, folder):
    for name, text in (("a.txt", "The red box."), ("b.txt", "The blue box.")):
        (folder / name).write_text(text, encoding="utf-8")
    _import(project, folder)
    (folder / "b.txt").write_text("The red box.", encoding="utf-8")
    assert _import(project, folder).counts.updated == 1
    assert [passage.text for passage in documents.all_passages(project)] == ["The red box.", "The red box."]


def test_a_beir_folder_keeps_ids_titles_grades_and_splits(project, folder):
    report = _import(project, _beir(folder))
    assert report.format == "beir"
    assert _adds_up(report, 6)
    assert (report.counts.documents, report.counts.queries, report.counts.qrels, report.counts.skipped) == (2, 2, 2, 0)
    first, second = documents.all_passages(project)
    assert (first.external_id, first.search_text, second.external_id) == ("d1", "Kettles Boil vinegar.", "d2")
    stored = queries.all_queries(project)
    assert [(query.external_id, query.official_split) for query in stored] == [("q1", Split.TEST), ("q2", Split.TEST)]
    assert queries.judgements(project) == {stored[0].id: {first.id: 1}, stored[1].id: {second.id: 2}}


def test_a_labelled_set_imported_again_changes_nothing_but_what_was_edited(project, folder):
    _import(project, _beir(folder))
    again = _import(project, folder)
    assert (again.counts.unchanged, again.counts.new) == (6, 0)
    edited = _import(project, _beir(folder, text="Boil lemon juice."))
    assert (edited.counts.updated, edited.counts.unchanged, edited.counts.new) == (1, 5, 0)
    assert documents.count_passages(project) == 2
    assert next(documents.all_passages(project)).text == "Boil lemon juice."


def test_two_sets_with_the_same_ids_do_not_mix(project, folder):
    _import(project, _beir(folder / "one"))
    _import(project, _beir(folder / "two", text="Another answer."))
    texts = {passage.id: passage.text for passage in documents.all_passages(project)}
    assert sorted(texts.values()) == ["Another answer.", "Boil vinegar.", "Scrub."]


def test_long_labelled_passages_are_never_cut(project, folder):
    text = "A long sentence about kettles. " * 200
    _lines(folder / "a.jsonl", {"query": "q", "pos": [text]})
    _import(project, folder)
    assert [passage.text for passage in documents.all_passages(project)] == [text]


def test_equal_texts_become_one_passage_and_equal_queries_keep_all_positives(project, folder):
    _lines(
        folder / "a.jsonl",
        {"query": "q", "pos": ["p1"], "neg": ["n"]},
        {"query": "q", "pos": ["p2"], "neg": ["p1", "n"]},
        {"query": "r", "pos": ["p1"]},
        {"query": "r", "pos": ["p1"]},
    )
    report = _import(project, folder)
    assert (report.counts.queries, report.counts.passages, report.counts.qrels) == (2, 3, 3)
    assert (report.counts.new, report.counts.unchanged) == (3, 1)
    texts = {passage.id: passage.text for passage in documents.all_passages(project)}
    told = {
        query.text: sorted(texts[passage_id] for passage_id in queries.judgements(project)[query.id])
        for query in queries.all_queries(project)
    }
    assert told == {"q": ["p1", "p2"], "r": ["p1"]}


def test_a_passage_called_right_and_wrong_in_one_line_is_right(project, folder):
    _lines(folder / "a.jsonl", {"query": "q", "pos": ["p"], "neg": ["p", "n"]})
    report = _import(project, folder)
    assert (report.counts.negatives, report.counts.new, report.counts.skipped) == (1, 1, 0)
    assert [(problem.line, problem.code) for problem in report.problems] == [(1, "contradiction")]


def test_dirty_lines_and_unknown_ids_are_counted_and_told(project, folder):
    _beir(folder)
    with (folder / "corpus.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"_id": "d3"}\n{broken\n')
    with (folder / "qrels/test.tsv").open("a", encoding="utf-8") as file:
        file.write("q1\td9\t1\nq9\td1\t1\nq1\n")
    report = _import(project, folder)
    assert _adds_up(report, 11)
    assert [(Path(problem.file).name, problem.line, problem.code) for problem in report.problems] == [
        ("corpus.jsonl", 3, "missing_field"),
        ("corpus.jsonl", 4, "json"),
        ("test.tsv", 6, "columns"),
        ("test.tsv", 4, "unknown_id"),
        ("test.tsv", 5, "unknown_id"),
    ]


@pytest.mark.parametrize("between", [0, 2 * BATCH], ids=["near", "far apart"])
def test_of_texts_with_one_id_the_first_is_kept_and_the_others_are_told(project, folder, between):
    others = [{"_id": f"x{n}", "text": f"Text {n}."} for n in range(between)]
    first, second = {"_id": "d1", "text": "Boil vinegar."}, {"_id": "d1", "text": "Scrub the pot."}
    _lines(folder / "corpus.jsonl", first, *others, second, first)
    asked = [{"_id": f"y{n}", "text": f"ask {n}"} for n in range(between)]
    _lines(folder / "queries.jsonl", {"_id": "q1", "text": "descale"}, *asked, {"_id": "q1", "text": "clean"})
    _lines(folder / "qrels/test.tsv", "query-id\tcorpus-id\tscore", "q1\td1\t1")
    report = _import(project, folder)
    assert [(Path(p.file).name, p.line, p.code) for p in report.problems] == [
        ("corpus.jsonl", between + 2, "duplicate_id"),
        ("queries.jsonl", between + 2, "duplicate_id"),
    ]
    assert report.problems[0].reason == "the id 'd1' is that of another passage of this set, which is kept"
    assert (report.counts.updated, report.counts.skipped) == (0, 2)
    ((query_id, answers),) = queries.positives(project).items()
    (passage_id,) = answers
    assert queries.query(project, query_id).text == "descale"
    assert documents.passages(project, [passage_id])[passage_id].text == "Boil vinegar."
    texts = {passage.text for passage in documents.all_passages(project)}
    assert "Scrub the pot." not in texts
    assert len(texts) == between + 1


def test_a_project_among_the_documents_is_left_out(project, folder):
    (folder / "a.md").write_text("# Kettles\n\nBoil vinegar.", encoding="utf-8")
    Project.create(folder / "search").close()
    (folder / "search" / "logs" / "job-1.jsonl").write_text('{"time": 1, "stage": "read"}\n', encoding="utf-8")
    report = _import(project, folder)
    assert (report.counts.documents, report.counts.skipped) == (1, 1)
    assert [(p.file, p.code) for p in report.problems] == [("search", "project")]
    assert "a project of this program" in report.problems[0].reason
    assert _import(project, folder).counts.unchanged == 1
    with Project.open(folder / "search") as own:  # and never reads itself
        assert _import(own, folder / "search").counts.documents == 0


def test_a_format_for_files_that_are_to_be_documents_is_refused(project, folder):
    (folder / "a.md").write_text("Boil vinegar.", encoding="utf-8")
    with pytest.raises(UserError, match="not read as beir, which is a labelled set"):
        _import(project, folder, kind="documents", format="beir")


def test_the_split_a_person_names_wins(project, folder):
    _lines(folder / "dev.json", {"query": "q", "pos_passage": ["p"]})
    _import(project, folder / "dev.json", split="train")
    assert queries.all_queries(project)[0].official_split is Split.TRAIN


def test_data_beside_a_beir_set_is_skipped_with_its_reason(project, folder):
    _beir(folder)
    (folder / "README.md").write_text("About the set.", encoding="utf-8")
    _lines(folder / "other" / "train.json", {"query": "q", "pos_passage": ["p"]})
    report = _import(project, folder)
    assert [(problem.file, problem.code) for problem in report.problems] == [("other/train.json", "beside_set")]
    assert report.counts.documents == 2


def test_a_file_of_texts_is_a_pool_beside_a_labelled_set_and_documents_elsewhere(folder):
    pool = _lines(folder / "pool.jsonl", {"text": "a passage"})
    assert [one.kind for one in scan([str(pool)], ImportParams())] == ["documents"]
    _lines(folder / "train.jsonl", {"query": "q", "pos": ["p"]})
    found = {one.shown: (one.kind, one.format) for one in scan([str(folder)], ImportParams())}
    assert found == {"pool.jsonl": ("labelled", "flagembedding"), "train.jsonl": ("labelled", "flagembedding")}


def test_scan_says_why(folder):
    _lines(folder / "a.jsonl", {"query": "q", "pos": ["p"]})
    (folder / "b.xyz").write_text("words", encoding="utf-8")
    told = [(one.shown, one.kind, one.reason) for one in scan([str(folder)], ImportParams())]
    assert told[0] == ("a.jsonl", "labelled", "1 of 1 lines have `query` and `pos`")
    assert told[1][1] == "skipped"
    assert "name the file itself" in told[1][2]


def test_as_documents_a_labelled_set_is_a_table(folder):
    _beir(folder)
    found = scan([str(folder)], ImportParams(kind="documents"))
    assert {(one.shown, one.kind) for one in found} >= {("corpus.jsonl", "documents"), ("queries.jsonl", "documents")}


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes")
def test_links_out_of_the_folder_loops_and_pipes_are_left_alone(project, folder, tmp_path):
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (folder / "a.txt").write_text("inside", encoding="utf-8")
    (folder / "out.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "again.txt").symlink_to(folder / "a.txt")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.txt")
    report = _import(project, folder)
    assert [passage.text for passage in documents.all_passages(project)] == ["inside"]
    assert {(problem.file, problem.code) for problem in report.problems} == {
        ("out.txt", "link"),
        ("pipe.txt", "not_a_file"),
    }


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names there are always text")
def test_a_file_whose_name_is_no_text_is_listed(project, folder):
    (folder / "fine.txt").write_text("the red box", encoding="utf-8")
    with open(os.fsencode(folder) + b"/bad\xff.txt", "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write("the blue box")
    report = _import(project, folder)
    assert [(one.file, one.code) for one in report.problems] == [("bad\\udcff.txt", "name")]
    assert report.counts.new == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="for root every folder is open")
def test_a_folder_within_that_may_not_be_read_is_listed_and_the_rest_comes_in(project, folder):
    (folder / "fine.txt").write_text("the red box", encoding="utf-8")
    (folder / "shut").mkdir(mode=0)
    report = _import(project, folder)
    assert [(one.file, one.code) for one in report.problems] == [("shut", "unreadable")]
    assert report.counts.new == 1


def test_a_path_too_long_for_the_system_is_listed_and_the_rest_comes_in(project, folder):
    (folder / "fine.txt").write_text("the red box", encoding="utf-8")
    before = Path.cwd()
    try:
        os.chdir(folder)
        for _ in range(25):
            Path("n" * 200).mkdir()
            os.chdir("n" * 200)
    finally:
        os.chdir(before)
    report = _import(project, folder)
    assert [one.code for one in report.problems] == ["unreadable"]
    assert report.counts.new == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"paths": ("/no/such/place",)}, "There is no file or folder"),
        ({"paths": ()}, "No file or folder was named"),
        ({"paths": ("FOLDER",)}, "There is nothing to import"),
        ({"paths": ("FOLDER",), "format": "beir"}, "no BEIR folder"),
        ({"paths": ("FOLDER",), "format": "docx"}, "There is no format 'docx'"),
    ],
)
def test_what_cannot_be_imported_is_one_sentence(project, folder, settings, words):
    settings["paths"] = tuple(str(folder) if path == "FOLDER" else path for path in settings["paths"])
    with pytest.raises(UserError, match=words) as caught:
        import_paths(project, ImportParams(**settings), Task())
    assert caught.value.hint
    assert imports.import_reports(project) == []


def test_an_import_that_was_stopped_goes_on_where_it_was(project, folder):
    for number in range(6):
        (folder / f"{number}.txt").write_text(f"Document {number}.", encoding="utf-8")
    with pytest.raises(Cancelled):
        import_paths(project, ImportParams(paths=(str(folder),)), _CancelAfter("import files", 4))
    stored = documents.count_documents(project)
    assert 0 < stored < 6
    assert imports.import_reports(project)[0].counts.new == stored
    counts = _import(project, folder).counts
    assert (counts.unchanged, counts.new) == (stored, 6 - stored)


def test_a_labelled_import_that_was_stopped_goes_on_too(project, folder):
    rows = [{"query": f"question {number}", "pos": [f"answer {number}"]} for number in range(3000)]
    _lines(folder / "train.jsonl", *rows)
    with pytest.raises(Cancelled):
        import_paths(project, ImportParams(paths=(str(folder),)), _CancelAfter("import labelled lines", 2))
    stored = queries.count_queries(project)
    assert 0 < stored < 3000
    counts = _import(project, folder).counts
    assert (counts.unchanged, counts.new) == (stored, 3000 - stored)
    assert queries.count_qrels(project) == documents.count_passages(project) == 3000


def test_a_path_named_twice_is_read_once(project, folder):
    (folder / "below").mkdir()
    (folder / "below" / "a.txt").write_text("words", encoding="utf-8")
    assert _import(project, folder, folder, folder / "below").counts.new == 1


def test_progress_names_each_file(project, folder):
    (folder / "a.txt").write_text("words", encoding="utf-8")
    told = []

    class _Telling(Task):
        def on_progress(self, stage: str, done: int, total: int, note: str) -> None:
            told.append((stage, done, total, note))

    import_paths(project, ImportParams(paths=(str(folder),)), _Telling())
    assert ("import files", 0, 1, "a.txt") in told
    assert told[-1] == ("import files", 1, 1, "")


def test_a_real_beir_set_is_stored_exactly_as_its_readme_counts(project):
    report = _import(project, shared_data("beer-se"))
    assert (report.counts.documents, report.counts.queries, report.counts.skipped) == (1398, 570, 0)
    assert _adds_up(report, 1398 + 570 + 1384)
    splits = [query.official_split for query in queries.all_queries(project)]
    assert [splits.count(split) for split in (Split.TRAIN, Split.DEV, Split.TEST)] == [399, 57, 114]


def test_broken_real_files_are_each_reported_and_end_nothing(project):
    folder = shared_data("mixed-docs/broken")
    report = _import(project, folder)
    files = list(folder.iterdir())
    opened = [path for path in files if path.name in ("droste.zip", "testZipEncrypted.zip", "gbk.zip")]
    out_of_archives = [problem for problem in report.problems if ".zip/" in problem.file]
    assert len(out_of_archives) >= len(opened)
    taken = [document.path for document in documents.page_of_documents(project, offset=0, limit=100)]
    assert _adds_up(report, len(files) - len(opened) + len(out_of_archives) + sum(".zip/" in path for path in taken))
    told = {problem.file: problem.reason for problem in report.problems}
    assert "asks for a password" in told["aes-256.pdf"]
    assert "far more than a document" in told["unpacks-to-100MB.docx"]
    assert "is damaged" in told["testWORD_truncated.docx"]
    assert report.counts.new >= 8


def test_ids_beside_texts_that_name_no_passage_are_told_once_and_foreseen(project, folder):
    folder.mkdir(exist_ok=True)
    path = folder / "faq.csv"
    path.write_text("ask,answer,pid\nhow red,very red,p1\nhow big,two feet,p2\nhow long,a mile,\n", encoding="utf-8")
    settings = {"mapping": {"ask": "query", "answer": "positive", "pid": "passage_id"}}
    seen = preview(project, ImportParams(paths=(str(path),), **settings))
    assert (seen.files[0].table.usable, seen.files[0].table.text_only) == (3, 2)
    assert "2 of them by their text alone" in seen.sentences[str(path)]
    report = _import(project, path, **settings)
    assert (report.counts.new, report.counts.skipped) == (3, 0)
    (problem,) = report.problems
    assert (problem.line, problem.code) == (2, "unknown_id")
    assert problem.reason == "no passage here is called 'p1'; the text beside it was taken, as on 1 more lines"
    assert queries.count_qrels(project) == 3

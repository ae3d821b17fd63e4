"""Every training format exported and imported again gives the same queries, judgements and negatives."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.errors import ExportError, UserError
from engine.export.exporting import FORMATS, export
from engine.export.training import _READ_AS
from engine.formats import TRAINING, TRAINING_FOLDERS, WITHOUT_NEGATIVES
from engine.ingest.importing import import_paths
from engine.ingest.labelled import FORMATS as READ
from engine.ingest.labelled import detect
from engine.params import ExportParams, ImportParams
from engine.records import Qrel, Split, text_hash
from engine.store import documents, queries
from engine.store.documents import NewDocument, NewPassage
from engine.store.imports import start_import
from engine.store.project import Project
from engine.store.queries import NewQuery
from engine.task import Task

ODD = [
    "\t",
    "\n",
    "\r",
    "\r\n",
    '"',
    "'",
    ",",
    "\\",
    "\0",
    "\u2028",
    "\x85",
    "\ufeff",
    "<b>",
    "&lt;",
    "</TEXT>",
    "]]>",
    "%20",
    "#1",
]
WORDS = ["kettle", "如何除垢", "ケトル", "😀👩‍👩‍👧", "שלום", "مرحبا", "é", "e\u0301", "0", "-1", "null", "query"]
text = (
    st.lists(
        st.sampled_from(ODD + WORDS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
        min_size=1,
        max_size=5,
    )
    .map("".join)
    .filter(lambda found: found.replace("\0", "").replace("\ufeff", "").strip())
)
NEGATIVES = ("sentence-transformers", "st-tuple", "st-distill")
GRADED = ("csv", "st-list", "gpl", "trec-folder")
NO_NUL = ("csv", "tsv", "trec-folder")


@st.composite
def worlds(draw):
    """Distinct passages (perhaps with a heading and an id), and queries that each have at least one answer."""
    texts = draw(st.lists(text, min_size=3, max_size=6, unique_by=lambda t: text_hash(t.replace("\0", ""))))
    asked = draw(st.lists(text, min_size=1, max_size=3, unique_by=lambda t: text_hash(t.replace("\0", "").strip())))
    ids = draw(
        st.lists(st.sampled_from(["", "d 1", "d1", "7", "a#2", "x%41"]), min_size=len(texts), max_size=len(texts))
    )
    heading = draw(st.sampled_from(["", "Kettles", 'A "b"']))
    passages = [(words, heading if n == 0 else "", ids[n]) for n, words in enumerate(texts)]
    judged = []
    for _ in asked:
        order = draw(st.permutations(range(len(texts))))
        right = draw(st.integers(1, 2))
        wrong = draw(st.integers(0, len(texts) - right))
        judged.append(({place: draw(st.integers(1, 3)) for place in order[:right]}, list(order[right : right + wrong])))
    return passages, asked, judged


def _project(folder: Path, world) -> Project:
    passages, asked, judged = world
    project = Project.create(folder)
    origin = start_import(project, [], "test")
    rows = [
        (
            NewDocument("", "", "test", "", external_id=name, labelled=True),
            NewPassage(words, heading=heading, external_id=name),
        )
        for words, heading, name in passages
    ]
    ids = documents.put_labelled(project, rows, import_id=origin)
    stored = [query_id for query_id, _ in queries.put_queries(project, [NewQuery(q) for q in asked], import_id=origin)]
    queries.set_splits(project, dict.fromkeys(stored, Split.TRAIN))
    for query_id, (right, wrong) in zip(stored, judged, strict=True):
        queries.put_qrels(project, [Qrel(query_id, ids[place], grade) for place, grade in right.items()])
        queries.put_imported_negatives(project, [(query_id, ids[place]) for place in wrong])
    return project


def _content(project: Project, format: str):
    """Grades and negatives by text, as far as the format can hold them."""

    def named(words: str) -> str:
        return text_hash(words.replace("\0", "").strip() if format in NO_NUL else words.strip())

    whole = {passage.id: named(passage.search_text) for passage in documents.all_passages(project)}
    judged, wrong = queries.judgements(project), queries.imported_negatives(project)
    found = {}
    for query in queries.all_queries(project):
        grades = judged.get(query.id, {})
        right = {whole[p]: grade if format in GRADED else 1 for p, grade in grades.items() if grade}
        refused = {whole[p] for p in wrong.get(query.id, ())} | {whole[p] for p, grade in grades.items() if not grade}
        if format in WITHOUT_NEGATIVES and format != "trec-folder":
            refused = set()
        if format not in NEGATIVES or refused:
            found[named(query.text)] = (right, refused - right.keys())
    return found


@pytest.mark.parametrize("format", TRAINING)
@given(world=worlds())
@example(
    world=(
        [("a\tb\0", "H", "d 1"), ('"c\r\n', "", ""), ("\ufeffd", "", "d 1")],
        ['q\t"1"\n2', "問"],
        [({0: 3}, [1, 2]), ({1: 1, 2: 2}, [])],
    )
)
@example(world=([('"', "", ""), ("'", "", ""), (",", "", "")], ['"\t\0'], [({0: 1}, [])]))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_what_is_exported_comes_back_the_same(format, world):
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        with _project(root / "a", world) as project, Project.create(root / "b") as other:
            wanted = _content(project, format)
            if not wanted:
                return
            (root / "out").mkdir()
            dest = root / "out" / "set" if format in TRAINING_FOLDERS else root / "out"
            summary = export(project, ExportParams(str(dest), "training", format, split="train"), Task())
            assert "the same as in the project" in summary.check
            report = import_paths(other, ImportParams((summary.path,), kind="labelled"), Task())
            assert report.problems == ()
            assert _content(other, format) == wanted
            splits = {query.official_split for query in queries.all_queries(other)}
            assert splits == {Split.TRAIN}


@given(world=worlds())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_a_beir_folder_comes_back_with_the_same_queries_and_grades(world):
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        with _project(root / "a", world) as project, Project.create(root / "b") as other:
            export(project, ExportParams(str(root / "set"), "qrels", "beir", split="train"), Task())
            report = import_paths(other, ImportParams((str(root / "set"),), kind="labelled"), Task())
            assert report.problems == ()
            assert _graded(other) == _graded(project)


def _graded(project: Project) -> dict[str, dict[str, int]]:
    whole = {passage.id: text_hash(passage.search_text.strip()) for passage in documents.all_passages(project)}
    judged = queries.judgements(project)
    return {
        text_hash(query.text.strip()): {whole[p]: grade for p, grade in judged.get(query.id, {}).items() if grade}
        for query in queries.all_queries(project)
    }


@pytest.mark.parametrize("format", TRAINING)
def test_very_long_texts_come_back_whole(format, tmp_path):
    long = 'kettle "水壶" 😀\t' * 20_000
    world = ([(long + "right", "", ""), (long + "wrong", "", "")], [long + "query"], [({0: 1}, [1])])
    with _project(tmp_path / "a", world) as project, Project.create(tmp_path / "b") as other:
        dest = tmp_path / "out"
        if format not in TRAINING_FOLDERS:
            dest.mkdir()
        summary = export(project, ExportParams(str(dest), "training", format, split="train"), Task())
        import_paths(other, ImportParams((summary.path,), kind="labelled"), Task())
        assert _content(other, format) == _content(project, format)


def test_each_format_is_recognised_as_what_it_is(tmp_path):
    world = ([("Boil vinegar.", "", "d1"), ("Kettles were first.", "", "d2")], ["how to descale"], [({0: 1}, [1])])
    with _project(tmp_path / "p", world) as project:
        for format in TRAINING:
            dest = tmp_path / format
            if format not in TRAINING_FOLDERS:
                dest.mkdir()
            path = Path(export(project, ExportParams(str(dest), "training", format, split="train"), Task()).path)
            assert detect(path).format == _READ_AS.get(format, format), format


def test_every_format_that_holds_texts_can_be_written():
    written = {_READ_AS.get(format, format) for format in TRAINING} | set(FORMATS["qrels"])
    assert set(READ) - written == {"triples"}  # written as tsv: with a header and quotes, so that nothing is lost


def test_negatives_alone_are_queries_that_have_some(tmp_path):
    world = ([("A", "", ""), ("B", "", "")], ["ask", "which"], [({0: 1}, [1]), ({1: 1}, [])])
    with _project(tmp_path / "p", world) as project:
        summary = export(project, ExportParams(str(tmp_path / "n.jsonl"), "negatives", split="train"), Task())
        lines = [json.loads(line) for line in (tmp_path / "n.jsonl").read_text(encoding="utf-8").splitlines()]
        assert lines == [{"query": "ask", "pos": ["A"], "neg": ["B"]}]
        assert summary.check == (
            "Read again: 1 queries, 1 answers, 1 negatives, the same as in the project. "
            "1 queries without an answer and a negative are not in it."
        )
        with pytest.raises(UserError, match="cannot be exported as 'st-pair'"):
            export(project, ExportParams(str(tmp_path / "x"), "negatives", "st-pair", split="train"), Task())
        with pytest.raises(UserError, match="No query of the dev split"):
            export(project, ExportParams(str(tmp_path / "x"), "negatives", split="dev"), Task())


def test_what_does_not_read_back_is_not_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.export.training.read_units", lambda *_: iter(()))
    world = ([("A", "", ""), ("B", "", "")], ["ask"], [({0: 1}, [1])])
    with _project(tmp_path / "p", world) as project:
        with pytest.raises(ExportError, match="could not be read back"):
            export(project, ExportParams(str(tmp_path / "n.jsonl"), "training", split="train"), Task())
        assert [path.name for path in tmp_path.iterdir()] == ["p"]


@pytest.mark.parametrize("format", ["jsonl", "csv", "tsv"])
def test_queries_alone_keep_odd_texts(tmp_path, format):
    world = ([("A", "", "")], ['a\t"b"\nc', "問い", "plain"], [({0: 1}, [])] * 3)
    with _project(tmp_path / "p", world) as project:
        path = tmp_path / f"q.{format}"
        export(project, ExportParams(str(path), "queries", format, split="all"), Task())
        with Project.create(tmp_path / "b") as other:
            import_paths(other, ImportParams((str(path),), mapping={"text": "query", "split": "split"}), Task())
            assert {q.text for q in queries.all_queries(other)} == {'a\t"b"\nc', "問い", "plain"}
            assert {q.official_split for q in queries.all_queries(other)} == {Split.TRAIN}

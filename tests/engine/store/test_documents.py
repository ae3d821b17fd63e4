"""Documents and passages in the database."""

from __future__ import annotations

import numpy as np
import pytest

from engine.records import Qrel
from engine.store import documents, imports, queries
from engine.store.documents import NewDocument, NewPassage
from engine.store.project import Project


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "p") as made:
        yield made


def _import(project) -> int:
    return imports.start_import(project, ["/somewhere"], "auto")


def _file(text: str, digest: str = "h1") -> NewDocument:
    return NewDocument(title="Manual", path="/docs/manual.txt", kind="txt", content_hash=digest, text=text)


def test_a_document_comes_back_with_its_passages(project):
    new = [NewPassage("Open the lid.", heading="Manual > Care", start=0, end=13, page=2), NewPassage("Close it.")]
    document_id = documents.put_document(project, _file("Open the lid. Close it."), new, import_id=_import(project))
    found = documents.passages_of(project, document_id)
    assert [p.text for p in found] == ["Open the lid.", "Close it."]
    assert (found[0].search_text, found[0].page) == ("Manual > Care Open the lid.", 2)
    assert documents.document_text(project, document_id) == "Open the lid. Close it."


def test_passages_whose_text_stays_keep_their_judgements_when_the_file_changes(project):
    import_id = _import(project)
    documents.put_document(project, _file("a b"), [NewPassage("stays"), NewPassage("goes")], import_id=import_id)
    stays, goes = documents.corpus(project).ids.tolist()
    ((query_id, _),) = queries.put_queries(project, [queries.NewQuery("what?")], import_id=import_id)
    queries.put_qrels(project, [Qrel(query_id, stays, 1), Qrel(query_id, goes, 1)])
    documents.put_document(project, _file("a c", "h2"), [NewPassage("comes"), NewPassage("stays")], import_id=import_id)
    assert documents.count_documents(project) == 1
    assert [q.passage_id for q in queries.qrels_of(project, query_id)] == [stays]
    assert {p.text for p in documents.all_passages(project)} == {"comes", "stays"}


def test_labelled_passages_stand_in_the_order_given(project):
    rows = [
        (NewDocument("T", "", "beir", f"h{i}", external_id=f"d{i}", labelled=True), NewPassage(f"t{i}", "T", f"d{i}"))
        for i in range(1200)
    ]
    ids = documents.put_labelled(project, rows, import_id=_import(project))
    assert documents.passage_ids_by_external(project, ["d3", "d1199", "dx"]) == {"d3": ids[3], "d1199": ids[1199]}
    assert documents.passages(project, ids[:2])[ids[1]].text == "t1"


def test_a_page_of_documents_finds_by_title_and_takes_percent_signs_literally(project):
    for title in ("100% wool", "100 wool"):
        documents.put_document(
            project,
            NewDocument(title, f"/{title}", "txt", "h", text="x"),
            [NewPassage("x")],
            import_id=_import(project),
        )
    found = documents.page_of_documents(project, offset=0, limit=10, contains="100%")
    assert [d.title for d in found] == ["100% wool"]
    assert documents.count_documents(project, contains="100%") == 1


def test_corpus_rows_are_found_by_id_and_unknown_ids_left_out(project):
    documents.put_document(project, _file("x"), [NewPassage("a"), NewPassage("b")], import_id=_import(project))
    corpus = documents.corpus(project)
    assert corpus.rows_of([int(corpus.ids[1]), 999]).tolist() == [1]
    assert np.all(np.diff(corpus.ids) > 0)


def test_removing_a_document_takes_its_passages_and_judgements(project):
    document_id = documents.put_document(project, _file("x"), [NewPassage("a")], import_id=_import(project))
    ((query_id, _),) = queries.put_queries(project, [queries.NewQuery("q")], import_id=None)
    queries.put_qrels(project, [Qrel(query_id, int(documents.corpus(project).ids[0]), 1)])
    documents.remove_documents(project, [document_id])
    assert documents.count_passages(project) == 0
    assert queries.count_qrels(project) == 0

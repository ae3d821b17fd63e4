"""What an import brought can be listed, and what taking it back would do is known before."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.ingest.importing import import_paths
from engine.params import ImportParams
from engine.records import Qrel, Review
from engine.store import arrivals, documents, queries
from engine.store.imports import ignore_problems
from engine.store.project import Project
from engine.store.undoing import foresee_undo, undo_import
from engine.task import Task


@pytest.fixture
def project(tmp_path: Path):
    with Project.create(tmp_path / "p") as made:
        yield made


def _import(project: Project, *paths: Path) -> int:
    return import_paths(project, ImportParams(paths=tuple(str(path) for path in paths)), Task()).id


def _pairs(path: Path, *names: str) -> Path:
    rows = [f'{{"query": "ask {name}", "pos": ["say {name}"], "neg": ["not {name}"]}}' for name in names]
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def _texts(folder: Path, **texts: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder


def test_documents_passages_and_queries_of_an_import_are_listed(project, tmp_path):
    _import(project, _texts(tmp_path / "docs", a="The red box.", b="The blue box."))
    number = _import(project, _pairs(tmp_path / "pairs.jsonl", "one", "two"))
    counts = {part: arrivals.count_arrived(project, number, part) for part in ("documents", "passages", "queries")}
    assert counts == {"documents": 4, "passages": 4, "queries": 2}
    named = arrivals.page_of_arrived(project, number, "queries", offset=0, limit=10, contains="two")
    assert [(found.name, found.document_id) for found in named] == [("ask two", 0)]
    passages = arrivals.page_of_arrived(project, number, "passages", offset=1, limit=2)
    assert len(passages) == 2


def test_a_file_read_anew_came_with_both_imports_and_is_fresh_in_the_first(project, tmp_path):
    folder = _texts(tmp_path / "docs", a="The red box.")
    first = _import(project, folder)
    _texts(folder, a="The green box.")
    second = _import(project, folder)
    fresh = {
        number: [found.fresh for found in arrivals.page_of_arrived(project, number, "documents", offset=0, limit=9)]
        for number in (first, second)
    }
    assert fresh == {first: [True], second: [False]}


def test_documents_below_a_place_are_those_of_that_folder_alone(project, tmp_path):
    _import(project, _texts(tmp_path / "docs", a="One.", b="Two."), _texts(tmp_path / "docs more", c="Three."))
    assert documents.count_documents(project, place=str(tmp_path / "docs")) == 2
    assert documents.count_documents(project, place=str(tmp_path / "docs" / "a.txt")) == 1
    assert documents.count_documents(project, place=str(tmp_path / "docs"), contains="b.txt") == 1
    assert documents.count_documents(project, place=str(tmp_path)) == 3


def test_what_an_undo_would_do_is_what_it_does(project, tmp_path):
    _import(project, _pairs(tmp_path / "before.jsonl", "one"))
    number = _import(
        project, _pairs(tmp_path / "pairs.jsonl", "one", "two", "three"), _texts(tmp_path / "d", a="A box.")
    )
    ids = {found.text: found.id for found in queries.all_queries(project)}
    (box,) = [found.id for found in documents.all_passages(project) if found.text == "A box."]
    queries.put_review(project, ids["ask two"], box, Review.NEGATIVE)
    foreseen = foresee_undo(project, number)
    assert foreseen.kept_queries == 1
    assert foreseen.kept_documents == 1
    assert undo_import(project, number) == foreseen


def test_a_judgement_made_anew_by_hand_survives_the_undo_of_its_import(project, tmp_path):
    number = _import(project, _pairs(tmp_path / "pairs.jsonl", "one", "two"))
    (query,) = [found.id for found in queries.all_queries(project) if found.text == "ask one"]
    (passage,) = [found.id for found in documents.all_passages(project) if found.text == "say one"]
    queries.put_qrels(project, [Qrel(query, passage, 3, "hand")])
    undone = undo_import(project, number)
    assert (undone.queries, undone.kept_queries, undone.kept_documents) == (1, 1, 1)
    assert project.db.execute("select query_id, passage_id, grade from qrels").fetchall() == [(query, passage, 3)]


def test_every_import_is_listed_with_how_it_stands(project, tmp_path):
    first = _import(project, _texts(tmp_path / "docs", a="One.", b=""))
    second = _import(project, _pairs(tmp_path / "pairs.jsonl", "one"))
    undo_import(project, second)
    rows = arrivals.import_rows(project)
    assert [(found.report.id, found.undone, found.problems, found.open) for found in rows] == [
        (second, True, 0, 0),
        (first, False, 1, 1),
    ]


def test_problems_are_counted_and_paged_by_state_and_code(project, tmp_path):
    folder = _texts(tmp_path / "docs", a="", b="", c="Words.")
    (folder / "odd.bin").write_bytes(bytes(range(256)))
    number = _import(project, folder)
    kinds = arrivals.problem_kinds(project, number)
    assert sorted(kinds) == [("open", "empty", 2), ("open", "unknown_kind", 1)]
    first = arrivals.page_of_problems(project, number, offset=0, limit=1, code="empty")
    ignore_problems(project, [found.id for found in first])
    assert arrivals.count_problems(project, number, state="ignored") == 1
    left = arrivals.page_of_problems(project, number, offset=0, limit=9, state="open", code="empty")
    assert [found.file for found in left] == ["b.txt"]
    assert arrivals.page_of_problems(project, number, offset=1, limit=9, state="open") != left

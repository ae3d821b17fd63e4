"""Taking an import back: work for what it brought, not for all else; and nothing that comes later is taken for it."""

from __future__ import annotations

from pathlib import Path

from engine.records import Qrel, QueryMetrics, Split
from engine.store import queries, runs
from engine.store.documents import NewDocument, NewPassage, count_passages, put_labelled
from engine.store.imports import start_import
from engine.store.project import Project
from engine.store.queries import NewQuery
from engine.store.undoing import undo_import
from tests.growth import steps


def brought(project: Project, count: int, name: str) -> tuple[int, list[int], list[int]]:
    """An import of so many queries with a passage each."""
    import_id = start_import(project, [name], "made")
    rows = [
        (NewDocument("", "", "labelled", f"{name} {i}", labelled=True), NewPassage(f"{name} {i}")) for i in range(count)
    ]
    passages = put_labelled(project, rows, import_id=import_id)
    found = queries.put_queries(project, [NewQuery(f"{name} {i}") for i in range(count)], import_id=import_id)
    return import_id, [query_id for query_id, _ in found], passages


def test_what_comes_after_something_was_taken_back_has_ids_that_nothing_had_before(tmp_path):
    with Project.create(tmp_path / "p") as project:
        import_id, asked, passages = brought(project, 2, "wrong")
        undo_import(project, import_id)
        _, asked_now, passages_now = brought(project, 2, "right")
        assert min(asked_now) > max(asked)
        assert min(passages_now) > max(passages)


def work_of_undoing(path: Path, count: int) -> int:
    """Beside as many measured queries with negatives that another import brought."""
    with Project.create(path) as project:
        import_id, asked, passages = brought(project, count, "wrong")
        queries.put_qrels(project, [Qrel(*pair, 1) for pair in zip(asked, passages, strict=True)], import_id=import_id)
        other, asked, passages = brought(project, count, "right")
        queries.put_imported_negatives(project, zip(asked, passages, strict=True), import_id=other)
        run_id = runs.start_run(project, system="bm25", model_id=None, split=Split.TEST, content_key="x")
        runs.put_query_metrics(project, run_id, [QueryMetrics(query_id, 0, 0, 0, 0, 0, 0) for query_id in asked])
        work = steps(project, lambda: undo_import(project, import_id))
        assert count_passages(project) == count
        return work


def test_taking_back_twice_the_import_is_about_twice_the_work(tmp_path):
    assert work_of_undoing(tmp_path / "twice", 400) < 3 * work_of_undoing(tmp_path / "once", 200)

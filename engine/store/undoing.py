"""Takes an import back: what it brought and nobody else uses goes, what others brought or said stays."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import UserError
from engine.store import documents, following, queries
from engine.store.imported_runs import forget_imported_runs, imported_runs_of, remove_imported_hits
from engine.store.imports import imports_to_take_back
from engine.store.project import Project
from engine.store.seen import forget_labelled


@dataclass(frozen=True, slots=True)
class Undone:
    """What was taken out, and what stays although the import brought or changed it, with the reason.

    Attributes:
        kept_documents: judged by others since then.
        kept_queries: judged, reviewed or pinned since then, or brought again by another import.
        changed_documents: read anew by the import from files imported before; their older text is not kept.
        passages: of the documents taken out.
        rankings: of other systems.
    """

    documents: int
    queries: int
    qrels: int
    negatives: int
    kept_documents: int
    kept_queries: int
    changed_documents: int
    passages: int = 0
    rankings: int = 0


def undo_import(project: Project, import_id: int) -> Undone:
    """Take back what an import brought, in one transaction.

    Raises:
        UserError: there is no such import, or it was taken back before.
    """
    row = project.db.execute("select undone from imports where id = ?", [import_id]).fetchone()
    if row is None:
        raise UserError(f"There is no import {import_id}.", hint="searchsmith imports list names them.")
    if row[0]:
        raise UserError(f"The import {import_id} was taken back before.")
    with project.db.atomic():
        qrels = following.forget_said(project, "qrels", import_id)
        negatives = following.forget_said(project, "imported_negatives", import_id)
        gone, kept = _queries(project, import_id)
        for query_id in gone:
            queries.remove_query(project, query_id)
        removed, judged, changed = _documents(project, import_id)
        passages = documents.count_passages(project)
        documents.remove_documents(project, removed)
        rankings = imported_runs_of(project, import_id)
        forget_imported_runs(project, rankings)
        passages -= documents.count_passages(project)
        project.db.execute("update imports set undone = 1 where id = ?", [import_id])
        project.db.execute(
            "update import_problems set state = 'resolved', settled_by = import_id where import_id = ? "
            "and state = 'open'",
            [import_id],
        )
        forget_labelled(project)
    remove_imported_hits(project, rankings)
    return Undone(len(removed), len(gone), qrels, negatives, judged, kept, changed, passages, len(rankings))


def finish_taking_back(project: Project) -> list[Undone]:
    """Take back what was cancelled with that wish by a process that ended before it had; call with the lock held."""
    return [undo_import(project, import_id) for import_id in imports_to_take_back(project)]


def foresee_undo(project: Project, import_id: int) -> Undone:
    """What `undo_import` would take out and leave, told before; nothing is changed."""
    gone, kept = _queries(project, import_id)
    removed, judged, changed = _documents(project, import_id)
    counts = [following.count_said(project, table, import_id) for table in ("qrels", "imported_negatives")]
    passages = documents.count_passages_of(project, removed)
    rankings = len(imported_runs_of(project, import_id))
    return Undone(len(removed), len(gone), counts[0], counts[1], judged, kept, changed, passages, rankings)


def newest_import(project: Project) -> int:
    """The last import that was not taken back, 0 where there is none."""
    row = project.db.execute("select max(id) from imports where undone = 0").fetchone()
    return int(row[0] or 0)


def what_came(project: Project, import_id: int) -> tuple[list[int], list[int]]:
    """(documents, queries) that an import brought first, by id, as far as they are still there."""
    found = project.db.execute("select id from documents where first_import_id = ? order by id", [import_id]).fetchall()
    asked = project.db.execute("select id from queries where import_id = ? order by id", [import_id]).fetchall()
    return [int(row[0]) for row in found], [int(row[0]) for row in asked]


def _queries(project: Project, import_id: int) -> tuple[list[int], int]:
    used = " or ".join(
        [f"exists(select 1 from {table} where query_id = q.id)" for table in ("reviews", "pinned_queries")]
        + [
            f"exists(select 1 from {table} t where t.query_id = q.id and t.import_id is not q.import_id)"
            for table in ("qrels", "imported_negatives")
        ]
    )
    rows = project.db.execute(
        f"select id, {used} from queries q where import_id = ? order by id", [import_id]
    ).fetchall()
    return [int(query_id) for query_id, is_used in rows if not is_used], sum(bool(is_used) for _, is_used in rows)


def _documents(project: Project, import_id: int) -> tuple[list[int], int, int]:
    rows = project.db.execute(
        "select d.id, exists(select 1 from passages p where p.document_id = d.id and ("
        "exists(select 1 from qrels j where j.passage_id = p.id and j.import_id is not d.first_import_id) "
        "or exists(select 1 from reviews where passage_id = p.id) "
        "or exists(select 1 from feedback where passage_id = p.id))) "
        "from documents d where first_import_id = ? order by d.id",
        [import_id],
    ).fetchall()
    changed = project.db.execute(
        "select count(*) from documents where import_id = ? and first_import_id != ?", [import_id, import_id]
    ).fetchone()[0]
    return [int(found) for found, used in rows if not used], sum(bool(used) for _, used in rows), int(changed)

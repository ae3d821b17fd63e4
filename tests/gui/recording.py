"""A session whose engine is this process: jobs are written down, edits are made at once, nothing is spawned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.params import SelectParams, params_from_dict
from engine.records import Qrel, Review
from engine.store import candidates, documents, negatives, queries, selection
from engine.store.project import Project
from gui.jobs.job import Job
from gui.session import Session, Undo
from gui.settings import SettingsStore


class RecordingSession(Session):
    """`jobs` and `edits` hold what the pages asked for, in order, as `(kind, values)`."""

    def __init__(self, path: Path | None, settings: Path) -> None:
        super().__init__(SettingsStore(settings / "settings.json"))
        self.jobs: list[tuple[str, dict[str, Any]]] = []
        self.edits: list[tuple[str, dict[str, Any]]] = []
        self.toasts: list[tuple[str, str]] = []
        self.said.connect(lambda text, action, _run: self.toasts.append((text, action)))
        if path is not None:
            self._take(Project.open(path, readonly=True))

    def run_job(self, kind: str, params: dict[str, Any] | None = None) -> Job | None:
        self.jobs.append((kind, params or {}))
        return None

    def _edit(
        self,
        kind: str,
        values: dict[str, Any],
        on_done: Callable[[dict[str, Any]], None] | None = None,
        *,
        undo: Undo | None = None,
        on_failed: Callable[[str, str], None] | None = None,
    ) -> None:
        self.edits.append((kind, values))
        assert self.path is not None
        with Project.open(self.path) as project:
            changed = _make(project, kind, values)
        if undo is not None:
            self._undo.append(undo)
            self.undo_changed.emit(undo.words)
        self._emit(changed)
        if on_done is not None:
            on_done({})


def _make(project: Project, kind: str, values: dict[str, Any]) -> set[str]:
    """What `engine.edits` does, as far as the pages ask for it."""
    if kind == "review":
        queries.put_review(project, values["query_id"], values["passage_id"], Review(values["verdict"]))
        return {"negatives"} | ({"queries"} if values["verdict"] == "relevant" else set())
    if kind == "unreview":
        queries.remove_review(project, values["query_id"], values["passage_id"])
        return {"negatives", "queries"}
    if kind == "reselect":
        mining = negatives.mining(project, values["mining_id"])
        assert mining is not None
        params = params_from_dict(SelectParams, values["select"])
        found = candidates.read_candidates(project, mining.id)
        chosen = selection.select(found, params, candidates.read_reviews(project, found))
        rows = selection.chosen_negatives(found, chosen)
        counts = {**mining.counts, "negatives": len(rows)}
        kept = {**mining.params, "select": values["select"]}
        negatives.replace_selection(project, mining.id, rows, params=kept, counts=counts)
        return {"negatives"}
    if kind in ("merge", "unmerge"):
        into = values["into"] if kind == "merge" else None
        project.db.execute("update queries set duplicate_of = ? where id = ?", [into, values["query_id"]])
        return {"queries"}
    if kind == "add_query":
        added = queries.put_queries(project, [queries.NewQuery(values["text"], source="hand")], import_id=1)
        if values.get("passage_id"):
            queries.put_qrels(project, [Qrel(added[0][0], values["passage_id"], 1, "hand")])
        return {"queries"}
    if kind == "qrel":
        queries.put_qrels(project, [Qrel(values["query_id"], values["passage_id"], values["grade"], "hand")])
        return {"queries"}
    if kind == "unqrel":
        queries.remove_qrel(project, values["query_id"], values["passage_id"])
        return {"queries"}
    if kind == "remove_documents":
        documents.remove_documents(project, values["document_ids"])
        return {"documents"}
    raise AssertionError(f"no such edit: {kind}")

"""Small projects and a fake encoder for the tests of curating and mining."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from engine.curate.sameness import normal_text
from engine.records import Qrel, Split, State, text_hash
from engine.store import documents, models, queries
from engine.store.project import Project

DIM = 256


def bag_vectors(texts: Sequence[str]) -> np.ndarray:
    """Unit vectors that are alike where texts share words: a word adds 1 at places its hash names."""
    vectors = np.zeros((len(texts), DIM), np.float32)
    for row, text in enumerate(texts):
        for word in normal_text(text).split():
            vectors[row, int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16) % DIM] += 1
        vectors[row, 0] += 0.1
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def new_project(path: Path) -> Project:
    project = Project.create(path)
    models.add_model(project, name="fake", kind="base", path="fake", weights_digest="f" * 64, state=State.COMPLETE)
    return project


def add_passages(project: Project, texts: Sequence[str], *, file: str = "") -> list[int]:
    """Store passages: each a labelled document of its own, or all of one file."""
    passages = [documents.NewPassage(text) for text in texts]
    if file:
        document = documents.NewDocument(file, file, "txt", text_hash(file), text=" ".join(texts))
        document_id = documents.put_document(project, document, passages, import_id=_import(project))
        return [passage.id for passage in documents.passages_of(project, document_id)]
    rows = [(documents.NewDocument("", "", "labelled", text_hash(p.text), labelled=True), p) for p in passages]
    return documents.put_labelled(project, rows, import_id=_import(project))


def add_queries(
    project: Project, texts: Sequence[str], *, official: Mapping[str, Split] | None = None, split: Split | None = None
) -> list[int]:
    rows = [queries.NewQuery(text, official_split=(official or {}).get(text)) for text in texts]
    ids = [query_id for query_id, _ in queries.put_queries(project, rows, import_id=None)]
    if split:
        queries.set_splits(project, dict.fromkeys(ids, split))
    return ids


def judge(project: Project, *rows: tuple[int, int, int]) -> None:
    queries.put_qrels(project, [Qrel(*row) for row in rows])


def _import(project: Project) -> int:
    row = {"created_at": "2026-01-01T00:00:00Z", "format": "test", "paths": "[]", "counts": "{}", "state": "complete"}
    return int(project.db.table("imports").insert(row).last_pk)

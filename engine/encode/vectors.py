"""Vectors of a project's texts: read from its vector store, and computed once per model where they are not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engine.encode.encoder import Encoder, Kind, Vectors
from engine.records import text_hash
from engine.store.project import Project
from engine.store.vectors import VectorStore
from engine.task import Task


def encode_texts(
    project: Project, encoder: Encoder, texts: Sequence[str], *, kind: Kind, task: Task, stage: str
) -> Vectors:
    """Vectors of `texts` in their order, (n, dim) float32, unit length; every distinct text is encoded once per model.

    New vectors are kept block by block, so that stopped work goes on where it was; those of a read-only project only
    for this call, which is said. Progress counts distinct texts.
    """
    store = open_store(project, encoder)
    hashes = [text_hash(encoder.prompted(text, kind)) for text in texts]
    missing: dict[str, str] = {}
    for row, digest, text in zip(store.rows(hashes), hashes, texts, strict=True):
        if row < 0:
            missing.setdefault(digest, text)
    distinct = len(set(hashes))
    known = distinct - len(missing)
    task.progress(stage, known, distinct)
    encoded = encoder.encoded
    digests = list(missing)
    if project.readonly and digests:
        task.warn(f"Nothing can be kept in this project, so {len(digests):,} texts are encoded for this time alone.")
    passing: dict[str, Vectors] = {}
    for vectors in encoder.encode_blocks(
        list(missing.values()), kind, lambda done: task.progress(stage, known + done, distinct)
    ):
        block, digests = digests[: len(vectors)], digests[len(vectors) :]
        if project.readonly:
            passing.update(zip(block, vectors, strict=True))
        else:
            store.append(block, vectors, encoded=encoder.encoded - encoded)
        encoded = encoder.encoded
    return _gathered(store, hashes, passing)


def _gathered(store: VectorStore, hashes: Sequence[str], passing: Mapping[str, Vectors]) -> Vectors:
    """The vectors of the texts with these hashes, from the store or those that are not kept, (n, dim) float32."""
    if not passing:
        return store.take(store.rows(hashes)) if hashes else np.empty((0, store.dim), np.float32)
    out = np.empty((len(hashes), store.dim), np.float32)
    kept = [place for place, digest in enumerate(hashes) if digest not in passing]
    if kept:
        out[kept] = store.take(store.rows([hashes[place] for place in kept]))
    for place, digest in enumerate(hashes):
        if digest in passing:
            out[place] = passing[digest]
    return out


def open_store(project: Project, encoder: Encoder) -> VectorStore:
    """The store of the encoder's vectors in the project."""
    return VectorStore(project.path / "vectors" / encoder.key, encoder.dim, facts=encoder.facts)

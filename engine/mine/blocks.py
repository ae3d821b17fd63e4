"""Mine block by block: what is finished lies on disk at once, and a mining that was ended goes on where it was."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.errors import ProjectError
from engine.mine.approximate import choose_search
from engine.mine.gathering import Known
from engine.params import MineParams
from engine.records import Model, Query
from engine.store.candidates import Candidates, join_candidates, load_candidates, save_candidates
from engine.store.documents import Corpus
from engine.store.project import Project
from engine.task import Task

# Queries at a time: what a killed mining loses at most; 256 × 400 candidates are 3 MB.
QUERIES = 256
STAGE = "mine candidates"
_PREFIX = "unfinished-"


def mining_key(model: Model, corpus: Corpus, asked: Sequence[Query], known: Sequence[Known], params: MineParams) -> str:
    """Name all that candidates depend on; blocks of another key are never mixed in."""
    content = hashlib.blake2b(digest_size=12)

    def add(*parts: object) -> None:
        content.update(("\0".join(map(str, parts)) + "\n").encode("utf-8", "surrogatepass"))

    search = choose_search(params.index, len(asked), len(corpus.ids))
    add(model.weights_digest, model.max_length, *params.sources, params.depth, params.select.seed, search, QUERIES)
    add(params.bm25)
    for passage_id, document_id, text_hash in zip(corpus.ids, corpus.document_ids, corpus.hashes, strict=True):
        add(passage_id, document_id, text_hash)
    for query, facts in zip(asked, known, strict=True):
        add(query.id, query.text)
        for places in (facts.answers, facts.wrong, facts.imported):
            add(*places.tolist())
    return content.hexdigest()


def mine_blocks(project: Project, key: str, count: int, block: Callable[[slice], Candidates], task: Task) -> Candidates:
    """The candidates of `count` queries, made by `block` for one slice after the other or read where they lie already.

    Raises:
        Cancelled: the person stopped it; finished blocks stay for the next mining of the same key.
    """
    folder = _folder(project, key)
    for other in folder.parent.glob(f"{_PREFIX}*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    parts = []
    for start in range(0, count, QUERIES):
        task.progress(STAGE, start, count)
        rows = slice(start, min(start + QUERIES, count))
        place = folder / f"{start:09d}"
        part = _finished(place)
        if part is None:
            part = block(rows)
            save_candidates(place, part)
        parts.append(part)
    task.progress(STAGE, count, count)
    return join_candidates(parts)


def clear_blocks(project: Project, key: str) -> None:
    """Remove the blocks of a mining that is complete."""
    shutil.rmtree(_folder(project, key), ignore_errors=True)


def finished_blocks(project: Project, key: str) -> int:
    """How many blocks lie there from a mining that was ended."""
    return len(list(_folder(project, key).glob("[0-9]*/manifest.json")))


def _finished(place: Path) -> Candidates | None:
    if not (place / "manifest.json").exists():
        return None
    try:
        return load_candidates(place, check=True)
    except ProjectError:
        return None  # damaged: it is mined again


def _folder(project: Project, key: str) -> Path:
    return project.path / "minings" / f"{_PREFIX}{key}"

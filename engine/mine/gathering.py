"""Bring what BM25, the model and chance found for each query together in one table of candidates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.mine.doubt import doubt, nearness
from engine.mine.equality import Equality
from engine.store.candidates import Candidates, Flag, sort_key
from engine.task import Task

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

# Queries at a time: 32 × 400 candidates × 384 numbers × 2 sides are 40 MB.
_QUERIES = 32
# Candidates with an answer at a time: hundreds of answers to a query (TREC-COVID has 490) would fill the memory else.
_PAIRS = 100_000


@dataclass(frozen=True, slots=True)
class Found:
    """What one source brought: places in the corpus (n_queries, depth), -1 where none, best first, with scores."""

    places: NDArray[np.int32]
    scores: Floats


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one query: its answers and judged passages, as places in the corpus."""

    query_id: int
    answers: Ints
    wrong: Ints
    imported: Ints


@dataclass(frozen=True, slots=True)
class Space:
    """The corpus and the queries as the model sees them."""

    passage_ids: Ints
    document_ids: Ints
    passages: Floats
    queries: Floats
    equality: Equality


def gather(known: Sequence[Known], found: Mapping[str, Found], space: Space, task: Task) -> Candidates:
    """All candidates of all queries, each with rank and score of every source.

    Args:
        known: queries by ascending id, each with at least one answer.
        found: by source: `bm25`, `dense` and `random` as far as asked for; rows as in `known`.
    """
    parts: list[dict[str, NDArray[Any]]] = []
    counts: list[NDArray[np.int64]] = []
    for start in range(0, len(known), _QUERIES):
        task.progress("gather candidates", start, len(known))
        rows = slice(start, min(start + _QUERIES, len(known)))
        block = {name: Found(f.places[rows], f.scores[rows]) for name, f in found.items()}
        part = _columns(known[rows], block, space, space.queries[rows])
        counts.append(np.bincount(part.pop("number"), minlength=len(known[rows])))
        parts.append(part)
    task.progress("gather candidates", len(known), len(known))
    return _joined([query.query_id for query in known], parts, counts)


def _joined(query_ids: list[int], parts: list[dict[str, NDArray[Any]]], counts: list[NDArray[np.int64]]) -> Candidates:
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    sizes = np.concatenate(counts)
    ranked = np.flatnonzero(columns["bm25_rank"])
    number = np.repeat(np.arange(len(sizes)), sizes)
    by_bm25 = ranked[np.lexsort((columns["bm25_rank"][ranked], number[ranked]))]
    return Candidates(
        queries=np.array(query_ids, np.int32),
        starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        by_bm25=by_bm25.astype(np.int32),
        **columns,
    )


def _columns(
    known: Sequence[Known], found: Mapping[str, Found], space: Space, vectors: Floats
) -> dict[str, NDArray[Any]]:
    n = len(space.passage_ids)
    sources = {name: _keys(f, n) for name, f in found.items()}
    marked = {
        name: np.concatenate([row * n + getattr(query, name) for row, query in enumerate(known)])
        for name in ("answers", "wrong", "imported")
    }
    keys = np.unique(np.concatenate([*(s[0] for s in sources.values()), marked["answers"], marked["imported"]]))
    number, place = np.divmod(keys, n)

    def spread(name: str, which: int) -> NDArray[Any]:
        column = np.zeros(len(keys), np.float32 if which == 2 else np.uint16)
        if name in sources:
            column[np.searchsorted(keys, sources[name][0])] = sources[name][which]
        return column

    score = np.round(np.einsum("ij,ij->i", vectors[number], space.passages[place]), 6).astype(np.float32)
    is_answer = np.isin(keys, marked["answers"])
    lowest = np.full(len(known), np.inf, np.float32)
    np.minimum.at(lowest, number[is_answer], score[is_answer])
    near, nearest, same_document = _beside_answers(known, number, place, space)
    columns: dict[str, NDArray[Any]] = {
        "number": number,
        "passage_id": space.passage_ids[place].astype(np.int32),
        "bm25_rank": spread("bm25", 1),
        "bm25_score": spread("bm25", 2),
        "dense_rank": spread("dense", 1),
        "dense_score": score,
        "margin": ((lowest[number] - score) / np.maximum(np.abs(lowest[number]), 1e-6)).astype(np.float32),
    }
    wrong = np.isin(keys, marked["wrong"])
    flags = is_answer * np.uint8(Flag.ANSWER) | (near & ~is_answer) * np.uint8(Flag.SAME_AS_ANSWER)
    flags |= same_document * np.uint8(Flag.SAME_DOCUMENT) | wrong * np.uint8(Flag.JUDGED_WRONG)
    flags |= np.isin(keys, marked["imported"]) * np.uint8(Flag.IMPORTED)
    if "random" in sources:
        flags |= np.isin(keys, sources["random"][0]) * np.uint8(Flag.RANDOM)
    columns["flags"] = flags.astype(np.uint8)
    others = np.flatnonzero(~is_answer)
    for mine in np.split(others, np.searchsorted(number[others], np.arange(1, len(known)))):
        if len(mine):
            nearest[mine] = nearness(nearest[mine])
    likely = doubt(columns["margin"], columns["dense_rank"], columns["bm25_rank"], nearest)
    columns["doubt"] = np.where(is_answer | wrong, 0, likely).astype(np.float32)
    order = sort_key(number, columns["dense_rank"], columns["bm25_rank"])
    return {"positive_score": lowest, **{name: column[order] for name, column in columns.items()}}


def _keys(found: Found, n: int) -> tuple[Ints, Ints, Floats]:
    """Query and passage as one number, rank from 1, score."""
    row, column = np.nonzero(found.places >= 0)
    places = found.places[row, column].astype(np.int64)
    return row * n + places, column + 1, found.scores[row, column]


def _beside_answers(
    known: Sequence[Known], number: Ints, place: Ints, space: Space
) -> tuple[NDArray[np.bool_], Floats, NDArray[np.bool_]]:
    """For each candidate: nearly the text of an answer; cosine to the nearest answer; of an answer's document."""
    counts = np.array([len(query.answers) for query in known])
    begins = np.cumsum(counts) - counts
    answers = np.concatenate([query.answers for query in known])
    near = np.zeros(len(number), bool)
    nearest = np.full(len(number), -1, np.float32)
    same = np.zeros(len(number), bool)
    for rows in _spans(counts[number]):
        repeats = counts[number[rows]]
        candidate = np.repeat(np.arange(rows.start, rows.stop), repeats)
        # The answers of the candidate's query, one after the other.
        within = np.arange(len(candidate)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        answer = answers[begins[number[candidate]] + within]
        cosine = np.einsum("ij,ij->i", space.passages[place[candidate]], space.passages[answer]).astype(np.float32)
        near[candidate[space.equality.near(place[candidate], answer, cosine)]] = True
        np.maximum.at(nearest, candidate, cosine)
        same[candidate[space.document_ids[place[candidate]] == space.document_ids[answer]]] = True
    return near, nearest, same


def _spans(sizes: Ints) -> Iterator[slice]:
    """Cut rows into spans whose sizes add up to about `_PAIRS`."""
    ends = np.cumsum(sizes)
    start = 0
    while start < len(sizes):
        before = int(ends[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(ends, before + _PAIRS, side="right")))
        yield slice(start, end)
        start = end

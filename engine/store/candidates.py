"""The candidates of a mining: arrays beside the database, read by the engine and by the window's sliders."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import IntFlag
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import ProjectError
from engine.records import Review
from engine.store.copies import copies_of_answers
from engine.store.files import load_arrays, save_arrays
from engine.store.gates import read_gate
from engine.store.negatives import mining_folder
from engine.store.project import Project
from engine.store.queries import positives, reviews

MAX_ID = 2**31 - 1
MAX_RANK = 2**16 - 1
FOLDER = "candidates"


class Flag(IntFlag):
    """What is known of a candidate beside its ranks and scores."""

    ANSWER = 1
    SAME_AS_ANSWER = 2
    SAME_DOCUMENT = 4
    RANDOM = 8
    IMPORTED = 16
    JUDGED_WRONG = 32


@dataclass(frozen=True, slots=True)
class Candidates:
    """Every candidate of a mining, 25 bytes each: parallel arrays, those of query i at `starts[i]:starts[i + 1]`.

    Within a query they lie by dense rank, then BM25 rank, then the rest (see `sort_key`). Ranks count from 1, 0 where
    the source did not bring the candidate. The answers of the query are among them (`Flag.ANSWER`), so that ranks have
    no holes.

    Attributes:
        queries: (q,) int32, ids ascending.
        starts: (q + 1,) int64.
        positive_score: (q,) float32, the lowest answer's dense score.
        passage_id: (n,) int32.
        bm25_rank, dense_rank: (n,) uint16.
        bm25_score, dense_score: (n,) float32; `dense_score` is known for all, `bm25_score` 0 without a rank.
        margin: (n,) float32, how far `dense_score` lies below `positive_score`, as a share of it.
        doubt: (n,) float32 in 0..1, how likely this is an answer that nobody marked.
        flags: (n,) uint8 of `Flag`.
        by_bm25: (b,) int32, places of those with a BM25 rank, by query, then by that rank.
        reranked: (n,) float32 in 0..1, how likely a reranker finds this an answer, NaN where it did not read it; None
            where no reranker was asked (`engine.store.gates`).
    """

    queries: NDArray[np.int32]
    starts: NDArray[np.int64]
    positive_score: NDArray[np.float32]
    passage_id: NDArray[np.int32]
    bm25_rank: NDArray[np.uint16]
    bm25_score: NDArray[np.float32]
    dense_rank: NDArray[np.uint16]
    dense_score: NDArray[np.float32]
    margin: NDArray[np.float32]
    doubt: NDArray[np.float32]
    flags: NDArray[np.uint8]
    by_bm25: NDArray[np.int32]
    reranked: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.passage_id)

    def rows_of(self, query_id: int) -> slice:
        """Where the candidates of a query lie; an empty slice where it has none."""
        place = int(np.searchsorted(self.queries, query_id))
        if place == len(self.queries) or self.queries[place] != query_id:
            return slice(0, 0)
        return slice(int(self.starts[place]), int(self.starts[place + 1]))

    def query_numbers(self) -> NDArray[np.int32]:
        """The place in `queries` of each candidate's query, (n,) int32, ascending."""
        return np.repeat(np.arange(len(self.queries), dtype=np.int32), np.diff(self.starts))


def columns_of(candidates: Candidates) -> dict[str, NDArray[Any]]:
    """All its arrays by name, those that are absent left out."""
    columns = {field.name: getattr(candidates, field.name) for field in fields(candidates)}
    return {name: column for name, column in columns.items() if column is not None}


def likeliness(candidates: Candidates) -> NDArray[np.float32]:
    """How likely each candidate is an answer that nobody marked, (n,) in 0..1: its doubt, or the reranker's word."""
    if candidates.reranked is None:
        return candidates.doubt
    return np.fmax(candidates.doubt, candidates.reranked)


def sort_key(query: NDArray[Any], dense_rank: NDArray[Any], bm25_rank: NDArray[Any]) -> NDArray[np.int64]:
    """The order of candidates: by query, then dense rank, then BM25 rank, each with 0 (no rank) last."""
    late = np.int64(MAX_RANK + 1)
    dense = np.where(dense_rank > 0, dense_rank, late).astype(np.int64)
    bm25 = np.where(bm25_rank > 0, bm25_rank, late).astype(np.int64)
    return np.lexsort((bm25, dense, query))


def write_candidates(project: Project, mining_id: int, candidates: Candidates) -> None:
    """Keep the candidates of a mining, whole or not at all.

    Raises:
        ProjectError: an id is larger than a file of candidates can hold.
    """
    save_candidates(_folder(project, mining_id), candidates)


def save_candidates(folder: Path, candidates: Candidates) -> None:
    """Write candidates into a folder, whole or not at all; raises as `write_candidates`."""
    arrays = columns_of(candidates)
    for name in ("queries", "passage_id"):
        if len(arrays[name]) and int(arrays[name].max()) > MAX_ID:
            raise ProjectError("The project has more than two billion ids.", hint="Make a new project.")
    save_arrays(folder, arrays, {"candidates": len(candidates), "queries": len(candidates.queries)})


def load_candidates(folder: Path, *, check: bool = False) -> Candidates:
    """Candidates as they were saved, memory-mapped.

    Raises:
        ProjectError: the files are absent or damaged.
    """
    arrays, _ = load_arrays(folder, check=check)
    try:
        stored = Candidates(**arrays)
    except TypeError as error:
        raise ProjectError(f"The candidates in {folder.parent.name} are not whole.", hint="Mine again.") from error
    if int(stored.starts[-1]) != len(stored):
        raise ProjectError(f"The candidates in {folder.parent.name} are not whole.", hint="Mine again.")
    return stored


def join_candidates(parts: Sequence[Candidates]) -> Candidates:
    """Candidates of consecutive queries as one table; at least one part."""
    sizes = np.cumsum([0, *(len(part) for part in parts)])
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in columns_of(parts[0])
        if name not in ("starts", "by_bm25")
    }
    return Candidates(
        starts=np.concatenate([[0], *(part.starts[1:] + size for part, size in zip(parts, sizes, strict=False))]),
        by_bm25=np.concatenate([part.by_bm25 + np.int32(size) for part, size in zip(parts, sizes, strict=False)]),
        **columns,
    )


def read_candidates(project: Project, mining_id: int, *, check: bool = False) -> Candidates:
    """The candidates of a mining, memory-mapped, with a reranker's scores where there are some.

    What became an answer since it was mined is flagged so.

    Args:
        check: compare the files' hashes first (reads them whole).

    Raises:
        ProjectError: the files are absent or damaged.
    """
    stored = load_candidates(_folder(project, mining_id), check=check)
    gate = read_gate(project, mining_id)
    if gate is not None and len(gate.scores) == len(stored):
        stored = replace(stored, reranked=gate.scores)
    return mark_answers(stored, positives(project), copies_of_answers(project))


def queries_mined(project: Project, mining_id: int) -> NDArray[np.int32]:
    """The queries that a mining looked for candidates of, ids ascending.

    Raises:
        ProjectError: the files are absent or damaged.
    """
    return load_candidates(_folder(project, mining_id)).queries


def mark_answers(
    candidates: Candidates,
    answers: Mapping[int, Collection[int]],
    copies: Mapping[int, Collection[int]] | None = None,
) -> Candidates:
    """Flag the passages of `answers` (by query) as answers, and no others; their `copies` are never negatives either.

    What was an answer when it was mined and is one of another query now is no negative: the other may say the same.
    """
    flags = np.array(candidates.flags) & np.uint8(0xFF ^ Flag.ANSWER)
    for query_id, passage_ids in answers.items():
        rows = candidates.rows_of(query_id)
        if rows.stop > rows.start:
            flags[rows][np.isin(candidates.passage_id[rows], list(passage_ids))] |= np.uint8(Flag.ANSWER)
            alike = [copy for passage_id in passage_ids for copy in (copies or {}).get(passage_id, ())]
            if alike:
                flags[rows][np.isin(candidates.passage_id[rows], alike)] |= np.uint8(Flag.SAME_AS_ANSWER)
    before = np.flatnonzero(candidates.flags & ~flags & np.uint8(Flag.ANSWER))
    anywhere = np.array(sorted({passage_id for found in answers.values() for passage_id in found}), np.int64)
    flags[before[np.isin(candidates.passage_id[before], anywhere)]] |= np.uint8(Flag.SAME_AS_ANSWER)
    return replace(candidates, flags=flags)


def review_codes(candidates: Candidates, given: Mapping[tuple[int, int], Review]) -> NDArray[np.uint8]:
    """A person's word on each candidate as `REVIEW_CODES` counts it, 0 where nothing was said."""
    codes = np.zeros(len(candidates), np.uint8)
    for (query_id, passage_id), review in given.items():
        rows = candidates.rows_of(query_id)
        codes[rows][candidates.passage_id[rows] == passage_id] = REVIEW_CODES[review]
    return codes


def read_reviews(project: Project, candidates: Candidates) -> NDArray[np.uint8]:
    """`review_codes` of the reviews that the project keeps."""
    return review_codes(candidates, reviews(project))


REVIEW_CODES = {Review.NEGATIVE: 1, Review.LEFT_OUT: 2, Review.RELEVANT: 3}


def _folder(project: Project, mining_id: int) -> Path:
    return mining_folder(project, mining_id) / FOLDER

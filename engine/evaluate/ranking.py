"""Ranks a corpus whose equal texts are taken together, and joins ranked lists by their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.store.documents import Corpus

Ids = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]

FUSED_DEPTH = 100
"""Of each list that is joined: its score of this rank counts as 0."""
JOINED = "scores-1"
"""How lists are joined, for whatever depends on it."""
# Reciprocal ranks (Cormack, Clarke, Büttcher 2009) order what scores leave level.
_RECIPROCAL_K, _RECIPROCAL_SHARE = 60, 1e-5


@dataclass(frozen=True, slots=True)
class Ranked:
    """Ranked lists as arrays, best first.

    Attributes:
        ids: (n_queries, depth) int64, rows of distinct texts or passage ids; -1 where a list is shorter.
        scores: (n_queries, depth) float32; 0 where a list is shorter.
    """

    ids: Ids
    scores: Scores


@dataclass(frozen=True, slots=True)
class DistinctTexts:
    """A corpus with equal texts taken together, in order of each text's first passage.

    The passages of text t are `passage_ids[starts[t]:starts[t + 1]]`, ascending.
    """

    texts: list[str]
    hashes: list[str]
    starts: Ids
    passage_ids: Ids

    @classmethod
    def of(cls, corpus: Corpus) -> DistinctTexts:
        """Group the passages of `corpus` by the hash of their text."""
        rows: dict[str, int] = {}
        group = np.array([rows.setdefault(digest, len(rows)) for digest in corpus.hashes], dtype=np.int64)
        order = np.argsort(group, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=len(rows)))]).astype(np.int64)
        firsts = order[starts[:-1]]
        return cls([corpus.texts[i] for i in firsts], list(rows), starts, corpus.ids[order])

    def __len__(self) -> int:
        return len(self.texts)

    def members(self, row: int) -> Ids:
        """Passages with the text `row`, ascending."""
        return self.passage_ids[self.starts[row] : self.starts[row + 1]]

    @property
    def has_copies(self) -> bool:
        return len(self.passage_ids) > len(self.texts)


def to_judged_passages(
    ranked: Ranked, distinct: DistinctTexts, positives: Sequence[Mapping[int, int]], depth: int
) -> Ranked:
    """Name the passages of ranked texts for measuring: of equal texts those judged relevant, else the first.

    So a copy of an answer that nobody judged is neither a miss nor takes a place, and BEIR's way of counting holds for
    the list as it stands.

    Args:
        ranked: rows of `distinct`.
        positives: per query, passage id to grade.
        depth: how many passages to keep.
    """
    shape = (len(ranked.ids), min(depth, len(distinct.passage_ids)))
    ids, scores = np.full(shape, -1, dtype=np.int64), np.zeros(shape, dtype=np.float32)
    width = min(shape[1], ranked.ids.shape[1])
    rows = ranked.ids[:, :width]
    ids[:, :width] = np.where(rows >= 0, distinct.passage_ids[distinct.starts[:-1]][np.maximum(rows, 0)], -1)
    scores[:, :width] = ranked.scores[:, :width]
    if not distinct.has_copies:
        return Ranked(ids, scores)
    copied = np.flatnonzero(np.diff(distinct.starts) > 1)
    for query in np.flatnonzero(np.isin(ranked.ids, copied).any(axis=1)).tolist():
        kept = [_judged_or_first(distinct.members(row), positives[query]) for row in ranked.ids[query] if row >= 0]
        _fill(ids[query], scores[query], kept, ranked.scores[query])
    return Ranked(ids, scores)


def to_all_passages(ranked: Ranked, distinct: DistinctTexts, k: int) -> Ranked:
    """Name all passages of ranked texts, for a person who searches; equal texts follow one another by id."""
    ids = np.full((len(ranked.ids), k), -1, dtype=np.int64)
    scores = np.zeros((len(ranked.ids), k), dtype=np.float32)
    for query, rows in enumerate(ranked.ids):
        kept = [distinct.members(row) for row in rows if row >= 0]
        _fill(ids[query], scores[query], kept, ranked.scores[query])
    return Ranked(ids, scores)


def fuse(lists: Sequence[Ranked], depth: int, weights: Sequence[float] = ()) -> Ranked:
    """Join ranked lists of the same queries: the weighted mean of their scores, each brought to 0..1; ties by id.

    1 is a list's first score and 0 its score at rank 100, or at its end where it is shorter; where it is shorter and
    lacks what another list found, 0 is the score 0, which is what words that are not there have in BM25. (Bruch, Gai,
    Ingber 2023, arXiv:2210.11934; measured beside reciprocal ranks: docs/decisions.)

    Args:
        weights: one a list, their sum 1; all alike if not given.
    """
    n = len(lists[0].ids)
    weights = weights or [1 / len(lists)] * len(lists)
    ids = np.full((n, depth), -1, dtype=np.int64)
    scores = np.zeros((n, depth), dtype=np.float32)
    for query in range(n):
        own = [ranked.ids[query][ranked.ids[query] >= 0] for ranked in lists]
        distinct, places = np.unique(np.concatenate(own), return_inverse=True)
        total = np.zeros(len(distinct))
        start = 0
        for ranked, found, weight in zip(lists, own, weights, strict=True):
            at = places[start : start + len(found)]
            start += len(found)
            total[at] += weight * _shares(ranked.scores[query, : len(found)], lacks=len(found) < len(distinct))
        best = np.lexsort((distinct, -total))[:depth]
        ids[query, : len(best)] = distinct[best]
        scores[query, : len(best)] = total[best]
    return Ranked(ids, scores)


def _shares(scores: Scores, *, lacks: bool) -> npt.NDArray[np.float64]:
    """One list's scores, best first, as 0..1, with a grain of reciprocal rank."""
    if not len(scores):
        return np.empty(0)
    high, low = float(scores[0]), float(scores[:FUSED_DEPTH][-1])
    if lacks and len(scores) < FUSED_DEPTH:
        low = min(low, 0.0)
    shares = np.clip((scores - low) / (high - low), 0.0, 1.0) if high > low else np.ones(len(scores))
    ranks = (_RECIPROCAL_K + 1) / (_RECIPROCAL_K + 1.0 + np.arange(len(scores)))
    return np.asarray((1 - _RECIPROCAL_SHARE) * shares + _RECIPROCAL_SHARE * ranks)


def _judged_or_first(members: Ids, positives: Mapping[int, int]) -> Ids:
    judged = [int(passage) for passage in members if int(passage) in positives]
    return np.array(judged, dtype=np.int64) if judged else members[:1]


def _fill(ids: Ids, scores: Scores, kept: Sequence[Ids], text_scores: Scores) -> None:
    """Write one query's passages in place, every passage with its text's score, cut to the depth."""
    sizes = [len(part) for part in kept]
    flat = np.concatenate(kept)[: len(ids)] if kept else np.empty(0, np.int64)
    ids[:], scores[:] = -1, 0.0
    ids[: len(flat)] = flat
    scores[: len(flat)] = np.repeat(text_scores[: len(kept)], sizes)[: len(flat)]

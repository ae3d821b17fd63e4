"""Rank passages by BM25: every posting scored once, then a query only adds up columns."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from engine.errors import UserError
from engine.mine.words import Analyzer, is_single
from engine.task import Task

Variant = Literal["okapi", "l", "plus", "lucene"]
DEFAULT_VARIANT: Variant = "plus"  # measured: docs/decisions/003-bm25-default.md

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Weights:
    """What a variant makes of a term: its weight, the score of one posting and of a passage without the term."""

    idf: NDArray[np.float64]
    impact: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
    absent: float


@dataclass(frozen=True, slots=True)
class BM25Index:
    """The words of a corpus with the score each brings to each passage that holds it.

    Built by `BM25Index.build`. Postings lie by term: those of term t are `passages[starts[t]:starts[t + 1]]`,
    ascending, with `impacts` beside them; memory is 8 bytes a posting (1 M passages of 60 distinct words: 0.5 GB)
    plus the words; building needs three times as much.
    """

    variant: Variant
    n_passages: int
    analyzer: Analyzer
    terms: dict[str, int]
    starts: NDArray[np.int64]
    passages: Ints
    impacts: Floats
    absent: NDArray[np.float64]
    _pairs: dict[str, list[str]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def build(
        cls,
        texts: Sequence[str],
        variant: Variant = DEFAULT_VARIANT,
        *,
        analyzer: Analyzer | None = None,
        task: Task | None = None,
    ) -> BM25Index:
        """Index `texts`, whose places are the passages' numbers; the language is guessed where no analyzer is given.

        Raises:
            UserError: there is no text, or no such variant.
        """
        analyzer = analyzer or Analyzer.for_texts(texts)
        return cls.from_tokens(_reported(texts, analyzer, task or Task()), variant, analyzer=analyzer)

    @classmethod
    def from_tokens(
        cls, corpus: Iterable[Sequence[str]], variant: Variant = DEFAULT_VARIANT, *, analyzer: Analyzer | None = None
    ) -> BM25Index:
        """Index passages given as words; raises as `build`."""
        if variant not in get_args(Variant):
            raise UserError(f"There is no BM25 variant '{variant}'.", hint=f"Variants: {', '.join(get_args(Variant))}.")
        terms: dict[str, int] = {}
        flat, lengths = array("i"), array("i")
        for words in corpus:
            flat.extend([terms.setdefault(word, len(terms)) for word in words])
            lengths.append(len(words))
        if not terms:
            raise UserError("There is nothing to search: no passage holds a word.", hint="Import documents first.")
        length = np.frombuffer(lengths, np.int32)
        starts, passages, counts = _postings(np.frombuffer(flat, np.int32), length, len(terms))
        frequency = np.diff(starts)
        weights = _weights(variant, terms, frequency, length.astype(np.float64))
        impacts = np.empty(len(passages), np.float32)
        for begin, end in _blocks(starts, 2_000_000):
            part = slice(starts[begin], starts[end])
            scored = weights.impact(counts[part].astype(np.float64), length[passages[part]].astype(np.float64))
            impacts[part] = np.repeat(weights.idf[begin:end], frequency[begin:end]) * scored
        absent = weights.idf * weights.absent
        return cls(variant, len(length), analyzer or Analyzer(), terms, starts, passages, impacts, absent)

    def tokens(self, text: str) -> list[str]:
        """The words of `text` as this index counts them."""
        return self.analyzer(text)

    def scores(self, query: str) -> NDArray[np.float64]:
        """Scores of all passages for `query`: (n_passages,) float64, equal to rank-bm25's `get_scores` within 1e-5."""
        return self.scores_of_tokens(self.tokens(query))

    def scores_of_tokens(self, words: Sequence[str]) -> NDArray[np.float64]:
        """As `scores`, for a query given as words; a word that stands twice counts twice."""
        total, base = self._sum(self._known(words))
        return total + base

    def top_k(self, queries: Sequence[str], k: int, *, task: Task | None = None) -> tuple[Ints, Floats]:
        """The `k` best passages of each query, best first, ties by the passages' order.

        Passages that share no word with the query are no hits. Memory: 12 bytes a passage beside the answer.

        Returns:
            Places (n_queries, k) int32, -1 where there are fewer hits than k; scores (n_queries, k) float32, 0 there.
        """
        places = np.full((len(queries), k), -1, np.int32)
        scores = np.zeros((len(queries), k), np.float32)
        task = task or Task()
        for row, query in enumerate(queries):
            if row % 256 == 0:
                task.progress("rank by BM25", row, len(queries))
            best, best_scores = self._best(self._known(self.query_words(query)), k)
            places[row, : len(best)] = best
            scores[row, : len(best)] = best_scores
        task.progress("rank by BM25", len(queries), len(queries))
        return places, scores

    def query_words(self, query: str) -> list[str]:
        """The words that `query` is searched by: a lone character (茶) also stands for pairs that hold it (喝茶)."""
        words = self.tokens(query)
        lone = [word for word in words if is_single(word)]
        if lone and not self._pairs:
            self._pairs.update(_pairs_by_character(self.terms))
        held = {pair for character in lone for pair in self._pairs.get(character, ())}
        return words + sorted(held, key=self.terms.__getitem__)

    def _known(self, words: Sequence[str]) -> list[int]:
        return [self.terms[word] for word in words if word in self.terms]

    def _sum(self, terms: list[int]) -> tuple[NDArray[np.float64], float]:
        if not terms:
            return np.zeros(self.n_passages), 0.0
        spans = [slice(self.starts[term], self.starts[term + 1]) for term in terms]
        places = np.concatenate([self.passages[span] for span in spans])
        impacts = np.concatenate([self.impacts[span] for span in spans])
        total: NDArray[np.float64] = np.bincount(places, impacts, self.n_passages).astype(np.float64, copy=False)
        return total, float(self.absent[terms].sum())

    def _best(self, terms: list[int], k: int) -> tuple[Ints, Floats]:
        total, base = self._sum(terms)
        scores = total.astype(np.float32)
        # Okapi's weights can be 0 or negative in a tiny corpus, so a hit is told by its words, not by its score.
        if scores.size and terms and min(float(self.impacts[self.starts[t]]) for t in terms) > 0:
            hits = np.flatnonzero(scores > 0)
        elif terms:
            spans = [self.passages[self.starts[t] : self.starts[t + 1]] for t in terms]
            hits = np.unique(np.concatenate(spans))
        else:
            hits = np.zeros(0, np.int64)
        best = best_of(scores[hits], k)
        return hits[best].astype(np.int32), scores[hits[best]] + np.float32(base)


def _pairs_by_character(terms: Iterable[str]) -> dict[str, list[str]]:
    """The terms of two characters by each of both: looked up, because all terms of a large corpus are a million."""
    found: dict[str, list[str]] = {}
    for term in terms:
        if len(term) == 2:
            for character in set(term):
                found.setdefault(character, []).append(term)
    return found


def best_of(scores: NDArray[Any], k: int) -> NDArray[np.int64]:
    """Places of the `k` highest scores, best first, ties by place; fewer where there are fewer."""
    if len(scores) <= k:
        return np.argsort(-scores, kind="stable")
    bound = np.partition(scores, len(scores) - k)[len(scores) - k]
    above = np.flatnonzero(scores > bound)
    level = np.flatnonzero(scores == bound)[: k - len(above)]
    kept = np.concatenate([above, level])
    return kept[np.argsort(-scores[kept], kind="stable")]


def _reported(texts: Sequence[str], analyzer: Analyzer, task: Task) -> Iterable[list[str]]:
    for done, text in enumerate(texts):
        if done % 1024 == 0:
            task.progress("index words", done, len(texts))
        yield analyzer(text)
    task.progress("index words", len(texts), len(texts))


def _postings(flat: Ints, length: Ints, n_terms: int) -> tuple[NDArray[np.int64], Ints, Ints]:
    """Turn words in reading order into (starts, passages, counts) by term."""
    from scipy.sparse import csr_array

    ends = np.concatenate([[0], np.cumsum(length, dtype=np.int64)])
    rows = csr_array((np.ones(len(flat), np.int32), flat, ends), shape=(len(length), n_terms))
    rows.sum_duplicates()
    columns = rows.tocsc()
    return columns.indptr.astype(np.int64), columns.indices.astype(np.int32), columns.data


def _weights(variant: Variant, terms: dict[str, int], frequency: NDArray[Any], length: NDArray[np.float64]) -> _Weights:
    """The formulas of rank-bm25 0.2.2 (its `get_scores`), and Lucene's as bm25s 0.3 writes it."""
    n = len(length)
    if variant == "lucene":
        mean, k1, b = float(length.mean()), 1.5, 0.75
        idf = np.log(1 + (n - frequency + 0.5) / (frequency + 0.5))
        return _Weights(idf, lambda tf, size: tf / (tf + k1 * (1 - b + b * size / mean)), 0.0)
    known = _rank_bm25(variant, terms, frequency, length)
    k1, b, mean = known.k1, known.b, known.avgdl
    idf = np.array([known.idf[term] for term in terms], np.float64)
    if variant == "l":
        delta = known.delta

        def impact(tf: NDArray[np.float64], size: NDArray[np.float64]) -> NDArray[np.float64]:
            even: NDArray[np.float64] = tf / (1 - b + b * size / mean)
            score: NDArray[np.float64] = tf * (k1 + 1) * (even + delta) / (k1 + even + delta)
            return score

        return _Weights(idf, impact, 0.0)
    absent = known.delta if variant == "plus" else 0.0
    return _Weights(idf, lambda tf, size: tf * (k1 + 1) / (tf + k1 * (1 - b + b * size / mean)), absent)


def _rank_bm25(variant: Variant, terms: dict[str, int], frequency: NDArray[Any], length: NDArray[np.float64]) -> Any:
    """rank-bm25's own object of `variant` with its constants, mean length and term weights (Okapi's floor included).

    It is handed the counts instead of the texts: from texts it keeps a dictionary a passage, gigabytes at a million.
    """
    import rank_bm25

    kind = {"okapi": rank_bm25.BM25Okapi, "l": rank_bm25.BM25L, "plus": rank_bm25.BM25Plus}[variant]

    class Counted(kind):  # type: ignore[misc, valid-type]  # the library has no types
        def _initialize(self, corpus: object) -> dict[str, int]:
            self.corpus_size = len(length)
            self.avgdl = float(length.sum()) / len(length)
            return dict(zip(terms, frequency.tolist(), strict=True))

    return Counted(None)


def _blocks(starts: NDArray[np.int64], size: int) -> Iterable[tuple[int, int]]:
    """Cut the terms into spans of about `size` postings, so that scoring them needs bounded memory."""
    begin = 0
    while begin < len(starts) - 1:
        end = max(begin + 1, int(np.searchsorted(starts, starts[begin] + size, side="right")) - 1)
        yield begin, end
        begin = end

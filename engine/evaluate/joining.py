"""Chooses on dev queries how much BM25 and a model each count in hybrid search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from engine.evaluate.judging import digest_of, judgements_digest
from engine.evaluate.metrics import judge, measure
from engine.evaluate.ranking import JOINED, DistinctTexts, Ranked, fuse, to_judged_passages
from engine.evaluate.systems import Rankers
from engine.records import Model, Query, Split
from engine.store import queries
from engine.store.project import Project
from engine.store.shares import HALF, HybridShare, hybrid_share, keep_hybrid_share

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_FEWEST, _MOST = 20, 300  # dev queries
_DEPTH = 100
_SEED = 13


def choose_share(project: Project, model: Model, rankers: Rankers) -> HybridShare | None:
    """Weigh hybrid search with a model on the dev queries and keep the share; nothing is ranked if nothing changed.

    Args:
        rankers: over the whole corpus, for whatever queries; what they have indexed is used again.

    Returns:
        The choice; None with fewer than 20 dev queries that have an answer, which leaves what was chosen before.
    """
    positives = queries.positives(project)
    asked = _asked([query for query in queries.representatives(project, Split.DEV) if query.id in positives])
    if len(asked) < _FEWEST:
        return None
    judged = [positives[query.id] for query in asked]
    content = digest_of(
        [
            JOINED, model.weights_digest, model.max_length, rankers.distinct.passage_ids.tobytes().hex(),
            *rankers.distinct.hashes, *((query.id, query.text) for query in asked),
            judgements_digest({query.id: positives[query.id] for query in asked}),
        ]
    )  # fmt: skip
    known = hybrid_share(project, model)
    if known and known.content == content:
        return known
    words, vectors = rankers.asking({query.id: query.text for query in asked}, _DEPTH).both(model)
    scores = np.stack([_ndcg(words, vectors, share, rankers.distinct, asked, judged) for share in SHARES])
    place = best_share(scores)
    ndcg, ndcg_half = (float(scores[row].mean()) for row in (place, SHARES.index(HALF)))
    chosen = HybridShare(SHARES[place], len(asked), ndcg, ndcg_half, model.weights_digest, content)
    keep_hybrid_share(project, model, chosen)
    return chosen


def best_share(scores: npt.NDArray[np.float64]) -> int:
    """The share nearest to one half that dev queries cannot tell from the best: within one standard error of it.

    Args:
        scores: (n_shares, n_queries), a row for each of `SHARES`.

    Returns:
        A row; of two as near to one half the one that scores more.
    """
    means = scores.mean(axis=1)
    behind = scores[int(means.argmax())] - scores
    error = behind.std(axis=1, ddof=1) / np.sqrt(scores.shape[1])
    level = np.flatnonzero(behind.mean(axis=1) <= error)
    return int(min(level, key=lambda row: (round(abs(SHARES[row] - HALF), 6), -means[row])))


def _asked(found: Sequence[Query]) -> list[Query]:
    """At most 300 of the queries, the same ones each time."""
    if len(found) <= _MOST:
        return list(found)
    return [found[place] for place in sorted(np.random.default_rng(_SEED).permutation(len(found))[:_MOST])]


def _ndcg(
    words: Ranked,
    vectors: Ranked,
    share: float,
    distinct: DistinctTexts,
    asked: Sequence[Query],
    judged: Sequence[Mapping[int, int]],
) -> npt.NDArray[np.float64]:
    named = to_judged_passages(fuse([words, vectors], _DEPTH, (1 - share, share)), distinct, judged, _DEPTH)
    lists = {query.id: row[row >= 0].tolist() for query, row in zip(asked, named.ids, strict=True)}
    found = measure(judge(lists, dict(zip((query.id for query in asked), judged, strict=True))))
    return np.asarray(found["ndcg@10"], dtype=np.float64)

"""How likely a candidate is an answer that nobody marked: to order the doubtful ones by, and to hold them back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# Logistic regression on planted answers: of queries with several answers one was kept as known, the others hidden among
# the candidates of BM25 and all-MiniLM-L6-v2 to depth 200 (beer-se: 311 queries, 583 hidden; medquad: 600 and 834).
# At 5 % of true negatives lost it finds 85 % of the hidden answers of beer-se (margin alone: 40 %) and 99 % of
# medquad's (97 %), among the first 30 ranks 71 % (22 %) and 94 % (78 %). Weights fitted on the other set alone, which
# never saw it: 83 % and 99 %, 69 % and 93 % (benchmarks/doubt_calibration.py; docs/results.md).
MARGIN, DENSE_RANK, BM25_RANK, NEARNESS, CONSTANT = -3.586, 2.848, 2.718, 1.161, -7.177


def doubt(margin: Floats, dense_rank: NDArray[Any], bm25_rank: NDArray[Any], nearness: Floats) -> Floats:
    """The chance in 0..1 that each candidate is an answer, (n,) float32; 0.5 where half of such candidates were.

    Args:
        margin: how far it scores below the lowest answer, as a share of that score.
        dense_rank, bm25_rank: from 1, 0 where the source did not bring it.
        nearness: `nearness` of the query's candidates to its answers.
    """
    score = (
        MARGIN * np.clip(margin, -0.5, 1)
        + DENSE_RANK * _weight(dense_rank)
        + BM25_RANK * _weight(bm25_rank)
        + NEARNESS * nearness
        + CONSTANT
    )
    chance: Floats = (1 / (1 + np.exp(-score))).astype(np.float32)
    return chance


def nearness(cosine: Floats) -> Floats:
    """How much nearer to the nearest answer each candidate of one query is than its candidates usually are.

    In standard deviations from the median, so that it means the same for models that find all texts alike.

    Args:
        cosine: of each candidate of the query to its nearest answer.
    """
    spread = max(float(cosine.std()), 0.01)
    near: Floats = np.clip((cosine - np.median(cosine)) / spread, -6, 6).astype(np.float32)
    return near


def _weight(rank: NDArray[Any]) -> NDArray[np.float64]:
    """1 at rank 1, falling as the discount of nDCG; 0 without a rank."""
    place = rank.astype(np.float64)
    return np.where(place > 0, 1 / np.log2(1 + np.maximum(place, 1)), 0.0)

"""Candidates through an inverted file: found like the exact ones, with the share of them that it states."""

from __future__ import annotations

import numpy as np
import pytest

from engine.mine import approximate
from engine.mine.approximate import EXACT_PRODUCTS, InvertedFile, choose_search
from engine.mine.dense import top_k
from engine.task import Task


def clustered(n, seed, dim=16):
    """Unit vectors around twenty centres, as texts of twenty topics lie."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(1).normal(size=(20, dim))
    found = centres[rng.integers(0, 20, n)] + 0.4 * rng.normal(size=(n, dim))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def test_the_stated_recall_is_that_of_the_hits():
    queries, passages = clustered(80, 2), clustered(2000, 3)
    index = InvertedFile.build(queries, passages, 20, Task())
    found, scores = index.top_k(queries, 20)
    exact, exact_scores = top_k(queries, passages, 20)
    shares = [len(set(a) & set(b)) / 20 for a, b in zip(exact.tolist(), found.tolist(), strict=True)]
    assert index.recall == pytest.approx(np.mean(shares))
    assert approximate.RECALL <= index.recall <= 1
    assert index.probes < index.lists  # it looked at a part only
    same = found[:, 0] == exact[:, 0]
    assert same.mean() > 0.95
    np.testing.assert_allclose(scores[same, 0], exact_scores[same, 0], atol=2e-6)


def test_the_same_vectors_give_the_same_candidates():
    queries, passages = clustered(60, 4), clustered(2000, 5)
    first, again = (InvertedFile.build(queries, passages, 10, Task()).top_k(queries, 10)[0] for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_few_passages_are_all_looked_at():
    queries, passages = clustered(5, 6), clustered(30, 7)
    index = InvertedFile.build(queries, passages, 40, Task())
    found, scores = index.top_k(queries, 40)
    assert index.recall == 1
    np.testing.assert_array_equal(found, top_k(queries, passages, 40)[0])
    assert (found[:, 30:] == -1).all()
    assert (scores[:, 30:] == 0).all()


def test_exact_search_is_taken_until_it_takes_too_long():
    assert choose_search("auto", 100_000, 100_000) == "exact"
    assert choose_search("auto", 1, int(EXACT_PRODUCTS) + 1) == "ivf"
    assert choose_search("ivf", 1, 1) == "ivf"
    assert choose_search("exact", 10**9, 10**9) == "exact"

"""Exact search by vectors equals a full sort of all products."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import Cancelled
from engine.mine import dense
from engine.mine.dense import ExactSearch, top_k
from engine.task import Task


def unit(rng, n, dim=24):
    vectors = rng.standard_normal((n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def full_sort(queries, passages, k):
    scores = np.round(queries.astype(np.float64) @ passages.T.astype(np.float64), 6)
    return [np.lexsort((np.arange(len(passages)), -row))[:k] for row in scores]


@pytest.mark.parametrize("k", [1, 10, 299, 300])
def test_the_best_are_those_of_a_full_sort(k):
    rng = np.random.default_rng(2)
    queries, passages = unit(rng, 300), unit(rng, 300)
    places, scores = top_k(queries, passages, k)
    np.testing.assert_array_equal(places, full_sort(queries, passages, k))
    np.testing.assert_allclose(scores, np.take_along_axis(queries @ passages.T, places.astype(np.int64), 1), atol=1e-5)


@pytest.mark.parametrize("k", [1, 7])
@pytest.mark.parametrize("n", [1000, 1001, 5003])
def test_the_best_of_groups_of_many_passages_are_those_of_a_full_sort(n, k):
    rng = np.random.default_rng(n)
    queries, passages = unit(rng, 40), unit(rng, n)
    places, _ = top_k(queries, passages, k)
    np.testing.assert_array_equal(places, full_sort(queries, passages, k))


def test_passages_that_are_looked_at_in_parts_are_ranked_as_one(monkeypatch):
    monkeypatch.setattr(dense, "_PASSAGES", 130)
    rng = np.random.default_rng(7)
    queries, passages = unit(rng, 30), unit(rng, 1000)
    passages[900:] = passages[:100]  # level with those of the first part
    places, _ = top_k(queries, passages, 50)
    np.testing.assert_array_equal(places, full_sort(queries, passages, 50))


def test_blocks_of_any_size_ask_the_same_passages():
    rng = np.random.default_rng(8)
    queries, passages = unit(rng, 600), unit(rng, 500)
    search = ExactSearch(passages)
    parts = [search.top_k(queries[rows], 10)[0] for rows in (slice(0, 3), slice(3, 590), slice(590, 600))]
    np.testing.assert_array_equal(np.vstack(parts), top_k(queries, passages, 10)[0])


def test_equal_vectors_come_in_their_order_even_when_there_are_more_than_fit():
    rng = np.random.default_rng(4)
    one, other = unit(rng, 2)
    passages = np.vstack([other, np.tile(one, (200, 1)), other])
    places, scores = top_k(one[None], passages, 5)
    assert places.tolist() == [[1, 2, 3, 4, 5]]
    assert len(set(scores[0].tolist())) == 1


def test_asking_for_more_than_there_are_is_filled_with_minus_one():
    passages = np.eye(3, dtype=np.float32)
    places, scores = top_k(passages[:1], passages, 5)
    assert places.tolist() == [[0, 1, 2, -1, -1]]
    assert scores.tolist() == [[1, 0, 0, 0, 0]]


def test_no_passages_give_no_hits():
    places, _ = top_k(np.eye(2, dtype=np.float32), np.empty((0, 2), np.float32), 2)
    assert places.tolist() == [[-1, -1], [-1, -1]]


def test_searching_can_be_cancelled():
    task = Task()
    task.cancel()
    with pytest.raises(Cancelled):
        top_k(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), 1, task=task)

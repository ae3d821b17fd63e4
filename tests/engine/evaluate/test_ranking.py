"""Equal texts take one place, and lists are joined by reciprocal rank."""

from __future__ import annotations

import numpy as np
import pytest

from engine.evaluate.ranking import DistinctTexts, Ranked, fuse, to_all_passages, to_judged_passages
from engine.store.documents import Corpus


def corpus(texts: list[str]) -> Corpus:
    ids = np.arange(10, 10 + len(texts))
    return Corpus(ids, np.zeros(len(texts), np.int64), texts, [f"hash of {text}" for text in texts])


def ranked(rows: list[list[int]]) -> Ranked:
    ids = np.array(rows, dtype=np.int64)
    scores = np.where(ids >= 0, 1.0 - 0.1 * np.arange(ids.shape[1]), 0.0)
    return Ranked(ids, scores.astype(np.float32))


def test_equal_texts_are_one_row_in_order_of_their_first_passage():
    distinct = DistinctTexts.of(corpus(["b", "a", "b", "c", "a"]))
    assert distinct.texts == ["b", "a", "c"]
    assert [distinct.members(row).tolist() for row in range(3)] == [[10, 12], [11, 14], [13]]


def test_without_copies_rows_become_their_passages():
    distinct = DistinctTexts.of(corpus(["a", "b", "c"]))
    named = to_judged_passages(ranked([[2, 0, -1]]), distinct, [{}], 100)
    assert named.ids.tolist() == [[12, 10, -1]]
    assert named.scores[0].tolist() == pytest.approx([1.0, 0.9, 0.0])


def test_judged_copy_stands_for_its_text():
    distinct = DistinctTexts.of(corpus(["a", "b", "a"]))
    named = to_judged_passages(ranked([[0, 1], [0, 1]]), distinct, [{12: 1}, {}], 2)
    assert named.ids.tolist() == [[12, 11], [10, 11]]


def test_two_judged_copies_each_take_a_place():
    distinct = DistinctTexts.of(corpus(["a", "b", "a"]))
    named = to_judged_passages(ranked([[0, 1]]), distinct, [{10: 1, 12: 1}], 100)
    assert named.ids.tolist() == [[10, 12, 11]]
    assert named.scores[0].tolist() == pytest.approx([1.0, 1.0, 0.9])


def test_search_shows_every_copy():
    distinct = DistinctTexts.of(corpus(["a", "b", "a"]))
    assert to_all_passages(ranked([[1, 0]]), distinct, 5).ids.tolist() == [[11, 10, 12, -1, -1]]


def test_fused_score_is_the_sum_of_reciprocal_ranks():
    joined = fuse([ranked([[7, 8]]), ranked([[8, 9]])], 3)
    assert joined.ids.tolist() == [[8, 7, 9]]
    assert joined.scores[0].tolist() == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62])


def test_fused_ties_go_by_id_and_short_lists_are_padded():
    joined = fuse([ranked([[9, -1]]), ranked([[3, -1]])], 4)
    assert joined.ids.tolist() == [[3, 9, -1, -1]]

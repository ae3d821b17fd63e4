"""Equal texts take one place, and lists are joined by their scores."""

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


def listed(ids, scores):
    return Ranked(np.array([ids], np.int64), np.array([scores], np.float32))


def test_fused_score_is_the_mean_of_scores_brought_to_between_0_and_1():
    words = listed([7, 8, 9, 6], [10.0, 8.0, 4.0, 2.0])
    vectors = listed([8, 6, 7, 9], [0.9, 0.7, 0.6, 0.5])
    joined = fuse([words, vectors], 4)
    # 8: (6/8 + 1) / 2; 7: (1 + 1/4) / 2; 6: (0 + 1/2) / 2; 9: (2/8 + 0) / 2
    assert joined.ids.tolist() == [[8, 7, 6, 9]]
    assert joined.scores[0].tolist() == pytest.approx([0.875, 0.625, 0.25, 0.125], abs=1e-4)


def test_weights_say_how_much_each_list_counts():
    words = listed([7, 8, 9], [10.0, 8.0, 0.0])
    vectors = listed([9, 8, 7], [0.9, 0.8, 0.4])
    joined = fuse([words, vectors], 3, (0.25, 0.75))
    assert joined.ids.tolist() == [[8, 9, 7]]
    assert joined.scores[0].tolist() == pytest.approx([0.25 * 0.8 + 0.75 * 0.8, 0.75, 0.25], abs=1e-4)


def test_a_short_list_that_lacks_something_begins_at_the_score_0():
    words = listed([7, 8, -1], [10.0, 8.0, 0.0])
    vectors = listed([9, 8, 7], [0.9, 0.8, 0.5])
    joined = fuse([words, vectors], 3)
    # the words' list lacks 9, so that its last, 8, keeps 8/10; that of vectors lacks nothing, and ends at 0
    assert joined.ids.tolist() == [[8, 7, 9]]
    assert joined.scores[0].tolist() == pytest.approx([(0.8 + 0.75) / 2, 0.5, 0.5], abs=1e-4)


def test_a_full_list_begins_at_its_score_of_rank_100_however_deep_it_goes():
    deep = listed(list(range(150)), [300.0 - rank for rank in range(150)])
    other = listed([149, 200], [0.9, 0.8])
    joined = fuse([deep, other], 151)
    scores = dict(zip(joined.ids[0].tolist(), joined.scores[0].tolist(), strict=True))
    assert scores[0] == pytest.approx(0.5, abs=1e-4)
    assert scores[50] == pytest.approx(0.5 * 49 / 99, abs=1e-4)
    assert scores[99] == pytest.approx(0.0, abs=1e-4)
    assert joined.ids[0, -1] == 148  # beyond rank 100 a list's own order stays
    assert scores[149] == pytest.approx(0.5, abs=1e-4)
    assert scores[200] == pytest.approx(0.5 * 0.8 / 0.9, abs=1e-4)


def test_fused_ties_go_by_id_and_short_lists_are_padded():
    joined = fuse([ranked([[9, -1]]), ranked([[3, -1]])], 4)
    assert joined.ids.tolist() == [[3, 9, -1, -1]]

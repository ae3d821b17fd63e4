"""Our BM25 scores are rank-bm25's, and its ranking is whole, ordered and bounded."""

from __future__ import annotations

import bm25s
import numpy as np
import pytest
import rank_bm25
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import Cancelled, UserError
from engine.mine.bm25 import BM25Index, best_of
from engine.task import Task
from tests.growth import calls

CLASSES = {"okapi": rank_bm25.BM25Okapi, "l": rank_bm25.BM25L, "plus": rank_bm25.BM25Plus}


def zipf_corpus(n: int, seed: int = 3) -> list[list[str]]:
    rng = np.random.default_rng(seed)
    return [[f"w{w}" for w in rng.zipf(1.3, rng.integers(5, 60)) % 400] for _ in range(n)]


@pytest.mark.parametrize("variant", CLASSES)
def test_scores_equal_rank_bm25(variant):
    corpus = zipf_corpus(300)
    index, oracle = BM25Index.from_tokens(corpus, variant), CLASSES[variant](corpus)
    for query in zipf_corpus(20, seed=5):
        np.testing.assert_allclose(index.scores_of_tokens(query), oracle.get_scores(query), rtol=1e-6, atol=1e-5)


def test_a_word_in_most_passages_gets_the_floor_of_rank_bm25():
    corpus = [["tea", "a"], ["tea", "b"], ["tea", "c"], ["milk", "d"]]
    index, oracle = BM25Index.from_tokens(corpus, "okapi"), rank_bm25.BM25Okapi(corpus)
    assert oracle.get_scores(["tea"])[0] == pytest.approx(oracle.idf["tea"])
    np.testing.assert_allclose(index.scores_of_tokens(["tea"]), oracle.get_scores(["tea"]), atol=1e-6)


@given(
    st.lists(st.lists(st.sampled_from("abcde"), max_size=6), min_size=1, max_size=8).filter(any),
    st.lists(st.sampled_from("abcdef"), max_size=5),
    st.sampled_from(sorted(CLASSES)),
)
@settings(deadline=None, max_examples=150)
def test_scores_equal_rank_bm25_on_any_small_corpus(corpus, query, variant):
    expected = CLASSES[variant](corpus).get_scores(query)
    np.testing.assert_allclose(BM25Index.from_tokens(corpus, variant).scores_of_tokens(query), expected, atol=1e-5)


def test_the_lucene_variant_scores_as_bm25s():
    corpus = zipf_corpus(200)
    oracle = bm25s.BM25(method="lucene", backend="numpy")
    oracle.index(corpus, show_progress=False)
    index = BM25Index.from_tokens(corpus, "lucene")
    for query in zipf_corpus(10, seed=8):
        known = [word for word in query if word in index.terms]
        np.testing.assert_allclose(index.scores_of_tokens(known), oracle.get_scores(known), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("variant", ["okapi", "l", "plus", "lucene"])
def test_the_best_are_those_of_a_full_sort_ties_by_place(variant):
    texts = [" ".join(words) for words in zipf_corpus(120)] * 2
    index = BM25Index.build(texts, variant)
    queries = ["w3 w7 w11", "w1", "w2 w2 w399"]
    places, scores = index.top_k(queries, 15)
    for row, query in enumerate(queries):
        full = index.scores(query).astype(np.float32)
        hits = [i for i in np.lexsort((np.arange(len(full)), -full)) if set(query.split()) & set(texts[i].split())][:15]
        assert places[row][: len(hits)].tolist() == hits
        np.testing.assert_allclose(scores[row][: len(hits)], full[hits], rtol=1e-5)


def test_equal_passages_come_in_their_order():
    places, scores = BM25Index.build(["red tea", "tea", "tea", "milk"]).top_k(["tea"], 3)
    assert places.tolist() == [[1, 2, 0]]
    assert scores[0, 0] == scores[0, 1] > scores[0, 2]


def test_asking_for_more_than_there_are_is_filled_with_minus_one():
    places, scores = BM25Index.build(["tea", "coffee"]).top_k(["tea", "water", ""], 4)
    assert places.tolist() == [[0, -1, -1, -1], [-1] * 4, [-1] * 4]
    assert scores[0, 1:].tolist() == [0, 0, 0]


def test_a_matching_passage_is_a_hit_even_where_its_score_is_negative():
    corpus = ["tea", "tea"]
    index = BM25Index.build(corpus, "okapi")
    assert index.scores("tea")[0] < 0
    assert index.top_k(["tea"], 2)[0].tolist() == [[0, 1]]


def test_a_lone_chinese_character_finds_the_words_that_hold_it():
    index = BM25Index.build(["我喜欢喝茶。", "绿茶叶很香", "高血压的治疗"])
    assert sorted(index.top_k(["茶"], 3)[0][0].tolist()) == [-1, 0, 1]


def test_a_corpus_without_a_word_is_refused_in_words():
    with pytest.raises(UserError, match="no passage holds a word"):
        BM25Index.build(["", "..."])


def test_an_unknown_variant_is_named():
    with pytest.raises(UserError, match="'bm26'"):
        BM25Index.build(["tea"], "bm26")


def test_indexing_can_be_cancelled():
    task = Task()
    task.cancel()
    with pytest.raises(Cancelled):
        BM25Index.build(["tea"], task=task)


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(1, 10))
def test_best_of_is_a_stable_sort_cut_off(values, k):
    expected = sorted(range(len(values)), key=lambda i: (-values[i], i))[:k]
    assert best_of(np.array(values, np.float32), k).tolist() == expected


def test_a_lone_character_is_asked_without_going_through_all_words_again():
    texts = ["".join(chr(0x4E00 + (place * step) % 900) for place in range(60)) for step in range(1, 60)]
    index = BM25Index.build(texts)

    def work(count: int) -> int:
        return calls(lambda: index.top_k(["茶", chr(0x4E00 + 7)] * count, 3))

    work(1)
    assert work(10) < len(index.terms)
    assert index.top_k([chr(0x4E00 + 7)], 3)[0][0, 0] >= 0

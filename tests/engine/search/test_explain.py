"""An explanation's words and weights add up to BM25's score."""

from __future__ import annotations

import pytest

from engine.mine.bm25 import BM25Index
from engine.search.explain import Span, explain

TEXTS = [
    "How to clean a kettle with vinegar",
    "Kettles boil water; kettles need cleaning",
    "The cat sat on the mat",
    "水壶怎么除垢",
]


@pytest.fixture(scope="module")
def index() -> BM25Index:
    return BM25Index.build(TEXTS)


def test_weights_sum_up_to_the_score(index):
    query = "cleaning the kettle kettle"
    explanation = explain(index, 1, query, TEXTS[1])
    scores = index.scores(query)  # the third text shares only "the"; the fourth nothing
    assert explanation.bm25_score == pytest.approx(float(scores[1] - scores[3]))
    assert sum(word.weight for word in explanation.words) == pytest.approx(explanation.bm25_score)
    assert sum(word.share for word in explanation.words) == pytest.approx(1.0)


def test_heaviest_word_comes_first(index):
    weights = [word.weight for word in explain(index, 0, "vinegar kettle how", TEXTS[0]).words]
    assert weights == sorted(weights, reverse=True)
    assert len(weights) == 3


def test_spans_mark_inflected_words(index):
    words = {word.word: word for word in explain(index, 1, "a Kettle", TEXTS[1]).words}
    kettle = words["kettl"]
    assert [TEXTS[1][span.start : span.end] for span in kettle.in_passage] == ["Kettles", "kettles"]
    assert kettle.in_query == (Span(2, 8),)


def test_chinese_words_are_marked_inside_their_run(index):
    explanation = explain(index, 3, "水壶", TEXTS[3])
    assert explanation.words
    marked = {TEXTS[3][span.start : span.end] for word in explanation.words for span in word.in_passage}
    assert marked == {"水壶"}


def test_words_the_passage_lacks_are_named(index):
    assert explain(index, 2, "cat kettle", TEXTS[2]).missing == ("kettl",)


def test_nothing_shared_scores_zero(index):
    explanation = explain(index, 2, "vinegar", TEXTS[2])
    assert (explanation.bm25_score, explanation.words) == (0.0, ())

"""Nearly equal passages are found by their words."""

from __future__ import annotations

import numpy as np

from engine.mine.bm25 import BM25Index
from engine.mine.equality import Equality

TEXTS = [
    "Red tea, hot!",
    "red TEA hot",
    "one two three four five six seven eight",
    "one two three four five six seven nine",
    "green milk",
    "茶。",
    "…",
]


def equality() -> Equality:
    return Equality(TEXTS, BM25Index.build(TEXTS))


def test_form_does_not_count():
    assert equality().near(np.array([0]), np.array([1]), np.zeros(1, np.float32)).tolist() == [True]


def test_shared_words_are_jaccards():
    np.testing.assert_allclose(
        equality().shared_words(np.array([2, 0, 2, 6]), np.array([3, 4, 2, 6])), [7 / 9, 0, 1, 0]
    )


def test_the_model_lowers_the_bar_but_does_not_decide_alone():
    pairs = np.array([2, 2, 0]), np.array([3, 3, 4])
    assert equality().near(*pairs, np.array([0.5, 0.98, 1.0], np.float32)).tolist() == [False, True, False]

"""Doubt is the fitted chance that a candidate is an answer."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.mine.doubt import doubt, nearness


def one(margin=0.1, dense=0, bm25=0, near=0.0) -> float:
    floats = [np.array([value], np.float32) for value in (margin, near)]
    return float(doubt(floats[0], np.array([dense], np.uint16), np.array([bm25], np.uint16), floats[1])[0])


def test_doubt_is_the_logistic_formula():
    score = -3.586 * 0.2 + 2.848 / math.log2(4) + 2.718 / math.log2(2) + 1.161 * 2.5 - 7.177
    assert one(0.2, 3, 1, 2.5) == pytest.approx(1 / (1 + math.exp(-score)), rel=1e-5)


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ({"margin": -0.1}, {"margin": 0.3}),
        ({"dense": 1}, {"dense": 5}),
        ({"bm25": 200}, {"bm25": 0}),
        ({"near": 3.0}, {"near": 0.0}),
    ],
)
def test_doubt_grows_with_every_sign_of_an_answer(more, less):
    assert one(**more) > one(**less)


def test_nearness_does_not_depend_on_a_models_range_of_scores():
    cosine = np.array([0.1, 0.2, 0.3, 0.9], np.float32)
    np.testing.assert_allclose(nearness(cosine), nearness(0.8 + cosine / 10), atol=1e-3)
    assert nearness(np.full(3, 0.7, np.float32)).tolist() == [0, 0, 0]

"""TREC files keep our order whatever a reader does with ties, and every id stands for one passage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evaluate.ranking import Ranked
from engine.export.identifiers import unique_names, without_blanks
from engine.export.trec import falling, ndcg10, read_run, write_run


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=30))
def test_falling_scores_fall_and_stay_near(values):
    scores = np.sort(np.array([values], dtype=np.float32))[:, ::-1]
    strict = falling(scores)
    assert (np.diff(strict[0]) < 0).all()
    np.testing.assert_allclose(strict, scores, rtol=1e-5, atol=1e-38)


def test_ties_are_read_back_in_our_order(tmp_path):
    ranked = Ranked(np.array([[3, 1, 2, -1]]), np.array([[0.5, 0.5, 0.5, 0]], dtype=np.float32))
    names = {number: f"d{number}" for number in range(1, 4)}
    lines = write_run(tmp_path / "run", [7], ranked, tag="x", query_names={7: "q"}, passage_names=names)
    assert lines == 3
    assert read_run(tmp_path / "run") == {"q": ["d3", "d1", "d2"]}


def test_names_that_several_bear_get_their_number():
    assert unique_names([(1, "d1"), (2, ""), (3, "d1"), (4, "2"), (5, "x")]) == {
        1: "d1#1",
        2: "2#2",
        3: "d1#3",
        4: "2#4",
        5: "x",
    }


def test_line_breaks_in_names_become_blanks_and_blanks_are_escaped():
    names = unique_names([(1, "a\tb\nc"), (2, "50%")])
    assert names == {1: "a b c", 2: "50%"}
    assert without_blanks(names) == {1: "a%20b%20c", 2: "50%"}


def test_figure_from_names_counts_queries_without_hits():
    assert ndcg10({"q1": ["d1"]}, {"q1": {"d1": 1}, "q2": {"d1": 1}}) == pytest.approx(0.5)

"""Values in sentences."""

from __future__ import annotations

from gui.phrases import fill


def test_a_value_that_looks_like_a_place_is_left_alone():
    assert fill("%1 against %2", "50 %2 more", "BM25") == "50 %2 more against BM25"


def test_per_cent_signs_stay():
    assert fill("95 % of %1", 20) == "95 % of 20"

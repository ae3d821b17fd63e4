"""Options that say how many are shown: a whole number from 0 on, or a word that says so."""

import argparse

import pytest

from engine.commands.common import how_many


@pytest.mark.parametrize("text", ["-1", "1.5", "many", ""])
def test_what_counts_nothing_is_refused_in_words(text):
    with pytest.raises(argparse.ArgumentTypeError, match="no whole number from 0 on"):
        how_many(text)


def test_a_count_is_read():
    assert (how_many("0"), how_many("50")) == (0, 50)

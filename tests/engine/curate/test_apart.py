"""Questions that differ in a name or number stay apart, other wordings of one question do not."""

from __future__ import annotations

import numpy as np
import pytest

from engine.curate.apart import kept_apart
from engine.curate.sameness import normal_text

SLOT = [f"What are the symptoms of {name}?" for name in ("measles", "mumps", "rubella", "scurvy")]


def apart(one: str, other: str, *, among: list[str] | None = None) -> bool:
    texts = [normal_text(text) for text in (one, other, *(among or []))]
    a, b = np.triu_indices(len(texts), 1)
    return bool(kept_apart(texts, a.astype(np.int32), b.astype(np.int32))[0])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Treatment of diabetes type 1", "Treatment of diabetes type 2"),
        ("Osteogenesis imperfecta type V", "Osteogenesis imperfecta type VI"),
        ("Charcot disease 2B", "Charcot disease 2B1"),
        ("Spastic paraplegia", "Spastic paraplegia 14"),
        ("Stages of Hodgkin lymphoma", "Stages of Non-Hodgkin lymphoma"),
        ("Can I boil it?", "Can I not boil it?"),
    ],
)
def test_numbers_and_negations_keep_apart(one, other):
    assert apart(one, other)


def test_names_in_a_slot_that_many_fill_keep_apart():
    assert apart(SLOT[0], SLOT[1], among=SLOT[2:])


def test_two_words_in_a_place_that_no_other_question_fills_do_not():
    assert not apart("What is a novel coronavirus?", "What is a new coronavirus?", among=SLOT)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What are the symptoms of gall stones?", "What are the symptoms of gall stone?"),
        ("What are the symptoms of gallstones?", "What are the symptoms of gall stones?"),
        ("What are the symptoms of Werner's syndrome?", "What are the symptoms of Werner syndrome?"),
        ("What are the symptoms of the measles?", "What are the symptoms of measles?"),
    ],
)
def test_the_form_of_a_word_does_not_keep_apart_even_in_a_slot(one, other):
    assert not apart(one, other, among=SLOT)


def test_quite_another_wording_is_the_models_to_judge():
    assert not apart("What are measles like?", "Tell me how measles show", among=SLOT)


def test_the_answer_is_the_same_from_both_sides():
    assert apart(SLOT[1], SLOT[0], among=SLOT[2:]) == apart(SLOT[0], SLOT[1], among=SLOT[2:])

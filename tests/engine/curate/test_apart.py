"""Questions that differ in a name or number stay apart, other wordings of one question do not."""

from __future__ import annotations

import random

import numpy as np
import pytest

from engine.curate.apart import _NUMBER, FILLERS, _say_different, kept_apart
from engine.curate.sameness import normal_text, words_of

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


@pytest.mark.parametrize("seed", range(4))
def test_many_pairs_at_once_are_told_as_one_by_one(seed):
    """Beside the rule written out pair by pair, on sentences that share their ends and differ in the middle."""
    rng = random.Random(seed)
    middles = ["measles", "mumps", "gall stones", "gallstones", "gall stone", "data base", "database", "the", "a", ""]
    middles += ["type 2", "type b", "not mumps", "stony river bank", "river", "rivers", "very old red house door"]
    ends = [("what causes", "in adults"), ("how is", "treated"), ("", "treated well at home"), ("what causes", "")]
    texts = [f"{start} {middle} {end}" for start, end in ends for middle in middles]
    texts = [normal_text(text) for text in {*texts, " ".join(["word"] * 60 + ["mumps"]), "一 个 人", "一 只 猫"}]
    rng.shuffle(texts)
    a, b = (side.astype(np.int32) for side in np.triu_indices(len(texts), 1))
    words = [words_of(text) for text in texts]
    frames: dict[tuple[str, ...], set[int]] = {}
    expected = []
    for left, right in zip(a.tolist(), b.tolist(), strict=True):
        held = [{word for word in words[side] if _NUMBER.fullmatch(word)} for side in (left, right)]
        frame = frame_of(words[left], words[right]) if held[0] == held[1] else None
        expected.append((held[0] != held[1], frame))
        if frame is not None:
            frames.setdefault(frame, set()).update((left, right))
    wanted = [numbers or (frame is not None and len(frames[frame]) >= FILLERS) for numbers, frame in expected]
    assert kept_apart(texts, a, b).tolist() == wanted


def frame_of(left: list[str], right: list[str]) -> tuple[str, ...] | None:
    """The words around the one place in which two texts differ in what they say, None where there is no such place."""
    limit, start, end = min(len(left), len(right)), 0, 0
    while start < limit and left[start] == right[start]:
        start += 1
    while end < limit - start and left[-1 - end] == right[-1 - end]:
        end += 1
    middle = slice(start, -end or None)
    if 2 * (start + end) < max(len(left), len(right)) or not _say_different(left[middle], right[middle]):
        return None
    return (*left[:start], "…", *left[len(left) - end :])

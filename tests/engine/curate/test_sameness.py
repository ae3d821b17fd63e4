"""Form does not make another text; meaning does."""

from __future__ import annotations

import pytest

from engine.curate.sameness import normal_text, words_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How do I reset it?", "how do i  RESET it"),
        ("Paget’s disease", "Paget's disease"),
        ("e-mail", "e mail"),
        ("ＡＢＣ　１２", "abc 12"),
        ("caf\u00e9", "cafe\u0301"),
        ("高血压怎么办？", "高血压怎么办"),
        ("Straße", "STRASSE"),
    ],
)
def test_texts_that_differ_in_form_are_the_same(one, other):
    assert normal_text(one) == normal_text(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C++", "C#"),
        ("a < b", "a > b"),
        ("หมา", "หมี"),
        ("हिन्दी", "हिन्दू"),
        ("???", "!!!"),
        ("5 %", "5"),
        ("resume", "résumé"),
    ],
)
def test_texts_that_differ_in_meaning_are_not(one, other):
    assert normal_text(one) != normal_text(other)


def test_chinese_characters_are_words():
    assert words_of(normal_text("用Python排序?")) == ["用", "python", "排", "序"]

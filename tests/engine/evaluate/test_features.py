"""What is told of a query before anything ranks for it."""

from __future__ import annotations

import pytest

from engine.evaluate.features import features_of, language_of, script_of


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("How do I reset it?", "Latin letters"),
        ("孕妇可以吃螃蟹吗", "Chinese"),
        ("パスワードを忘れた", "Japanese"),
        ("비밀번호 재설정", "Korean"),
        ("как сбросить пароль", "Cyrillic"),
        ("12 + 7", "none"),
        ("重置 password reset now", "Latin letters"),
    ],
)
def test_the_script_of_most_letters_is_named(text, script):
    assert script_of(text) == script


def test_overlap_is_the_share_of_words_in_the_best_answer():
    corpus = ["reset the password in the settings", "call the office", "the router has a lamp"]
    found = features_of(["reset password quickly"], [[corpus[1], corpus[0]]], corpus)
    assert found.words.tolist() == [3]
    assert found.overlap.tolist() == pytest.approx([2 / 3])


def test_a_query_without_answers_shares_nothing():
    assert features_of(["reset", ""], [[], ["x"]], ["reset it", "call"]).overlap.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("query", "answer", "language"),
    [
        ("card arrival", "You can track the delivery of your new card in the app under orders.", "English"),
        ("Wie beantrage ich einen neuen Reisepass?", "", "German"),
        ("мой пароль не подходит", "Чтобы сбросить пароль, откройте настройки и нажмите кнопку.", "Russian"),
        ("如何重置密码", "", "Chinese"),
        ("PCA", "", "Latin letters"),  # too few letters to tell
        ("¿Cómo cambio mi contraseña?", "如何重置密码", "Spanish"),  # an answer in another script tells nothing
        ("12", "", "none"),
    ],
)
def test_a_query_is_of_the_language_of_its_words_and_its_answer(query, answer, language):
    assert language_of(query, answer) == language

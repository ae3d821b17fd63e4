"""Texts are cut into the words that a reader would search for."""

from __future__ import annotations

import pytest

from engine.mine.words import Analyzer, guess_language


def test_words_are_lower_case_and_stemmed():
    assert Analyzer("english")("The Kettles, boiling!") == ["the", "kettl", "boil"]


def test_an_identifier_stands_whole_and_in_parts():
    assert Analyzer("")("read_csv HTTPServer parseJSON") == [
        "read_csv", "read", "csv", "httpserver", "http", "server", "parsejson", "parse", "json",
    ]  # fmt: skip


def test_underscores_around_a_word_are_no_part_of_it():
    assert Analyzer("")("__init__ _private") == ["init", "private"]


def test_chinese_is_cut_into_pairs_of_characters_beside_latin_words():
    assert Analyzer()("高血压用ABC12治疗") == ["高血", "血压", "压用", "abc12", "治疗"]


def test_a_lone_chinese_character_is_a_word():
    assert Analyzer()("茶, tea") == ["茶", "tea"]


def test_full_width_letters_are_plain_letters():
    assert Analyzer("")("ＡＢＣ１２，可以") == ["abc12", "可以"]


def test_vowel_signs_do_not_cut_hindi_words():
    assert len(Analyzer()("हिन्दी भाषा")) == 2


def test_thai_and_korean_are_cut_into_pairs():
    assert Analyzer()("지하철") == ["지하", "하철"]
    assert len(Analyzer()("ภาษาไทย")) == len("ภาษาไทย") - 1


def test_russian_words_meet_their_inflected_forms():
    analyzer = Analyzer("english")
    assert analyzer("книги") == analyzer("книга")


def test_accents_written_in_two_ways_are_the_same_word():
    assert Analyzer("french")("cafe\u0301") == Analyzer("french")("caf\u00e9")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("english", "What is the best way to store this kind of wine?"),
        ("german", "Wie wird das Bier gebraut und was ist die beste Art, es zu lagern?"),
        ("french", "Comment conserver le vin dans une cave qui est sur la colline?"),
        ("spanish", "Cómo se guarda el vino en la bodega y qué es lo mejor para las botellas?"),
        ("italian", "Come si conserva il vino nella cantina e che cosa è meglio per gli ospiti?"),
        ("english", "头孢克肟 500mg"),
        ("english", ""),
    ],
)
def test_the_language_is_told_by_function_words(language, text):
    assert guess_language([text]) == language


def test_the_guess_does_not_depend_on_how_the_corpus_begins():
    corpus = ["der die das und ist nicht"] * 300 + ["the of and to is that"] * 1200
    assert guess_language(corpus) == "english"

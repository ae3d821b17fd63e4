"""Numbers, times and foreign texts as people read them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from gui import words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "under 1 s"), (40, "40 s"), (192, "3 min 12 s"), (600, "10 min"), (7500, "2 h 5 min"), (3600, "1 h")],
)
def test_durations_have_at_most_two_units(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(3, "≈ 3 s"), (38, "≈ 40 s"), (170, "≈ 3 min"), (0, "≈ 1 s")])
def test_foretold_times_are_round(seconds, text):
    assert words.about(seconds) == text


def test_negative_numbers_use_a_true_minus():
    assert words.signed(-0.041) == "−0.041"
    assert words.signed(0.101) == "+0.101"
    assert words.signed(-0.0004) == words.signed(0.0) == "0.000"
    assert words.decimal(-1.5, 1) == "−1.5"


def test_bytes_are_said_in_the_unit_that_fits():
    assert words.size(91_400_000) == "91.4 MB"
    assert words.size(12_300) == "12 KB"


def test_today_is_a_clock_and_yesterday_a_word():
    now = datetime.now().astimezone().replace(hour=12)
    assert words.when(now.replace(hour=9, minute=5).isoformat(), now) == "09:05"
    assert words.when((now - timedelta(days=1)).isoformat(), now) == "yesterday"
    assert words.when("no time") == ""


def test_hidden_characters_of_foreign_texts_become_visible():
    assert words.plain("a\u202eb\x00c\x1b[31m") == "a⟨202E⟩b⟨0000⟩c⟨001B⟩[31m"


def test_foreign_texts_are_cut_and_joined_to_one_line():
    assert words.plain("a\n\nb", 100) == "a b"
    assert words.plain("x" * 50, 10) == "x" * 10 + "…"
    assert words.plain("a\nb", lines=True) == "a\nb"


def test_lone_surrogates_can_be_shown():
    assert words.plain("\ud800") == "⟨D800⟩"


def test_tooltips_are_always_escaped():
    assert words.tip('<img src="file:///etc/passwd">') == (
        "<span>&lt;img src=&quot;file:///etc/passwd&quot;&gt;</span>"
    )

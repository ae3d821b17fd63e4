"""Comparisons are put in words that say what was found, how sure it is and what to do."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from engine.records import Comparison, Outcome, Split
from engine.store.project import Project
from engine.store.verdicts import (
    Circumstances,
    circumstances,
    headline,
    keep_circumstances,
    made_sentence,
    movement_sentence,
    queries_needed,
    reach_sentence,
    smallest_difference,
    verdict_reasons,
    verdict_sentence,
)

WIN = Comparison(1, "tuned", "bm25", 3, 1, "ndcg@10", 0.11, 0.07, 0.15, 0.0001, Outcome.WIN, 52, 9, 300)
TIE = replace(WIN, delta=0.02, low=-0.01, high=0.05, p=0.2, verdict=Outcome.TIE)
LOSS = replace(WIN, delta=-0.05, low=-0.08, high=-0.02, verdict=Outcome.LOSS)


def test_win_names_difference_interval_and_queries():
    assert verdict_sentence(WIN) == (
        "The tuned model beats BM25 by +0.110 nDCG@10 (95 % interval +0.070 to +0.150), on 300 queries it never saw."
    )


def test_tie_claims_no_difference():
    assert verdict_sentence(TIE) == (
        "No difference between the tuned model and BM25 can be told: +0.020 nDCG@10 "
        "(95 % interval −0.010 to +0.050), on 300 queries it never saw."
    )


def test_loss_says_who_falls_behind():
    assert verdict_sentence(LOSS).startswith("The tuned model falls behind BM25 by 0.050 nDCG@10")


def test_zero_carries_no_sign():
    assert "0.000 nDCG@10 (95 % interval 0.000 to 0.000)" in verdict_sentence(replace(TIE, delta=0, low=0, high=-0.0))


def test_comparison_without_queries_says_so():
    assert "no query has a judged answer" in verdict_sentence(replace(TIE, n_queries=0))


def test_two_wins_share_a_headline():
    assert headline([WIN, replace(WIN, b="base", delta=0.14, low=0.1, high=0.18)]) == (
        "The tuned model beats BM25 by +0.110 nDCG@10 (95 % interval +0.070 to +0.150) and the base model by "
        "+0.140 nDCG@10 (95 % interval +0.100 to +0.180), on 300 queries it never saw."
    )


def test_headline_of_mixed_outcomes_says_each():
    text = headline([TIE, replace(WIN, b="base"), replace(WIN, a="base")])
    assert text == f"{verdict_sentence(TIE)} {verdict_sentence(replace(WIN, b='base'))}"


def test_movement_adds_up():
    assert movement_sentence(WIN) == "Fixed 52, broke 9; the other 239 stayed in or out of the first ten."


def test_win_needs_no_reasons():
    assert verdict_reasons(WIN, Circumstances(0.9, 10, 0.5)) == []


def test_interval_gives_the_standard_error_back():
    # half of 0.06 is 1.96 standard errors; 2.8016 of them are the smallest difference
    assert smallest_difference(TIE) == pytest.approx(0.03 / 1.96 * 2.8016)
    assert queries_needed(TIE) == pytest.approx(300 * (0.03 / 1.96 * 2.8016 / 0.02) ** 2, abs=1)


def test_reasons_of_a_tie_begin_with_the_size_of_the_test():
    reasons = verdict_reasons(TIE, Circumstances(word_overlap=0.8, train_pairs=200, doubtful_share=0.2))
    assert [reason.code for reason in reasons] == ["small_test", "copied_words", "few_pairs", "doubtful_negatives"]
    assert "about 1,080 more" in reasons[0].sentence
    assert "80 % of the queries' words" in reasons[1].sentence
    assert [reason.action for reason in reasons] == ["add_queries", "hybrid", "add_pairs", "review_negatives"]


def test_loss_is_not_blamed_on_the_size_of_the_test():
    assert [r.code for r in verdict_reasons(LOSS, Circumstances(word_overlap=0.8))] == ["copied_words"]


def test_copied_words_explain_nothing_against_the_base_model():
    assert [r.code for r in verdict_reasons(replace(LOSS, b="base"), Circumstances(word_overlap=0.8))] == ["somewhere"]


def test_tiny_difference_is_called_equal_instead_of_asking_for_a_million_queries():
    assert [(r.code, r.action) for r in verdict_reasons(replace(TIE, delta=0.0005))] == [("equal", "parts")]


@pytest.mark.parametrize(
    ("system", "codes"), [("hybrid", ["unread"]), ("tuned", ["unread", "bm25_ahead"]), ("9", ["bm25_ahead"])]
)
def test_only_systems_of_the_base_are_said_not_to_read_the_texts(system, codes):
    known = Circumstances(unknown_share=0.78)
    assert [r.code for r in verdict_reasons(replace(LOSS, a=system), known)] == codes


def test_a_verdict_on_made_queries_says_so():
    assert made_sentence(Circumstances(), 300) == ""
    assert "made all itself" in made_sentence(Circumstances(made_queries=300), 300)
    assert "made 20 of the 300 itself" in made_sentence(Circumstances(made_queries=20), 300)


def test_bm25_that_is_ahead_without_copied_words_asks_for_both_joined():
    assert [(r.code, r.action) for r in verdict_reasons(LOSS, Circumstances(word_overlap=0.1))] == [
        ("bm25_ahead", "hybrid")
    ]
    assert [r.code for r in verdict_reasons(replace(LOSS, a="hybrid"), Circumstances(word_overlap=0.1))] == [
        "somewhere"
    ]


def test_a_tie_beside_zero_is_put_down_to_chance_or_to_many_systems():
    beside = replace(TIE, delta=0.03, low=0.001, high=0.059, p=0.07, p_adjusted=0.07)
    assert "7 % of the time" in verdict_reasons(beside)[-1].sentence
    many = verdict_reasons(replace(beside, p=0.02, p_adjusted=0.08, family=4))[-1]
    assert (many.code, "4 systems were compared with BM25" in many.sentence) == ("many_systems", True)


def test_what_is_known_of_a_verdict_survives_being_stored(tmp_path):
    known = Circumstances(word_overlap=0.3, conflicts=2, conflicting=(4, 7))
    with Project.create(tmp_path / "p") as project:
        keep_circumstances(project, Split.TEST, known)
        assert circumstances(project) == known


def test_a_handful_of_queries_can_show_nothing_and_says_so():
    few = replace(TIE, n_queries=5, delta=0.2, low=0.1, high=0.3)
    assert math.isinf(smallest_difference(few))
    (reason,) = verdict_reasons(few)
    assert reason.action == "add_queries"
    assert reason.sentence.startswith("The test set is too small. 5 queries can show no difference")
    assert reach_sentence(replace(few, n_queries=1)).startswith("One query can show no difference")


def test_equal_runs_tell_nothing_of_what_the_queries_could_show():
    equal = replace(TIE, delta=0.0, low=0.0, high=0.0, p=1.0, p_adjusted=1.0)
    assert math.isinf(smallest_difference(equal))
    assert queries_needed(equal) == 0
    assert [reason.sentence for reason in verdict_reasons(equal)] == ["Both systems score the same on every query."]
    assert "cannot be told" in reach_sentence(equal)


def test_queries_of_training_are_not_called_unseen():
    assert verdict_sentence(WIN, Split.TRAIN).endswith("of the training split.")

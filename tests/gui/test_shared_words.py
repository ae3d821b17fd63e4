"""Words that a query and a text share."""

from __future__ import annotations

from gui.shared_words import marks_of, shared_spans, whole_words


def _words(query: str, text: str) -> list[str]:
    return [text[start:end] for start, end in shared_spans(query, text)]


def test_inflected_forms_are_the_same_word():
    assert _words("replace worn chains", "Replacing a chain that is worn") == ["Replacing", "chain", "worn"]


def test_very_common_words_are_not_marked():
    assert _words("how do I wait for the task", "the wait is for a task") == ["wait", "task"]


def test_common_words_count_where_the_query_has_no_others():
    assert _words("what is it", "it is what is it") == ["it", "is", "what", "is", "it"]


def test_identifiers_are_taken_apart_at_underscores():
    assert _words("task", "call task_done now") == ["task"]


def test_chinese_shares_runs_of_two_characters_or_more():
    assert _words("怎样更换自行车链条", "先打开旧链条,再更换自行车的轮胎") == ["链条", "更换自行车"]


def test_a_single_shared_chinese_character_is_not_marked():
    assert _words("车", "汽车") == []


def test_marks_carry_the_weight_of_stemmed_words():
    text = "Replacing the chain"
    assert [(text[a:b], w) for a, b, w in marks_of({"replac": 3.0, "chain": 1.5}, text)] == [
        ("Replacing", 3.0),
        ("chain", 1.5),
    ]


def test_overlapping_chinese_words_are_marked_once():
    assert marks_of({"高血压": 2.0, "血压": 1.0}, "高血压和血压") == [(0, 3, 2.0), (4, 6, 1.0)]


def test_stems_are_shown_as_the_words_that_were_asked():
    assert whole_words("Replacing old chains", ["replac", "chain", "高血压"]) == {
        "replac": "Replacing",
        "chain": "chains",
        "高血压": "高血压",
    }

"""Two texts side by side: what they share, what only one has, and where Qt counts it."""

from __future__ import annotations

from gui.compared_words import compare_texts, differing_spans, join_spans, utf16_spans


def test_shared_words_are_marked_in_both_texts() -> None:
    left, right = "Copy data and metadata of a file.", "Copies the permission bits of one file."
    found = compare_texts(left, right)
    assert [left[a:b] for a, b in found.left] == ["Copy", "file"]
    assert [right[a:b] for a, b in found.right] == ["Copies", "file"]
    assert found.shared == 2


def test_neighbouring_words_are_one_mark() -> None:
    text = "last access time"
    assert join_spans(text, [(5, 11), (12, 16)]) == ((5, 16),)


def test_words_of_the_candidate_alone_are_named_once() -> None:
    found = compare_texts("Copy a file.", "Owner and owner of the group copy.")
    assert found.only_right == ("Owner", "group")


def test_chinese_is_compared_by_pairs_of_characters() -> None:
    left, right = "用刷子清洗链条。", "装上新链条再检查。"
    found = compare_texts(left, right)
    assert [left[a:b] for a, b in found.left] == ["链条"]
    assert [right[a:b] for a, b in found.right] == ["链条"]
    assert "装上新" in found.only_right


def test_words_that_differ_are_marked_in_both_common_ones_too() -> None:
    left, right = "Remove a directory and everything", "Remove the directory if empty"
    first, second = differing_spans(left, right)
    assert [left[a:b] for a, b in first] == ["a", "and everything"]
    assert [right[a:b] for a, b in second] == ["the", "if empty"]


def test_spans_behind_an_emoji_count_two_units_for_it() -> None:
    assert utf16_spans("🚲 chain", [(2, 7)]) == [(3, 8)]
    assert utf16_spans("a chain", [(2, 7)]) == [(2, 7)]


def test_empty_texts_share_nothing() -> None:
    found = compare_texts("", "")
    assert found == compare_texts("", "")
    assert found.left == ()
    assert found.only_right == ()

"""Passages keep every word, fit the budget and break where people would."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.ingest.document import Outline, ReadDocument
from engine.ingest.passages import cut_passages


def _count(texts: list[str]) -> list[int]:
    """A tokenizer of sorts: words of Latin letters in pieces of four, each other character by itself."""
    return [len(re.findall(r"[A-Za-z0-9]{1,4}|[^\sA-Za-z0-9]", text)) for text in texts]


def _document(*blocks: tuple[int, str]) -> ReadDocument:
    outline = Outline()
    for level, text in blocks:
        if level:
            outline.heading(level, text)
        else:
            outline.paragraph(text)
    return outline.build("", "txt")


def _cut(document: ReadDocument, max_tokens: int = 20, overlap: int = 0):
    return cut_passages(document, max_tokens=max_tokens, overlap_tokens=overlap, count_tokens=_count)


_BLOCKS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.text(st.sampled_from('ab c.!?。！，、汉字かな\n\t"”(—é😀'), max_size=200),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(_BLOCKS, st.integers(8, 40), st.integers(0, 20))
def test_every_word_lies_in_a_passage_and_every_passage_in_the_document(blocks, max_tokens, overlap):
    document = _document(*blocks)
    pieces = _cut(document, max_tokens, overlap)
    covered = set()
    for piece in pieces:
        assert document.text[piece.start : piece.end] == piece.text
        assert piece.text == piece.text.strip() != ""
        covered.update(range(piece.start, piece.end))
    in_sections = [index for section in document.sections for index in range(section.start, section.end)]
    assert not [index for index in in_sections if not document.text[index].isspace() and index not in covered]
    headings = " ".join(piece.heading for piece in pieces)
    outside = set(range(len(document.text))) - set(in_sections)
    lost = "".join(document.text[index] if index in outside else " " for index in range(len(document.text))).split()
    assert all(word in headings for word in lost)


@settings(max_examples=100, deadline=None)
@given(_BLOCKS, st.integers(8, 40), st.integers(0, 20))
def test_no_passage_is_longer_than_the_budget(blocks, max_tokens, overlap):
    for piece in _cut(_document(*blocks), max_tokens, overlap):
        heading, text = _count([piece.heading, piece.text])
        assert text + min(heading, max_tokens // 2) <= max_tokens


def test_a_short_document_is_one_passage():
    assert [piece.text for piece in _cut(_document((0, "One. Two.")))] == ["One. Two."]


def test_sections_are_never_joined():
    pieces = _cut(_document((1, "A"), (0, "one"), (1, "B"), (0, "two")))
    assert [(piece.heading, piece.text) for piece in pieces] == [("A", "one"), ("B", "two")]


def test_a_paragraph_is_kept_whole_where_it_fits():
    pieces = _cut(_document((0, "a b c d e f g h."), (0, "i j k l m n o p q r s t.")), 16)
    assert [piece.text for piece in pieces] == ["a b c d e f g h.", "i j k l m n o p q r s t."]


def test_chinese_and_japanese_break_after_their_full_stops():
    chinese = _cut(_document((0, "党参可以口服。它降血压！请问医生？多喝水。")), 8)
    assert [piece.text for piece in chinese] == ["党参可以口服。", "它降血压！", "请问医生？", "多喝水。"]
    japanese = _cut(_document((0, "今日は晴れです。「散歩しよう。」と言った。")), 12)
    assert [piece.text for piece in japanese] == ["今日は晴れです。", "「散歩しよう。」", "と言った。"]


def test_passages_overlap_by_whole_sentences():
    pieces = _cut(_document((0, "a b. c d. e f. g h. i j.")), 9, 3)
    assert [piece.text for piece in pieces] == ["a b. c d. e f.", "e f. g h. i j."]


def test_a_word_longer_than_the_budget_is_cut_and_not_lost():
    pieces = _cut(_document((0, "x" * 400)), 10)
    assert "".join(piece.text for piece in pieces) == "x" * 400
    assert max(_count([piece.text for piece in pieces])) <= 10


def test_passages_name_the_page_they_begin_on():
    outline = Outline()
    for text in ("one two three. " * 5, "four five six. " * 5):
        outline.page()
        outline.paragraph(text)
    pages = [piece.page for piece in _cut(outline.build("", "pdf"))]
    assert pages == sorted(pages)
    assert set(pages) == {1, 2}

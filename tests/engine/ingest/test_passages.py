"""Passages keep every word, fit the budget and break where people would."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.encode.models import BUNDLED
from engine.encode.rulers import Measure, Ruler
from engine.ingest import passages
from engine.ingest.document import Outline, ReadDocument
from engine.ingest.passages import Cutter, Piece, cut_passages
from engine.params import CutParams
from engine.store.cuts import Layout, Stretch


class _Ruler:
    """A tokenizer of sorts: words of Latin letters in pieces of four, each other character by itself."""

    def __init__(self, *, exact: bool = True) -> None:
        self.exact = exact

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(self.measure(text).tokens) + (not self.exact and bool(text)) for text in texts]

    def measure(self, text: str) -> Measure:
        tokens = [match.start() for match in re.finditer(r"[A-Za-z0-9]{1,4}|[^\sA-Za-z0-9]", text)]
        words = [match.start() for match in re.finditer(r"[A-Za-z0-9]+|[^\sA-Za-z0-9]", text)]
        return Measure(np.array(tokens, np.int64), np.array(words, np.int64))


def _count(texts: list[str]) -> list[int]:
    return _Ruler().count(texts)


def _document(*blocks: tuple[int, str]) -> ReadDocument:
    outline = Outline()
    for level, text in blocks:
        if level:
            outline.heading(level, text)
        else:
            outline.paragraph(text)
    return outline.build("", "txt")


def _cut(document: ReadDocument, max_tokens: int = 20, overlap: int = 0, *, headings: bool = True, exact: bool = True):
    return cut_passages(document, CutParams(max_tokens, overlap, headings), _Ruler(exact=exact))


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
    lost = "".join(" " if index in covered else char for index, char in enumerate(document.text)).split()
    assert all(word in " ".join(piece.heading for piece in pieces) for word in lost)
    in_sections = [index for section in document.sections for index in range(section.start, section.end)]
    assert not [index for index in in_sections if not document.text[index].isspace() and index not in covered]


@settings(max_examples=100, deadline=None)
@given(_BLOCKS, st.integers(8, 40), st.integers(0, 20))
def test_without_headings_in_front_every_word_of_the_text_lies_in_a_passage(blocks, max_tokens, overlap):
    document = _document(*blocks)
    covered = set()
    for piece in _cut(document, max_tokens, overlap, headings=False):
        assert piece.heading == ""
        covered.update(range(piece.start, piece.end))
    assert all(index in covered or char.isspace() for index, char in enumerate(document.text))


@settings(max_examples=100, deadline=None)
@given(_BLOCKS, st.integers(8, 40), st.integers(0, 20))
def test_no_passage_is_longer_than_the_budget(blocks, max_tokens, overlap):
    for exact in (True, False):
        for piece in _cut(_document(*blocks), max_tokens, overlap, exact=exact):
            assert piece.tokens == _Ruler(exact=exact).count([piece.search_text])[0] <= max_tokens


@settings(max_examples=100, deadline=None)
@given(_BLOCKS, st.integers(8, 40), st.integers(0, 20))
def test_neighbours_share_no_more_than_the_overlap_and_each_brings_something_new(blocks, max_tokens, overlap):
    pieces = _cut(_document(*blocks), max_tokens, overlap)
    for before, after in itertools.pairwise(pieces):
        assert before.start < after.start
        assert before.end < after.end
        assert _count([_shared(before, after)])[0] <= min(overlap, max_tokens // 2)


def _shared(before: Piece, after: Piece) -> str:
    return before.text[after.start - before.start :] if after.start < before.end else ""


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


def test_a_sentence_longer_than_the_overlap_gives_its_last_words():
    pieces = _cut(_document((0, "a b c d e f g h i. j k l m.")), 11, 3)
    assert [piece.text for piece in pieces] == ["a b c d e f g h i.", "h i. j k l m."]


def test_abbreviations_and_initials_end_no_sentence():
    pieces = _cut(_document((0, "Ask Dr. Ada B. Smith, e.g. by mail. Then wait.")), 17)
    assert [piece.text for piece in pieces] == ["Ask Dr. Ada B. Smith, e.g. by mail.", "Then wait."]


_TABLE = "Size | Price\nS | 10\nM | 20\nL | 30"
_CODE = "def add(a, b):\n    total = a + b\n\n    return total"
_LIST = "- Unplug it. Wait.\n- Boil water.\n- Rinse."


@pytest.mark.parametrize("block", [_TABLE, _CODE, _LIST])
def test_tables_code_and_lists_stay_whole_where_they_fit(block):
    text = f"One two three four five. Six seven eight nine.\n\n{block}\n\nAnd the rest of it, said at the end of all."
    for budget in range(_count([block])[0], 40):
        for overlap in (0, 4):
            assert any(block in piece.text for piece in _cut(_document((0, text)), budget, overlap))


def test_a_table_that_does_not_fit_is_cut_between_rows():
    rows = [f"name{n} | place{n} | {n}" for n in range(30)]
    pieces = _cut(_document((0, "\n".join(rows))), 40)
    assert [line for piece in pieces for line in piece.text.split("\n")] == rows
    assert len(pieces) > 3


def test_no_scrap_is_left_at_the_end():
    pieces = _cut(_document((0, "a b c d. " * 9)), 40)
    assert [piece.tokens for piece in pieces] == [25, 20]


def test_a_heading_too_long_for_its_half_is_shortened_and_stands_in_the_text():
    document = _document((1, "Outermost part of it all"), (2, "Middle"), (3, "Inner"), (0, "Short text."))
    (piece,) = _cut(document, 22)
    assert piece.heading == "Inner"
    assert piece.text.endswith("Inner\n\nShort text.")


@cache
def _bundled() -> Ruler:
    return Ruler(BUNDLED.path(), 256)


_WRITINGS = st.text(st.sampled_from("ab Zé.,-'|汉字。かな한글ไทยabcdeשלוםعر😀\u200b\u0301\n\t(1"), max_size=300)


@settings(max_examples=60, deadline=None)
@given(_WRITINGS, st.integers(8, 60), st.integers(0, 30), st.sampled_from(["", "Title > Warranty"]))
def test_the_bundled_models_own_count_is_within_the_budget(text, budget, overlap, heading):
    layout = Layout((Stretch(heading, 0, len(text)),))
    for piece in Cutter(text, layout, _bundled()).cut(CutParams(budget, overlap)):
        assert _bundled().count([piece.search_text])[0] == piece.tokens <= budget


@given(_WRITINGS)
@settings(max_examples=60, deadline=None)
def test_a_text_has_as_many_tokens_as_were_measured_in_it(text):
    assert len(_bundled().measure(text).tokens) == _bundled().count([text])[0]


def test_a_word_that_the_model_gives_up_on_is_no_passage_of_a_megabyte():
    text = "QUJD" * 50_000
    pieces = Cutter(text, Layout((Stretch("", 0, len(text)),)), _bundled()).cut(CutParams(220, 24))
    assert max(len(piece.text) for piece in pieces) < 2000
    assert "".join(_new_parts(pieces)) == text


def _new_parts(pieces: list[Piece]) -> list[str]:
    ends = [0, *(piece.end for piece in pieces)]
    return [piece.text[max(end - piece.start, 0) :] for end, piece in zip(ends, pieces, strict=False)]


def test_five_megabytes_are_cut_within_seconds_and_again_at_once():
    words = [f"word{n % 5000} and more of it" + (". " if n % 4 == 0 else " ") for n in range(210_000)]
    text = "".join(word + ("\n\n" if n % 40 == 0 else "") for n, word in enumerate(words))
    assert len(text) > 5_000_000
    cutter = Cutter(text, Layout((Stretch("", 0, len(text)),)), _bundled())
    began = time.process_time()
    pieces = cutter.cut(CutParams(200, 24))
    assert time.process_time() - began < 4
    assert len(pieces) > 5000


@given(_WRITINGS, st.integers(8, 40), st.integers(0, 20), st.integers(0, 300), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_beginning_and_steps_give_the_passages_of_the_whole(text, budget, overlap, until, tables):
    text = text * 3
    half = len(text) // 2
    layout = Layout((Stretch("One", 0, half), Stretch("Two > Three", half, len(text))), named_rows=tables)
    params = CutParams(budget, overlap)
    whole = Cutter(text, layout, _bundled()).cut(params)
    wanted = [piece for piece in whole if piece.start < until]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passages, "_STEP", 20)
        patch.setattr(passages, "_BATCH", 3)
        patch.setattr(passages, "_AROUND", 600)
        steps = Cutter(text, layout, _bundled())
        assert [piece for part in steps.steps(params) for piece in part] == whole
        assert steps.cut(params, until) == wanted
        assert passages.beginning(text, layout, _bundled(), until).cut(params, until) == wanted

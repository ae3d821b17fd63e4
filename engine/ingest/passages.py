"""Cutting documents into passages: by headings, then paragraphs, then sentences, up to a budget of tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from engine.ingest.document import ReadDocument

CountTokens = Callable[[list[str]], list[int]]

# A heading path may use up to this share of a passage's budget; a longer one leaves the text its half all the same.
HEADING_SHARE = 0.5
# A passage that reached this share of its budget ends at a paragraph rather than within the next one.
FULL_SHARE = 0.5

_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
_CLOSING = "\"'”’»)\\]）】』」》〉"
# A sentence ends with a stop and a blank, or with a full-width stop, which needs no blank. A line end within a
# paragraph is a weaker end, taken only where a sentence is too long.
_SENTENCE = re.compile(rf"(?:[.!?…]+[{_CLOSING}]*\s+|[。！？；｡]+[{_CLOSING}]*\s*)")
_CLAUSE = re.compile(r"(?:\n\s*|[,;:]\s+|[，、：；]\s*)")
_WORD = re.compile(r"\s+|(?<=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3])")


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage before it is stored: `text` is the document's text from `start` to `end`; `page` counts from 1."""

    heading: str
    text: str
    start: int
    end: int
    page: int


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is never cut: a sentence, or a part of one that is too long for any passage."""

    start: int
    end: int
    tokens: int
    ends_paragraph: bool


def cut_passages(
    document: ReadDocument, *, max_tokens: int, overlap_tokens: int, count_tokens: CountTokens
) -> list[Piece]:
    """Cut `document` so that heading and text of each passage have at most `max_tokens` tokens together.

    A heading counts for at most half of that, so that a long path of titles leaves room for text.

    Every character but white space and headings (which stand in the passages' heading) lies in at least one passage;
    passages of one section share up to `overlap_tokens` of whole sentences. A single word of more than `max_tokens`
    tokens is kept whole where the tokenizer gives its parts no fewer.

    Args:
        document: its sections are never joined.
        max_tokens: at least 8.
        overlap_tokens: less than half of `max_tokens` is used.
        count_tokens: tokens of each text, without the model's own marks ([CLS], [SEP]).
    """
    max_tokens = max(8, max_tokens)
    headings = [document.heading(section) for section in document.sections]
    heading_tokens = dict(zip(dict.fromkeys(headings), count_tokens(list(dict.fromkeys(headings))), strict=True))
    pieces = []
    units_by_section = _units(document, max_tokens, count_tokens)
    for section, heading in zip(document.sections, headings, strict=True):
        room = max_tokens - min(heading_tokens[heading], int(max_tokens * HEADING_SHARE))
        units = _fitting(document.text, units_by_section[section.start], room, count_tokens)
        for start, end in _pack(units, room, min(overlap_tokens, room // 2)):
            pieces.append(_piece(document, heading, start, end))
    return pieces


def _piece(document: ReadDocument, heading: str, start: int, end: int) -> Piece:
    text = document.text[start:end]
    start += len(text) - len(text.lstrip())
    text = text.strip()
    return Piece(heading, text, start, start + len(text), document.page_at(start))


def _units(document: ReadDocument, max_tokens: int, count_tokens: CountTokens) -> dict[int, list[_Unit]]:
    """The sentences of all sections by the section's start, counted in one call (one for each is far slower)."""
    spans = {
        section.start: list(_sentences(document.text, section.start, section.end)) for section in document.sections
    }
    texts = [document.text[start:end] for section_spans in spans.values() for start, end, _ in section_spans]
    counts = iter(count_tokens(texts) if texts else [])
    return {
        section_start: [_Unit(start, end, next(counts), ends) for start, end, ends in section_spans]
        for section_start, section_spans in spans.items()
    }


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    """Spans of sentences that follow each other without a gap, and whether each ends its paragraph."""
    for paragraph_start, paragraph_end in _spans(_PARAGRAPH, text, start, end):
        spans = list(_spans(_SENTENCE, text, paragraph_start, paragraph_end))
        for index, (left, right) in enumerate(spans):
            yield left, right, index == len(spans) - 1


def _spans(pattern: re.Pattern[str], text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut text[start:end] after each match; what is blank goes with its neighbour before it."""
    left = start
    for match in pattern.finditer(text, start, end):
        if match.end() > left and match.end() < end:
            yield left, match.end()
            left = match.end()
    if left < end:
        yield left, end


def _fitting(text: str, units: Sequence[_Unit], room: int, count_tokens: CountTokens) -> list[_Unit]:
    """Cut units that are too long at clauses, then at words (Chinese and Japanese: characters), then anywhere."""
    fitting = list(units)
    for pattern in (_CLAUSE, _WORD, None):
        if all(unit.tokens <= room for unit in fitting):
            break
        fitting = _recut(text, fitting, room, pattern, count_tokens)
    return fitting


def _recut(
    text: str, units: Sequence[_Unit], room: int, pattern: re.Pattern[str] | None, count_tokens: CountTokens
) -> list[_Unit]:
    recut: list[_Unit] = []
    for unit in units:
        if unit.tokens <= room:
            recut.append(unit)
            continue
        spans = list(_spans(pattern, text, unit.start, unit.end)) if pattern else _halves(unit.start, unit.end)
        counts = count_tokens([text[left:right] for left, right in spans])
        parts = [_Unit(*span, count, False) for span, count in zip(spans, counts, strict=True)]
        parts[-1] = _Unit(parts[-1].start, parts[-1].end, parts[-1].tokens, unit.ends_paragraph)
        recut += _recut(text, parts, room, None, count_tokens) if pattern is None and len(parts) > 1 else parts
    return recut


def _halves(start: int, end: int) -> list[tuple[int, int]]:
    middle = (start + end) // 2
    return [(start, middle), (middle, end)] if start < middle else [(start, end)]


def _pack(units: Sequence[_Unit], room: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Fill passages with units up to `room`, ending at a paragraph where one ends in the fuller part."""
    first = 0
    while first < len(units):
        last = first
        tokens = units[first].tokens
        while last + 1 < len(units) and tokens + units[last + 1].tokens <= room:
            last += 1
            tokens += units[last].tokens
        if last + 1 < len(units):
            last = _back_to_paragraph(units, first, last, room)
        yield units[first].start, units[last].end
        first = _with_overlap(units, first, last, room, overlap)


def _back_to_paragraph(units: Sequence[_Unit], first: int, last: int, room: int) -> int:
    tokens = sum(unit.tokens for unit in units[first : last + 1])
    for end in range(last, first, -1):
        if tokens < FULL_SHARE * room:
            break
        if units[end].ends_paragraph:
            return end
        tokens -= units[end].tokens
    return last


def _with_overlap(units: Sequence[_Unit], first: int, last: int, room: int, overlap: int) -> int:
    """Where the next passage begins: some units back, so long as it still gets beyond the last one."""
    following = last + 1
    if following >= len(units):
        return following
    tokens = 0
    begin = following
    while begin - 1 > first:
        tokens += units[begin - 1].tokens
        if tokens > overlap or tokens + units[following].tokens > room:
            break
        begin -= 1
    return begin

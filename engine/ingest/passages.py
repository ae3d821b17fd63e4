"""Cutting documents into passages: by headings, then paragraphs, then sentences, up to a budget of tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.encode.rulers import Measure, Places, code_points
from engine.ingest.boundaries import CLAUSE, LINE, PARAGRAPH, SENTENCE, WORD, Boundaries, boundaries
from engine.ingest.document import TABLE_KINDS, ReadDocument
from engine.params import CutParams
from engine.store.cuts import Layout, Stretch

SMALLEST = 8  # tokens of a passage
# A heading path may use up to this share of a passage's budget; a longer one is shortened in front of the text, and
# stands in the text as it does in the document.
HEADING_SHARE = 0.5
# A passage that reached this share of its budget ends at a paragraph rather than within the next one.
FULL_SHARE = 0.5
# What is at most this many budgets long is cut into two parts of about one size, so that no scrap is left at the end.
LAST_TWO, FIRST_OF_TWO = 1.25, 0.6
_BETWEEN = " > "
_STEP = 200_000  # characters measured in one step, some hundredths of a second
_BATCH = 200  # passages of a step
_AROUND = 24_000  # characters after a part of a text that decide how it is cut: more than the longest passage
_BLANK = re.compile(r"\s")


class Ruler(Protocol):
    """How long texts are for a model: `engine.encode.rulers.Ruler`."""

    @property
    def exact(self) -> bool: ...
    def count(self, texts: Sequence[str]) -> list[int]: ...
    def measure(self, text: str) -> Measure: ...


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage before it is stored.

    Attributes:
        text: the document's text from `start` to `end`.
        page: counts from 1, 0 where there are no pages.
        tokens: of heading and text together, without the model's own marks.
    """

    heading: str
    text: str
    start: int
    end: int
    page: int
    tokens: int

    @property
    def search_text(self) -> str:
        return f"{self.heading} {self.text}" if self.heading else self.text


def cut_passages(document: ReadDocument, params: CutParams, ruler: Ruler) -> list[Piece]:
    """Cut a document as it was read; see `Cutter.cut`."""
    return Cutter(document.text, layout_of(document), ruler).cut(params)


def beginning(text: str, layout: Layout, ruler: Ruler, until: int) -> Cutter:
    """A document's beginning: `cut(params, until)` gives the same passages of it as of the whole, and much sooner.

    Only where one passage is longer than `_AROUND` characters the last ones may be others.
    """
    end = min(until + _AROUND, len(text))
    stretches = (Stretch(one.heading, one.start, min(one.end, end)) for one in layout.stretches if one.start < end)
    return Cutter(text[:end], Layout(tuple(stretches), layout.page_starts, layout.named_rows), ruler)


def layout_of(document: ReadDocument) -> Layout:
    """What is kept of a document beside its text, so that it can be cut again."""
    stretches = tuple(Stretch(document.heading(found), found.start, found.end) for found in document.sections)
    return Layout(stretches, document.page_starts, named_rows=document.kind in TABLE_KINDS)


class Cutter:
    """A document that is measured once and can be cut in many ways, each within milliseconds."""

    def __init__(self, text: str, layout: Layout, ruler: Ruler) -> None:
        self._text = text
        self._layout = layout
        self._ruler = ruler
        self._tokens = self._words = np.empty(0, np.int64)
        self._marks = Boundaries((), np.empty((0, 2), np.int64))
        self._measuring = self._measure()
        self._headings: dict[str, int] = {}

    @property
    def is_measured(self) -> bool:
        return bool(self._marks.at)

    @property
    def size(self) -> int:
        """About how many bytes it keeps."""
        return 8 * (len(self._tokens) + len(self._words) + sum(map(len, self._marks.at))) + 4 * len(self._text)

    def cut(self, params: CutParams, until: int | None = None) -> list[Piece]:
        """Cut so that heading and text of each passage have at most `params.passage_tokens` tokens together.

        Every character but white space lies in at least one passage, or in its heading. Stretches of the document are
        never joined. Tables, lists and code that fit stay whole. Passages of one stretch share up to
        `params.overlap_tokens` (less than half a passage) of whole sentences; where the last sentence is longer, of its
        last words. What cannot be cut further (one character) may be longer than the budget.

        Args:
            until: only passages that begin before this place are wanted.
        """
        pieces = [piece for part in self.steps(params, until) for piece in part]
        return pieces if until is None else [piece for piece in pieces if piece.start < until]

    def steps(self, params: CutParams, until: int | None = None) -> Iterator[list[Piece]]:
        """The same a part at a time, with some hundredths of a second between them; the first ones may be empty."""
        for _ in self._measuring:
            yield []
        budget = max(SMALLEST, params.passage_tokens)
        spans: list[tuple[str, int, int]] = []
        for heading, start, end in self._stretches(params.headings, int(budget * HEADING_SHARE)):
            room = budget - self._heading_tokens(heading)
            for span in self._spans(start, end, room, min(params.overlap_tokens, room // 2)):
                if until is not None and span[0] >= until:
                    break
                spans.append((heading, *span))
                if len(spans) == _BATCH:
                    yield [self._piece(*found) for found in self._checked(spans, budget)]
                    spans = []
            if until is not None and end >= until:
                break
        yield [self._piece(*found) for found in self._checked(spans, budget)]

    def _measure(self) -> Iterator[None]:
        tokens: list[Places] = []
        words: list[Places] = []
        start = 0
        while start < len(self._text) or not tokens:
            blank = _BLANK.search(self._text, start + _STEP)
            end = blank.start() if blank else len(self._text)
            found = self._ruler.measure(self._text[start:end])
            tokens.append(found.tokens + start)
            words.append(found.words + start)
            start = end
            yield
        marks = yield from boundaries(self._text, code_points(self._text))
        self._tokens, self._words, self._marks = np.concatenate(tokens), np.concatenate(words), marks

    def _piece(self, heading: str, start: int, end: int, tokens: int) -> Piece:
        return Piece(heading, self._text[start:end], start, end, self._layout.page_at(start), tokens)

    def _stretches(self, headings: bool, most: int) -> Iterator[tuple[str, int, int]]:
        """Heading and span of each stretch; headings that do not stand before their passages stay in the text."""
        before = 0
        for stretch in self._layout.stretches:
            shown = stretch.heading if headings or self._layout.named_rows else ""
            fitted = self._fitted(shown, most)
            start = stretch.start if stretch.heading and fitted == stretch.heading else min(before, stretch.start)
            yield fitted, start, stretch.end
            before = stretch.end

    def _fitted(self, heading: str, most: int) -> str:
        """A heading path of at most so many tokens: its middle is left out first, then its end."""
        if self._heading_tokens(heading) <= most:
            return heading
        parts = heading.split(_BETWEEN)
        shorter = [_BETWEEN.join([parts[0], "…", *parts[-keep:]]) for keep in range(min(len(parts) - 2, 3), 0, -1)]
        for tried in (*shorter, parts[-1]):
            if self._heading_tokens(tried) <= most:
                return tried
        low, high = 0, len(parts[-1])
        while low < high - 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._ruler.count([parts[-1][:middle] + "…"])[0] <= most else (low, middle)
        return parts[-1][:low].rstrip() + "…" if low else ""

    def _heading_tokens(self, heading: str) -> int:
        if heading not in self._headings:
            self._headings[heading] = self._ruler.count([heading])[0] if heading else 0
        return self._headings[heading]

    def _spans(self, start: int, end: int, room: int, overlap: int) -> Iterator[tuple[int, int]]:
        while start < end and self._text[start].isspace():
            start += 1
        begin = done = start
        while done < end:
            stop = self._stop(begin, done, end, room)
            yield begin, stop
            begin, done = self._overlapped(begin, stop, end, room, overlap), stop

    def _at(self, place: int) -> int:
        """How many tokens begin before `place`."""
        return int(self._tokens.searchsorted(place))

    def _between(self, start: int, end: int) -> int:
        return self._at(end) - self._at(start)

    def _stop(self, begin: int, done: int, end: int, room: int) -> int:
        """Where a passage from `begin` ends, beyond `done`, which the one before reached."""
        first = self._at(begin)
        total = self._at(end) - first
        if total <= room:
            return end
        if total <= LAST_TWO * room:
            early = self._marks.last(SENTENCE, int(self._tokens[first + int(FIRST_OF_TWO * total)]))
            if early > done and self._between(early, end) <= FULL_SHARE * room and not self._is_inside(early, room):
                return early
        limit = max(int(self._tokens[first + room]), done + 1)
        whole = self._marks.whole_at(limit)
        if whole is not None and self._between(*whole) <= room:
            if whole[0] > done:
                return whole[0]
            if begin <= whole[0]:
                return min(whole[1], end)
        for level in (PARAGRAPH, LINE):
            place = self._marks.last(level, limit)
            if place > done and self._between(begin, place) >= FULL_SHARE * room:
                return place
        for level in (SENTENCE, CLAUSE, WORD):
            place = self._marks.last(level, limit)
            if place > done and (level == WORD or self._between(place, self._marks.first(level, place, end)) <= room):
                return place
        return limit

    def _is_inside(self, place: int, room: int) -> bool:
        """Whether a place lies within a table, list or code that would fit whole."""
        whole = self._marks.whole_at(place)
        return whole is not None and self._between(*whole) <= room

    def _overlapped(self, begin: int, stop: int, end: int, room: int, overlap: int) -> int:
        """Where the next passage begins: so far back that it still gets beyond `stop` by a sentence."""
        if stop >= end or not overlap:
            return stop
        following = self._marks.first(SENTENCE, stop, end)
        whole = self._marks.whole_at(stop + 1)
        if whole is not None and self._between(*whole) <= room:
            following = max(following, min(whole[1], end))
        new = self._between(stop, following)
        allowed = min(overlap, room - (new if new <= room else 1))
        if allowed <= 0:
            return stop
        first = self._at(stop) - allowed
        lowest = max(int(self._tokens[first]) if first > 0 else 0, begin + 1)
        for level in (SENTENCE, CLAUSE, WORD):
            place = self._marks.first(level, lowest - 1, stop)
            if place < stop:
                return place
        return stop

    def _checked(self, spans: list[tuple[str, int, int]], budget: int) -> list[tuple[str, int, int, int]]:
        """Spans without blanks around them and with their tokens; those that turn out too long are cut in two."""
        done: list[tuple[str, int, int, int]] = []
        waiting = [(heading, *bare) for heading, *span in spans if (bare := self._bare(*span))]
        again = True
        while again:
            counts = self._counts(waiting)
            again, cut = False, list[tuple[str, int, int]]()
            done = []
            for (heading, start, end), tokens in zip(waiting, counts, strict=True):
                if tokens <= budget or end - start < 2:
                    cut.append((heading, start, end))
                    done.append((heading, start, end, tokens))
                    continue
                middle, again = self._middle(start, end), True
                cut += [(heading, *bare) for half in ((start, middle), (middle, end)) if (bare := self._bare(*half))]
            waiting = cut
        return done

    def _bare(self, start: int, end: int) -> tuple[int, int] | None:
        text = self._text[start:end]
        start += len(text) - len(text.lstrip())
        end = start + len(text.strip())
        return (start, end) if start < end else None

    def _counts(self, spans: Sequence[tuple[str, int, int]]) -> list[int]:
        """Tokens of each; looked up where words are measured alone and none is cut, else the model is asked."""
        counts = [self._heading_tokens(heading) + self._between(start, end) for heading, start, end in spans]
        unsure = [
            n for n, (_, start, end) in enumerate(spans) if not (self._ruler.exact and self._is_clean(start, end))
        ]
        texts = [f"{heading} {self._text[start:end]}" if heading else self._text[start:end]
                 for heading, start, end in (spans[n] for n in unsure)]  # fmt: skip
        for number, count in zip(unsure, self._ruler.count(texts) if texts else [], strict=True):
            counts[number] = count
        return counts

    def _is_clean(self, start: int, end: int) -> bool:
        """Whether a span begins and ends with whole words that were measured as the model reads them."""
        return self._begins_word(start) and (
            end >= len(self._text) or self._text[end].isspace() or self._begins_word(end)
        )

    def _begins_word(self, place: int) -> bool:
        found = int(self._words.searchsorted(place))
        return found < len(self._words) and int(self._words[found]) == place

    def _middle(self, start: int, end: int) -> int:
        middle = (start + end) // 2
        for level in (SENTENCE, CLAUSE, WORD):
            place = self._marks.last(level, middle)
            if place > start and place - start >= (end - start) // 4:
                return place
        return middle

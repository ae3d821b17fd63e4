"""Where a text may be cut: after paragraphs, rows and items, sentences, clauses, words; and what stays whole."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]
Kind = Literal["prose", "list", "rows"]

PARAGRAPH, LINE, SENTENCE, CLAUSE, WORD = 4, 3, 2, 1, 0
_STEP = 200_000  # characters

_BREAK = re.compile(r"\n[^\S\n]*\n\s*")
_CLOSING = "\"'”’»)\\]）】』」》〉"
# A sentence ends with a stop and a blank, or with a full-width stop, which needs no blank. A line end within prose is
# a weaker end, taken only where a sentence is too long.
_STOP = re.compile(rf"(?:[.!?…؟۔।॥։።]+[{_CLOSING}]*\s+|[。！？；｡]+[{_CLOSING}]*\s*)")
_CLAUSE = re.compile(r"(?:\n\s*|[,;:،؛]\s+|[，、：]\s*)")
_LINE = re.compile(r"\n\s*")
# "Dr. Smith", "e.g. this", "J. Smith": a stop after these ends no sentence.
_SHORT = frozenset(
    re.findall(
        r"\S+",
        "e.g i.e cf vs dr mr mrs ms prof st no fig figs eq sec vol pp ed eds al approx inc ltd dept est jan feb mar "
        "apr jun jul aug sep sept oct nov dec z.b d.h u.a bzw ca nr abs bd hrsg ggf inkl vgl sog mme mlle m.s art núm",
    )
)
_LAST_WORD = re.compile(r"[^\s(\[„“\"']*\Z")
_ITEM = re.compile(
    r"\s*(?:[-*•‣◦·▪–]|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]|[①-⑳]|[一二三四五六七八九十]{1,3}、)\s*\S"
)
_CELLS = re.compile(r"\S\s*(?:\||\t)\s*\S|^\s*\|.*\|\s*$")
_CODE = re.compile(
    r"^(?: {4,}|\t)\S|[;{}]\s*$|^\s*(?:#include|import |from \S+ import|def |class |return\b|if .*:$|for .*:$|"
    r"elif |else:|try:|except|>>> |\.\.\. |\$ |//|/\*|\*/|@\w|<\/?\w+[^>]*>\s*$|\w+(?:\.\w+)*\(.*\)$|\w+ = )"
)
# Scripts that are written without blanks, where any character may begin a line: kana, ideographs, Hangul.
_UNSPACED = ((0x3040, 0x30FF), (0x3400, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0x20000, 0x2FA1F))
_NEVER_FIRST = np.array([ord(char) for char in "、。，．：；！？）］｝】』」》〉…ー々ゝ"], np.uint32)


@dataclass(frozen=True, slots=True)
class Boundaries:
    """Places of a text before which it may be cut.

    Attributes:
        at: five arrays of places, ascending: `at[level]` holds those of that level and of all higher ones.
        wholes: (n, 2) int64, tables, lists and pieces of code from their first to past their last character; they do
            not overlap and ascend.
    """

    at: tuple[Places, ...]
    wholes: Places

    def last(self, level: int, limit: int) -> int:
        """The last place of a level at or before `limit`, 0 where there is none."""
        found = int(self.at[level].searchsorted(limit, side="right"))
        return int(self.at[level][found - 1]) if found else 0

    def first(self, level: int, start: int, end: int) -> int:
        """The first place of a level after `start`, `end` where there is none before it."""
        found = int(self.at[level].searchsorted(start, side="right"))
        return min(int(self.at[level][found]), end) if found < len(self.at[level]) else end

    def whole_at(self, place: int) -> tuple[int, int] | None:
        """The table, list or code that begins before `place` and ends after it."""
        number = int(self.wholes[:, 0].searchsorted(place, side="left")) - 1
        if number < 0 or self.wholes[number, 1] <= place:
            return None
        return int(self.wholes[number, 0]), int(self.wholes[number, 1])


def boundaries(text: str, numbers: npt.NDArray[np.uint32]) -> Generator[None, None, Boundaries]:
    """Find them in steps of some hundredths of a second; `numbers`: every character's code point."""
    rest = _STEP
    levels: dict[int, set[int]] = {PARAGRAPH: set(), LINE: set(), SENTENCE: set(), CLAUSE: set()}
    wholes: list[tuple[int, int]] = []
    before: Kind = "prose"
    for start, end in _paragraphs(text):
        if start > rest:
            rest = start + _STEP
            yield
        levels[PARAGRAPH].add(end)
        kind = _kind(text[start:end].splitlines(), before)
        if kind == "prose":
            levels[CLAUSE].update(match.end() for match in _CLAUSE.finditer(text, start, end))
        else:
            levels[LINE].update(match.end() for match in _LINE.finditer(text, start, end))
            if kind == before and wholes:
                wholes[-1] = (wholes[-1][0], end)
            else:
                wholes.append((start, end))
        levels[CLAUSE if kind == "rows" else SENTENCE].update(_sentence_ends(text, start, end))
        before = kind
    yield
    return Boundaries(_by_level(levels, numbers), np.array(wholes, np.int64).reshape(-1, 2))


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    left = 0
    for match in _BREAK.finditer(text):
        if match.end() > left:
            yield left, match.end()
            left = match.end()
    if left < len(text):
        yield left, len(text)


def _kind(lines: list[str], before: Kind) -> Kind:
    """What a paragraph is; one line alone is a list or code only after another of its kind."""
    lines = [line for line in lines if line.strip()]
    if len(lines) < 2 and before == "prose":
        return "prose"
    if sum(bool(_CELLS.search(line)) for line in lines) >= 0.8 * len(lines):
        return "rows"
    if _ITEM.match(lines[0]) if lines else False:
        items = sum(bool(_ITEM.match(line)) or line[:1].isspace() for line in lines)
        return "list" if items >= 0.5 * len(lines) else "prose"
    if sum(bool(_CODE.search(line)) for line in lines) >= 0.5 * len(lines):
        return "rows"
    return "prose"


def _sentence_ends(text: str, start: int, end: int) -> Iterator[int]:
    for match in _STOP.finditer(text, start, end):
        if match.group()[0] != "." or not _is_short(text[max(start, match.start() - 12) : match.start()]):
            yield match.end()


def _is_short(before: str) -> bool:
    """Whether a stop after these words belongs to an abbreviation or to an initial."""
    found = _LAST_WORD.search(before)
    word = found.group() if found else ""
    return word.lower() in _SHORT or (len(word) == 1 and word.isupper() and word.isascii())


def _by_level(levels: dict[int, set[int]], numbers: npt.NDArray[np.uint32]) -> tuple[Places, ...]:
    words = _word_places(numbers)
    found = [words]  # with the higher levels added below
    for level in (CLAUSE, SENTENCE, LINE, PARAGRAPH):
        higher = set[int]().union(*(places for number, places in levels.items() if number >= level))
        found.append(np.array(sorted(higher), np.int64))
    found[0] = np.flatnonzero(_marked(len(numbers) + 1, words, found[1]))
    return tuple(found)


def _marked(size: int, *places: Places) -> npt.NDArray[np.bool_]:
    marked = np.zeros(size, bool)
    for some in places:
        marked[some] = True
    return marked


def _word_places(numbers: npt.NDArray[np.uint32]) -> Places:
    """Before each word; in scripts without blanks before each character that may stand first."""
    blank = np.isin(numbers, _BLANKS)
    unspaced = np.zeros(len(numbers), bool)
    for first, last in _UNSPACED:
        unspaced |= (numbers >= first) & (numbers <= last)
    begins = np.zeros(len(numbers), bool)
    begins[1:] = ~blank[1:] & (blank[:-1] | ((unspaced[:-1] | unspaced[1:]) & ~np.isin(numbers[1:], _NEVER_FIRST)))
    found: Places = np.flatnonzero(begins)
    return found


_BLANKS = np.array([number for number in range(0x3001) if chr(number).isspace()], np.uint32)

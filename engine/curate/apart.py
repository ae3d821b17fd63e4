"""Keep apart questions that a model finds alike though they differ in a name or number: they want other answers."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.curate.sameness import words_of

# From so many questions that differ in the same place on, that place is a slot for names, not a choice of words.
FILLERS = 3
_WIDTH = 64  # words from either end that are compared
_CUT, _STEM = 4, 4
_CHUNK = 100_000
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_NUMBER = re.compile(r".*\d.*|[b-hj-z]|[ivx]{2,}|no|non|not|never|without")
_FUNCTION_WORDS = frozenset(
    re.split(
        " ",
        "a an and are as at be been by can could did do does for from had has have how i if im in into is it its ive me"
        " my of on or our shall should so than that the their them there these they this to was we were what when where"
        " which who why will with would you your please 的 了 吗 呢 啊 是 我 你 请 问 怎 么 如 何 什",
    )
)

Ints = NDArray[np.int64]
Codes = NDArray[np.uint64]


def kept_apart(texts: Sequence[str], a: NDArray[np.int32], b: NDArray[np.int32]) -> NDArray[np.bool_]:
    """For pairs of normal texts `a[i]`, `b[i]`: do they differ in a name or number, (n,) bool.

    They do when one holds a number, a single letter («type 2 B») or a «not» that the other lacks, or when they differ
    in one place only, in more than function words and the form of words, and at least `FILLERS` texts differ from one
    another in that very place («What causes …?»). Texts that share less than half of their words have no such place.
    """
    table = _Words([words_of(text) for text in texts])
    apart: NDArray[np.bool_] = table.numbers[a] != table.numbers[b]
    wanted = np.flatnonzero(~apart)
    found = [_framed(table, a, b, wanted[start : start + _CHUNK]) for start in range(0, len(wanted), _CHUNK)]
    if not found:
        return apart
    places, frames = (np.concatenate(column) for column in zip(*found, strict=True))
    _, frame = np.unique(frames, return_inverse=True)
    fillers = np.unique(np.concatenate([frame * len(texts) + a[places], frame * len(texts) + b[places]]))
    many = np.bincount(fillers // len(texts), minlength=int(frame.max(initial=-1)) + 1) >= FILLERS
    apart[places] = many[frame]
    return apart


class _Words:
    """Texts as words and as numbers for them, so that many pairs are compared at once.

    Of a hundred thousand queries millions of pairs are alike; one by one they would take minutes. Longer texts count by
    their first and their last `_WIDTH` words.

    Attributes:
        numbers: (n,) which texts hold the same numbers, single letters and words of denial.
        forward, backward: (n, width) the first words of each text, and the last from its end; negative where none is.
        before, behind: (n, width + 1) codes of the first k words, and of the last k.
        stem: (words,) the first four letters of each word, by number; shorter words have one of their own.
        letters: (words,) how many each word has; `function` whether it says nothing by itself.
    """

    def __init__(self, words: list[list[str]]) -> None:
        self.words = words
        self.lengths = np.array([len(row) for row in words], np.int64)
        known: dict[frozenset[str], int] = {}
        held = (frozenset(word for word in row if _NUMBER.fullmatch(word)) for row in words)
        self.numbers = np.array([known.setdefault(numbers, len(known)) for numbers in held], np.int64)
        number: dict[str, int] = {}
        self.forward = self._numbered(words, number)
        self.backward = self._numbered([row[::-1] for row in words], number)
        stems: dict[str, int] = {}
        self.stem = np.array([stems.setdefault(word[:_STEM], len(stems)) for word in number], np.int64)
        self.letters = np.array([len(word) for word in number], np.int64)
        self.function = np.array([word in _FUNCTION_WORDS for word in number], np.bool_)
        codes = np.random.default_rng(0).integers(1, 2**63, max(len(number), 1), np.uint64)
        self.before, self.behind = _codes(self.forward, codes), _codes(self.backward, codes)

    def _numbered(self, words: Sequence[list[str]], known: dict[str, int]) -> NDArray[np.int32]:
        width = min(_WIDTH, int(self.lengths.max(initial=0)))
        table = np.full((len(words), width), -1, np.int32)
        for row, text in enumerate(words):
            table[row, : min(len(text), width)] = [known.setdefault(word, len(known)) for word in text[:width]]
        return table


def _codes(table: NDArray[np.int32], codes: Codes) -> Codes:
    """(n, width + 1) a code for the first k words of each row, the same for the same words in their order."""
    found = np.zeros((len(table), table.shape[1] + 1), np.uint64)
    for column in range(table.shape[1]):
        found[:, column + 1] = found[:, column] * _FACTOR + codes[table[:, column]]
    return found


def _framed(table: _Words, a: NDArray[np.int32], b: NDArray[np.int32], wanted: Ints) -> tuple[Ints, Codes]:
    """Pairs among `wanted` that differ in what they say, in one place only, with a code of what stands around it."""
    left, right = a[wanted], b[wanted]
    one, other = table.lengths[left], table.lengths[right]
    start = np.minimum(_same_until(table.forward[left], table.forward[right]), np.minimum(one, other))
    end = np.minimum(_same_until(table.backward[left], table.backward[right]), np.minimum(one, other) - start)
    near = 2 * (start + end) >= np.maximum(one, other)
    wanted, left, right, start, end = (values[near] for values in (wanted, left, right, start, end))
    differ = _surely_different(table, left, right, start, end)
    for place in np.flatnonzero(~differ).tolist():
        cut = slice(int(start[place]), -int(end[place]) or None)
        differ[place] = _say_different(table.words[left[place]][cut], table.words[right[place]][cut])
    left, start, end = left[differ], start[differ], end[differ]
    frames = (table.before[left, start] * _FACTOR + table.behind[left, end]) * _FACTOR + (
        start * (_WIDTH + 1) + end
    ).astype(np.uint64)
    return wanted[differ], frames


def _surely_different(
    table: _Words, left: NDArray[np.int32], right: NDArray[np.int32], start: Ints, end: Ints
) -> NDArray[np.bool_]:
    """Pairs where a word of one cut begins as no word of the other's does, which `_say_different` finds different.

    Told for cuts of up to `_CUT` words where it is clear that they do not differ in spacing only: by another number of
    letters, another beginning, or one word each. False elsewhere.
    """
    sizes = [table.lengths[rows] - start - end for rows in (left, right)]
    cuts = [_cut(table.forward, rows, start, size) for rows, size in zip((left, right), sizes, strict=True)]
    stems = [np.where(cut >= 0, table.stem[cut], -1) for cut in cuts]
    letters = [np.where(cut >= 0, table.letters[cut], 0).sum(axis=1) for cut in cuts]
    telling = [(cut >= 0) & ~table.function[cut] for cut in cuts]
    same = stems[0][:, :, None] == stems[1][:, None, :]
    alone = (telling[0] & ~same.any(axis=2)).any(axis=1) | (telling[1] & ~same.any(axis=1)).any(axis=1)
    small = (np.maximum(*sizes) <= _CUT) & (np.maximum(table.lengths[left], table.lengths[right]) <= _WIDTH)
    single = (sizes[0] == 1) & (sizes[1] == 1)
    long = [np.where(cut[:, 0] >= 0, table.letters[cut[:, 0]], 0) >= _STEM for cut in cuts]
    begin = long[0] & long[1] & ~same[:, 0, 0]
    found: NDArray[np.bool_] = alone & small & (single | begin | (letters[0] != letters[1]))
    return found


def _cut(forward: NDArray[np.int32], rows: NDArray[np.int32], start: Ints, size: Ints) -> NDArray[np.int32]:
    """(n, _CUT) the words of each row from `start` on, `size` of them at most; negative where none is."""
    columns = start[:, None] + np.arange(_CUT)
    inside = (np.arange(_CUT) < size[:, None]) & (columns < forward.shape[1])
    cut: NDArray[np.int32] = np.where(inside, forward[rows[:, None], np.minimum(columns, forward.shape[1] - 1)], -1)
    return cut


def _same_until(left: NDArray[np.int32], right: NDArray[np.int32]) -> Ints:
    """(n,) in how many columns two tables are the same before they differ for the first time."""
    differ = left != right
    until: Ints = np.where(differ.any(axis=1), differ.argmax(axis=1), left.shape[1])
    return until


def _say_different(left: list[str], right: list[str]) -> bool:
    """Whether words differ by more than their form, their spacing and function words."""
    if "".join(left) == "".join(right):
        return False
    rest = [word for word in right if word not in left]
    for word in left:
        if word in right or word in _FUNCTION_WORDS:
            continue
        same = next((other for other in rest if _same_word(word, other)), None)
        if same is None:
            return True
        rest.remove(same)
    return any(word not in _FUNCTION_WORDS for word in rest)


def _same_word(one: str, other: str) -> bool:
    """Two forms of a word: at least four letters stand in both, and at most three more in one («stone», «stones»)."""
    short, long = sorted((one, other), key=len)
    shared = next((i for i in range(len(short)) if short[i] != long[i]), len(short))
    return shared >= 4 and len(short) - shared <= 1 and len(long) - shared <= 3

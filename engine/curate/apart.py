"""Keep apart questions that a model finds alike though they differ in a name or number: they want other answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.curate.sameness import words_of

# From so many questions that differ in the same place on, that place is a slot for names, not a choice of words.
FILLERS = 3
_WIDTH = 40  # words that are compared as numbers; longer texts are compared word by word
_CHUNK = 100_000
_NUMBER = re.compile(r".*\d.*|[b-hj-z]|[ivx]{2,}|no|non|not|never|without")
_FUNCTION_WORDS = frozenset(
    re.split(
        " ",
        "a an and are as at be been by can could did do does for from had has have how i if im in into is it its ive me"
        " my of on or our shall should so than that the their them there these they this to was we were what when where"
        " which who why will with would you your please 的 了 吗 呢 啊 是 我 你 请 问 怎 么 如 何 什",
    )
)

Frame = tuple[tuple[str, ...], tuple[str, ...]]


def kept_apart(texts: Sequence[str], a: NDArray[np.int32], b: NDArray[np.int32]) -> NDArray[np.bool_]:
    """For pairs of normal texts `a[i]`, `b[i]`: do they differ in a name or number, (n,) bool.

    They do when one holds a number, a single letter («type 2 B») or a «not» that the other lacks, or when they differ
    in one place only, in more than function words and the form of words, and at least `FILLERS` texts differ from one
    another in that very place («What causes …?»). Texts that share less than half of their words have no such place.
    """
    words = [words_of(text) for text in texts]
    numbers = _numbers(words)
    apart: NDArray[np.bool_] = numbers[a] != numbers[b]
    frames: dict[Frame, set[int]] = {}
    framed: list[tuple[int, Frame]] = []
    for place, start, end in _one_place(words, a, b, np.flatnonzero(~apart)):
        left, right = int(a[place]), int(b[place])
        cut = slice(start, -end or None)
        if _say_different(words[left][cut], words[right][cut]):
            frame = tuple(words[left][:start]), tuple(words[left][len(words[left]) - end :])
            frames.setdefault(frame, set()).update((left, right))
            framed.append((place, frame))
    for place, frame in framed:
        apart[place] = len(frames[frame]) >= FILLERS
    return apart


def _numbers(words: Sequence[list[str]]) -> NDArray[np.int64]:
    """(n,) which texts hold the same numbers, single letters and words of denial."""
    known: dict[frozenset[str], int] = {}
    found = (frozenset(word for word in row if _NUMBER.fullmatch(word)) for row in words)
    return np.array([known.setdefault(numbers, len(known)) for numbers in found], np.int64)


def _one_place(
    words: Sequence[list[str]], a: NDArray[np.int32], b: NDArray[np.int32], wanted: NDArray[np.int64]
) -> Iterator[tuple[int, int, int]]:
    """Pairs among `wanted` that differ in one place and share half of their words: (pair, words shared at the start,
    words shared at the end beyond those).

    Compared many at once: of a hundred thousand queries millions of pairs are alike, and few of them differ so.
    """
    lengths = np.array([len(row) for row in words], np.int64)
    forward = _numbered(words, lengths)
    backward = _numbered([row[::-1] for row in words], lengths)
    for begin in range(0, len(wanted), _CHUNK):
        places = wanted[begin : begin + _CHUNK]
        left, right = a[places], b[places]
        shorter, longer = np.minimum(lengths[left], lengths[right]), np.maximum(lengths[left], lengths[right])
        start = np.minimum(_same_until(forward[left], forward[right]), shorter)
        end = np.minimum(_same_until(backward[left], backward[right]), shorter - start)
        near = (2 * (start + end) >= longer) | (shorter > _WIDTH)
        for place, first, last in zip(places[near].tolist(), start[near].tolist(), end[near].tolist(), strict=True):
            one, other = words[a[place]], words[b[place]]
            if min(len(one), len(other)) > _WIDTH:
                first, last = _common_ends(one, other)
                if 2 * (first + last) < max(len(one), len(other)):
                    continue
            yield place, first, last


def _numbered(words: Sequence[list[str]], lengths: NDArray[np.int64]) -> NDArray[np.int32]:
    """(n, width) the first words of each text by number; what is missing is negative and like nothing else."""
    width = min(_WIDTH, int(lengths.max(initial=0)))
    known: dict[str, int] = {}
    table = np.repeat(-1 - np.arange(len(words), dtype=np.int32)[:, None], width, axis=1)
    for row, text in enumerate(words):
        table[row, : min(len(text), width)] = [known.setdefault(word, len(known)) for word in text[:width]]
    return table


def _same_until(left: NDArray[np.int32], right: NDArray[np.int32]) -> NDArray[np.int64]:
    """(n,) in how many columns two tables are the same before they differ for the first time."""
    differ = left != right
    until: NDArray[np.int64] = np.where(differ.any(axis=1), differ.argmax(axis=1), left.shape[1])
    return until


def _common_ends(left: list[str], right: list[str]) -> tuple[int, int]:
    """How many words two texts share at their start, and at their end beyond those."""
    limit = min(len(left), len(right))
    start = next((i for i in range(limit) if left[i] != right[i]), limit)
    end = next((i for i in range(limit - start) if left[-1 - i] != right[-1 - i]), limit - start)
    return start, end


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

"""Keep apart questions that a model finds alike though they differ in a name or number: they want other answers."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.curate.sameness import words_of

# From so many questions that differ in the same place on, that place is a slot for names, not a choice of words.
FILLERS = 3
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
    numbers = [frozenset(word for word in set(row) if _NUMBER.fullmatch(word)) for row in words]
    apart = np.zeros(len(a), bool)
    frames: dict[Frame, set[int]] = {}
    framed: list[tuple[int, Frame]] = []
    for place, (left, right) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        if numbers[left] != numbers[right]:
            apart[place] = True
            continue
        start, end = _common_ends(words[left], words[right])
        if 2 * (start + end) < max(len(words[left]), len(words[right])):
            continue
        cut = slice(start, -end or None)
        if _say_different(words[left][cut], words[right][cut]):
            frame = tuple(words[left][:start]), tuple(words[left][len(words[left]) - end :])
            frames.setdefault(frame, set()).update((left, right))
            framed.append((place, frame))
    for place, frame in framed:
        apart[place] = len(frames[frame]) >= FILLERS
    return apart


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

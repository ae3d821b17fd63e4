"""What can be told of a query before anything ranks for it: length, words shared with its answer, script."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_SCRIPTS = {
    "CJK": "Chinese",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "HANGUL": "Korean",
    "LATIN": "Latin letters",
    "CYRILLIC": "Cyrillic",
    "GREEK": "Greek",
    "ARABIC": "Arabic",
    "HEBREW": "Hebrew",
    "THAI": "Thai",
    "DEVANAGARI": "Devanagari",
}


@dataclass(frozen=True, slots=True)
class Features:
    """Of n queries.

    Attributes:
        words: (n,) int32 words as BM25 counts them; pairs of characters in Chinese, Japanese, Korean and Thai.
        overlap: (n,) float32 share (0..1) of a query's distinct words that stand in the best of its answers.
        language: n names of scripts.
    """

    words: npt.NDArray[np.int32]
    overlap: npt.NDArray[np.float32]
    language: list[str]


def features_of(queries: Sequence[str], answers: Sequence[Sequence[str]], texts: Sequence[str]) -> Features:
    """Features of queries with their answers' texts; `texts` is the corpus, from which the language is told."""
    from engine.mine.words import Analyzer

    analyzer = Analyzer.for_texts(texts)
    cut = [analyzer(query) for query in queries]
    shares = [
        max((len(set(words) & set(analyzer(answer))) for answer in found), default=0) / max(len(set(words)), 1)
        for words, found in zip(cut, answers, strict=True)
    ]
    return Features(
        np.array([len(words) for words in cut], np.int32),
        np.array(shares, np.float32),
        [script_of(query) for query in queries],
    )


def script_of(text: str) -> str:
    """The script of most of a text's letters; Japanese wherever kana stand in it, "none" without letters."""
    counts: Counter[str] = Counter()
    for letter in text:
        if letter.isalpha():
            first = unicodedata.name(letter, "").split(" ", 1)[0].split("-")[0]
            counts[_SCRIPTS.get(first, first.capitalize())] += 1
    if counts["Japanese"]:
        return "Japanese"
    return counts.most_common(1)[0][0] if counts else "none"

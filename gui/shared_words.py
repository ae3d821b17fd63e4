"""Finds the words of a query again in a text, so that a person sees at once what the two share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

Span = tuple[int, int]

_HAN = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"
_WORD = re.compile(rf"[^\W_{_HAN}]+")
_RUN = re.compile(rf"[{_HAN}]{{2,}}")
# Words that nearly every text holds; marking them would hide the ones that matter.
_COMMON = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
        "can",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "of",
        "on",
        "or",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "to",
        "was",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "will",
        "with",
        "you",
        "your",
    ]
)


def shared_spans(query: str, text: str) -> list[Span]:
    """Where `text` holds words of `query`, as (start, end) in order; inflected forms count as the same word.

    Text without blanks between words (Chinese, Japanese, Korean) shares what stands in both, two characters or more.
    Words that nearly every text holds count only where the query has no others.
    """
    return sorted([*_shared_words(query, text), *_shared_runs(query, text)])


def word_key(word: str) -> str:
    """What two forms of a word have in common: lower case, English endings cut."""
    return _stemmer()(word.lower()) if word.isascii() else word.lower()


def whole_words(query: str, stems: Iterable[str]) -> dict[str, str]:
    """The query's own words for stems that an index counts, by stem; a stem that is none of them stays itself."""
    own = {word_key(match[0]): match[0] for match in reversed(list(_WORD.finditer(query)))}
    return {stem: own.get(stem, stem) for stem in stems}


def marks_of(words: dict[str, float], text: str) -> list[tuple[int, int, float]]:
    """Where `text` holds one of `words` (whole or stemmed), with the word's weight: (start, end, weight) in order."""
    weights = {**{word_key(word): weight for word, weight in words.items()}, **words}
    found = [
        (match.start(), match.end(), weights[word_key(match[0])])
        for match in _WORD.finditer(text)
        if word_key(match[0]) in weights
    ]
    runs = sorted((word for word in words if _RUN.fullmatch(word)), key=len, reverse=True)
    taken = [False] * len(text)
    for word in runs:
        start = text.find(word)
        while start >= 0:
            end = start + len(word)
            if not any(taken[start:end]):
                taken[start:end] = [True] * len(word)
                found.append((start, end, words[word]))
            start = text.find(word, start + 1)
    return sorted(found)


def _shared_words(query: str, text: str) -> list[Span]:
    words = [match[0].lower() for match in _WORD.finditer(query)]
    telling = [word for word in words if word not in _COMMON] or words
    wanted = {word_key(word) for word in telling}
    if not wanted:
        return []
    return [match.span() for match in _WORD.finditer(text) if word_key(match[0]) in wanted]


def _shared_runs(query: str, text: str) -> list[Span]:
    runs = [match[0] for match in _RUN.finditer(query)]
    pairs = {run[i : i + 2] for run in runs for i in range(len(run) - 1)}
    spans: list[Span] = []
    position = 0
    while pairs and position < len(text) - 1:
        if text[position : position + 2] not in pairs:
            position += 1
            continue
        end = position + 2
        while end < len(text) and any(text[position : end + 1] in run for run in runs):
            end += 1
        spans.append((position, end))
        position = end
    return spans


@lru_cache(maxsize=1)
def _stemmer() -> Callable[[str], str]:
    import Stemmer

    stem: Callable[[str], str] = Stemmer.Stemmer("english").stemWord
    return stem

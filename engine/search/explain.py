"""Says why a passage ranks for a query: the words they share and what BM25 gives for each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.mine.bm25 import BM25Index

_RUN = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text, `start` to `end` in characters."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SharedWord:
    """A word of the query that stands in the passage.

    Attributes:
        word: as the index counts it (lower case, stemmed).
        weight: what it adds to the BM25 score of a passage without it; a word asked twice counts twice.
        share: the same as a share (0..1) of the whole score.
        in_query: where it stands in the query.
        in_passage: where it stands in the passage's text.
    """

    word: str
    weight: float
    share: float
    in_query: tuple[Span, ...]
    in_passage: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a passage ranks: the shared words by weight, and the query's words that it lacks.

    `bm25_score` is how far BM25 puts it above a passage that shares no word with the query;
    `cosine` is the model's score for the pair, None where no model was asked.
    """

    bm25_score: float
    words: tuple[SharedWord, ...]
    missing: tuple[str, ...]
    cosine: float | None = None


def explain(index: BM25Index, row: int, query: str, passage: str, *, cosine: float | None = None) -> Explanation:
    """Compare a query with the passage at `row` of the index, word by word; weights sum up to `bm25_score`.

    Args:
        row: the passage's place in `index`.
        query: as it was asked.
        passage: the passage's text.
    """
    asked = index.tokens(query)
    held = set(index.tokens(passage))
    weights = {
        word: asked.count(word) * (float(index.scores_of_tokens([word])[row]) - _without(index, word))
        for word in dict.fromkeys(asked)
        if word in held
    }
    total = sum(weights.values())
    shared = [
        SharedWord(
            word,
            weight,
            weight / total if total > 0 else 0.0,
            _spans(index, query, word),
            _spans(index, passage, word),
        )
        for word, weight in sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    missing = tuple(word for word in dict.fromkeys(asked) if word not in held)
    return Explanation(total, tuple(shared), missing, cosine)


def _without(index: BM25Index, word: str) -> float:
    """What BM25+ gives every passage for a word that it does not hold; 0 in the other variants."""
    return float(index.absent[index.terms[word]])


def _spans(index: BM25Index, text: str, word: str) -> tuple[Span, ...]:
    """Where `word` stands in `text`: the written words that are counted as it.

    Scripts without blanks are written as one run; there the word itself is looked for inside.
    """
    found: list[Span] = []
    for run in _RUN.finditer(text):
        words = index.tokens(run.group())
        if word not in words:
            continue
        if len(words) == 1:
            found.append(Span(run.start(), run.end()))
        else:
            found += _inside(run.group().lower(), word, run.start()) or [Span(run.start(), run.end())]
    return _joined(found)


def _inside(run: str, word: str, offset: int) -> list[Span]:
    return [Span(offset + match.start(), offset + match.end()) for match in re.finditer(re.escape(word), run)]


def _joined(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Overlapping spans as one."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        if joined and span.start < joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return tuple(joined)

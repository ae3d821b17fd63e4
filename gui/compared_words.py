"""Two texts side by side: the words they share, the words only one has, and the places where Qt counts them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gui.shared_words import Span, shared_spans, word_key

LONGEST = 4000  # characters compared; passages are far shorter, whole pages may not stop the window
_LONGEST_RUN = 6
_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]+|[^\W\d_\u3040-\u30ff\u3400-\u9fff]{3,}")
_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")


@dataclass(frozen=True, slots=True)
class ComparedTexts:
    """What two texts have in common.

    Attributes:
        left: spans (start, end) of shared words in the first text, neighbours joined, in order.
        right: the same in the second text.
        shared: how many distinct words or runs are shared.
        only_right: words that only the second text has, each once, in its order.
    """

    left: tuple[Span, ...]
    right: tuple[Span, ...]
    shared: int
    only_right: tuple[str, ...]


def compare_texts(left: str, right: str) -> ComparedTexts:
    """Compare the first 4,000 characters of two texts; very common words do not count."""
    left, right = left[:LONGEST], right[:LONGEST]
    in_left, in_right = shared_spans(right, left), shared_spans(left, right)
    keys = {word_key(right[start:end]) for start, end in in_right}
    return ComparedTexts(
        join_spans(left, in_left), join_spans(right, in_right), len(keys), tuple(_only(right, keys, in_right))
    )


def differing_spans(left: str, right: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Spans of the words of each text that the other one lacks."""
    return _lacking(left, right), _lacking(right, left)


def join_spans(text: str, spans: Sequence[Span]) -> tuple[Span, ...]:
    """Join spans that touch or have one blank between them."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and (start <= joined[-1][1] or text[joined[-1][1] : start] == " "):
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def utf16_spans(text: str, spans: Sequence[Span]) -> list[Span]:
    """Spans counted in UTF-16 units, as Qt's text cursors count."""
    if text.isascii() or not any(ord(character) > 0xFFFF for character in text):
        return list(spans)
    units = [0]
    for character in text:
        units.append(units[-1] + (2 if ord(character) > 0xFFFF else 1))
    return [(units[start], units[end]) for start, end in spans]


def _only(text: str, shared_keys: set[str], spans: Sequence[Span]) -> list[str]:
    """Words of `text` outside `spans`, of four letters at least; of Chinese the short runs between what is shared."""
    covered = {position for start, end in spans for position in range(start, end)}
    found: dict[str, str] = {}
    for match in _WORD.finditer(text):
        if _HAN.match(match[0]):
            bare = "".join(" " if place in covered else text[place] for place in range(*match.span()))
            found.update({run: run for run in bare.split() if 2 <= len(run) <= _LONGEST_RUN})
            continue
        key = word_key(match[0])
        if match.start() not in covered and key not in shared_keys and len(match[0]) > 3:
            found.setdefault(key, match[0])
    return list(found.values())


def _lacking(text: str, other: str) -> tuple[Span, ...]:
    """Words of `text` that do not stand in `other`, common words too; for Chinese, what is not shared."""
    known = {match[0].casefold() for match in _WORDS.finditer(other)}
    runs = {position for start, end in shared_spans(other, text) for position in range(start, end)}
    return join_spans(
        text,
        [
            match.span()
            for match in _WORDS.finditer(text)
            if match[0].casefold() not in known and not all(place in runs for place in range(*match.span()))
        ],
    )

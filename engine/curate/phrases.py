"""Key phrases: runs of words that a passage has and the corpus has not."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.task import Task

_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+")
_WORDS = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
_CLAUSE = re.compile(r"[.!?,;:()\[\]{}\"“”。！？，、；：（）「」\n|/]+")
_LONGEST = 4  # words of a phrase
_LONGEST_UNSPACED = 8  # characters of a phrase
_LINKS = frozenset(
    [
        "of",
        "for",
        "to",
        "in",
        "on",
        "with",
        "and",
        "the",
        "a",
        "an",
        "or",
        "by",
        "de",
        "la",
        "des",
        "du",
        "von",
        "der",
        "die",
        "und",
    ]
)


@dataclass(frozen=True, slots=True)
class Phrases:
    """How many of n texts each word stands in."""

    n: int
    counts: Counter[str]

    @classmethod
    def of(cls, texts: Sequence[str], task: Task) -> Phrases:
        counts: Counter[str] = Counter()
        for number, text in enumerate(texts):
            if number % 200 == 0:
                task.progress("count words", number, len(texts))
            counts.update(set(_tokens(text)))
        task.progress("count words", len(texts), len(texts))
        return cls(len(texts), counts)

    def best(self, text: str, count: int) -> list[str]:
        """The `count` phrases that tell the text best from the others, best first, none within another."""
        scores: dict[str, float] = {}
        often = Counter(_tokens(text))
        for phrase, words in _candidates(text):
            rare = [math.log((self.n + 1) / (self.counts[word] + 0.5)) * (1 + math.log(often[word])) for word in words]
            # Long enough to say something, no word of it common: the mean would favour one rare word alone.
            scores[phrase] = sum(rare) / (len(rare) + 1.0)
        found: list[str] = []
        for phrase in sorted(scores, key=lambda phrase: (-scores[phrase], phrase)):
            if all(phrase.casefold() not in other.casefold() for other in found):
                found.append(phrase)
            if len(found) == count:
                break
        return found


def _tokens(text: str) -> Iterator[str]:
    """Words; where a language writes none apart, its pairs of characters."""
    for word in _WORDS.findall(_UNSPACED.sub(" ", text)):
        yield word.casefold()
    for run in _UNSPACED.findall(text):
        yield from (run[place : place + 2] for place in range(len(run) - 1))


def _candidates(text: str) -> Iterator[tuple[str, list[str]]]:
    """Phrases of a text with the words that weigh in each."""
    for clause in _CLAUSE.split(text):
        words = _WORDS.findall(_UNSPACED.sub(" ", clause))
        for start in range(len(words)):
            for end in range(start + 2, min(start + _LONGEST, len(words)) + 1):
                part = words[start:end]
                if part[0].casefold() in _LINKS or part[-1].casefold() in _LINKS or all(w.isdigit() for w in part):
                    continue
                yield " ".join(part), [word.casefold() for word in part if word.casefold() not in _LINKS]
        for run in _UNSPACED.findall(clause):
            size = min(len(run), _LONGEST_UNSPACED)
            for start in range(len(run) - size + 1) if size >= 4 else ():
                part = run[start : start + size]
                yield part, [part[place : place + 2] for place in range(size - 1)]

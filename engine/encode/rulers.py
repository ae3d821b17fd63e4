"""Where a model's tokens begin in a text, word by word, so that a text is measured once and cut anywhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.encode.folders import read_prompts
from engine.encode.tokens import open_tokenizer

Places = npt.NDArray[np.int64]

# Tokenizers that cut at blanks before anything else: the tokens of a text are those of its words.
_BY_WORDS = ("BertPreTokenizer", "WhitespaceSplit", "Whitespace")
_ALONE = (  # what BERT makes a word of by itself: ASCII's punctuation and Chinese characters
    *((0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF)),
    *((0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0x2F800, 0x2FA1F)),
)
# A model that gives up on a word makes one token of it however long it is; it is measured as if it read this many
# characters a token, so that a megabyte without a blank is not one passage.
_GIVEN_UP_CHARS, _CHARS_A_TOKEN = 64, 4
_BLANK, _LETTER, _ALONE_CLASS = 0, 1, 2
_MOST_KNOWN = 8_000_000  # characters of words kept; 5 MB of English have 50,000 different words


@dataclass(frozen=True, slots=True)
class Measure:
    """A text as a model reads it.

    Attributes:
        tokens: (n,) int64, where each token begins, ascending.
        words: (m,) int64, where each word begins, ascending; between them nothing depends on its neighbours.
    """

    tokens: Places
    words: Places


class Ruler:
    """Measures texts as the model in a folder reads them; each word is looked at once.

    Attributes:
        exact: whether the tokens of a text are always those of its words (BERT's and XLM-R's tokenizers); elsewhere
            a text cut out may have a few more than were counted inside the whole.
        digest: names the tokenizer by its content.
        limit: tokens of a passage that the model reads, its own marks and prompt left out.
    """

    def __init__(self, folder: Path, max_length: int) -> None:
        """
        Args:
            max_length: tokens the model reads of a text, its own marks included.

        Raises:
            ModelError: the folder has no tokenizer that can be read.
        """
        self._tokenizer = open_tokenizer(folder)
        content = (folder / "tokenizer.json").read_bytes()
        self.digest = hashlib.blake2b(content, digest_size=8).hexdigest()
        before = _first_pre_tokenizer(json.loads(content))
        self.exact = before in _BY_WORDS
        self._classes = _classes(_ALONE if before == "BertPreTokenizer" else ())
        prompt = read_prompts(folder).get("passage", "")
        taken = self._tokenizer.num_special_tokens_to_add(False) + self.count([prompt])[0]
        self.limit: int = max(max_length - taken, 1)
        self._forget()

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text by itself, without the model's own marks."""
        encoded = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(found.ids) for found in encoded]

    def measure(self, text: str) -> Measure:
        """Where tokens and words of `text` begin."""
        if self._letters > _MOST_KNOWN:
            self._forget()
        words, found = self._split(text)
        known = self._numbers
        if new := set(found).difference(known):
            self._learn(sorted(new))
        numbers = np.fromiter(map(known.__getitem__, found), np.int64, len(found))
        firsts, counts = self._firsts[numbers], self._counts[numbers]
        ends = np.cumsum(counts)
        total = int(ends[-1]) if len(ends) else 0
        places = np.arange(total) + np.repeat(firsts - (ends - counts), counts)
        return Measure(np.repeat(words, counts) + self._offsets[places], words)

    def _split(self, text: str) -> tuple[Places, list[str]]:
        """Where each word begins, and the words."""
        classes = self._classes[code_points(text)]
        spoken = classes != _BLANK
        goes_on = (classes[1:] == _LETTER) & (classes[:-1] == _LETTER)
        begins, ends = spoken.copy(), spoken.copy()
        begins[1:] &= ~goes_on
        ends[:-1] &= ~goes_on
        starts, stops = np.flatnonzero(begins), np.flatnonzero(ends) + 1
        return starts, [text[start:stop] for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)]

    def _forget(self) -> None:
        self._numbers: dict[str, int] = {}
        self._letters = 0
        self._firsts = self._counts = self._offsets = np.empty(0, np.int64)

    def _learn(self, words: list[str]) -> None:
        # With a blank before it, a word is read as it is in the middle of a text.
        encoded = self._tokenizer.encode_batch([f" {word}" for word in words], add_special_tokens=False)
        offsets, counts = [], []
        for word, found in zip(words, encoded, strict=True):
            starts = _starts(word, [start - 1 for start, _ in found.offsets])
            offsets.extend(starts)
            counts.append(len(starts))
            self._numbers[word] = len(self._numbers)
            self._letters += len(word)
        added = np.array(counts, np.int64)
        self._firsts = np.concatenate([self._firsts, np.cumsum(added) - added + len(self._offsets)])
        self._counts = np.concatenate([self._counts, added])
        self._offsets = np.concatenate([self._offsets, np.array(offsets, np.int64)])


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """Every character's number, (n,) uint32."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _classes(alone: Sequence[tuple[int, int]]) -> npt.NDArray[np.uint8]:
    """Whether a character is a blank, part of a word or a word by itself, by its number."""
    classes = np.full(0x110000, _LETTER, np.uint8)
    for first, last in alone:
        classes[first : last + 1] = _ALONE_CLASS
    classes[[number for number in range(0x3001) if chr(number).isspace()]] = _BLANK
    return classes


def _starts(word: str, starts: list[int]) -> list[int]:
    """Ascending places of tokens in a word; one that stands for very many characters counts as several."""
    starts = sorted(max(start, 0) for start in starts)
    if len(word) <= _GIVEN_UP_CHARS:
        return starts
    filled: list[int] = []
    for start, end in zip(starts, [*starts[1:], len(word)], strict=True):
        filled += range(start, end, _CHARS_A_TOKEN) if end - start > _GIVEN_UP_CHARS else [start]
    return filled


def _first_pre_tokenizer(content: dict[str, Any]) -> str:  # Any: JSON
    """The name of what cuts a text first, "" where nothing does."""
    found = content.get("pre_tokenizer") or {}
    while found.get("type") == "Sequence" and found.get("pretokenizers"):
        found = found["pretokenizers"][0]
    return str(found.get("type", ""))

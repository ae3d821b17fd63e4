"""Pairs without labels: a piece of a passage and the rest of it, or its heading and its text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.task import Task
from engine.train.bags import stack
from engine.train.pieces import count_tokens

if TYPE_CHECKING:
    from scipy.sparse import csr_array

# Where a sentence or a part of one may end, in any script; long runs without a stop are cut by length.
_STOPS = re.compile(r"(?<=[。！？!?；;，,\n])|(?<=[.:] )")
_PIECE = 120  # characters a piece at most
_MOST_PASSAGES = 50_000
_SHORTEST, _LONGEST = 0.15, 0.5  # share of a passage that is asked with
_WHOLE = 0.1  # how often the passage keeps the piece (inverse cloze, arXiv:1906.00300)


class DocumentPairs:
    """Passages as counts of their pieces' tokens, from which any number of pairs can be drawn.

    Attributes:
        n: passages of at least two pieces.
    """

    def __init__(self, tokenizer: Any, texts: Sequence[str], task: Task) -> None:  # Any: a tokenizers.Tokenizer
        chosen = texts[:: max(1, -(-len(texts) // _MOST_PASSAGES))]
        pieces: list[str] = []
        spans: list[tuple[int, int]] = []
        for text in dict.fromkeys(chosen):
            parts = list(cut(text))
            if len(parts) > 1:
                spans.append((len(pieces), len(pieces) + len(parts)))
                pieces += parts
        self.n = len(spans)
        self._spans = spans
        self._counts = count_tokens(tokenizer, pieces, task, "read passages in pieces")

    def draw(self, size: int, rng: np.random.Generator) -> tuple[csr_array, csr_array]:
        """Tokens of at most `size` pieces and of the passages they come from, each passage once."""
        asked, read = [], []
        for place in rng.permutation(self.n)[:size].tolist():
            begin, end = self._spans[place]
            length = end - begin
            width = min(length - 1, max(1, int(length * rng.uniform(_SHORTEST, _LONGEST))))
            first = begin + int(rng.integers(0, length - width + 1))
            rest = [*range(begin, first), *range(first + width, end)]
            asked.append(np.arange(first, first + width))
            read.append(np.arange(begin, end) if rng.random() < _WHOLE else np.array(rest))
        return stack(self._counts, asked), stack(self._counts, read)


def cut(text: str) -> Sequence[str]:
    """A text in pieces that end where a sentence or a part of one does, or after `_PIECE` characters."""
    pieces = [piece for piece in _STOPS.split(text) if piece.strip()]
    return [piece[i : i + _PIECE] for piece in pieces for i in range(0, len(piece), _PIECE)]

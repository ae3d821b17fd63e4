"""Tell passages that say the same in nearly the same words: such a passage is never a negative of the other's query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.curate.sameness import normal_text
from engine.mine.bm25 import BM25Index

if TYPE_CHECKING:
    from scipy.sparse import csr_array

# Distinct words shared, as a share of those of both: 0.9 alone; 0.75 where the model sees no difference either. A model
# that cannot read the texts sees none anywhere, so its word alone does not count. Lower shares would take out short
# passages that differ in a name only, which are the negatives that teach most.
SHARED_WORDS = 0.9
SHARED_WORDS_ALIKE = 0.75
ALIKE = 0.97
_BLOCK = 50_000


class Equality:
    """Which passages of a corpus are equal or nearly so.

    Args:
        texts: the corpus.
        index: its BM25 index, for the words of each passage.
    """

    def __init__(self, texts: Sequence[str], index: BM25Index) -> None:
        numbers: dict[str, int] = {}
        self._text = np.array([numbers.setdefault(normal_text(text), len(numbers)) for text in texts], np.int32)
        self._words = _words_by_passage(index)
        self._size = np.diff(self._words.indptr)

    def near(self, a: NDArray[Any], b: NDArray[Any], cosine: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether passages `a[i]` and `b[i]`, with their vectors' `cosine`, are nearly the same text, (n,) bool."""
        found: NDArray[np.bool_] = self._text[a] == self._text[b]
        small, large = np.minimum(self._size[a], self._size[b]), np.maximum(self._size[a], self._size[b])
        share = small / np.maximum(large, 1)
        needed = np.where(cosine >= ALIKE, SHARED_WORDS_ALIKE, SHARED_WORDS)
        # Shared words are at most the smaller text's, so most pairs need no look at their words.
        asked = np.flatnonzero(~found & (share >= needed))
        for start in range(0, len(asked), _BLOCK):
            rows = asked[start : start + _BLOCK]
            found[rows] = self.shared_words(a[rows], b[rows]) >= needed[rows]
        return found

    def shared_words(self, a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
        """Jaccard similarity of the distinct words of each pair, (n,) float64; 0 where neither has words."""
        shared = np.asarray(self._words[a].multiply(self._words[b]).sum(axis=1), np.float64).ravel()
        either = self._size[a] + self._size[b] - shared
        ratio: NDArray[np.float64] = shared / np.maximum(either, 1)
        return ratio


def _words_by_passage(index: BM25Index) -> csr_array:
    from scipy.sparse import csc_array

    ones = np.ones(len(index.passages), np.int32)
    shape = (index.n_passages, len(index.starts) - 1)
    return csc_array((ones, index.passages, index.starts), shape=shape).tocsr()

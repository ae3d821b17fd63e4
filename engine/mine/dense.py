"""The nearest passages of each query by exact search, in blocks of bounded memory."""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.mine.bm25 import best_of
from engine.task import Task

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

_QUERIES = 256
_PASSAGES = 1 << 17  # at a time: 134 MB of products with so many queries
# torch picks any among equals: a few more are asked for, and a query whose last hit is still level with its k-th is
# ranked again over all passages. (faiss needed ten times as long to keep 200 of 100,000: benchmarks/mining_dense.py.)
_SPARE = 16
# The same two vectors give products that differ in the seventh digit by where they lie in a block (BLAS kernels).
_DECIMALS = 6


def top_k(queries: Floats, passages: Floats, k: int, *, task: Task | None = None) -> tuple[Ints, Floats]:
    """As `ExactSearch.top_k`, for passages that are asked once."""
    return ExactSearch(passages).top_k(queries, k, task=task)


class ExactSearch:
    """Passages that queries are compared with, all with all.

    Memory beside the vectors: 134 MB of products, kept for the next queries (new memory for each 256 of them took a
    fifth of the time), and a copy of passages that are mapped from a file.

    Args:
        passages: (m, dim) float32.
    """

    def __init__(self, passages: Floats) -> None:
        self._passages = np.require(passages, np.float32, ["C", "W"])  # torch warns of arrays it may not write
        self._products: Tensor | None = None

    def top_k(self, queries: Floats, k: int, *, task: Task | None = None) -> tuple[Ints, Floats]:
        """The `k` passages with the highest inner product for each query, best first, ties by the passages' order.

        Args:
            queries: (n, dim) float32.

        Returns:
            Places (n, k) int32, -1 where there are fewer than k passages; scores (n, k) float32, rounded to 6 decimals
            so that equal texts are level, 0 where there is no place.
        """
        task = task or Task()
        places = np.full((len(queries), k), -1, np.int32)
        scores = np.zeros((len(queries), k), np.float32)
        depth = min(k + _SPARE, len(self._passages))
        if not depth or not k:
            return places, scores
        for start in range(0, len(queries), _QUERIES):
            task.progress("rank by the model", start, len(queries))
            block = np.array(queries[start : start + _QUERIES], np.float32)
            found_scores, found = self._nearest(block, depth)
            kept = min(k, depth)
            rows = slice(start, start + len(block))
            places[rows, :kept], scores[rows, :kept] = found[:, :kept], found_scores[:, :kept]
            if depth < len(self._passages):
                for row in np.flatnonzero(found_scores[:, -1] >= scores[rows, k - 1]):
                    level = np.round(self._passages @ block[row], _DECIMALS)
                    places[start + row] = best_of(level, k)
                    scores[start + row] = level[places[start + row]]
        task.progress("rank by the model", len(queries), len(queries))
        return places, scores

    def _nearest(self, block: Floats, depth: int) -> tuple[Floats, NDArray[np.int64]]:
        """The `depth` highest products of each query, rounded, and where they lie; level ones in their order."""
        import torch

        asked = torch.from_numpy(block)
        scores, places = asked.new_empty((len(block), 0)), torch.empty((len(block), 0), dtype=torch.long)
        for first in range(0, len(self._passages), _PASSAGES):
            part = self._passages[first : first + _PASSAGES]
            products = torch.mm(asked, torch.from_numpy(part).T, out=self._room(len(block), len(part)))
            highest, columns = _highest(products, min(depth, len(part)))
            scores, places = torch.cat([scores, highest], 1), torch.cat([places, columns + first], 1)
            best = torch.topk(scores, min(depth, scores.shape[1]), dim=1)
            scores, places = best.values, places.gather(1, best.indices)
        rounded, found = np.round(scores.numpy(), _DECIMALS), places.numpy()
        order = np.lexsort((found, -rounded))
        return np.take_along_axis(rounded, order, 1), np.take_along_axis(found, order, 1)

    def _room(self, rows: int, columns: int) -> Tensor:
        import torch

        if self._products is None or len(self._products) < rows * columns:
            self._products = torch.empty(rows * min(len(self._passages), _PASSAGES))
        return self._products[: rows * columns].view(rows, columns)


def _highest(products: Tensor, depth: int) -> tuple[Tensor, Tensor]:
    """The `depth` highest of each row and their columns, in no order.

    They lie in the `depth` groups of columns with the highest maxima, so only these are sorted through: half the time
    of `topk` over all (200 of 100,000).
    """
    import torch

    width = products.shape[1]
    size = isqrt(width // depth)
    if size < 4:
        best = torch.topk(products, depth, dim=1, sorted=False)
        return best.values, best.indices
    groups = width // size
    highest = products[:, : groups * size].view(-1, size, groups).amax(1)
    chosen = torch.topk(highest, depth, dim=1, sorted=False).indices
    columns = (chosen.unsqueeze(2) + torch.arange(0, groups * size, groups)).flatten(1)
    rest = torch.arange(groups * size, width).expand(len(products), -1)  # too few for a group
    columns = torch.cat([columns, rest], 1)
    best = torch.topk(products.gather(1, columns), depth, dim=1, sorted=False)
    return best.values, columns.gather(1, best.indices)

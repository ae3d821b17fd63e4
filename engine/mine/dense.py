"""The nearest passages of each query by exact search, in blocks of bounded memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.mine.bm25 import best_of
from engine.task import Task

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

_QUERIES = 256
_PRODUCTS = 1 << 25  # scores at a time: 134 MB
# torch picks any among equals: a few more are asked for, and a query whose last hit is still level with its k-th is
# ranked again over all passages. (faiss needed ten times as long to keep 200 of 100,000: benchmarks/mining_dense.py.)
_SPARE = 16
# The same two vectors give products that differ in the seventh digit by where they lie in a block (BLAS kernels).
_DECIMALS = 6


def top_k(queries: Floats, passages: Floats, k: int, *, task: Task | None = None) -> tuple[Ints, Floats]:
    """The `k` passages with the highest inner product for each query, best first, ties by the passages' order.

    Memory beside the vectors: 134 MB of products (one row of them where there are more passages), and a copy of
    `passages` that are mapped from a file.

    Args:
        queries: (n, dim) float32.
        passages: (m, dim) float32.

    Returns:
        Places (n, k) int32, -1 where there are fewer than k passages; scores (n, k) float32, rounded to 6 decimals so
        that equal texts are level, 0 where there is no place.
    """
    import torch

    task = task or Task()
    places = np.full((len(queries), k), -1, np.int32)
    scores = np.zeros((len(queries), k), np.float32)
    depth = min(k + _SPARE, len(passages))
    if not depth or not k:
        return places, scores
    passages = np.require(passages, np.float32, ["C", "W"])  # torch warns of arrays it may not write
    columns = torch.from_numpy(passages).T
    step = max(1, min(_QUERIES, _PRODUCTS // len(passages)))
    for start in range(0, len(queries), step):
        task.progress("rank by the model", start, len(queries))
        block = np.array(queries[start : start + step], np.float32)
        best = torch.topk(torch.from_numpy(block) @ columns, depth, dim=1)
        found_scores, found = np.round(best.values.numpy(), _DECIMALS), best.indices.numpy()
        kept = min(k, depth)
        order = np.lexsort((found, -found_scores))[:, :kept]
        rows = slice(start, start + len(block))
        places[rows, :kept] = np.take_along_axis(found, order, 1)
        scores[rows, :kept] = np.take_along_axis(found_scores, order, 1)
        if depth < len(passages):
            for row in np.flatnonzero(found_scores[:, -1] >= scores[rows, k - 1]):
                level = np.round(passages @ block[row], _DECIMALS)
                places[start + row] = best_of(level, k)
                scores[start + row] = level[places[start + row]]
    task.progress("rank by the model", len(queries), len(queries))
    return places, scores

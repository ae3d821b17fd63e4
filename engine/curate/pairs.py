"""Find the pairs of texts whose vectors are alike: every product once, the nearest of each text kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.store.edges import FLOOR, SCALE
from engine.task import Task

NEIGHBOURS = 50
# A tile of products of 32 MB stays in the processor's cache between its making and its reading.
_ROWS, _COLUMNS = 1024, 8192
_BUFFER = 4_000_000  # keys that wait to be sorted in: 32 MB

Ints = NDArray[np.int64]


def find_pairs(
    vectors: NDArray[np.float32], task: Task
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint16]]:
    """All pairs at least `FLOOR` alike among the `NEIGHBOURS` nearest of either, as (a, b, score), a < b, ascending.

    Of texts that are equally near the first count as nearer, so that the cut is the same in every run. Only half of
    the products are made, because a is as near to b as b to a.

    Args:
        vectors: (n, dim) float32, unit length.
    """
    n = len(vectors)
    nearest = _Nearest(n)
    for start in range(0, n, _ROWS):
        task.progress("compare queries", _products_until(start, n), n * n)
        end = min(start + _ROWS, n)
        for left in range(start, n, _COLUMNS):
            task.check_cancelled()
            right = min(left + _COLUMNS, n)
            products = vectors[start:end] @ vectors[left:right].T
            lowest = np.minimum(nearest.low[start:end].min(), nearest.low[left:right])
            row, column = np.divmod(np.flatnonzero(products >= lowest), right - left)
            a, b = row + start, column + left
            score = np.minimum(np.rint(products[row, column] * SCALE), SCALE).astype(np.int64)
            later = b > a
            nearest.add(a[later], b[later], score[later])
    task.progress("compare queries", n * n, n * n)
    return nearest.pairs()


def _products_until(start: int, n: int) -> int:
    """Of n² units, those done when the rows before `start` are: each row has fewer columns left than the one before."""
    return start * (2 * n - start)


class _Nearest:
    """The nearest of each text so far, as ascending keys: text, then distance, then the other text.

    Attributes:
        low: (n,) float32, products below which nothing changes for a text any more.
    """

    def __init__(self, n: int) -> None:
        self._n = n
        self._span = (SCALE + 1) * n
        self._keys = np.zeros(0, np.int64)
        self._waiting: list[Ints] = []
        self._count = 0
        floor = round(FLOOR * SCALE)
        self._bound = np.full(n, (SCALE - floor + 1) * n - 1, np.int64)
        self.low = _product(np.full(n, floor, np.int64))

    def add(self, a: Ints, b: Ints, score: Ints) -> None:
        """Take up pairs with their scores, each for both of its texts where it is near enough to count."""
        for text, other in ((a, b), (b, a)):
            place = (SCALE - score) * self._n + other
            near = place <= self._bound[text]
            self._waiting.append(text[near] * self._span + place[near])
            self._count += len(self._waiting[-1])
        if self._count > max(_BUFFER, len(self._keys)):
            self._settle()

    def pairs(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint16]]:
        """(a, b, score) of every pair that one of its texts has among its nearest."""
        self._settle()
        text, place = np.divmod(self._keys, self._span)
        distance, other = np.divmod(place, self._n)
        pair = np.minimum(text, other) * self._n + np.maximum(text, other)
        found = pair * (SCALE + 1) + distance
        found.sort()  # many times as fast as numpy's unique
        pair, distance = np.divmod(found[np.diff(found, prepend=-1) > 0], SCALE + 1)
        a, b = np.divmod(pair, self._n)
        return a.astype(np.int32), b.astype(np.int32), (SCALE - distance).astype(np.uint16)

    def _settle(self) -> None:
        """Sort in what waits, and drop what is not among the nearest."""
        keys = np.concatenate([self._keys, *self._waiting])
        keys.sort()
        first = np.searchsorted(keys, np.arange(self._n + 1) * self._span)
        held = np.diff(first)
        keys = keys[np.arange(len(keys)) - np.repeat(first[:-1], held) < NEIGHBOURS]
        ends = np.cumsum(np.minimum(held, NEIGHBOURS))
        full = np.flatnonzero(held >= NEIGHBOURS)
        self._bound[full] = keys[ends[full] - 1] % self._span
        self.low[full] = _product(SCALE - self._bound[full] // self._n)
        self._keys, self._waiting, self._count = keys, [], 0


def _product(score: Ints) -> NDArray[np.float32]:
    """The smallest products that are rounded to these scores, a little less for safety."""
    return ((score - 0.51) / SCALE).astype(np.float32)

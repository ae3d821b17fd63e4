"""The nearest passages of each query through an inverted file (faiss), with the share of exact hits it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.mine.dense import top_k
from engine.task import Task

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

# Products of one query and one passage up to which exact search is taken: ten minutes on two cores.
EXACT_PRODUCTS = 5e10
RECALL = 0.98
_SAMPLE = 200
_BLOCK = 50_000
_TRAINED_ON = 64  # vectors a list; faiss wants at least 39
_DECIMALS = 6


def choose_search(wanted: Literal["auto", "exact", "ivf"], n_queries: int, n_passages: int) -> Literal["exact", "ivf"]:
    """Exact search, unless an inverted file is asked for or the work is too much for it."""
    if wanted != "auto":
        return wanted
    return "exact" if n_queries * n_passages <= EXACT_PRODUCTS else "ivf"


@dataclass(frozen=True, slots=True)
class InvertedFile:
    """Passages by the nearest of some centres; a query looks at `probes` of the lists.

    Attributes:
        recall: of a sample of queries, the share of their exact first `depth` passages that it finds.
    """

    index: Any  # Any: a faiss index
    lists: int
    probes: int
    recall: float

    @classmethod
    def build(cls, queries: Floats, passages: Floats, depth: int, task: Task) -> InvertedFile:
        """Index `passages` and look at more lists until a sample of `queries` finds `RECALL` of its exact hits.

        The same vectors give the same index. Memory: a copy of `passages` and 8 bytes each.

        Args:
            queries: (n, dim) float32, those that will be asked.
            passages: (m, dim) float32.
        """
        import faiss

        count, dim = passages.shape
        lists = max(1, min(int(4 * count**0.5), count // 39))
        task.progress("index vectors", 0, count)
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dim), dim, lists, faiss.METRIC_INNER_PRODUCT)
        index.own_fields = False
        index.cp.max_points_per_centroid, index.cp.min_points_per_centroid = _TRAINED_ON, 1  # else it prints a warning
        index.cp.seed = 13
        step = max(1, count // (lists * _TRAINED_ON))
        index.train(np.ascontiguousarray(passages[::step]))
        for start in range(0, count, _BLOCK):
            task.progress("index vectors", start, count)
            index.add(np.ascontiguousarray(passages[start : start + _BLOCK]))
        task.progress("index vectors", count, count)
        sample = np.array(queries[:: max(1, len(queries) // _SAMPLE)][:_SAMPLE])
        exact, _ = top_k(sample, passages, depth)
        probes, recall = min(4, lists), 0.0
        while True:
            task.check_cancelled()
            recall = _recall(exact, cls(index, lists, probes, 0).top_k(sample, depth)[0])
            if recall >= RECALL or probes == lists:
                return cls(index, lists, probes, recall)
            probes = min(2 * probes, lists)

    def top_k(self, queries: Floats, k: int, *, task: Task | None = None) -> tuple[Ints, Floats]:
        """As exact search: places (n, k) int32, -1 where there are fewer; scores (n, k) float32."""
        if task:
            task.check_cancelled()
        self.index.nprobe = self.probes
        asked = np.ascontiguousarray(queries, np.float32)
        found: tuple[Floats, NDArray[np.int64]] = self.index.search(asked, k)
        places = found[1]
        scores: Floats = np.where(places >= 0, found[0], np.float32(0))  # faiss gives the least number without a place
        np.round(scores, _DECIMALS, out=scores)
        order = np.lexsort((places, -scores, places < 0))
        return np.take_along_axis(places, order, 1).astype(np.int32), np.take_along_axis(scores, order, 1)


def _recall(exact: Ints, found: Ints) -> float:
    """The share of `exact` that is among `found`, by row; -1 counts as nothing."""
    shares = []
    for wanted, there in zip(exact, found, strict=True):
        wanted = wanted[wanted >= 0]
        shares.append(len(np.intersect1d(wanted, there)) / max(1, len(wanted)))
    return float(np.mean(shares)) if shares else 1.0

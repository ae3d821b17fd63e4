"""The ways to find the nearest vectors: exactly, by an HNSW graph, or among compressed vectors."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt

from engine.errors import ProjectError, UserError
from engine.mine.bm25 import best_of
from engine.task import Task

Kind = Literal["exact", "hnsw", "sq8", "ivfpq"]
Vectors = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]

# One query against 100,000 vectors of 384 numbers took 50 ms on two busy cores; beyond that a graph pays.
EXACT_LIMIT = 100_000
_IVFPQ_MIN = 10_000  # faiss asks for 39 training vectors for each of 256 centroids
_BLOCK = 5_000


class Index(Protocol):
    """Finds the vectors nearest to a query by inner product.

    Attributes:
        kind: how it finds them.
        count: vectors it holds; their rows are 0 to count - 1.
    """

    @property
    def kind(self) -> Kind: ...

    @property
    def count(self) -> int: ...

    def top_k(self, query: Vectors, k: int) -> tuple[Ids, Vectors]:
        """Rows and scores of the `k` best (fewer where there are fewer), best first, ties by row.

        Args:
            query: (dim,) float32, unit length.
        """
        ...

    def write(self, path: Path) -> None:
        """Write the index to a new file.

        Raises:
            ProjectError: the file is not whole.
        """
        ...


def choose_kind(count: int, wanted: str = "auto") -> Kind:
    """The kind of index for `count` vectors: what is asked for, else exact up to `EXACT_LIMIT` and HNSW beyond.

    Raises:
        UserError: no such kind, or too few vectors for it.
    """
    if wanted in ("", "auto"):
        return "exact" if count <= EXACT_LIMIT else "hnsw"
    if wanted not in get_args(Kind):
        raise UserError(f"There is no index '{wanted}'.", hint=f"Indexes: auto, {', '.join(get_args(Kind))}.")
    if wanted == "ivfpq" and count < _IVFPQ_MIN:
        raise UserError(
            f"An ivfpq index needs {_IVFPQ_MIN:,} different texts to learn from; there are {count:,}.",
            hint="Choose exact, hnsw or sq8.",
        )
    kind: Kind = wanted  # type: ignore[assignment]  # checked above
    return kind


def build_index(kind: Kind, vectors: Vectors, task: Task) -> Index:
    """Index `vectors`: (count, dim) float32, unit length."""
    if kind == "exact":
        return ExactIndex(vectors)
    return HnswIndex.build(vectors, task) if kind == "hnsw" else FaissIndex.build(kind, vectors, task)


def read_index(kind: Kind, path: Path, *, count: int, dim: int) -> Index:
    """Read an index that `write` wrote; the caller has compared the file's hash.

    Raises:
        ProjectError: it holds another number of vectors.
    """
    index: Index = HnswIndex.read(path, dim) if kind == "hnsw" else FaissIndex.read(kind, path)
    if index.count != count:
        raise ProjectError(f"The index {path.name} holds {index.count} vectors instead of {count}.")
    return index


def measure_recall(index: Index, vectors: Vectors, queries: Vectors, *, k: int = 10) -> float:
    """Share (0..1) of the exact `k` best that the index finds, over all queries; 1.0 without queries."""
    exact = ExactIndex(vectors)
    found = wanted = 0
    for query in queries:
        best = set(exact.top_k(query, k)[0].tolist())
        found += len(best & set(index.top_k(query, k)[0].tolist()))
        wanted += len(best)
    return found / wanted if wanted else 1.0


class ExactIndex:
    """Compares the query with every vector."""

    kind: Kind = "exact"

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    @property
    def count(self) -> int:
        return len(self._vectors)

    def top_k(self, query: Vectors, k: int) -> tuple[Ids, Vectors]:
        scores = np.round(self._vectors @ query, 6)  # as engine.mine.dense: equal texts are level
        best = best_of(scores, k)
        return best.astype(np.int64), scores[best]

    def write(self, path: Path) -> None:
        raise ProjectError("An exact index is not written: the vectors themselves are kept.")


class HnswIndex:
    """A navigable graph (hnswlib); M 16 and efConstruction 200 are its authors' defaults."""

    kind: Kind = "hnsw"

    def __init__(self, graph: Any) -> None:  # Any: hnswlib has no types
        self._graph = graph

    @classmethod
    def build(cls, vectors: Vectors, task: Task) -> HnswIndex:
        import hnswlib

        graph = hnswlib.Index(space="ip", dim=vectors.shape[1])
        graph.init_index(max_elements=max(1, len(vectors)), ef_construction=200, M=16, random_seed=13)
        for start in range(0, len(vectors), _BLOCK):
            task.progress("build index", start, len(vectors))
            end = min(start + _BLOCK, len(vectors))
            graph.add_items(vectors[start:end], np.arange(start, end))
        task.progress("build index", len(vectors), len(vectors))
        return cls(graph)

    @classmethod
    def read(cls, path: Path, dim: int) -> HnswIndex:
        import hnswlib

        graph = hnswlib.Index(space="ip", dim=dim)
        graph.load_index(str(path))
        return cls(graph)

    @property
    def count(self) -> int:
        return int(self._graph.get_current_count())

    def top_k(self, query: Vectors, k: int) -> tuple[Ids, Vectors]:
        k = min(k, self.count)
        if k == 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        self._graph.set_ef(max(128, 2 * k))
        rows, distances = self._graph.knn_query(query[None, :], k=k)
        return _ordered(rows[0].astype(np.int64), 1.0 - distances[0])

    def write(self, path: Path) -> None:
        """Write and compare the size: on a full disk hnswlib reports no error (tried with /dev/full)."""
        self._graph.save_index(str(path))
        size, wanted = path.stat().st_size, int(self._graph.index_file_size())
        if size != wanted:
            path.unlink()
            raise ProjectError(
                f"The index could not be written: {size:,} of {wanted:,} bytes arrived.", hint="Make room on the disk."
            )


class FaissIndex:
    """Vectors in 8 bits a number (sq8), or in cells and product codes (ivfpq)."""

    def __init__(self, kind: Kind, index: Any) -> None:  # Any: faiss has no types
        self._kind = kind
        self._index = index

    @classmethod
    def build(cls, kind: Kind, vectors: Vectors, task: Task) -> FaissIndex:
        import faiss

        count, dim = vectors.shape
        task.progress("build index", 0, count)
        description = "SQ8" if kind == "sq8" else f"IVF{_cells(count)},PQ{_codes(dim)}"
        index: Any = faiss.index_factory(dim, description, faiss.METRIC_INNER_PRODUCT)
        index.train(vectors)
        for start in range(0, count, _BLOCK):
            task.progress("build index", start, count)
            index.add(vectors[start : start + _BLOCK])
        if kind == "ivfpq":
            index.nprobe = max(8, _cells(count) // 8)
        task.progress("build index", count, count)
        return cls(kind, index)

    @classmethod
    def read(cls, kind: Kind, path: Path) -> FaissIndex:
        import faiss

        return cls(kind, faiss.read_index(str(path)))

    @property
    def kind(self) -> Kind:
        return self._kind

    @property
    def count(self) -> int:
        return int(self._index.ntotal)

    def top_k(self, query: Vectors, k: int) -> tuple[Ids, Vectors]:
        scores, rows = self._index.search(np.ascontiguousarray(query[None, :]), max(1, min(k, self.count)))
        kept = rows[0] >= 0
        return _ordered(rows[0][kept].astype(np.int64), scores[0][kept])

    def write(self, path: Path) -> None:
        import faiss

        try:
            faiss.write_index(self._index, str(path))
        except RuntimeError as error:
            path.unlink(missing_ok=True)
            raise ProjectError(f"The index could not be written: {error}.", hint="Make room on the disk.") from error


def _ordered(rows: Ids, scores: Vectors) -> tuple[Ids, Vectors]:
    order = np.lexsort((rows, -scores))
    return rows[order], scores[order].astype(np.float32)


def _cells(count: int) -> int:
    """About 4√n cells, as faiss's guidelines say, each with at least 39 vectors to learn from."""
    return max(1, min(int(4 * math.sqrt(count)), count // 39))


def _codes(dim: int) -> int:
    """The largest divisor of `dim` that gives each code at least 4 numbers."""
    return max(m for m in range(1, max(2, dim // 4 + 1)) if dim % m == 0)

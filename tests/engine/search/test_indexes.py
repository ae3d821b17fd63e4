"""Every kind of index finds what the exact one finds, and none trusts a file that is not whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import ProjectError, UserError
from engine.search.indexes import EXACT_LIMIT, ExactIndex, build_index, choose_kind, measure_recall, read_index
from engine.task import Task


def clustered(count: int, dim: int = 32, seed: int = 0) -> np.ndarray:
    """Unit vectors around 50 centres, as texts lie."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(50, dim))
    vectors = centres[rng.integers(0, 50, count)] + 0.5 * rng.normal(size=(count, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_exact_index_orders_by_score_then_row():
    index = ExactIndex(np.array([[1, 0], [0, 1], [1, 0], [0.6, 0.8]], dtype=np.float32))
    rows, scores = index.top_k(np.array([1, 0], dtype=np.float32), 3)
    assert rows.tolist() == [0, 2, 3]
    assert scores.tolist() == pytest.approx([1, 1, 0.6])


def test_exact_index_equals_faiss_flat():
    faiss = pytest.importorskip("faiss")
    vectors, queries = clustered(500), clustered(20, seed=1)
    flat = faiss.IndexFlatIP(32)
    flat.add(vectors)
    _, expected = flat.search(queries, 10)
    found = [ExactIndex(vectors).top_k(query, 10)[0].tolist() for query in queries]
    assert found == expected.tolist()


@pytest.mark.parametrize(("kind", "least"), [("hnsw", 0.98), ("sq8", 0.95)])
def test_index_finds_nearly_all_of_the_exact_hits(kind, least):
    vectors, queries = clustered(3000), clustered(50, seed=1)
    assert measure_recall(build_index(kind, vectors, Task()), vectors, queries) >= least


def test_product_codes_are_a_quarter_of_the_numbers():
    vectors = clustered(10_000, dim=16)
    index = build_index("ivfpq", vectors, Task())
    assert index.count == 10_000
    assert measure_recall(index, vectors, clustered(30, dim=16, seed=1)) >= 0.3


@pytest.mark.parametrize("kind", ["hnsw", "sq8"])
def test_written_index_answers_the_same(kind, tmp_path: Path):
    vectors, query = clustered(800), clustered(1, seed=2)[0]
    index = build_index(kind, vectors, Task())
    index.write(tmp_path / "index.bin")
    again = read_index(kind, tmp_path / "index.bin", count=800, dim=32)
    assert again.top_k(query, 5)[0].tolist() == index.top_k(query, 5)[0].tolist()


def test_index_with_another_number_of_vectors_is_refused(tmp_path: Path):
    build_index("hnsw", clustered(100), Task()).write(tmp_path / "index.bin")
    with pytest.raises(ProjectError, match="100 vectors instead of 101"):
        read_index("hnsw", tmp_path / "index.bin", count=101, dim=32)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_hnsw_on_a_full_disk_is_an_error(tmp_path: Path):
    full = tmp_path / "index.bin"
    full.symlink_to("/dev/full")
    with pytest.raises(ProjectError, match="0 of"):
        build_index("hnsw", clustered(100), Task()).write(full)


def test_more_hits_than_vectors_gives_all_of_them():
    vectors = clustered(5)
    for kind in ("exact", "hnsw", "sq8"):
        assert sorted(build_index(kind, vectors, Task()).top_k(vectors[0], 50)[0].tolist()) == [0, 1, 2, 3, 4]


def test_kind_follows_the_size_unless_one_is_asked_for():
    assert choose_kind(EXACT_LIMIT) == "exact"
    assert choose_kind(EXACT_LIMIT + 1) == "hnsw"
    assert choose_kind(10, "hnsw") == "hnsw"


def test_unknown_kind_and_too_few_vectors_are_said():
    with pytest.raises(UserError, match="no index 'annoy'"):
        choose_kind(10, "annoy")
    with pytest.raises(UserError, match="needs 10,000 different texts"):
        choose_kind(10, "ivfpq")

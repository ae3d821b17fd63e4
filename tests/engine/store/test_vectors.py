import os
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ProjectError
from engine.records import text_hash
from engine.store import vectors as module
from engine.store.vectors import VectorStore, vector_stores


def some(n, start=0, dim=4):
    hashes = [text_hash(f"text {i}") for i in range(start, start + n)]
    return hashes, np.arange(start * dim, (start + n) * dim, dtype=np.float32).reshape(n, dim)


def test_vectors_come_back_by_text_in_any_order_after_reopening(tmp_path):
    store = VectorStore(tmp_path / "key", 4)
    first, a = some(3)
    second, b = some(2, start=3)
    store.append(first, a)
    store.append(second, b)
    again = VectorStore(tmp_path / "key", 4)
    wanted = [second[1], first[0], first[2]]
    assert np.array_equal(again.take(again.rows(wanted)), np.stack([b[1], a[0], a[2]]))


def test_a_text_without_vector_has_no_row(tmp_path):
    store = VectorStore(tmp_path / "key", 4)
    store.append(*some(2))
    assert store.rows([text_hash("another")]).tolist() == [-1]


def test_counts_tell_texts_and_what_the_model_was_given(tmp_path):
    store = VectorStore(tmp_path / "vectors" / "key", 4, facts={"model": "tiny"})
    hashes, vectors = some(3)
    store.append(hashes, vectors)
    store.append(hashes[:1], vectors[:1])
    (facts,) = vector_stores(tmp_path / "vectors")
    assert (facts.key, facts.facts, facts.distinct, facts.encoded_total) == ("key", {"model": "tiny"}, 3, 4)


@pytest.mark.parametrize("place", [3, 70, -1])
def test_a_damaged_segment_is_put_aside_and_its_texts_are_missing(tmp_path, place):
    store = VectorStore(tmp_path, 4)
    hashes, vectors = some(3)
    store.append(hashes, vectors)
    (path,) = tmp_path.glob("*.vec")
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(content)
    again = VectorStore(tmp_path, 4)
    assert again.rows(hashes).tolist() == [-1, -1, -1]
    assert not list(tmp_path.glob("*.vec"))


def test_half_a_segment_is_passed_over(tmp_path):
    store = VectorStore(tmp_path, 4)
    hashes, vectors = some(3)
    store.append(hashes, vectors)
    (path,) = tmp_path.glob("*.vec")
    path.write_bytes(path.read_bytes()[:-8])
    assert VectorStore(tmp_path, 4).distinct == 0


def test_numbers_that_are_none_are_refused_and_nothing_is_written(tmp_path):
    store = VectorStore(tmp_path, 4)
    hashes, vectors = some(2)
    vectors[1, 2] = np.nan
    with pytest.raises(ProjectError, match="no number"):
        store.append(hashes, vectors)
    assert not list(tmp_path.glob("*.vec"))


def test_many_small_segments_become_one_and_keep_their_counts(tmp_path):
    store = VectorStore(tmp_path, 4)
    for i in range(module.MANY_SMALL):
        store.append(*some(1, start=i))
    hashes, vectors = some(module.MANY_SMALL)
    assert len(list(tmp_path.glob("*.vec"))) == 1
    assert np.array_equal(store.take(store.rows(hashes)), vectors)
    assert (store.distinct, store.encoded_total) == (module.MANY_SMALL, module.MANY_SMALL)


def test_what_a_crash_left_between_joining_and_deleting_counts_once(tmp_path):
    store = VectorStore(tmp_path, 4)
    kept = {}
    for i in range(module.MANY_SMALL):
        store.append(*some(1, start=i))
        kept |= {path: path.read_bytes() for path in tmp_path.glob("*.vec") if i < module.MANY_SMALL - 1}
    for path, content in kept.items():
        path.write_bytes(content)
    again = VectorStore(tmp_path, 4)
    assert (again.distinct, again.encoded_total) == (module.MANY_SMALL, module.MANY_SMALL)


def test_segments_of_another_process_are_seen_after_a_refresh(tmp_path):
    one, two = VectorStore(tmp_path, 4), VectorStore(tmp_path, 4)
    hashes, vectors = some(2)
    one.append(hashes, vectors)
    two.refresh()
    assert np.array_equal(two.take(two.rows(hashes)), vectors)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
def test_more_segments_than_files_may_be_open_are_read(tmp_path):
    import resource

    store = VectorStore(tmp_path, 4)
    for start in range(0, 100 * module.SMALL, module.SMALL):
        store.append(*some(module.SMALL, start=start))
    hashes, vectors = some(100 * module.SMALL)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/dev/fd").iterdir())) + 50, hard))
    try:
        assert np.array_equal(store.take(store.rows(hashes)), vectors)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

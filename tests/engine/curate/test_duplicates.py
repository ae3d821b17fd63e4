"""Near-duplicate queries are merged the same way whatever the order they came in."""

from __future__ import annotations

import random

import numpy as np
import pytest

from engine.curate import duplicates, pairs
from engine.curate.duplicates import by_hand, dedup
from engine.curate.pairs import NEIGHBOURS, find_pairs
from engine.errors import Cancelled, UserError
from engine.params import DedupParams
from engine.records import Split
from engine.store import queries
from engine.store.edges import FLOOR, SCALE, Edges, read_edges
from engine.task import Task
from tests.engine.mine.projects import add_passages, add_queries, bag_vectors, judge, new_project

TEXTS = [
    "How do I descale my kettle",
    "how do i descale my kettle?",
    "How do I descale my old kettle please",
    "How do I best descale my old kettle please",
    "When does the shop open on Sunday",
    "When does the shop open on a Sunday",
    "Kettle type 1 manual",
    "Kettle type 2 manual",
    "Something else entirely",
]


@pytest.fixture
def encoded(monkeypatch):
    calls = []

    def vectors(project, model, texts, task):
        calls.append(list(texts))
        return bag_vectors(texts)

    monkeypatch.setattr(duplicates, "_vectors", vectors)
    monkeypatch.setattr(duplicates, "_unreadable", lambda _p, _m, texts: np.array(["字" in text for text in texts]))
    return calls


def groups_of(project) -> set[frozenset[str]]:
    return {frozenset([head.text, *(q.text for q in rest)]) for head, rest in queries.duplicate_groups(project)}


def test_near_duplicates_are_merged_and_nothing_is_deleted(tmp_path, encoded):
    with new_project(tmp_path / "p") as project:
        add_queries(project, TEXTS)
        summary = dedup(project, DedupParams(threshold=0.85), Task())
        assert groups_of(project) == {frozenset(TEXTS[:4]), frozenset(TEXTS[4:6])}
        assert (summary.queries, summary.groups, summary.duplicates) == (9, 2, 4)
        assert summary.kept_apart == 0
        assert len(queries.all_queries(project)) == 9


def test_texts_that_the_model_cannot_read_are_merged_only_where_they_are_equal(tmp_path, encoded):
    texts = ["字 one two three", "字 one two three four", "字 one two three?", "one two three", "one two three four"]
    with new_project(tmp_path / "p") as project:
        add_queries(project, texts)
        summary = dedup(project, DedupParams(threshold=0.8), Task())
        assert groups_of(project) == {frozenset({texts[0], texts[2]}), frozenset(texts[3:])}
        assert summary.kept_apart > 0


def test_twenty_orders_give_the_same_groups_and_the_same_heads(tmp_path, encoded):
    """Also in a crowd of more near-duplicates than the nearest that are kept, some equal in all but form."""
    small = ("a", "the", "my", "our", "your", "that", "this", "some", "their")
    crowd = [
        f"how can I best descale {one} big electric water kettle that stands in {other} small kitchen upstairs today"
        for one in small
        for other in small
    ]
    crowd += [text.upper() for text in crowd[:20]]
    seen = set()
    for order in range(20):
        texts = [*TEXTS, *crowd]
        random.Random(order).shuffle(texts)
        with new_project(tmp_path / str(order)) as project:
            add_queries(project, texts)
            dedup(project, DedupParams(threshold=0.85), Task())
            text_of = {q.id: q.text for q in queries.all_queries(project)}
            seen.add(frozenset((q.text, text_of.get(q.duplicate_of or 0)) for q in queries.all_queries(project)))
            largest = max(len(rest) for _, rest in queries.duplicate_groups(project))
    assert len(seen) == 1
    assert largest > NEIGHBOURS


def test_equal_texts_are_merged_at_any_threshold(tmp_path, encoded):
    with new_project(tmp_path / "p") as project:
        add_queries(project, TEXTS)
        dedup(project, DedupParams(threshold=1.0), Task())
        assert groups_of(project) == {frozenset(TEXTS[:2])}


def test_another_threshold_reads_the_pairs_again_and_new_queries_do_not(tmp_path, encoded):
    with new_project(tmp_path / "p") as project:
        add_queries(project, TEXTS)
        for threshold in (0.7, 0.99):
            dedup(project, DedupParams(threshold=threshold), Task())
        assert len(encoded) == 1
        add_queries(project, ["A new one"])
        dedup(project, DedupParams(), Task())
        assert len(encoded) == 2


def test_merged_queries_keep_all_their_answers_and_lose_their_split(tmp_path, encoded):
    with new_project(tmp_path / "p") as project:
        passages = add_passages(project, ["vinegar", "citric acid"])
        asked = add_queries(project, TEXTS[:2], split=Split.TRAIN)
        judge(project, (asked[0], passages[0], 1), (asked[1], passages[1], 2))
        dedup(project, DedupParams(), Task())
        (head,) = queries.representatives(project)
        assert queries.positives(project) == {head.id: {passages[0]: 1, passages[1]: 2}}
        assert queries.split_counts(project) == {"train": 1}
        assert [q.split for q in queries.all_queries(project) if q.duplicate_of] == [None]


def test_without_queries_or_with_a_threshold_below_the_floor_it_says_so(tmp_path, encoded):
    with new_project(tmp_path / "p") as project:
        with pytest.raises(UserError, match="no queries yet"):
            dedup(project, DedupParams(), Task())
        with pytest.raises(UserError, match=rf"threshold 0.3 .* {DedupParams().threshold} is usual"):
            dedup(project, DedupParams(threshold=0.3), Task())


def test_pairs_are_those_of_all_products_above_the_floor():
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((40, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    a, b, score = find_pairs(vectors, Task())
    full = vectors.astype(np.float64) @ vectors.T
    expected = {(i, j) for i in range(40) for j in range(i + 1, 40) if round(full[i, j] * SCALE) >= FLOOR * SCALE}
    assert set(zip(a.tolist(), b.tolist(), strict=True)) == expected
    np.testing.assert_allclose(score / SCALE, full[a, b], atol=1.5 / SCALE)


def test_a_crowd_keeps_the_nearest_of_each(monkeypatch):
    angles = np.linspace(0, 0.4, NEIGHBOURS * 3)
    vectors = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    a, b, _ = find_pairs(vectors, Task())
    degree = np.bincount(np.concatenate([a, b]), minlength=len(angles))
    assert degree.min() >= NEIGHBOURS
    assert {(i, i + 1) for i in range(len(angles) - 1)} <= set(zip(a.tolist(), b.tolist(), strict=True))
    assert len(a) < len(angles) * (len(angles) - 1) / 2


@pytest.mark.parametrize(("spread", "crowds"), [(0.3, 7), (0.05, 7), (0.0, 3)])
def test_pairs_kept_are_the_nearest_of_each_whatever_the_tiles_and_the_sorting_in(monkeypatch, spread, crowds):
    """Beside a plain search query by query; equal likeness (spread 0: equal vectors) goes to the earlier text."""
    monkeypatch.setattr(pairs, "_BUFFER", 3000)
    monkeypatch.setattr(pairs, "_ROWS", 64)
    monkeypatch.setattr(pairs, "_COLUMNS", 200)
    rng, n = np.random.default_rng(2), 500
    vectors = rng.standard_normal((crowds, 32))[rng.integers(0, crowds, n)] + spread * rng.standard_normal((n, 32))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    vectors = np.rint(vectors * 256) / 256  # on a grid, whose products are exact in whatever order a processor adds up
    score = np.minimum(np.rint((vectors @ vectors.T) * SCALE), SCALE).astype(int)
    expected = set()
    for text in range(n):
        near = [other for other in range(n) if other != text and score[text, other] >= FLOOR * SCALE]
        near.sort(key=lambda other: (-score[text, other], other))
        expected |= {(min(text, other), max(text, other), score[text, other]) for other in near[:NEIGHBOURS]}
    a, b, found = find_pairs(vectors, Task())
    assert set(zip(a.tolist(), b.tolist(), found.tolist(), strict=True)) == expected
    assert (np.diff(a.astype(np.int64) * n + b) > 0).all()


def test_cancelling_stops_between_tiles():
    task = Task()
    task.cancel()
    with pytest.raises(Cancelled):
        find_pairs(np.eye(30, dtype=np.float32), task)


def test_groups_are_what_pairs_tie_together():
    text = np.array([0, 1, 2, 3, 4, 4], np.int32)
    a, b = np.array([0, 1, 2], np.int32), np.array([3, 2, 3], np.int32)
    edges = Edges(np.arange(6), text, a, b, np.array([9500, 9000, 9900], np.uint16), np.array([False, False, True]))
    assert edges.groups(0.8).tolist() == [0, 1, 1, 0, 4, 4]
    assert edges.groups(0.92).tolist() == [0, 1, 2, 0, 4, 4]
    assert edges.histogram(4).tolist() == [0, 0, 0, 2]


def test_pairs_are_kept_with_the_project(tmp_path, encoded):
    with new_project(tmp_path / "p") as project:
        assert read_edges(project) is None
        add_queries(project, TEXTS)
        dedup(project, DedupParams(), Task())
        assert len(read_edges(project).query_id) == len(TEXTS)
        (project.path / "duplicates" / "edges" / "manifest.json").write_text("{}", encoding="utf-8")
        assert read_edges(project) is None


def test_words_of_a_person_change_groups_in_their_order():
    standing = {1: 1, 2: 1, 3: 1, 4: 4, 5: 4, 6: 6}
    assert by_hand(standing, []) == standing
    assert by_hand(standing, [(2, 1, False)]) == {**standing, 2: 2}
    assert by_hand(standing, [(1, 3, False)]) == {**standing, 2: 3, 3: 3}  # the others get another head
    assert by_hand(standing, [(4, 1, True)]) == {**standing, 4: 1, 5: 1}
    assert by_hand(standing, [(6, 5, True), (6, 4, False)]) == standing
    assert by_hand(standing, [(9, 1, True), (2, 9, False)]) == standing  # queries that are gone


def test_another_search_keeps_what_was_merged_and_parted_by_hand(tmp_path, encoded):
    with new_project(tmp_path) as project:
        ids = add_queries(project, TEXTS)
        dedup(project, DedupParams(threshold=0.8), Task())
        merged = next(q for q in queries.all_queries(project) if q.duplicate_of)
        queries.unmerge_query(project, merged.id)
        queries.merge_query(project, ids[8], ids[6])
        for threshold in (0.8, 0.75, 0.9):
            dedup(project, DedupParams(threshold=threshold), Task())
            now = {query.id: query.duplicate_of or query.id for query in queries.all_queries(project)}
            assert now[ids[8]] == now[ids[6]]
            assert now[merged.id] != now[merged.duplicate_of]

"""Groups changed by hand come back exactly as they were: heads, members, splits, and words said before."""

from __future__ import annotations

import pytest

from engine.curate.duplicates import by_hand
from engine.edits import apply_edit
from engine.records import Split
from engine.store import grouping, queries
from tests.engine.mine.projects import add_passages, add_queries, judge, new_project


@pytest.fixture
def project(tmp_path):
    """a with b and c merged into it (train), d with e (test), f alone."""
    with new_project(tmp_path / "p") as project:
        ids = add_queries(project, list("abcdef"), split=Split.TRAIN)
        queries.set_duplicates(project, {ids[1]: ids[0], ids[2]: ids[0], ids[4]: ids[3]})
        queries.set_splits(project, {ids[1]: None, ids[2]: None, ids[3]: Split.TEST, ids[4]: None})
        yield project


def state(project):
    return queries.all_queries(project), queries.decisions(project)


CHANGES = [
    ("merge", {"query_id": 4, "into": 1}),
    ("merge", {"query_id": 6, "into": 5}),
    ("unmerge", {"query_id": 2}),
    ("keep_apart", {"query_id": 3, "other_id": 1}),
    ("keep_apart", {"query_id": 1, "other_id": 3}),
    ("keep_apart", {"query_id": 6, "other_id": 1}),
    ("take_apart", {"query_id": 1}),
]


@pytest.mark.parametrize(("kind", "values"), CHANGES)
def test_every_change_is_taken_back_to_what_was_there(project, kind, values):
    queries.merge_query(project, 6, 4)
    queries.unmerge_query(project, 6)
    before = state(project)
    _, said = apply_edit(project, kind, values)
    assert state(project) != before
    apply_edit(project, "restore_groups", said)
    assert state(project) == before


def test_merging_a_head_brings_its_members_and_undo_takes_them_back(project):
    said = grouping.merge(project, 4, 1)
    assert {query.id for query in queries.all_queries(project) if query.duplicate_of == 1} == {2, 3, 4, 5}
    grouping.restore(project, said)
    assert {query.id for query in queries.all_queries(project) if query.duplicate_of == 4} == {5}
    assert queries.query(project, 4).split is Split.TEST


def test_keeping_apart_parts_the_merged_and_keeps_the_word_for_later(project):
    grouping.keep_apart(project, 1, 3)
    assert queries.query(project, 3).duplicate_of is None
    assert grouping.kept_apart(project) == {(1, 3)}
    standing = by_hand({1: 1, 2: 1, 3: 1}, queries.decisions(project))
    assert standing[1] != standing[3]


def test_members_of_a_group_that_is_taken_apart_get_its_split(project):
    grouping.take_apart(project, 1)
    assert [queries.query(project, number).split for number in (2, 3)] == [Split.TRAIN, Split.TRAIN]
    assert grouping.kept_apart(project) == {(1, 2), (1, 3)}


def test_merged_queries_keep_all_positives_whatever_is_merged(project):
    first, second = add_passages(project, ["p", "q"])
    judge(project, (1, first, 1), (3, second, 2), (5, first, 3))
    grouping.merge(project, 4, 1)
    assert queries.positives(project) == {1: {first: 3, second: 2}}

"""Queries, judgements, merging and a person's word."""

from __future__ import annotations

import pytest

from engine.records import Qrel, Review, Split
from engine.store import documents, imports, queries
from engine.store.documents import NewDocument, NewPassage
from engine.store.project import Project
from engine.store.queries import NewQuery


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "p") as made:
        import_id = imports.start_import(made, [], "auto")
        document = NewDocument("T", "/t", "txt", "h", text="a b c")
        documents.put_document(made, document, [NewPassage(t) for t in "abc"], import_id=import_id)
        yield made


def _put(project, *texts: str) -> list[int]:
    return [row[0] for row in queries.put_queries(project, [NewQuery(t) for t in texts], import_id=None)]


def test_the_same_text_is_one_query(project):
    first = queries.put_queries(project, [NewQuery("How?", external_id="q1")], import_id=None)
    again = queries.put_queries(project, [NewQuery(" How? ", external_id="q9")], import_id=None)
    assert first[0][1]
    assert again == [(first[0][0], False)]


def test_a_merged_query_gives_its_judgements_to_the_one_that_stands(project):
    one, two = _put(project, "how", "how to")
    a, b, _ = documents.corpus(project).ids.tolist()
    queries.put_qrels(project, [Qrel(one, a, 1), Qrel(two, b, 2), Qrel(two, a, 3)])
    queries.set_duplicates(project, {two: one})
    assert queries.positives(project) == {one: {a: 3, b: 2}}
    assert [q.id for q in queries.representatives(project)] == [one]


def test_a_grade_of_zero_is_a_judgement_but_no_positive(project):
    (one,) = _put(project, "how")
    a, *_ = documents.corpus(project).ids.tolist()
    queries.put_qrels(project, [Qrel(one, a, 0)])
    assert queries.judgements(project) == {one: {a: 0}}
    assert queries.positives(project) == {}


def test_unmerging_puts_a_query_into_the_split_of_the_one_it_was_merged_into(project):
    one, two = _put(project, "how", "how to")
    queries.set_splits(project, {one: Split.DEV})
    queries.merge_query(project, two, one)
    queries.unmerge_query(project, two)
    assert [q.split for q in queries.representatives(project, Split.DEV)] == [Split.DEV, Split.DEV]


def test_merging_a_query_takes_those_merged_into_it_along(project):
    one, two, three = _put(project, "a?", "b?", "c?")
    queries.merge_query(project, three, two)
    queries.merge_query(project, two, one)
    ((head, members),) = queries.duplicate_groups(project)
    assert head.id == one
    assert [m.id for m in members] == [two, three]


def test_calling_a_candidate_relevant_makes_a_judgement_and_taking_it_back_removes_it(project):
    (one,) = _put(project, "how")
    a, *_ = documents.corpus(project).ids.tolist()
    queries.put_review(project, one, a, Review.RELEVANT)
    assert queries.positives(project) == {one: {a: 1}}
    queries.remove_review(project, one, a)
    assert queries.positives(project) == {}
    assert queries.reviews(project) == {}


def test_taking_a_review_back_leaves_an_imported_judgement(project):
    (one,) = _put(project, "how")
    a, *_ = documents.corpus(project).ids.tolist()
    queries.put_qrels(project, [Qrel(one, a, 2)])
    queries.put_review(project, one, a, Review.LEFT_OUT)
    queries.remove_review(project, one, a)
    assert queries.positives(project) == {one: {a: 2}}


def test_a_page_of_queries_is_filtered_by_split_text_and_answers(project):
    one, two, three = _put(project, "red car", "red bike", "blue car")
    queries.set_splits(project, {one: Split.TRAIN, two: Split.TEST})
    queries.put_qrels(project, [Qrel(one, int(documents.corpus(project).ids[0]), 1)])
    page = queries.page_of_queries(project, offset=0, limit=10, contains="red", split="train")
    assert [q.id for q in page] == [one]
    assert queries.count_queries(project, judged=False) == 2
    assert [q.id for q in queries.page_of_queries(project, offset=0, limit=10, split="none")] == [three]


def test_removing_a_query_lets_its_duplicates_stand_again(project):
    one, two = _put(project, "a?", "b?")
    queries.merge_query(project, two, one)
    queries.remove_query(project, one)
    assert [q.id for q in queries.representatives(project)] == [two]

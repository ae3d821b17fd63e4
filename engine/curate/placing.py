"""Gives a query that was judged by hand its split at once, so that it is measured with and nothing leaks."""

from __future__ import annotations

from engine.curate.sameness import normal_text
from engine.records import Query, Split
from engine.store import queries, ties
from engine.store.edges import read_edges
from engine.store.made import is_made
from engine.store.project import Project


def place_judged(project: Project, query_id: int) -> Split | None:
    """Put a query with an answer into a split if it has none; returns the split it got now, None where none.

    It goes where the queries are that it is tied to by text, near-duplicates, answers or source documents; where it is
    tied to none, to test, because judged by hand it measures best. It stays out where it is tied to several splits,
    where the program made it, or where queries wait for their first split (unless all answers were given by hand).
    """
    asked = queries.query(project, query_id)
    if asked is None or asked.split or asked.duplicate_of or is_made(asked.source):
        return None
    if not ties.has_answer(project, query_id):
        return None
    if not any(queries.split_counts(project).get(split) for split in Split) and ties.answered_elsewhere(project):
        return None
    found = ties.splits_by_answer(project, query_id) | ties.splits_by_document(project, query_id)
    found |= _splits_by_text(project, asked)
    if len(found) > 1:
        return None
    place = next(iter(found), Split.TEST)
    queries.set_splits(project, {query_id: place})
    return place


def _splits_by_text(project: Project, asked: Query) -> set[Split]:
    """Splits of queries that say the same as far as their texts or the last search for duplicates tell."""
    everyone = queries.all_queries(project)
    split_of = {query.id: query.split for query in everyone}
    head_of = {query.id: query.duplicate_of or query.id for query in everyone}
    text = normal_text(asked.text)
    same = {query.id for query in everyone if query.id != asked.id and normal_text(query.text) == text}
    same |= _near(project, asked.id)
    found = {split_of.get(head_of.get(query_id, 0)) for query_id in same}
    return {split for split in found if split is not None}


def _near(project: Project, query_id: int) -> set[int]:
    """Queries that the last search for duplicates found alike at its threshold."""
    edges, settings = read_edges(project), project.meta_json("dedup")
    if edges is None or not settings:
        return set()
    own = edges.text[edges.query_id == query_id]
    merging = edges.merging(float(settings["threshold"]))
    a, b = edges.a[merging], edges.b[merging]
    texts = {*b[a == own[0]].tolist(), *a[b == own[0]].tolist()} if len(own) else set()
    return {int(query) for query, text in zip(edges.query_id, edges.text, strict=True) if int(text) in texts}

"""Find queries that ask the same and let one stand for each group; nothing is deleted, no order of rows matters."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.curate.apart import kept_apart
from engine.curate.pairs import find_pairs
from engine.curate.sameness import normal_text
from engine.errors import UserError
from engine.params import DedupParams
from engine.records import Model, Query
from engine.store import models, queries
from engine.store.edges import FLOOR, SCALE, Edges, read_edges, write_edges
from engine.store.project import Project
from engine.task import Task

_RULES = "2"  # counted up where other pairs are kept apart than before, so that they are found anew


@dataclass(frozen=True, slots=True)
class DedupSummary:
    """Queries in all, groups of at least two, and queries merged into another; pairs kept apart by their names, or
    because the model cannot read them."""

    queries: int
    groups: int
    duplicates: int
    kept_apart: int = 0


def dedup(project: Project, params: DedupParams, task: Task) -> DedupSummary:
    """Merge queries whose texts are equal in all but form, or at least `params.threshold` alike to the model.

    Texts that the model cannot read are merged only where they are equal in all but form: to it they are all alike.
    Groups are what such pairs tie together; what a person merged or took apart stays so. The query that stands for a
    group is the one most like the others (then the shorter, then the first by text); judgements of all are read under
    it. Pairs are found once and kept; another threshold reads them again. Each query keeps its 50 nearest, which cuts
    a group of more than 50 near-duplicates only where it hangs together by none of them.

    Raises:
        UserError: no queries, or a threshold below the floor of the kept pairs.
    """
    if not FLOOR <= params.threshold <= 1:
        usual = DedupParams().threshold
        raise UserError(f"The threshold {params.threshold} is not between {FLOOR} and 1.", hint=f"{usual} is usual.")
    everyone = queries.all_queries(project)
    if not everyone:
        raise UserError("There are no queries yet.", hint="Import a labelled set or make the sample first.")
    model = models.resolve_model(project, params.model)
    edges = _edges(project, model, everyone, task)
    standing = by_hand(standing_for(everyone, edges, params.threshold), queries.decisions(project))
    duplicate_of = {query_id: head for query_id, head in standing.items() if head != query_id}
    queries.set_duplicates(project, duplicate_of)
    queries.set_splits(project, dict.fromkeys(duplicate_of))
    project.set_meta_json("dedup", {"threshold": params.threshold, "model": model.id})
    apart = int(np.count_nonzero(edges.apart & (edges.score >= round(params.threshold * SCALE))))
    return DedupSummary(len(everyone), len(set(duplicate_of.values())), len(duplicate_of), apart)


def standing_for(everyone: Sequence[Query], edges: Edges, threshold: float) -> dict[int, int]:
    """The query that stands for each query at `threshold`, itself where it has no duplicate."""
    merging = edges.merging(threshold)
    closeness = np.zeros(int(edges.text.max(initial=-1)) + 1, np.int64)
    np.add.at(closeness, edges.a[merging], edges.score[merging].astype(np.int64))
    np.add.at(closeness, edges.b[merging], edges.score[merging].astype(np.int64))
    group_of = dict(zip(edges.query_id.tolist(), edges.groups(threshold).tolist(), strict=True))
    text_of = dict(zip(edges.query_id.tolist(), edges.text.tolist(), strict=True))
    groups: dict[int, list[Query]] = {}
    for query in everyone:
        groups.setdefault(group_of[query.id], []).append(query)
    standing = {}
    for members in groups.values():
        head = min(members, key=lambda query: (-int(closeness[text_of[query.id]]), len(query.text), query.text))
        standing.update({query.id: head.id for query in members})
    return standing


def by_hand(standing: dict[int, int], decisions: Sequence[tuple[int, int, bool]]) -> dict[int, int]:
    """`standing` after a person's words, each (query, other, whether they ask the same), in their order."""
    found = dict(standing)
    for query_id, other_id, same in decisions:
        if query_id not in found or other_id not in found:
            continue
        head, other = found[query_id], found[other_id]
        if same and head != other:
            found.update(dict.fromkeys(_members(found, head), other))
        elif not same and head == other:
            first = other_id if query_id == head else head
            found.update(dict.fromkeys(_members(found, head), first))
            found[query_id] = query_id
    return found


def _members(standing: dict[int, int], head: int) -> list[int]:
    return [query_id for query_id, place in standing.items() if place == head]


def _edges(project: Project, model: Model, everyone: Sequence[Query], task: Task) -> Edges:
    """The pairs of all queries, from the project where texts and model are as before."""
    texts: dict[str, str] = {}
    normal = [normal_text(query.text) for query in everyone]
    for key, query in zip(normal, everyone, strict=True):
        texts[key] = min(texts.get(key, query.text), query.text)
    order = sorted(texts)
    number = {key: place for place, key in enumerate(order)}
    digest = hashlib.blake2b(
        "\0".join([_RULES, model.weights_digest, *order, *(texts[key] for key in order)]).encode(
            "utf-8", "surrogatepass"
        )
    ).hexdigest()[:32]
    query_id = np.array([query.id for query in everyone], np.int64)
    text = np.array([number[key] for key in normal], np.int32)
    known = read_edges(project)
    if known is not None and known.digest == digest:
        edges = Edges(query_id, text, known.a, known.b, known.score, known.apart, digest)
    else:
        shown = [texts[key] for key in order]
        a, b, score = find_pairs(_vectors(project, model, shown, task), task)
        unread = _unreadable(project, model, shown)
        edges = Edges(query_id, text, a, b, score, kept_apart(order, a, b) | unread[a] | unread[b], digest)
    write_edges(project, edges)
    return edges


def _unreadable(project: Project, model: Model, texts: list[str]) -> NDArray[np.bool_]:
    from engine.encode.tokens import unreadable

    return unreadable(project, model, texts)


def _vectors(project: Project, model: Model, texts: list[str], task: Task) -> NDArray[np.float32]:
    from engine.encode.models import open_encoder
    from engine.encode.vectors import encode_texts

    encoder = open_encoder(project, model)
    return encode_texts(project, encoder, texts, kind="query", task=task, stage="encode queries")

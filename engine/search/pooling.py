"""Pools the first hits of BM25 and the model for a query, to be judged by hand."""

from __future__ import annotations

from engine.errors import UserError
from engine.params import SearchParams
from engine.search.searching import MAX_K, SearchEngine
from engine.store import judging, models, queries
from engine.store.judging import DEPTH, Pool
from engine.store.project import Project


def pool(project: Project, engine: SearchEngine, query_id: int, depth: int = DEPTH) -> Pool:
    """The passages to judge of a query: the first `depth` texts of BM25 and of the newest model, joined blindly.

    Raises:
        UserError: no such query, no passages, or a depth below 1.
    """
    if not 1 <= depth <= MAX_K // judging.COPIES:
        raise UserError(f"{depth} hits of each system cannot be judged.", hint="Usual are 10 to 100.")
    asked = queries.query(project, query_id)
    if asked is None:
        raise UserError(f"There is no query {query_id}.", hint="List them: searchsmith queries list PROJECT")
    found = [[hit.passage_id for hit in engine.search(params).hits] for params in searches(project, asked.text, depth)]
    words, model = [*found, []][:2]
    return judging.read_pool(project, query_id, words, model, depth)


def next_pool(project: Project, engine: SearchEngine, depth: int = DEPTH) -> Pool | None:
    """The pool of the next query with something to judge; those without are noted as judged. None: all are."""
    systems = judging.systems_key(project)
    for query_id in judging.order_to_judge(project, systems):
        found = pool(project, engine, query_id, depth)
        if found.open_cards:
            return found
        judging.put_judged(project, query_id, systems)
    return None


def searches(project: Project, text: str, depth: int) -> list[SearchParams]:
    """What is asked to pool for a text; more hits than needed, because copies of one text are judged once."""
    k = depth * judging.COPIES
    words = SearchParams(text=text, k=k, mode="bm25")
    if models.base_model(project) is None:
        return [words]
    return [words, SearchParams(text=text, k=k, mode="dense", model=judging.pooling_model(project))]

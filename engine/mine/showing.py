"""Show what a mining brought for its queries: counts of each, and one query's candidates with where they came from."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.errors import UserError
from engine.mine.reporting import needed_mining, provenance, rules_of
from engine.records import Query
from engine.store import documents, queries
from engine.store.candidates import REVIEW_CODES, Candidates, Flag, read_candidates, read_reviews
from engine.store.project import Project
from engine.store.selection import SOURCES, STATES, CandidateState, select

Values = dict[str, Any]  # Any: JSON values
_REVIEWS = {code: review.value for review, code in REVIEW_CODES.items()}
_NO_SOURCE = 255


def find_query(project: Project, name: str) -> Query:
    """A query by id, by its own id in the set it came from, or by its text.

    Raises:
        UserError: there is no such query.
    """
    found = queries.query(project, int(name)) if name.isdecimal() else None
    if found is None:
        known = queries.query_ids_by_external(project, [name])
        found = queries.query(project, known[name]) if name in known else None
    if found is None:
        found = next((query for query in queries.all_queries(project) if query.text == name), None)
    if found is None:
        raise UserError(f"There is no query '{name}'.", hint="'negatives list' prints the queries' ids.")
    return found


def listed(project: Project, *, limit: int = 50, short: bool = False, doubtful: bool = False) -> Values:
    """The mining's queries with how many of their candidates are chosen, and how many doubtful.

    Raises:
        UserError: nothing is mined.
    """
    mining = needed_mining(project)
    rules = rules_of(mining)
    candidates = read_candidates(project, mining.id)
    selection = select(candidates, rules, read_reviews(project, candidates))
    number, n = candidates.query_numbers(), len(candidates.queries)
    chosen = np.bincount(number[selection.chosen], minlength=n)
    held = np.bincount(number[selection.held], minlength=n)
    wanted = np.ones(n, bool)
    if short:
        wanted &= chosen < rules.num_negatives
    if doubtful:
        wanted &= held > 0
    places = np.flatnonzero(wanted)
    texts = queries.queries(project, candidates.queries[places[:limit]].tolist())
    rows = [
        {
            "id": int(candidates.queries[place]),
            "text": texts[int(candidates.queries[place])].text if int(candidates.queries[place]) in texts else "",
            "negatives": int(chosen[place]),
            "doubtful": int(held[place]),
        }
        for place in places[:limit]
    ]
    return {**provenance(project, mining), "total": len(places), "queries": rows}


def shown(project: Project, name: str, *, limit: int = 0) -> Values:
    """One query's answers and candidates, each with ranks, scores, margin, doubt, state, source and a person's word.

    Args:
        limit: at most so many candidates beside the answers and the chosen ones; 0: all.

    Raises:
        UserError: no such query, or nothing was mined for it.
    """
    query = find_query(project, name)
    standing = query.duplicate_of or query.id
    mining = needed_mining(project)
    candidates = read_candidates(project, mining.id)
    rows = candidates.rows_of(standing)
    if rows.start == rows.stop:
        raise UserError(
            f"Nothing was mined for the query '{query.text}'.",
            hint="Mining looks at training queries that have an answer; split and judge first, then mine again.",
        )
    reviews = read_reviews(project, candidates)
    selection = select(candidates, rules_of(mining), reviews)
    passages = documents.passages(project, candidates.passage_id[rows].tolist())
    found = []
    for place in range(rows.start, rows.stop):
        passage_id = int(candidates.passage_id[place])
        state = STATES[selection.states[place]]
        if limit and place - rows.start >= limit and state not in (CandidateState.ANSWER, CandidateState.CHOSEN):
            continue
        source = int(selection.sources[place])
        found.append(
            {
                "passage": passage_id,
                "text": passages[passage_id].search_text if passage_id in passages else "",
                "bm25_rank": int(candidates.bm25_rank[place]),
                "bm25_score": round(float(candidates.bm25_score[place]), 4),
                "dense_rank": int(candidates.dense_rank[place]),
                "score": round(float(candidates.dense_score[place]), 6),
                "margin": round(float(candidates.margin[place]), 6),
                "doubt": round(float(candidates.doubt[place]), 4),
                "reranked": _score(candidates, place),
                "random": bool(candidates.flags[place] & Flag.RANDOM),
                "state": state.value,
                "source": SOURCES[source].value if source != _NO_SOURCE else "",
                "review": _REVIEWS.get(int(reviews[place]), ""),
            }
        )
    found.sort(key=lambda row: row["state"] != CandidateState.ANSWER.value)
    return {**provenance(project, mining), "query": standing, "text": query.text, "candidates": found}


def _score(candidates: Candidates, place: int) -> float | None:
    """What the reranker gave a candidate; None where it did not read it."""
    if candidates.reranked is None or np.isnan(candidates.reranked[place]):
        return None
    return round(float(candidates.reranked[place]), 4)

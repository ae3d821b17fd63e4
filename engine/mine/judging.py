"""One word on many candidates at once: all those that a rule holds back."""

from __future__ import annotations

import numpy as np

from engine.errors import UserError
from engine.params import SelectParams
from engine.records import Review
from engine.store import queries
from engine.store.candidates import read_candidates, read_reviews
from engine.store.project import Project
from engine.store.selection import STATES, CandidateState, select

# Others follow from texts or from words given before; a word on all of them would say nothing.
STATES_TO_JUDGE = (CandidateState.DOUBTFUL, CandidateState.TOO_CLOSE, CandidateState.CHOSEN)


def review_all(
    project: Project, mining_id: int, params: SelectParams, *, state: str, verdict: Review, stamp: str
) -> int:
    """Say `verdict` of every candidate in `state` under the rules of `params` that has no word yet; returns how many.

    Raises:
        UserError: a state that is not judged at once, or `relevant`, which is said of one passage at a time.
    """
    if state not in STATES_TO_JUDGE or verdict is Review.RELEVANT:
        raise UserError(
            f"'{verdict.value}' cannot be said of all that are '{state}' at once.",
            hint="Judge them one by one, or choose doubtful, too_close or chosen.",
        )
    candidates = read_candidates(project, mining_id)
    reviews = read_reviews(project, candidates)
    selection = select(candidates, params, reviews)
    asked = CandidateState(state)
    said = selection.held if asked is CandidateState.DOUBTFUL else selection.states == STATES.index(asked)
    rows = np.flatnonzero(said & (reviews == 0))
    number = candidates.query_numbers()[rows]
    pairs = zip(candidates.queries[number].tolist(), candidates.passage_id[rows].tolist(), strict=True)
    return queries.put_reviews(project, list(pairs), verdict, stamp=stamp)

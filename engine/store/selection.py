"""Choose hard negatives among stored candidates: a pure function, so that every move of a slider re-selects."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.params import SelectParams
from engine.records import Negative, Review, Source
from engine.store.candidates import REVIEW_CODES, Candidates, Flag

Bools = NDArray[np.bool_]
Places = NDArray[np.int64]


class CandidateState(StrEnum):
    """What selection made of a candidate, in the order in which the rules are asked; the first that holds counts."""

    ANSWER = "answer"
    SAME_AS_ANSWER = "same_as_answer"
    JUDGED = "judged"
    SAME_DOCUMENT = "same_document"
    OUT_OF_RANKS = "out_of_ranks"
    DOUBTFUL = "doubtful"
    TOO_CLOSE = "too_close"
    TOO_HIGH = "too_high"
    TOO_EASY = "too_easy"
    OVER_COUNT = "over_count"
    CHOSEN = "chosen"


STATES = tuple(CandidateState)
SOURCES = (Source.DENSE, Source.BM25, Source.IMPORTED, Source.RANDOM)
CHOSEN = STATES.index(CandidateState.CHOSEN)
_NONE = 255
# Candidates at a time: what one block needs stays in the processor's cache, and two threads share the work.
_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the waterfall: `removed` candidates fell to `state`, `left` are still there."""

    state: CandidateState
    removed: int
    left: int


@dataclass(frozen=True, slots=True)
class Selection:
    """What was chosen, and why the rest was not.

    Attributes:
        states: (n,) uint8, places in `STATES`.
        sources: (n,) uint8, for chosen ones the place in `SOURCES` of the source they were taken from, else 255.
        candidates: how many there were, answers not counted.
        waterfall: the rules in their order (answers left out); `left` of the last one is the number chosen.
        short: queries that got fewer than asked for.
    """

    states: NDArray[np.uint8]
    sources: NDArray[np.uint8]
    candidates: int
    waterfall: tuple[Step, ...]
    short: int

    @property
    def chosen(self) -> Bools:
        """(n,) bool."""
        chosen: Bools = self.states == CHOSEN
        return chosen

    def count(self, state: CandidateState) -> int:
        return int(np.count_nonzero(self.states == STATES.index(state)))

    def pairs(self, candidates: Candidates) -> NDArray[np.int64]:
        """The chosen ones as query id × 2³² + passage id, ascending."""
        number = candidates.query_numbers()[self.chosen]
        query_ids = candidates.queries[number].astype(np.int64)
        return np.sort((query_ids << 32) + candidates.passage_id[self.chosen])

    def by_source(self) -> dict[str, int]:
        """Chosen ones by source, sources without any left out."""
        counts = np.bincount(self.sources[self.sources != _NONE], minlength=len(SOURCES))
        return {source.value: int(counts[i]) for i, source in enumerate(SOURCES) if counts[i]}


def select(candidates: Candidates, params: SelectParams, reviews: NDArray[np.uint8] | None = None) -> Selection:
    """Choose up to `params.num_negatives` candidates of each query by the rules of `params`.

    Never chosen: answers, passages equal to one, passages that a person left out or called relevant. A candidate that a
    person called negative is exempt from ranks, doubt, margin and scores and comes first. Of the others the model's own
    hardest fill their share, then BM25's, then random ones, in order of rank (or shuffled by seed); what a source
    cannot fill is filled as `params.fill` says: from the rest in the order of `SOURCES`, by chance, or not at all.

    Args:
        candidates: all candidates of a mining.
        params: the rules.
        reviews: (n,) uint8 of `engine.store.candidates.review_codes`; none where nobody judged.
    """
    reviews = np.zeros(len(candidates), np.uint8) if reviews is None else reviews
    states = np.full(len(candidates), _NONE, np.uint8)
    sources = np.full(len(candidates), _NONE, np.uint8)

    def work(span: tuple[int, int]) -> tuple[NDArray[np.int64], int]:
        first, last = span
        rows = slice(int(candidates.starts[first]), int(candidates.starts[last]))
        part = _part(candidates, first, last, rows)
        states[rows], sources[rows], short = _select_block(part, params, reviews[rows])
        return np.bincount(states[rows], minlength=len(STATES)), short

    spans = _spans(candidates.starts)
    if len(spans) > 1:
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            done = list(pool.map(work, spans))
    else:
        done = [work(span) for span in spans]
    counts = np.sum([found for found, _ in done], axis=0) if done else np.zeros(len(STATES), np.int64)
    total = left = len(candidates) - int(counts[STATES.index(CandidateState.ANSWER)])
    steps = []
    for state in _asked_order(params):
        left -= int(counts[STATES.index(state)])
        steps.append(Step(state, int(counts[STATES.index(state)]), left))
    return Selection(states, sources, total, tuple(steps), sum(short for _, short in done))


def _spans(starts: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Cut the queries into spans of about `_BLOCK` candidates."""
    spans, first, last = [], 0, len(starts) - 1
    while first < last:
        end = max(first + 1, int(np.searchsorted(starts, starts[first] + _BLOCK, side="right")) - 1)
        spans.append((first, min(end, last)))
        first = spans[-1][1]
    return spans


def _part(candidates: Candidates, first: int, last: int, rows: slice) -> Candidates:
    """The candidates of queries `first` to `last` (by place), as views."""
    # By query, so that all places before a row stand before all others: bisecting finds the cut. (numpy's own way
    # would turn the whole array into the needle's type first.)
    cut = slice(bisect_left(candidates.by_bm25, rows.start), bisect_left(candidates.by_bm25, rows.stop))
    columns = {
        field.name: getattr(candidates, field.name)[rows]
        for field in fields(candidates)
        if field.name not in ("queries", "starts", "positive_score", "by_bm25")
    }
    return Candidates(
        queries=candidates.queries[first:last],
        starts=candidates.starts[first : last + 1] - rows.start,
        positive_score=candidates.positive_score[first:last],
        by_bm25=candidates.by_bm25[cut] - np.int32(rows.start),
        **columns,
    )


def _select_block(
    candidates: Candidates, params: SelectParams, reviews: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], int]:
    """States, sources of the chosen ones, and how many queries came out short."""
    states = np.full(len(candidates), _NONE, np.uint8)
    free = np.ones(len(candidates), bool)

    def fall(state: CandidateState, hit: Bools) -> None:
        hit &= free
        np.copyto(states, np.uint8(STATES.index(state)), where=hit)
        np.logical_xor(free, hit, out=free)

    for state, hit in _rules(candidates, params, reviews):
        fall(state, hit)
    windows = _windows(candidates, params, free)
    if params.rank_among == "survivors":
        fall(CandidateState.OUT_OF_RANKS, _outside(candidates, windows, reviews))
    sources, short = _take(candidates, params, reviews, free, windows)
    states[free] = STATES.index(CandidateState.OVER_COUNT)
    states[sources != _NONE] = CHOSEN
    return states, sources, short


def _asked_order(params: SelectParams) -> list[CandidateState]:
    """The rules in the order they are asked, answers left out: ranks among survivors come after the other rules."""
    rules: list[CandidateState] = [
        state for state in STATES if state not in (CandidateState.ANSWER, CandidateState.CHOSEN)
    ]
    if params.rank_among == "survivors":
        rules.remove(CandidateState.OUT_OF_RANKS)
        rules.insert(-1, CandidateState.OUT_OF_RANKS)
    return rules


def chosen_negatives(candidates: Candidates, selection: Selection) -> list[Negative]:
    """The chosen candidates as records: rank in their source (0 without), score and margin of the model."""
    numbers = candidates.query_numbers()
    ranks = {Source.DENSE: candidates.dense_rank, Source.BM25: candidates.bm25_rank}
    found = []
    for row in np.flatnonzero(selection.chosen):
        source = SOURCES[selection.sources[row]]
        found.append(
            Negative(
                int(candidates.queries[numbers[row]]),
                int(candidates.passage_id[row]),
                source,
                int(ranks[source][row]) if source in ranks else 0,
                float(candidates.dense_score[row]),
                float(candidates.margin[row]),
                float(candidates.doubt[row]),
            )
        )
    return found


def _rules(
    candidates: Candidates, params: SelectParams, reviews: NDArray[np.uint8]
) -> Iterator[tuple[CandidateState, Bools]]:
    """Who falls to each rule, whatever the rules before it said."""
    flags = candidates.flags
    yield CandidateState.ANSWER, _has(flags, Flag.ANSWER)
    yield CandidateState.SAME_AS_ANSWER, _has(flags, Flag.SAME_AS_ANSWER)
    judged = (reviews == REVIEW_CODES[Review.LEFT_OUT]) | (reviews == REVIEW_CODES[Review.RELEVANT])
    yield CandidateState.JUDGED, judged
    open_ = reviews != REVIEW_CODES[Review.NEGATIVE]
    if not params.same_document:
        yield CandidateState.SAME_DOCUMENT, _has(flags, Flag.SAME_DOCUMENT) & open_
    if params.rank_among == "raw":
        yield CandidateState.OUT_OF_RANKS, _outside(candidates, _windows(candidates, params, None), reviews)
    yield CandidateState.DOUBTFUL, (candidates.doubt >= params.max_doubt) & open_
    too_close = candidates.margin < params.relative_margin
    if params.absolute_margin > -2:
        lowest = np.repeat(candidates.positive_score, np.diff(candidates.starts))
        too_close |= lowest - candidates.dense_score < params.absolute_margin
    yield CandidateState.TOO_CLOSE, too_close & open_
    yield CandidateState.TOO_HIGH, (candidates.dense_score > params.max_score) & open_
    yield CandidateState.TOO_EASY, (candidates.dense_score < params.min_score) & open_


@dataclass(frozen=True, slots=True)
class _Windows:
    """Which candidates lie in the rank window of the model and of BM25, (n,) bool each."""

    dense: Bools
    bm25: Bools


def _windows(candidates: Candidates, params: SelectParams, free: Bools | None) -> _Windows:
    """The windows over raw ranks, or, where `params` says so, over the ranks among those still `free`."""
    if params.rank_among == "raw" or free is None:
        return _Windows(_in_window(candidates.dense_rank, params), _in_window(candidates.bm25_rank, params))
    number = candidates.query_numbers()
    dense = np.flatnonzero(free & (candidates.dense_rank > 0))
    bm25 = candidates.by_bm25[free[candidates.by_bm25]].astype(np.int64)
    found = []
    for order in (dense, bm25):
        inside = np.zeros(len(candidates), bool)
        inside[order[_in_window(_place_in_group(number[order]) + 1, params)]] = True
        found.append(inside)
    return _Windows(*found)


def _outside(candidates: Candidates, windows: _Windows, reviews: NDArray[np.uint8]) -> Bools:
    spared = _has(candidates.flags, Flag.RANDOM | Flag.IMPORTED) | (reviews == REVIEW_CODES[Review.NEGATIVE])
    outside: Bools = ~(windows.dense | windows.bm25 | spared)
    return outside


def _take(
    candidates: Candidates, params: SelectParams, reviews: NDArray[np.uint8], free: Bools, windows: _Windows
) -> tuple[NDArray[np.uint8], int]:
    """The source each chosen candidate was taken from (255: not chosen), and how many queries came out short."""
    sources = np.full(len(candidates), _NONE, np.uint8)
    number = candidates.query_numbers()
    left = np.full(len(candidates.queries), params.num_negatives, np.int64)

    def take(order: Places, source: NDArray[np.uint8] | int, quota: int) -> None:
        order = order[sources[order] == _NONE]
        taken = order[_place_in_group(number[order]) < np.minimum(left, quota)[number[order]]]
        sources[taken] = source[taken] if isinstance(source, np.ndarray) else source
        left[:] -= np.bincount(number[taken], minlength=len(left))

    accepted = np.flatnonzero(free & (reviews == REVIEW_CODES[Review.NEGATIVE]))
    if len(accepted):
        take(accepted, _own_source(candidates), params.num_negatives)
    orders = _orders(candidates, params, free, windows, number)
    dense, bm25_share, random = _shares(params)
    for source, quota in ((0, dense), (1, bm25_share), (3, random)):
        take(orders[source], source, quota)
    for source in {"rest": (0, 1, 2, 3), "random": (3,), "none": ()}[params.fill]:
        take(orders[source], source, params.num_negatives)
    return sources, int(np.count_nonzero(left > 0))


def _orders(
    candidates: Candidates, params: SelectParams, free: Bools, windows: _Windows, number: NDArray[np.int32]
) -> tuple[Places, ...]:
    """By source: the free candidates it may give, by query, the first ones to take first."""
    brought = (
        np.flatnonzero(free & windows.dense),
        candidates.by_bm25[(free & windows.bm25)[candidates.by_bm25]].astype(np.int64),
        np.flatnonzero(free & _has(candidates.flags, Flag.IMPORTED)),
        np.flatnonzero(free & _has(candidates.flags, Flag.RANDOM)),
    )
    mixed = (params.order == "random", params.order == "random", False, True)
    orders = (
        _shuffled(candidates, number, rows, params.seed) if shuffle else rows
        for rows, shuffle in zip(brought, mixed, strict=True)
    )
    # A pass needs at most as many as are asked for, beyond as many that other passes took before.
    return tuple(order[_place_in_group(number[order]) < 2 * params.num_negatives] for order in orders)


def _shares(params: SelectParams) -> tuple[int, int, int]:
    """How many negatives of a query the model, BM25 and chance bring: rounded shares, the model gets the rest."""
    n = params.num_negatives
    random = min(n, int(n * params.share_random + 0.5))
    bm25 = min(n - random, int(n * params.share_bm25 + 0.5))
    return n - random - bm25, bm25, random


def _own_source(candidates: Candidates) -> NDArray[np.uint8]:
    """The first of `SOURCES` that brought each candidate."""
    brought = [candidates.dense_rank > 0, candidates.bm25_rank > 0, _has(candidates.flags, Flag.IMPORTED)]
    return np.select(brought, [0, 1, 2], default=3).astype(np.uint8)


def _in_window(rank: NDArray[Any], params: SelectParams) -> Bools:
    inside: Bools = (rank >= max(1, params.rank_min)) & (rank <= params.rank_max)
    return inside


def _has(flags: NDArray[np.uint8], flag: Flag) -> Bools:
    found: Bools = (flags & np.uint8(flag)) != 0
    return found


def _place_in_group(group: NDArray[np.int32]) -> Places:
    """For ascending group numbers, the place from 0 of each element within its group."""
    if not len(group):
        return np.zeros(0, np.int64)
    first = np.concatenate([[0], np.flatnonzero(group[1:] != group[:-1]) + 1])
    sizes = np.empty_like(first)
    sizes[:-1] = first[1:] - first[:-1]
    sizes[-1] = len(group) - first[-1]
    places: Places = np.arange(len(group)) - np.repeat(first, sizes)
    return places


def _shuffled(candidates: Candidates, number: NDArray[np.int32], rows: Places, seed: int) -> Places:
    """`rows` by query, within a query in an order that depends on seed, query and passage alone."""
    key = candidates.queries[number[rows]].astype(np.uint64) << np.uint64(32)
    key |= candidates.passage_id[rows].astype(np.uint64)
    # The finaliser of splitmix64 (Steele, Lea, Flood 2014): one step decides over millions of rows at once.
    key += np.uint64((seed * 0x9E3779B97F4A7C15) % 2**64)
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return rows[np.lexsort((key ^ (key >> np.uint64(31)), number[rows]))]

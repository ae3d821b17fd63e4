"""Choose hard negatives among stored candidates: a pure function, so that every move of a slider re-selects."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.params import SelectParams
from engine.records import Negative, Review, Source
from engine.store.candidates import MAX_RANK, REVIEW_CODES, Candidates, Flag, columns_of

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
    GATED = "gated"
    TOO_CLOSE = "too_close"
    TOO_HIGH = "too_high"
    TOO_EASY = "too_easy"
    OVER_COUNT = "over_count"
    CHOSEN = "chosen"


STATES = tuple(CandidateState)
SOURCES = (Source.DENSE, Source.BM25, Source.IMPORTED, Source.RANDOM)
CHOSEN = STATES.index(CandidateState.CHOSEN)
# Both mean that a candidate may be an answer nobody marked; a person looks at both in one walk.
HELD = (CandidateState.DOUBTFUL, CandidateState.GATED)
_NONE = 255
# Candidates at a time: what one block needs stays in the processor's cache, and two threads share the work.
_BLOCK = 1 << 17


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

    @property
    def held(self) -> Bools:
        """Those held back as doubtful, by their doubt or by the reranker's gate, (n,) bool."""
        held: Bools = np.logical_or(*(self.states == STATES.index(state) for state in HELD))
        return held

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

    def work(span: tuple[int, int]) -> tuple[list[int], int]:
        first, last = span
        rows = slice(int(candidates.starts[first]), int(candidates.starts[last]))
        block = states[rows]
        short = _select_block(_part(candidates, first, last, rows), params, reviews[rows], block, sources[rows])
        return [int(np.count_nonzero(block == code)) for code in range(len(STATES))], short

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
        name: column[rows]
        for name, column in columns_of(candidates).items()
        if name not in ("queries", "starts", "positive_score", "by_bm25")
    }
    return Candidates(
        queries=candidates.queries[first:last],
        starts=candidates.starts[first : last + 1] - rows.start,
        positive_score=candidates.positive_score[first:last],
        by_bm25=candidates.by_bm25[cut] - np.int32(rows.start),
        **columns,
    )


def _select_block(
    candidates: Candidates,
    params: SelectParams,
    reviews: NDArray[np.uint8],
    states: NDArray[np.uint8],
    sources: NDArray[np.uint8],
) -> int:
    """Fill in `states` and the `sources` of the chosen ones, both all 255; returns how many queries came out short."""
    raw = _windows(candidates, params) if params.rank_among == "raw" else None
    for state, hit in _rules(candidates, params, reviews, raw):
        _fall(states, state, hit)
    free = states == _NONE
    windows = raw or _survivor_windows(candidates, params, free)
    if raw is None:
        outside = _outside(candidates, windows, reviews)
        outside &= free
        _fall(states, CandidateState.OUT_OF_RANKS, outside)
        free &= ~outside
    taken, short = _take(candidates, params, reviews, free, windows, sources)
    _fall(states, CandidateState.OVER_COUNT, free)
    states[taken] = CHOSEN
    return short


def _fall(states: NDArray[np.uint8], state: CandidateState, hit: Bools) -> None:
    """Give those of `hit` that no rule before took their state: `STATES` stand in the rules' order, the least wins."""
    code = hit.view(np.uint8) - np.uint8(1)  # 0 for a hit, 255 for others
    code |= np.uint8(STATES.index(state))
    np.minimum(states, code, out=states)


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
    candidates: Candidates, params: SelectParams, reviews: NDArray[np.uint8], windows: _Windows | None
) -> Iterator[tuple[CandidateState, Bools]]:
    """Who falls to each rule, whatever the rules before it said; ranks are asked later where `windows` is None."""
    flags = candidates.flags
    yield CandidateState.ANSWER, _has(flags, Flag.ANSWER)
    yield CandidateState.SAME_AS_ANSWER, _has(flags, Flag.SAME_AS_ANSWER)
    judged = (reviews == REVIEW_CODES[Review.LEFT_OUT]) | (reviews == REVIEW_CODES[Review.RELEVANT])
    yield CandidateState.JUDGED, judged
    open_ = reviews != REVIEW_CODES[Review.NEGATIVE]
    if not params.same_document:
        yield CandidateState.SAME_DOCUMENT, _has(flags, Flag.SAME_DOCUMENT) & open_
    if windows is not None:
        yield CandidateState.OUT_OF_RANKS, _outside(candidates, windows, reviews)
    yield CandidateState.DOUBTFUL, (candidates.doubt >= np.float32(params.max_doubt)) & open_
    if params.gate != "off" and candidates.reranked is not None:
        yield CandidateState.GATED, _gated(candidates, params) & open_
    too_close = candidates.margin < np.float32(params.relative_margin)
    if params.absolute_margin > -2:
        lowest = np.repeat(candidates.positive_score, np.diff(candidates.starts))
        too_close |= lowest - candidates.dense_score < np.float32(params.absolute_margin)
    yield CandidateState.TOO_CLOSE, too_close & open_
    if params.max_score < 1:
        yield CandidateState.TOO_HIGH, (candidates.dense_score > np.float32(params.max_score)) & open_
    if params.min_score > -1:
        yield CandidateState.TOO_EASY, (candidates.dense_score < np.float32(params.min_score)) & open_


def _gated(candidates: Candidates, params: SelectParams) -> Bools:
    """Whom the reranker takes for answers; those it did not read are not among them (their score is no number)."""
    score = candidates.reranked
    assert score is not None
    limit: NDArray[np.float32] | np.float32 = np.float32(params.gate_at)
    if params.gate == "share":
        answers = np.flatnonzero(_has(candidates.flags, Flag.ANSWER))
        answers = answers[~np.isnan(score[answers])]
        lowest = np.full(len(candidates.queries), np.inf, np.float32)
        np.minimum.at(lowest, np.searchsorted(candidates.starts, answers, side="right") - 1, score[answers])
        limit = np.repeat(lowest * limit, np.diff(candidates.starts))
    gated: Bools = score >= limit
    return gated


@dataclass(frozen=True, slots=True)
class _Windows:
    """Which candidates lie in the rank window of the model and of BM25, (n,) bool each."""

    dense: Bools
    bm25: Bools


def _windows(candidates: Candidates, params: SelectParams) -> _Windows:
    """The windows over raw ranks."""
    return _Windows(_in_window(candidates.dense_rank, params), _in_window(candidates.bm25_rank, params))


def _survivor_windows(candidates: Candidates, params: SelectParams, free: Bools) -> _Windows:
    """The windows over the ranks among those still `free`."""
    dense = np.flatnonzero(free & (candidates.dense_rank > 0))
    bm25 = candidates.by_bm25[free[candidates.by_bm25]]
    found = []
    for order in (dense, bm25):
        bounds = _bounds(order, candidates.starts)
        rank = np.arange(1, len(order) + 1) - np.repeat(bounds[:-1], np.diff(bounds))
        inside = np.zeros(len(candidates), bool)
        inside[order[(rank >= params.rank_min) & (rank <= params.rank_max)]] = True
        found.append(inside)
    return _Windows(*found)


def _outside(candidates: Candidates, windows: _Windows, reviews: NDArray[np.uint8]) -> Bools:
    inside = windows.dense | windows.bm25
    inside |= _has(candidates.flags, Flag.RANDOM | Flag.IMPORTED)
    inside |= reviews == REVIEW_CODES[Review.NEGATIVE]
    return np.logical_not(inside, out=inside)


def _take(
    candidates: Candidates,
    params: SelectParams,
    reviews: NDArray[np.uint8],
    free: Bools,
    windows: _Windows,
    sources: NDArray[np.uint8],
) -> tuple[Places, int]:
    """Fill in the source of each chosen candidate; returns the chosen and how many queries came out short."""
    left = np.full(len(candidates.queries), params.num_negatives, np.int64)
    chosen: list[Places] = [np.zeros(0, np.int64)]

    def take(order: _Order, source: NDArray[np.uint8] | int, quota: int) -> None:
        open_ = (left[order.number] > 0) & (sources[order.rows] == _NONE)
        rows, number = order.rows[open_], order.number[open_]
        now = _place_in_group(number) < np.minimum(left, quota)[number]
        rows = rows[now]
        sources[rows] = source[rows] if isinstance(source, np.ndarray) else source
        left[:] -= np.bincount(number[now], minlength=len(left))
        chosen.append(rows)

    accepted = np.flatnonzero(free & (reviews == REVIEW_CODES[Review.NEGATIVE]))
    if len(accepted):
        first = _first(accepted, _bounds(accepted, candidates.starts), params.num_negatives)
        take(first, _own_source(candidates), params.num_negatives)
    orders = _orders(candidates, params, free, windows)
    dense, bm25_share, random = _shares(params)
    for source, quota in ((0, dense), (1, bm25_share), (3, random)):
        if quota:
            take(orders[source], source, quota)
    for source in {"rest": (0, 1, 2, 3), "random": (3,), "none": ()}[params.fill]:
        if left.any():
            take(orders[source], source, params.num_negatives)
    return np.concatenate(chosen), int(np.count_nonzero(left > 0))


@dataclass(frozen=True, slots=True)
class _Order:
    """Candidates in the order in which they are taken, by query: their places and their queries' numbers."""

    rows: NDArray[Any]
    number: Places


def _orders(candidates: Candidates, params: SelectParams, free: Bools, windows: _Windows) -> tuple[_Order, ...]:
    """By source: the free candidates it may give, by query, the first ones to take first."""
    starts, by_bm25 = candidates.starts, candidates.by_bm25
    # A pass needs at most as many as are asked for, beyond as many that other passes took before.
    most = 2 * params.num_negatives
    dense = np.flatnonzero(free & windows.dense)
    bm25 = np.flatnonzero((free & windows.bm25).take(by_bm25, mode="clip"))  # clip: a fifth of the time of raise
    imported = np.flatnonzero(free & _has(candidates.flags, Flag.IMPORTED))
    random = _shuffled(candidates, np.flatnonzero(free & _has(candidates.flags, Flag.RANDOM)), params.seed)
    if params.order == "random":
        drawn = [_shuffled(candidates, rows, params.seed) for rows in (dense, by_bm25[bm25])]
        return tuple(_first(rows, _bounds(rows, starts), most) for rows in (*drawn, imported, random))
    found = _first(bm25, _bounds(bm25, _bounds(by_bm25, starts)), most)
    return (
        _first(dense, _bounds(dense, starts), most),
        _Order(by_bm25[found.rows], found.number),
        _first(imported, _bounds(imported, starts), most),
        _first(random, _bounds(random, starts), most),
    )


def _first(rows: NDArray[Any], bounds: Places, most: int) -> _Order:
    """The first `most` of each query among `rows`; those of query i lie at `bounds[i]:bounds[i + 1]`."""
    if not len(rows):
        return _Order(np.zeros(0, np.int64), np.zeros(0, np.int64))
    counts = np.minimum(np.diff(bounds), most)
    number = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(number)) - np.repeat(np.cumsum(counts) - counts, counts)
    return _Order(rows[bounds[number] + place], number)


def _bounds(rows: NDArray[Any], starts: NDArray[np.int64]) -> Places:
    """Where each query's part of `rows` begins, and the end, (q + 1,).

    Within a query `rows` need not ascend: all of one query stand before all of the next, so bisecting finds the cuts.
    """
    return np.searchsorted(rows, starts.astype(rows.dtype, copy=False))


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


def _in_window(rank: NDArray[np.uint16], params: SelectParams) -> Bools:
    low, high = max(1, params.rank_min), min(MAX_RANK, params.rank_max)
    if high < low:
        return np.zeros(len(rank), bool)
    # One comparison for both ends: what lies below the window wraps round to large numbers.
    inside: Bools = rank - np.uint16(low) <= np.uint16(high - low)
    return inside


def _has(flags: NDArray[np.uint8], flag: Flag) -> Bools:
    found: Bools = (flags & np.uint8(flag)) != 0
    return found


def _place_in_group(group: Places) -> Places:
    """For ascending group numbers, the place from 0 of each element within its group."""
    if not len(group):
        return np.zeros(0, np.int64)
    first = np.concatenate([[0], np.flatnonzero(group[1:] != group[:-1]) + 1])
    places: Places = np.arange(len(group)) - np.repeat(first, np.diff(first, append=len(group)))
    return places


def _shuffled(candidates: Candidates, rows: NDArray[Any], seed: int) -> Places:
    """`rows` by query, within a query in an order that depends on seed, query and passage alone."""
    if not len(rows):
        return rows
    bounds = _bounds(rows, candidates.starts)
    number = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    key = candidates.queries[number].astype(np.uint64) << np.uint64(32)
    key |= candidates.passage_id[rows].astype(np.uint64)
    # The finaliser of splitmix64 (Steele, Lea, Flood 2014): one step decides over millions of rows at once.
    key += np.uint64((seed * 0x9E3779B97F4A7C15) % 2**64)
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return rows[np.lexsort((key ^ (key >> np.uint64(31)), number))]

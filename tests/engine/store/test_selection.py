"""Selection keeps its rules: checked against a plain loop over each query's candidates."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.params import SelectParams
from engine.records import Review, Source
from engine.store.candidates import REVIEW_CODES, Candidates, Flag, mark_answers, review_codes
from engine.store.selection import SOURCES, STATES, CandidateState, chosen_negatives, select


def table(rows: list[tuple]) -> Candidates:
    """Candidates from (query, passage, dense rank, BM25 rank, margin, doubt, flags), in their order."""
    rows = sorted(rows, key=lambda r: (r[0], r[2] or 10**6, r[3] or 10**6))
    columns = list(zip(*rows, strict=True)) if rows else [()] * 7
    query, passage, dense, bm25, margin, doubt, flags = columns
    queries, counts = np.unique(np.array(query, np.int32), return_counts=True)
    ranked = [i for i, r in enumerate(rows) if r[3]]
    ranked.sort(key=lambda i: (rows[i][0], rows[i][3]))
    margins = np.array(margin, np.float32)
    return Candidates(
        queries=queries.astype(np.int32),
        starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        positive_score=np.full(len(queries), 0.5, np.float32),
        passage_id=np.array(passage, np.int32),
        bm25_rank=np.array(bm25, np.uint16),
        bm25_score=np.array([20.0 - r if r else 0 for r in bm25], np.float32),
        dense_rank=np.array(dense, np.uint16),
        dense_score=(0.5 - 0.5 * margins).astype(np.float32),
        margin=margins,
        doubt=np.array(doubt, np.float32),
        flags=np.array(flags, np.uint8),
        by_bm25=np.array(ranked, np.int32),
    )


def state_of(candidates: Candidates, selection, passage: int, query: int = 1) -> str:
    rows = candidates.rows_of(query)
    place = int(np.flatnonzero(candidates.passage_id[rows] == passage)[0]) + rows.start
    return STATES[selection.states[place]]


def chosen_of(candidates: Candidates, selection, query: int = 1) -> list[int]:
    return [n.passage_id for n in chosen_negatives(candidates, selection) if n.query_id == query]


DENSE_ONLY = SelectParams(num_negatives=2, share_bm25=0.0)


def test_the_hardest_that_are_safely_below_the_answer_are_chosen():
    candidates = table([(1, 10, 1, 0, -0.1, 0, 0), (1, 11, 2, 0, 0.04, 0, 0)] + [(1, 12 + i, 3 + i, 0, 0.06 + i, 0, 0) for i in range(3)])  # fmt: skip
    selection = select(candidates, DENSE_ONLY)
    assert chosen_of(candidates, selection) == [12, 13]
    assert [state_of(candidates, selection, p) for p in (10, 11, 14)] == ["too_close", "too_close", "over_count"]


def test_a_candidate_exactly_at_the_margin_is_kept():
    candidates = table([(1, 10, 1, 0, 0.05, 0, 0)])
    assert chosen_of(candidates, select(candidates, DENSE_ONLY)) == [10]


@pytest.mark.parametrize("flag", [Flag.ANSWER, Flag.SAME_AS_ANSWER])
@pytest.mark.parametrize("reviewed", [False, True])
def test_an_answer_or_its_equal_is_never_chosen_whatever_the_rules(flag, reviewed):
    candidates = table([(1, 10, 1, 1, 0.9, 0, flag)])
    loose = SelectParams(relative_margin=-9, max_doubt=2, rank_max=65535)
    reviews = np.array([REVIEW_CODES[Review.NEGATIVE] if reviewed else 0], np.uint8)
    assert not select(candidates, loose, reviews).chosen.any()


def test_a_persons_word_counts_more_than_the_rules():
    candidates = table([(1, 10 + i, 1 + i, 0, 0.2 * i - 0.1, 0.9 if i == 0 else 0, 0) for i in range(4)])
    said = {(1, 10): Review.NEGATIVE, (1, 11): Review.LEFT_OUT, (1, 12): Review.RELEVANT, (7, 7): Review.NEGATIVE}
    selection = select(candidates, replace(DENSE_ONLY, rank_min=3), review_codes(candidates, said))
    assert chosen_of(candidates, selection) == [10, 13]
    assert state_of(candidates, selection, 11) == state_of(candidates, selection, 12) == "judged"


def test_doubtful_ones_are_held_back():
    candidates = table([(1, 10, 1, 0, 0.2, 0.7, 0), (1, 11, 2, 0, 0.2, 0.2, 0)])
    selection = select(candidates, DENSE_ONLY)
    assert (state_of(candidates, selection, 10), chosen_of(candidates, selection)) == ("doubtful", [11])


def test_passages_of_the_answers_document_are_left_out_when_asked():
    candidates = table([(1, 10, 1, 0, 0.2, 0, Flag.SAME_DOCUMENT)])
    assert chosen_of(candidates, select(candidates, DENSE_ONLY)) == [10]
    selection = select(candidates, replace(DENSE_ONLY, same_document=False))
    assert state_of(candidates, selection, 10) == "same_document"


def test_the_window_counts_either_rank_and_spares_random_ones():
    rows = [(1, 10, 1, 0, 0.2, 0, 0), (1, 11, 9, 3, 0.2, 0, 0), (1, 12, 9, 9, 0.2, 0, 0), (1, 13, 0, 0, 0.8, 0, Flag.RANDOM)]  # fmt: skip
    candidates = table(rows)
    selection = select(candidates, replace(DENSE_ONLY, rank_min=2, rank_max=5))
    assert [state_of(candidates, selection, p) for p in (10, 11, 12, 13)] == ["out_of_ranks", "chosen", "out_of_ranks", "chosen"]  # fmt: skip


def test_score_limits_say_which_one():
    candidates = table([(1, 10, 1, 0, 0.2, 0, 0), (1, 11, 2, 0, 0.9, 0, 0)])
    selection = select(candidates, replace(DENSE_ONLY, max_score=0.3, min_score=0.1))
    assert [state_of(candidates, selection, p) for p in (10, 11)] == ["too_high", "too_easy"]


def test_the_shares_are_kept_and_each_negative_knows_its_source():
    rows = [(1, 10 + i, 1 + i, 0, 0.2, 0, 0) for i in range(20)]
    rows += [(1, 50 + i, 0, 20 - i, 0.3, 0, 0) for i in range(20)]
    rows += [(1, 90 + i, 0, 0, 0.9, 0, Flag.RANDOM) for i in range(20)]
    candidates = table(rows)
    params = SelectParams(num_negatives=10, share_bm25=0.3, share_random=0.2)
    selection = select(candidates, params)
    found = {(n.source, n.rank) for n in chosen_negatives(candidates, selection)}
    assert {(Source.DENSE, r) for r in range(1, 6)} | {(Source.BM25, r) for r in (1, 2, 3)} | {
        (Source.RANDOM, 0)
    } == found
    assert selection.by_source() == {"dense": 5, "bm25": 3, "random": 2}


def test_what_one_source_cannot_bring_is_filled_from_the_others():
    candidates = table([(1, 10, 1, 0, 0.2, 0, 0), (1, 11, 0, 1, 0.2, 0, 0), (1, 12, 0, 2, 0.2, 0, 0)])
    selection = select(candidates, SelectParams(num_negatives=4, share_bm25=0.25))
    assert sorted(chosen_of(candidates, selection)) == [10, 11, 12]
    assert selection.short == 1


def test_random_ones_depend_on_the_seed_alone():
    rows = [(q, 10 + i, 0, 0, 0.9, 0, Flag.RANDOM) for q in (1, 2) for i in range(50)]
    candidates, shuffled = table(rows), table(rows[::-1])
    params = SelectParams(num_negatives=5, share_random=1.0)
    first = chosen_of(candidates, select(candidates, params))
    assert sorted(first) == sorted(chosen_of(shuffled, select(shuffled, params)))
    assert sorted(first) != sorted(chosen_of(candidates, select(candidates, replace(params, seed=14))))
    assert sorted(first) != sorted(chosen_of(candidates, select(candidates, params), query=2))


def test_no_candidates_give_no_negatives():
    selection = select(table([]), SelectParams())
    assert (selection.candidates, selection.chosen.sum(), selection.short) == (0, 0, 0)


def test_what_became_an_answer_since_is_flagged_and_what_is_none_any_more_is_freed():
    candidates = table([(1, 10, 1, 0, 0.2, 0, Flag.ANSWER | Flag.SAME_DOCUMENT), (1, 11, 2, 0, 0.2, 0, 0)])
    marked = mark_answers(candidates, {1: {11: 1}, 5: {3: 1}})
    assert marked.flags.tolist() == [Flag.SAME_DOCUMENT, Flag.ANSWER]


def plain(candidates: Candidates, params: SelectParams, reviews) -> dict[int, set[int]]:
    """Selection of one query after the other, written as the rules read."""
    chosen: dict[int, set[int]] = {}
    n_random = min(params.num_negatives, int(params.num_negatives * params.share_random + 0.5))
    n_bm25 = min(params.num_negatives - n_random, int(params.num_negatives * params.share_bm25 + 0.5))
    for i, query in enumerate(candidates.queries):
        open_, first = [], []
        for row in range(candidates.starts[i], candidates.starts[i + 1]):
            flags, review = candidates.flags[row], reviews[row]
            window = [params.rank_min <= r[row] <= params.rank_max and r[row] > 0 for r in (candidates.dense_rank, candidates.bm25_rank)]  # fmt: skip
            if flags & (Flag.ANSWER | Flag.SAME_AS_ANSWER) or review in (2, 3):
                continue
            if review == 1:
                first.append(row)
            elif (
                (any(window) or flags & (Flag.RANDOM | Flag.IMPORTED))
                and candidates.doubt[row] < np.float32(params.max_doubt)
                and candidates.margin[row] >= np.float32(params.relative_margin)
                and (params.same_document or not flags & Flag.SAME_DOCUMENT)
            ):
                open_.append(row)
        taken = first[: params.num_negatives]
        in_window = lambda rank, row: params.rank_min <= rank[row] <= params.rank_max and rank[row] > 0  # noqa: E731
        everything = sorted(open_ + first)
        dense = [r for r in everything if in_window(candidates.dense_rank, r)]
        bm25 = sorted((r for r in everything if in_window(candidates.bm25_rank, r)), key=lambda r: candidates.bm25_rank[r])  # fmt: skip
        for order, quota in (
            (dense, params.num_negatives - n_bm25 - n_random),
            (bm25, n_bm25),
            (dense, 99),
            (bm25, 99),
        ):
            for row in order:
                if quota and row not in taken and len(taken) < params.num_negatives:
                    taken.append(row)
                    quota -= 1
        chosen[int(query)] = {int(candidates.passage_id[r]) for r in taken}
    return chosen


@st.composite
def tables(draw):
    rows = []
    for query in range(1, draw(st.integers(1, 4)) + 1):
        n = draw(st.integers(1, 12))
        dense = draw(st.permutations(range(1, n + 1)))
        bm25 = draw(st.permutations(range(1, n + 1)))
        for i in range(n):
            source = draw(st.sampled_from(["dense", "bm25", "both"]))
            margin = draw(st.sampled_from([-0.1, 0.0, 0.05, 0.1, 0.5]))
            flags = draw(st.sampled_from([0, 0, 0, Flag.ANSWER, Flag.SAME_AS_ANSWER, Flag.SAME_DOCUMENT]))
            ranks = (dense[i] if source != "bm25" else 0, bm25[i] if source != "dense" else 0)
            rows.append((query, 10 + i, *ranks, margin, draw(st.sampled_from([0.0, 0.5, 0.9])), flags))
    return table(rows)


@given(
    tables(),
    st.builds(
        SelectParams,
        num_negatives=st.integers(0, 6),
        rank_min=st.integers(1, 4),
        rank_max=st.integers(3, 12),
        share_bm25=st.sampled_from([0.0, 0.3, 0.5, 1.0]),
        same_document=st.booleans(),
        relative_margin=st.sampled_from([-1.0, 0.0, 0.05]),
    ),
    st.data(),
)
@settings(deadline=None, max_examples=200)
def test_selection_equals_a_plain_loop_and_its_counts_add_up(candidates, params, data):
    reviews = np.array(data.draw(st.lists(st.sampled_from([0, 0, 0, 1, 2, 3]), min_size=len(candidates), max_size=len(candidates))), np.uint8)  # fmt: skip
    selection = select(candidates, params, reviews)
    expected = plain(candidates, params, reviews)
    for query in candidates.queries:
        assert set(chosen_of(candidates, selection, int(query))) == expected[int(query)]
    assert selection.candidates - sum(step.removed for step in selection.waterfall) == selection.chosen.sum()
    assert selection.waterfall[-1].left == selection.chosen.sum() == sum(selection.by_source().values())
    assert selection.count(CandidateState.ANSWER) == len(candidates) - selection.candidates
    assert selection.short == sum(len(v) < params.num_negatives for v in expected.values())
    assert len(SOURCES) == len(Source)


def test_a_million_candidates_are_selected_again_in_a_blink():
    n_queries, depth = 5_000, 200
    rng = np.random.default_rng(1)
    rank = np.tile(np.arange(1, depth + 1, dtype=np.uint16), n_queries)
    bm25 = np.concatenate([rng.permutation(depth) + 1 for _ in range(n_queries)]).astype(np.uint16)
    number = np.repeat(np.arange(n_queries), depth)
    score = rng.random(n_queries * depth, dtype=np.float32)
    candidates = Candidates(
        np.arange(n_queries, dtype=np.int32),
        np.arange(0, n_queries * depth + 1, depth, dtype=np.int64),
        np.full(n_queries, 0.9, np.float32),
        np.arange(n_queries * depth, dtype=np.int32),
        bm25, score, rank, score, score - 0.2, score * 0.7, np.zeros(n_queries * depth, np.uint8),
        np.lexsort((bm25, number)).astype(np.int32),
    )  # fmt: skip
    started = time.perf_counter()
    assert select(candidates, SelectParams()).chosen.sum() == 3 * n_queries
    assert time.perf_counter() - started < 1.0


def test_ranks_among_survivors_leave_out_what_other_rules_took():
    rows = [(1, 10 + i, 1 + i, 0, 0.0 if i < 2 else 0.2, 0, Flag.ANSWER if i == 0 else 0) for i in range(5)]
    candidates = table(rows)
    window = replace(DENSE_ONLY, num_negatives=1, rank_min=2, rank_max=3)
    assert chosen_of(candidates, select(candidates, window)) == [12]
    among = select(candidates, replace(window, rank_among="survivors"))
    assert chosen_of(candidates, among) == [13]
    assert [state_of(candidates, among, p) for p in (11, 12, 14)] == ["too_close", "out_of_ranks", "over_count"]
    assert among.waterfall[-2].state is CandidateState.OUT_OF_RANKS
    assert [step.left for step in among.waterfall] == sorted((s.left for s in among.waterfall), reverse=True)


def test_survivors_are_counted_as_sentence_transformers_counts():
    """Its rule, read from `mine_hard_negatives`: what margins forbid goes first, then places range_min to range_max."""
    rng = np.random.default_rng(4)
    margins = np.sort(rng.uniform(-0.1, 0.4, 30)).astype(np.float32)
    candidates = table([(1, 10 + i, 1 + i, 0, float(m), 0, 0) for i, m in enumerate(margins)])
    survivors = [10 + i for i, m in enumerate(margins) if m >= np.float32(0.05)]
    params = SelectParams(num_negatives=50, share_bm25=0, rank_among="survivors", rank_min=4, rank_max=9)
    assert sorted(chosen_of(candidates, select(candidates, params))) == survivors[3:9]


def test_an_absolute_margin_counts_from_the_lowest_answers_score():
    candidates = table([(1, 10, 1, 0, 0.1, 0, 0), (1, 11, 2, 0, 0.4, 0, 0)])  # scores 0.45 and 0.3, the answer's 0.5
    selection = select(candidates, replace(DENSE_ONLY, absolute_margin=0.1))
    assert [state_of(candidates, selection, p) for p in (10, 11)] == ["too_close", "chosen"]


def test_a_random_order_draws_from_the_whole_window_by_seed():
    candidates = table([(1, 10 + i, 1 + i, 0, 0.2, 0, 0) for i in range(100)])
    drawn = [chosen_of(candidates, select(candidates, replace(DENSE_ONLY, order="random", seed=s))) for s in range(9)]
    assert drawn[0] == chosen_of(candidates, select(candidates, replace(DENSE_ONLY, order="random", seed=0)))
    assert max(passage for row in drawn for passage in row) > 40
    assert len({tuple(sorted(row)) for row in drawn}) > 5


@pytest.mark.parametrize(("fill", "expected"), [("rest", [10, 11, 12]), ("none", [10, 11]), ("random", [10, 11, 13])])
def test_what_a_source_cannot_bring_is_filled_as_asked(fill, expected):
    rows = [(1, 10, 1, 0, 0.2, 0, 0), (1, 12, 2, 0, 0.2, 0, 0), (1, 11, 0, 1, 0.2, 0, 0), (1, 13, 0, 0, 0.9, 0, Flag.RANDOM)]  # fmt: skip
    candidates = table(rows)
    # Two of BM25 and one of the model are asked for; BM25 has but one.
    selection = select(candidates, SelectParams(num_negatives=3, share_bm25=0.67, fill=fill))
    assert sorted(chosen_of(candidates, selection)) == expected
    assert selection.short == int(fill == "none")


@given(tables(), st.sampled_from(["raw", "survivors"]), st.sampled_from(["top", "random"]), st.integers(1, 3))
@settings(deadline=None, max_examples=60)
def test_the_same_is_chosen_however_the_work_is_cut(candidates, among, order, block):
    params = SelectParams(num_negatives=2, rank_among=among, order=order, rank_max=4, relative_margin=0)
    whole = select(candidates, params)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.store.selection._BLOCK", block)
        cut = select(candidates, params)
    np.testing.assert_array_equal(whole.states, cut.states)
    np.testing.assert_array_equal(whole.sources, cut.sources)
    assert (whole.waterfall, whole.short) == (cut.waterfall, cut.short)

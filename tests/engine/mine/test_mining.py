"""Mining on small projects, with vectors of words in place of a model."""

from __future__ import annotations

import re
import tracemalloc

import numpy as np
import pytest
import rank_bm25

from engine.errors import Cancelled, UserError
from engine.mine import blocks, gathering, mining
from engine.mine.bm25 import BM25Index
from engine.mine.equality import Equality
from engine.mine.gathering import Found, Known, Space, gather
from engine.mine.mining import mine, reselect
from engine.params import MineParams, SelectParams
from engine.records import Review, Source, Split
from engine.store import documents, negatives, queries
from engine.store.candidates import Flag, columns_of, read_candidates
from engine.task import Task
from tests.engine.mine.projects import add_passages, add_queries, bag_vectors, judge, new_project

TOPICS = ["kettle", "teapot", "grinder", "toaster", "oven", "fridge", "mixer", "juicer"]
SELECT = SelectParams(num_negatives=3, max_doubt=2, relative_margin=-99)


@pytest.fixture
def project(tmp_path, monkeypatch):
    def vectors(project, model, asked, texts, task):
        return bag_vectors(asked), bag_vectors(texts)

    monkeypatch.setattr(mining, "_vectors", vectors)
    with new_project(tmp_path / "p") as project:
        yield project


@pytest.fixture
def kitchen(project):
    """Eight cleaning guides, one near miss for each, and a question on each guide."""
    guides = add_passages(
        project, [f"To clean the {t} use warm vinegar and rinse it twice with {t} water" for t in TOPICS]
    )
    misses = add_passages(project, [f"The {t} guarantee lasts two years from the day of the sale" for t in TOPICS])
    asked = add_queries(project, [f"How do I clean my {t}?" for t in TOPICS], split=Split.TRAIN)
    judge(project, *((q, p, 1) for q, p in zip(asked, guides, strict=True)))
    return asked, guides, misses


def run(project, **changes):
    return mine(project, MineParams(**{"depth": 10, "select": SELECT, **changes}), Task())


def test_every_training_query_gets_negatives_that_are_no_answers(project, kitchen):
    asked, guides, _ = kitchen
    summary = run(project)
    assert (summary.queries, summary.negatives, summary.short) == (8, 24, 0)
    rows = negatives.negatives(project, summary.mining)
    assert {row.query_id for row in rows} == set(asked)
    assert not {(q, p) for q, p in zip(asked, guides, strict=True)} & {(r.query_id, r.passage_id) for r in rows}
    assert sum(summary.by_source.values()) == 24
    assert negatives.newest_mining(project).counts["negatives"] == 24


def test_scores_and_margins_are_those_of_the_vectors(project, kitchen):
    asked, _, misses = kitchen
    candidates = read_candidates(project, run(project).mining, check=True)
    rows = candidates.rows_of(asked[0])
    place = rows.start + int(np.flatnonzero(candidates.passage_id[rows] == misses[0])[0])
    query = bag_vectors([f"How do I clean my {TOPICS[0]}?"])[0]
    texts = [f"To clean the {TOPICS[0]} use warm vinegar and rinse it twice with {TOPICS[0]} water",
             f"The {TOPICS[0]} guarantee lasts two years from the day of the sale"]  # fmt: skip
    answer, miss = (float(query @ vector) for vector in bag_vectors(texts))
    assert candidates.dense_score[place] == pytest.approx(miss, abs=2e-6)
    assert candidates.margin[place] == pytest.approx((answer - miss) / answer, abs=1e-5)
    ranked = candidates.dense_rank[rows][candidates.dense_rank[rows] > 0]
    assert ranked.tolist() == list(range(1, 11))


@pytest.mark.parametrize("copy", [
    "To clean the kettle, use warm vinegar — and rinse it twice with KETTLE water!",
    "To clean the kettle use warm vinegar and rinse it twice again with kettle water",
])  # fmt: skip
def test_a_near_copy_of_an_answer_is_never_a_negative(project, kitchen, copy):
    asked, *_ = kitchen
    (copied,) = add_passages(project, [copy])
    for sources in (("bm25",), ("dense",), ("bm25", "dense", "random")):
        summary = run(project, sources=sources, depth=24, select=SelectParams(num_negatives=30, max_doubt=2, relative_margin=-9, rank_max=999))  # fmt: skip
        assert (asked[0], copied) not in {
            (n.query_id, n.passage_id) for n in negatives.negatives(project, summary.mining)
        }
    candidates = read_candidates(project, summary.mining)
    rows = candidates.rows_of(asked[0])
    assert candidates.flags[rows][candidates.passage_id[rows] == copied][0] & Flag.SAME_AS_ANSWER


def test_the_answers_of_a_duplicate_query_are_answers_too(project, kitchen):
    asked, *_ = kitchen
    more = add_passages(project, ["Boil citric acid in the kettle", "Scale of my kettle dissolves in lemon juice"])
    merged, repeated = add_queries(project, ["how to get a kettle clean", "how do i clean my kettle"])
    queries.merge_query(project, merged, asked[0])
    judge(project, (merged, more[0], 1), (repeated, more[1], 2))
    summary = run(project)
    found = {n.passage_id for n in negatives.negatives_of(project, summary.mining, asked[0])}
    assert found
    assert not found & set(more)


def test_a_persons_word_is_kept_when_mining_again(project, kitchen):
    asked, guides, misses = kitchen
    queries.put_review(project, asked[0], guides[1], Review.RELEVANT)
    queries.put_review(project, asked[0], guides[2], Review.LEFT_OUT)
    queries.put_review(project, asked[0], misses[0], Review.NEGATIVE)
    summary = run(project, select=SelectParams(num_negatives=1, relative_margin=0.5))
    assert [n.passage_id for n in negatives.negatives_of(project, summary.mining, asked[0])] == [misses[0]]
    summary = run(project, depth=16, select=SelectParams(num_negatives=30, max_doubt=2, relative_margin=-9))
    found = {n.passage_id for n in negatives.negatives_of(project, summary.mining, asked[0])}
    assert misses[0] in found
    assert not found & {guides[1], guides[2]}


def test_random_negatives_are_the_same_in_every_run(project, kitchen):
    params = {"sources": ("random",), "select": SelectParams(num_negatives=2, share_random=1.0, max_doubt=2)}
    runs = [negatives.negatives(project, run(project, **params).mining) for _ in range(2)]
    assert runs[0] == runs[1]
    assert {n.source for n in runs[0]} == {Source.RANDOM}


def test_doubtful_ones_are_counted_and_held_back(project, kitchen):
    strict, loose = run(project, select=SelectParams(max_doubt=0.0)), run(project)
    assert strict.negatives == 0
    assert strict.doubtful > loose.doubtful == 0


def test_passages_of_the_answers_document_are_known_as_such(project):
    pages = add_passages(project, ["the red kettle boils", "the kettle is red", "kettle and fire"], file="kettles.txt")
    (other,) = add_passages(project, ["red kettle of another book"])
    (asked,) = add_queries(project, ["red kettle boils"], split=Split.TRAIN)
    judge(project, (asked, pages[0], 1))
    summary = run(project, select=SelectParams(same_document=False, max_doubt=2, relative_margin=-9))
    assert [n.passage_id for n in negatives.negatives(project, summary.mining)] == [other]


def test_choosing_again_reads_the_stored_candidates(project, kitchen):
    summary = run(project)
    counts = reselect(project, summary.mining, SelectParams(num_negatives=1, max_doubt=2, relative_margin=-9))
    assert counts["negatives"] == negatives.count_negatives(project, summary.mining) == 8
    assert negatives.mining(project, summary.mining).params["select"]["num_negatives"] == 1


def test_choosing_again_takes_no_answer_of_a_repeated_query_for_a_negative(project, kitchen):
    asked, *_ = kitchen
    (other,) = add_passages(project, ["Scale of my kettle dissolves in lemon juice"])
    (repeated,) = add_queries(project, ["how do i clean my kettle"])
    judge(project, (repeated, other, 1))
    everything = SelectParams(num_negatives=30, max_doubt=2, relative_margin=-99)
    mining_id = run(project, select=everything).mining
    chosen = negatives.kept_pairs(project, mining_id).tolist()
    reselect(project, mining_id, everything)
    assert (asked[0] << 32) + other not in chosen
    assert negatives.kept_pairs(project, mining_id).tolist() == chosen


def test_choosing_again_takes_no_copy_of_what_became_an_answer_for_a_negative(project, kitchen):
    asked, *_ = kitchen
    answer, copy = add_passages(project, ["Scale of my kettle dissolves in lemon juice"] * 2)
    everything = SelectParams(num_negatives=30, max_doubt=2, relative_margin=-99)
    mining_id = run(project, select=everything).mining
    queries.put_review(project, asked[0], answer, Review.RELEVANT)
    reselect(project, mining_id, everything)
    left = {n.passage_id for n in negatives.negatives(project, mining_id) if n.query_id == asked[0]}
    assert left.isdisjoint({answer, copy})


class StopAfter(Task):
    """Cancels once so many queries are mined; keeps what was warned of."""

    def __init__(self, queries: int) -> None:
        super().__init__()
        self.queries, self.warnings = queries, []

    def on_progress(self, stage, done, total, note):
        if stage == "mine candidates" and done >= self.queries:
            self.cancel()

    def on_warning(self, message):
        self.warnings.append(message)


def test_cancelled_mining_shows_nothing_and_goes_on_where_it_was(project, kitchen, monkeypatch):
    monkeypatch.setattr(blocks, "QUERIES", 3)
    with pytest.raises(Cancelled):
        mine(project, MineParams(select=SELECT), StopAfter(6))
    assert negatives.minings(project) == []
    assert negatives.newest_mining(project) is None
    asked = []
    kept = mining.gather
    monkeypatch.setattr(mining, "gather", lambda known, *rest: asked.append(len(known)) or kept(known, *rest))
    task = StopAfter(99)
    summary = mine(project, MineParams(select=SELECT), task)
    assert asked == [2]  # of eight queries in blocks of three, two blocks lay there
    assert any("ended before" in message for message in task.warnings)
    assert [path.name for path in (project.path / "minings").iterdir()] == [str(summary.mining)]


def test_mining_in_blocks_brings_what_mining_at_once_brings(project, kitchen, monkeypatch):
    whole = read_candidates(project, run(project).mining)
    monkeypatch.setattr(blocks, "QUERIES", 3)
    cut = read_candidates(project, run(project).mining)
    for name, column in columns_of(whole).items():
        np.testing.assert_allclose(getattr(cut, name), column, atol=2e-6)


def test_blocks_of_other_answers_are_not_gone_on_with(project, kitchen, monkeypatch):
    monkeypatch.setattr(blocks, "QUERIES", 3)
    with pytest.raises(Cancelled):
        mine(project, MineParams(select=SELECT), StopAfter(6))
    asked, _, misses = kitchen
    judge(project, (asked[0], misses[0], 1))
    summary = run(project)
    rows = {(r.query_id, r.passage_id) for r in negatives.negatives(project, summary.mining)}
    assert (asked[0], misses[0]) not in rows
    assert len(list((project.path / "minings").iterdir())) == 1


def test_words_are_indexed_once_for_the_same_texts(project, kitchen, monkeypatch):
    run(project)
    kept = read_candidates(project, run(project).mining)
    monkeypatch.setattr(BM25Index, "build", None)
    again = read_candidates(project, run(project).mining)
    np.testing.assert_array_equal(again.bm25_score, kept.bm25_score)


def test_other_texts_are_indexed_anew_and_the_old_index_goes(project, kitchen):
    run(project)
    before = [path.name for path in (project.path / "indexes").glob("bm25-*")]
    add_passages(project, ["A samovar is no kettle"])
    run(project)
    after = [path.name for path in (project.path / "indexes").glob("bm25-*")]
    assert len(before) == len(after) == 1
    assert before != after


def test_a_damaged_index_is_made_again_with_a_word(project, kitchen):
    run(project)
    (folder,) = (project.path / "indexes").glob("bm25-*")
    (folder / "words.npy").unlink()
    task = StopAfter(99)
    mine(project, MineParams(depth=10, select=SELECT), task)
    assert any("indexed again" in message for message in task.warnings)


def test_turnover_counts_what_the_mining_before_did_not_have(project, kitchen):
    first = run(project, select=SelectParams(num_negatives=1, max_doubt=2, relative_margin=-99, share_bm25=0))
    second = run(project, select=SelectParams(num_negatives=2, max_doubt=2, relative_margin=-99, share_bm25=0))
    assert negatives.mining(project, first.mining).counts["new"] is None
    assert negatives.mining(project, second.mining).counts["new"] == 8


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda _: None, "not split yet"),
        (lambda p: add_queries(p, ["tea?"], split=Split.TEST), "No query is in the training part"),
        (lambda p: add_queries(p, ["tea?"], split=Split.TRAIN), "No training query has a right passage"),
    ],
)
def test_what_is_missing_is_said_with_the_way_out(project, prepare, message):
    prepare(project)
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        mine(project, MineParams(), Task())
    assert caught.value.hint


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"num_negatives": 0}, "0 negatives for each query"),
        ({"rank_min": 50, "rank_max": 10}, "No rank lies from 50 to 10"),
        ({"rank_min": 0}, "No rank lies from 0"),
        ({"min_score": 0.5, "max_score": 0.2}, "No score lies from 0.5 to 0.2"),
        ({"share_bm25": 2}, "A share of 2"),
        ({"share_random": -1}, "A share of -1"),
    ],
)
def test_rules_that_leave_nothing_are_refused_before_any_work(project, kitchen, rules, message):
    with pytest.raises(UserError, match=re.escape(message)):
        run(project, select=SelectParams(**rules))
    mining_id = run(project).mining
    with pytest.raises(UserError, match=re.escape(message)):
        reselect(project, mining_id, SelectParams(**rules))


def test_a_share_of_a_source_that_is_not_asked_is_refused(project):
    with pytest.raises(UserError, match=r"0.5 cannot come from random.*Name it among the sources: bm25,random"):
        mine(project, MineParams(sources=("bm25",), select=SelectParams(share_random=0.5)), Task())


def test_a_depth_of_nothing_is_refused(project):
    with pytest.raises(UserError, match="depth of 0"):
        mine(project, MineParams(depth=0), Task())


@pytest.mark.parametrize("variant", ["okapi", "l", "plus"])
def test_candidates_have_the_scores_of_the_variant_of_rank_bm25_that_was_asked_for(project, kitchen, variant):
    asked, _, _ = kitchen
    mined = read_candidates(project, run(project, bm25=variant, sources=("bm25",)).mining)
    corpus, known = documents.corpus(project), BM25Index.build(documents.corpus(project).texts)
    oracle = {"okapi": rank_bm25.BM25Okapi, "l": rank_bm25.BM25L, "plus": rank_bm25.BM25Plus}[variant](
        [known.tokens(text) for text in corpus.texts]
    )
    rows = mined.rows_of(asked[0])
    brought = mined.bm25_rank[rows] > 0
    places = np.searchsorted(corpus.ids, mined.passage_id[rows][brought])
    expected = oracle.get_scores(known.tokens(f"How do I clean my {TOPICS[0]}?"))[places]
    assert len(places) > 5
    np.testing.assert_allclose(mined.bm25_score[rows][brought], expected, atol=1e-5)


def test_blocks_of_another_variant_are_not_taken_over(project, kitchen, monkeypatch):
    def fail(*_):
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(blocks, "join_candidates", fail)
        with pytest.raises(RuntimeError):
            run(project, bm25="plus")
    mined = read_candidates(project, run(project, bm25="okapi", sources=("bm25", "dense")).mining)
    fresh = read_candidates(project, run(project, bm25="okapi", sources=("bm25", "dense")).mining)
    np.testing.assert_array_equal(mined.bm25_score, fresh.bm25_score)


def many_answers():
    """32 queries with 100 answers each among 200 candidates."""
    texts = [f"note {number} on kettles" for number in range(200)]
    vectors, ids, none = bag_vectors(texts), np.arange(200), np.zeros(0, np.int64)
    known = [Known(query, ids[query : query + 100], none, none) for query in range(32)]
    found = {"random": Found(np.tile(ids.astype(np.int32), (32, 1)), np.zeros((32, 200), np.float32))}
    return known, found, Space(ids, ids, vectors, vectors[:32], Equality(texts, BM25Index.build(texts))), Task()


def test_a_hundred_answers_to_each_query_do_not_fill_the_memory():
    asked = many_answers()
    tracemalloc.start()
    gather(*asked)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 500_000_000  # all pairs of candidate and answer at once take 1.3 GB


def test_candidates_do_not_depend_on_how_many_pairs_are_compared_at_a_time(monkeypatch):
    whole = columns_of(gather(*many_answers()))
    monkeypatch.setattr(gathering, "_PAIRS", 730)
    for name, column in columns_of(gather(*many_answers())).items():
        assert np.array_equal(column, whole[name])

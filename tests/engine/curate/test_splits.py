"""Splits hold together what belongs together, and leaks that are planted are found."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.curate.splits import SAME_DOCUMENT, SHARED_ANSWER, Asked, assign, leaks_of, split
from engine.errors import UserError
from engine.params import SplitParams
from engine.records import Split
from engine.store import queries
from engine.task import Task
from tests.engine.mine.projects import add_passages, add_queries, judge, new_project
from tests.growth import calls

TRAIN, DEV, TEST = Split.TRAIN, Split.DEV, Split.TEST


class Warnings(Task):
    def __init__(self):
        super().__init__()
        self.said = []

    def on_warning(self, message):
        self.said.append(message)


def ask(number: int, text: str = "", *, answers=(), files=(), official=None, also=(), pairs=()) -> Asked:
    return Asked(
        number, (text or f"question {number} on thing {number}", *also), frozenset(answers or {1000 + number}),
        frozenset(files), official, frozenset(pairs),
    )  # fmt: skip


def test_shares_are_met_and_capped():
    asked = [ask(i) for i in range(1000)]
    places, dropped = assign(asked, SplitParams(dev_share=0.1, test_share=0.2))
    assert Counter(places.values()) == {TRAIN: 700, DEV: 100, TEST: 200}
    assert dropped == ()
    places, _ = assign(asked, SplitParams(max_dev=10, max_test=20))
    assert Counter(places.values()) == {TRAIN: 970, DEV: 10, TEST: 20}


@st.composite
def tangles(draw):
    n = draw(st.integers(30, 120))
    rng = random.Random(draw(st.integers(0, 10**6)))
    size = draw(st.sampled_from([2, 3, 5]))
    near = [(i - 1, i) for i in range(1, n) if rng.random() < 0.1]
    asked = []
    for i in range(n):
        text = f"question {i}" if rng.random() < 0.8 else f"Question {max(0, i - 1)}?"
        files = [i // (2 * size)] if rng.random() < 0.5 else []
        asked.append(ask(i, text, answers=[i // size], files=files, pairs=[pair for pair in near if i in pair]))
    return asked


@given(tangles(), st.integers(0, 5))
@settings(deadline=None, max_examples=100)
def test_nothing_leaks_but_what_a_stated_rule_given_up_allows(asked, seed):
    places, dropped = assign(asked, SplitParams(seed=seed))
    leaks = leaks_of(asked, places, {pair for query in asked for pair in query.pairs})
    assert leaks.texts == leaks.duplicates == 0
    assert leaks.answers == 0 or SHARED_ANSWER in dropped
    assert leaks.documents == 0 or SAME_DOCUMENT in dropped
    assert set(places) == {query.id for query in asked}


def test_the_order_of_queries_does_not_matter_and_the_seed_does():
    asked = [ask(i, answers=[i // 3]) for i in range(100)]
    shuffled = asked[:]
    random.Random(3).shuffle(shuffled)
    assert assign(asked, SplitParams()) == assign(shuffled, SplitParams())
    assert assign(asked, SplitParams()) != assign(asked, SplitParams(seed=14))


def test_one_large_document_gives_up_the_document_rule_only():
    asked = [ask(i, answers=[i // 2], files=[7]) for i in range(200)]
    places, dropped = assign(asked, SplitParams())
    assert dropped == (SAME_DOCUMENT,)
    assert leaks_of(asked, places).answers == 0
    assert Counter(places.values())[TEST] >= 32


def test_few_answers_with_very_many_queries_give_up_the_answer_rule_too():
    asked = [ask(i, answers=[i % 3], also=[f"the same as {i}"]) for i in range(300)]
    places, dropped = assign(asked, SplitParams())
    assert dropped == (SAME_DOCUMENT, SHARED_ANSWER)
    assert Counter(places.values()) == {TRAIN: 210, DEV: 30, TEST: 60}


def test_a_large_group_among_small_ones_goes_to_train_and_no_rule_is_given_up():
    asked = [ask(i, files=[1] if i < 50 else [i]) for i in range(100)]
    places, dropped = assign(asked, SplitParams())
    assert dropped == ()
    assert {places[i] for i in range(50)} == {TRAIN}


def test_planted_leaks_are_counted():
    asked = [
        ask(1, "a", answers=[1], files=[5]),
        ask(2, "A!", answers=[1], files=[5]),
        ask(3, "c", answers=[3]),
        ask(4, "d"),
    ]
    leaks = leaks_of(asked, {1: TRAIN, 2: TEST, 3: TRAIN, 4: DEV}, [(3, 4), (1, 3), (4, 99)])
    assert (leaks.texts, leaks.duplicates, leaks.answers, leaks.documents) == (1, 1, 1, 1)


def test_official_splits_are_kept():
    official = [TRAIN] * 60 + [DEV] * 20 + [TEST] * 20
    asked = [ask(i, official=official[i], answers=[i % 10]) for i in range(100)]
    places, _ = assign(asked, SplitParams())
    assert [places[i] for i in range(100)] == official


def test_what_says_the_same_as_an_official_test_query_is_never_trained_on():
    asked = [
        ask(1, "same", official=TRAIN),
        ask(2, "Same?", official=TEST),
        ask(3, official=DEV),
        ask(4, official=TRAIN),
    ]
    places, _ = assign(asked, SplitParams())
    assert (places[1], places[2], places[4]) == (TEST, TEST, TRAIN)


def test_a_split_that_the_set_lacks_is_drawn_from_its_training_queries():
    asked = [ask(i, official=TEST if i < 100 else TRAIN, answers=[i // 2]) for i in range(500)]
    places, dropped = assign(asked, SplitParams(dev_share=0.1))
    assert {places[i] for i in range(100)} == {TEST}
    assert Counter(places.values()) == {TRAIN: 350, DEV: 50, TEST: 100}
    assert dropped == ()
    assert leaks_of(asked, places).answers == 0


def test_official_splits_are_not_kept_when_not_asked_for():
    asked = [ask(i, official=TEST) for i in range(100)]
    places, _ = assign(asked, SplitParams(keep_official=False))
    assert Counter(places.values()) == {TRAIN: 70, DEV: 10, TEST: 20}


def test_a_project_is_split_and_says_so(tmp_path):
    with new_project(tmp_path / "p") as project:
        passages = add_passages(project, [f"passage {i}" for i in range(50)])
        asked = add_queries(project, [f"query number {i}" for i in range(100)])
        judge(project, *((q, passages[i // 2], 1) for i, q in enumerate(asked)))
        (unanswered,) = add_queries(project, ["nobody knows"], split=TRAIN)
        (merged,) = add_queries(project, ["query no 0"], split=TEST)
        queries.merge_query(project, merged, asked[0])
        summary = split(project, SplitParams(), Task())
        assert (summary.train, summary.dev, summary.test, summary.leaks, summary.unused) == (70, 10, 20, 0, 1)
        assert queries.split_counts(project) == {"train": 70, "dev": 10, "test": 20, "": 1}
        assert queries.query(project, unanswered).split is None
        assert queries.query(project, merged).split is None
        assert "0 near-duplicates" in summary.sentence


def test_rows_of_a_labelled_set_are_no_common_document_but_a_file_is(tmp_path):
    with new_project(tmp_path / "p") as project:
        pages = [add_passages(project, [f"{i} one", f"{i} two"], file=f"f{i}.txt") for i in range(40)]
        asked = add_queries(project, [f"query number {i}" for i in range(80)])
        judge(project, *((q, pages[i // 2][i % 2], 1) for i, q in enumerate(asked)))
        assert split(project, SplitParams(), Task()).leaks == 0
        places = {q.id: q.split for q in queries.all_queries(project)}
        assert all(places[a] is places[b] for a, b in zip(asked[::2], asked[1::2], strict=True))


def test_a_set_of_test_queries_only_warns_that_nothing_is_left_to_train_on(tmp_path):
    with new_project(tmp_path / "p") as project:
        (passage,) = add_passages(project, ["p"])
        asked = add_queries(project, ["a", "b"], official={"a": TEST, "b": TEST})
        judge(project, *((q, passage, 1) for q in asked))
        task = Warnings()
        assert split(project, SplitParams(), task).train == 0
        assert "to train" in task.said[0]


def test_nothing_to_split_is_said_with_the_way_out(tmp_path):
    with new_project(tmp_path / "p") as project:
        add_queries(project, ["a"])
        with pytest.raises(UserError, match="No query has a right passage"):
            split(project, SplitParams(), Task())
        with pytest.raises(UserError, match="nothing to train on"):
            split(project, SplitParams(dev_share=0.5, test_share=0.6), Task())


def test_queries_of_one_group_stay_together():
    asked = [replace(ask(i), groups=frozenset({f"topic {i // 3}"})) for i in range(60)]
    places, _ = assign(asked, SplitParams())
    assert {places[i] for i in range(60)} == {TRAIN, DEV, TEST}
    assert all(len({places[i] for i in range(start, start + 3)}) == 1 for start in range(0, 60, 3))


def test_the_work_grows_with_the_number_of_queries_and_no_faster(tmp_path):
    done = []
    for count in (500, 1000):
        with new_project(tmp_path / str(count)) as project:
            passages = add_passages(project, [f"passage {i}" for i in range(count)])
            asked = add_queries(project, [f"query number {i}" for i in range(count)])
            judge(project, *((q, passages[i], 1) for i, q in enumerate(asked)))
            done.append(calls(lambda project=project: split(project, SplitParams(), Task())))
    assert done[1] < 2.5 * done[0]

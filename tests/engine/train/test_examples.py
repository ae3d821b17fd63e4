from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from engine.errors import UserError
from engine.params import TrainParams
from engine.records import Negative, Qrel, Review, Source
from engine.store import negatives, queries
from engine.store.documents import Corpus
from engine.train.examples import Example, TrainingSet, batches, load_training_set, make_batch, plan_epoch


def training_set(examples, n_passages=20, same=()):
    hashes = [f"h{row}" for row in range(n_passages)]
    for a, b in same:
        hashes[b] = hashes[a]
    ids = np.arange(n_passages)
    return TrainingSet(tuple(examples), Corpus(ids, ids, [f"text {h}" for h in hashes], hashes), None)


def mine(project, model_id, pairs):
    mining_id = negatives.start_mining(project, model_id=model_id, params={})
    rows = [Negative(q, p, Source.DENSE, 1, 0.9 - i / 100, 0.1) for i, (q, p) in enumerate(pairs)]
    negatives.put_negatives(project, mining_id, rows)
    negatives.finish_mining(project, mining_id, counts={})
    return mining_id


def test_only_training_queries_that_stand_for_themselves_are_examples(project):
    queries.set_duplicates(project, {2: 1})
    found = load_training_set(project, TrainParams())
    assert [example.query_id for example in found.examples] == [1, *range(3, 41)]


def test_a_query_has_the_positives_of_its_duplicates(project):
    queries.set_duplicates(project, {2: 1})
    found = load_training_set(project, TrainParams())
    assert found.corpus.ids[list(found.examples[0].positives)].tolist() == [1, 2]


def test_negatives_of_the_newest_mining_come_hardest_first_then_imported(project, base):
    mine(project, base.id, [(1, 9)])
    mine(project, base.id, [(1, 5), (1, 6)])
    queries.put_imported_negatives(project, [(1, 7), (1, 5)])
    found = load_training_set(project, TrainParams())
    assert found.corpus.ids[list(found.examples[0].negatives)].tolist() == [5, 6, 7]


def test_a_persons_word_counts(project, base):
    mine(project, base.id, [(1, 5), (1, 6), (1, 7)])
    queries.put_review(project, 1, 5, Review.LEFT_OUT)
    queries.put_review(project, 1, 6, Review.RELEVANT)
    queries.put_review(project, 1, 8, Review.NEGATIVE)
    first = load_training_set(project, TrainParams()).examples[0]
    assert [row + 1 for row in first.negatives] == [8, 7]
    assert [row + 1 for row in first.positives] == [1, 6]


def test_a_text_equal_to_a_positive_is_no_negative(project, base):
    project.db.execute("update passages set text = (select text from passages where id = 1) where id = 5")
    project.db.execute("update passages set text_hash = (select text_hash from passages where id = 1) where id = 5")
    mine(project, base.id, [(1, 5), (1, 6)])
    assert [row + 1 for row in load_training_set(project, TrainParams()).examples[0].negatives] == [6]


def test_queries_without_answer_are_no_examples(project):
    queries.put_qrels(project, [Qrel(1, 1, 0)])
    assert load_training_set(project, TrainParams()).examples[0].query_id == 2


def test_a_project_without_split_is_told_to_split(project):
    queries.set_splits(project, dict.fromkeys(range(1, 53)))
    with pytest.raises(UserError, match="train split"):
        load_training_set(project, TrainParams())


def test_no_batch_holds_the_same_positive_text_twice():
    examples = [Example(i, f"q{i}", (i % 5,), ()) for i in range(20)]
    data = training_set(examples, same=[(0, 1)])
    params = TrainParams(batch_size=4)
    for batch in plan_epoch(data, 0, params):
        names = [data.corpus.hashes[row] for _, row in batch]
        assert len(set(names)) == len(names)


def test_every_example_stands_once_in_an_epoch():
    data = training_set([Example(i, f"q{i}", (i,), ()) for i in range(20)])
    seen = [example.query_id for batch in plan_epoch(data, 0, TrainParams(batch_size=8)) for example, _ in batch]
    assert sorted(seen) == list(range(20))


def test_a_remainder_too_small_to_learn_from_is_left_out():
    data = training_set([Example(i, f"q{i}", (i,), ()) for i in range(17)])
    assert [len(batch) for batch in plan_epoch(data, 0, TrainParams(batch_size=8))] == [8, 8]


def test_epochs_are_ordered_by_the_seed():
    data = training_set([Example(i, f"q{i}", (i,), ()) for i in range(20)])
    params = TrainParams(batch_size=8)
    assert plan_epoch(data, 0, params) == plan_epoch(data, 0, params)
    assert plan_epoch(data, 0, params) != plan_epoch(data, 1, params)
    assert plan_epoch(data, 0, params) != plan_epoch(data, 0, replace(params, seed=14))


def test_batches_of_one_query_hold_every_query():
    data = training_set([Example(i, f"q{i}", (i,), ()) for i in range(20)])
    plan = plan_epoch(data, 0, TrainParams(batch_size=1))
    assert sorted(example.query_id for batch in plan for example, _ in batch) == list(range(20))


def test_epochs_take_turns_with_positives_and_negatives():
    data = training_set([Example(0, "q", (0, 1), (5, 6, 7))])
    params = TrainParams(batch_size=8, num_negatives=2)
    made = [make_batch(data, plan_epoch(data, epoch, params)[0], epoch, 2) for epoch in (0, 1)]
    assert made[0].passages == ["text h0", "text h5", "text h6"]
    assert made[1].passages == ["text h1", "text h7", "text h5"]


def test_another_answer_of_a_query_is_blocked():
    # q0 answered by 0 and 1, q1 by 1; negative 2 of q0 answers q1 too
    examples = [Example(0, "q0", (0, 1), (2, 3)), Example(1, "q1", (1, 2), ())]
    batch = make_batch(training_set(examples), [(examples[0], 0), (examples[1], 1)], 0, 2)
    assert batch.passages == ["text h0", "text h1", "text h2", "text h3"]
    assert batch.blocked.tolist() == [[False, True, False, False], [False, False, True, False]]


def test_a_text_stands_once_in_a_batch():
    examples = [Example(0, "q0", (0,), (1, 2)), Example(1, "q1", (1,), (2,))]
    batch = make_batch(training_set(examples), [(examples[0], 0), (examples[1], 1)], 0, 2)
    assert batch.passages == ["text h0", "text h1", "text h2"]


def test_batches_from_a_later_step_are_those_of_the_whole_run():
    data = training_set([Example(i, f"q{i}", (i,), ((i + 1) % 20,)) for i in range(20)])
    params = TrainParams(batch_size=8)
    whole = [batch.queries for batch in islice(batches(data, params), 12)]
    for start in (1, 3, 7):
        assert [batch.queries for batch in islice(batches(data, params, start=start), 12 - start)] == whole[start:]


class CountedReads(list):
    """A list that counts how often something is read of it."""

    reads = 0

    def __getitem__(self, place):
        self.reads += 1
        return super().__getitem__(place)


def test_answers_that_many_queries_share_are_planned_by_looking_at_each_query_once():
    few = training_set([Example(i, f"q{i}", (i % 20,), ()) for i in range(1000)])
    hashes = CountedReads(few.corpus.hashes)
    plan = plan_epoch(replace(few, corpus=replace(few.corpus, hashes=hashes)), 0, TrainParams(batch_size=64))
    assert hashes.reads == 1000
    assert {len(batch) for batch in plan} == {20}
    assert sorted(example.query_id for batch in plan for example, _ in batch) == list(range(1000))

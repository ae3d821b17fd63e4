"""Queries that a model was trained on, and that a new split made test queries, are counted and said."""

from dataclasses import replace

import msgspec
import pytest

from engine.curate.splits import split
from engine.evaluate.evaluation import evaluate
from engine.export.card import _measured
from engine.params import EvaluateParams, MergeParams, RerankerParams, SplitParams
from engine.records import Split
from engine.store import models, queries
from engine.store.learnt import count_known, known_by_model, known_by_run
from engine.store.overview import overview
from engine.store.verdicts import circumstances, known_queries, verdict_sentence
from engine.task import Task
from engine.terminal import comparison_lines
from engine.train.merging import merge
from engine.train.reranking import train_reranker
from engine.train.training import train
from tests.engine.train.test_training import Recorder


@pytest.fixture
def moved(project, small):
    """A tuned model, and after it 6 of its training queries and 4 of its dev queries as test queries."""
    tuned = train(project, replace(small, dev_queries=12), Task()).model
    ids = [query.id for query in queries.representatives(project, Split.TRAIN)][:6]
    ids += [query.id for query in queries.representatives(project, Split.DEV)][:4]
    queries.set_splits(project, dict.fromkeys(ids, Split.TEST))
    return tuned


def test_queries_of_training_and_of_choosing_are_known(project, moved):
    count_known(project)
    assert known_by_model(project, Split.TEST) == {moved: 10}
    assert known_by_model(project, Split.DEV) == {}


def test_dev_queries_that_were_learnt_from_are_known_on_dev(project, moved):
    learnt = [query.id for query in queries.representatives(project, Split.TRAIN)][:3]
    queries.set_splits(project, dict.fromkeys(learnt, Split.DEV))
    count_known(project)
    assert known_by_model(project, Split.DEV) == {moved: 3}


def test_what_a_model_comes_from_is_known_to_it_too(project, small, moved):
    mixed = merge(project, MergeParams(alpha=0.5), Task()).model
    second = train(project, replace(small, base=str(moved), max_steps=1), Task()).model
    clean = train(project, replace(small, max_steps=1), Task()).model
    count_known(project)
    assert known_by_model(project, Split.TEST) == {moved: 10, mixed: 10, second: 10}
    assert clean not in known_by_model(project, Split.TEST)


def test_a_query_is_known_by_its_text(project, moved):
    asked = queries.representatives(project, Split.TEST)[0]
    project.db.execute("update queries set text = 'something else that nobody asked' where id = ?", [asked.id])
    count_known(project)
    assert known_by_model(project, Split.TEST) == {moved: 9}


def test_a_verdict_on_known_queries_proves_nothing(project, moved):
    measured = evaluate(project, EvaluateParams(systems=("tuned",)), Task())
    found, known = measured.comparisons[0], circumstances(project)
    said = "The tuned model knows all 10 test queries from its training, before they were split anew: "
    assert (found.a, known_queries(found, known)) == ("tuned", ("tuned", 10))
    assert measured.reasons[0][0].startswith(said)
    assert measured.words[:2] == ("NOT HELD OUT", "NOT HELD OUT")
    assert measured.words[-1] == measured.comparisons[-1].verdict.value
    lines = comparison_lines(msgspec.to_builtins(measured))
    assert lines[0].startswith("NOT HELD OUT: tuned against bm25")
    assert verdict_sentence(found, Split.TEST, known).endswith("on 10 queries, 10 of which it knows from its training.")
    assert not any("from its training" in reason for reason in measured.reasons[-1])  # the base against BM25
    assert said in _measured(project, models.model(project, moved))
    stages = {stage.name: stage for stage in overview(project).stages}
    assert stages["train"].state == stages["evaluate"].state == "stale"
    assert stages["train"].detail == "tuned 1 knows 10 queries of the test split: train again"
    assert stages["evaluate"].detail.startswith("No verdict")


def test_figures_from_before_the_split_are_not_blamed(project, small):
    queries.set_splits(project, {q.id: Split.TEST for q in queries.representatives(project, Split.DEV)[:6]})
    tuned = train(project, small, Task()).model
    evaluate(project, EvaluateParams(systems=("tuned",)), Task())
    learnt = [query.id for query in queries.representatives(project, Split.TRAIN)][:6]
    queries.set_splits(project, dict.fromkeys(learnt, Split.TEST))
    old = [query.id for query in queries.representatives(project, Split.TEST) if query.id not in learnt]
    queries.set_splits(project, dict.fromkeys(old, Split.TRAIN))
    count_known(project)
    assert known_by_model(project, Split.TEST) == {tuned: 6}
    assert known_by_run(project, Split.TEST) == {}


def test_a_reranker_that_knows_the_queries_counts_where_it_sorts(project, small):
    for query_id in range(1, 53):
        queries.put_imported_negatives(project, [(query_id, 1 + (query_id + 6) % 60)])
    params = RerankerParams(num_negatives=1, batch_size=8, max_length=32, max_steps=1, device="cpu", precision="fp32")
    reranker = train_reranker(project, params, Task()).model
    learnt = [query.id for query in queries.representatives(project, Split.TRAIN)][:6]
    queries.set_splits(project, dict.fromkeys(learnt, Split.TEST))
    measured = evaluate(project, EvaluateParams(systems=("base+reranker",)), Task())
    assert known_by_model(project, Split.TEST) == {reranker: 6}
    assert "with the reranker knows all 6 test queries" in measured.reasons[0][0]


def test_a_new_split_says_what_the_newest_model_knows(project, small):
    train(project, small, Task())
    task = Recorder()
    split(project, SplitParams(seed=4), task)
    known = known_by_model(project, Split.TEST)
    (number,) = known.values()
    total = len(queries.representatives(project, Split.TEST))
    which = "all" if number == total else f"{number} of the"
    assert any(warning.startswith(f"tuned 1 knows {which} {total} test queries") for warning in task.warnings)

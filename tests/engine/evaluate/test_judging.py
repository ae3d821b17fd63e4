"""A judgement changed by hand changes figures and verdicts at once, exactly as a new evaluation would."""

from __future__ import annotations

import pytest

from engine.edits import apply_edit
from engine.evaluate.evaluation import evaluate
from engine.evaluate.judging import judge_again
from engine.params import EvaluateParams
from engine.records import Qrel, Split
from engine.store import queries, runs
from engine.store.overview import overview
from engine.task import Task


@pytest.fixture
def project(small_world):
    evaluate(small_world, EvaluateParams(), Task())
    return small_world


def _figures(project):
    return {run.system: (run.n_queries, run.metrics) for run in runs.newest_runs(project, Split.TEST)}


def _verdicts(project):
    found = {(c.a, c.b): (c.delta, c.low, c.high, c.p, c.verdict, c.fixed, c.broken) for c in runs.comparisons(project)}
    return dict(sorted(found.items()))


def _test_query(project):
    return queries.representatives(project, Split.TEST)[0].id


def _worst(project, query_id):
    """A passage far down BM25's list that is no answer."""
    run = next(run for run in runs.newest_runs(project, Split.TEST) if run.system == "bm25")
    return runs.hits_of(project, run.id, query_id, k=100)[-1].passage_id


def test_judging_again_without_a_change_changes_nothing(project):
    before = _figures(project), _verdicts(project)
    judge_again(project, Split.TEST)
    assert (_figures(project), _verdicts(project)) == before


def test_changed_judgement_gives_what_a_new_evaluation_gives(project, monkeypatch):
    query_id = _test_query(project)
    apply_edit(project, "judge", {"query_id": query_id, "passage_id": _worst(project, query_id), "grade": 3})
    at_once = _figures(project), _verdicts(project)
    monkeypatch.setattr("engine.evaluate.evaluation._cached", lambda *_: None)
    evaluate(project, EvaluateParams(), Task())
    newest = {run.id for run in runs.newest_runs(project, Split.TEST)}
    again = {
        (c.a, c.b): (c.delta, c.low, c.high, c.p, c.verdict, c.fixed, c.broken)
        for c in runs.comparisons(project)
        if c.run_a in newest
    }
    assert at_once == (_figures(project), dict(sorted(again.items())))


def test_evaluating_after_an_edit_ranks_nothing_again(project, monkeypatch):
    query_id = _test_query(project)
    apply_edit(project, "judge", {"query_id": query_id, "passage_id": _worst(project, query_id), "grade": 2})
    at_once = _figures(project)
    monkeypatch.setattr("engine.evaluate.systems.Rankers.rank", None)
    evaluate(project, EvaluateParams(), Task())
    assert _figures(project) == at_once


def test_edit_and_its_undo_come_back_to_the_same_figures(project):
    before = _figures(project), _verdicts(project)
    query_id = _test_query(project)
    (answer,) = queries.positives(project)[query_id]
    topics, said = apply_edit(project, "unqrel", {"query_id": query_id, "passage_id": answer})
    assert "runs" in topics
    assert _figures(project) != before[0]
    assert {n for n, _ in _figures(project).values()} == {19}
    apply_edit(project, "restore_qrels", {"query_id": query_id, "removed": said["removed"]})
    assert (_figures(project), _verdicts(project)) == before


def test_figures_and_verdicts_follow_a_query_that_is_removed(project):
    before, query_id = _verdicts(project), _test_query(project)
    topics, said = apply_edit(project, "remove_query", {"query_id": query_id})
    assert "runs" in topics
    assert said["compared"]
    assert {n for n, _ in _figures(project).values()} == {19}
    assert _verdicts(project) != before
    at_once = _figures(project)
    evaluate(project, EvaluateParams(), Task())
    assert _figures(project) == at_once


@pytest.mark.parametrize("change", ["split", "merge"])
def test_figures_of_queries_that_were_split_or_merged_anew_are_called_so(project, change):
    def said() -> tuple[str, str]:
        return next((stage.state, stage.detail) for stage in overview(project).stages if stage.name == "evaluate")

    before, query_id = said(), _test_query(project)
    other = next(query.id for query in queries.representatives(project, Split.TEST) if query.id != query_id)
    assert before[0] != "stale"
    if change == "split":
        queries.set_splits(project, {query_id: Split.TRAIN})
    else:
        queries.merge_query(project, query_id, other)
    assert said() == ("stale", f"{before[1]}; measured before the queries were split or merged anew")
    evaluate(project, EvaluateParams(), Task())
    assert said()[0] != "stale"


def test_copy_of_the_answer_judged_instead_is_found_by_its_text(project):
    query_id = _test_query(project)
    assert queries.positives(project)[query_id] == {1: 1}  # passages 1 and 25 have the same text
    before = _figures(project)
    queries.put_qrels(project, [Qrel(query_id, 25, 1)])
    queries.remove_qrel(project, query_id, 1)
    judge_again(project, Split.TEST)
    assert _figures(project) == before


def test_judgement_on_a_query_nobody_was_asked_changes_no_run(project):
    train = queries.representatives(project, Split.TRAIN)[0].id
    before = _figures(project)
    topics, said = apply_edit(project, "judge", {"query_id": train, "passage_id": 3, "grade": 1})
    assert (topics, said["compared"]) == (["queries"], 0)
    assert _figures(project) == before

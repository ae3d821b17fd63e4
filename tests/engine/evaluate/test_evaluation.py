"""Systems are measured on the same queries, kept, reused and compared."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import Cancelled, UserError
from engine.evaluate.evaluation import METRICS, evaluate
from engine.evaluate.metrics import evaluate_rankings, means
from engine.params import EvaluateParams
from engine.records import Qrel, Split, State
from engine.store import models, queries, runs, verdicts
from engine.store.project import Project
from engine.task import Task
from tests.engine.small_world import add_base, small_project


@pytest.fixture
def project(small_world):
    return small_world


class Warnings(Task):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def on_warning(self, message: str) -> None:
        self.said.append(message)


def test_every_system_is_measured_and_compared(project):
    summary = evaluate(project, EvaluateParams(systems=("tuned", "hybrid")), Task())
    assert (summary.split, summary.queries) == ("test", 20)
    assert list(summary.systems) == ["bm25", "base", "tuned", "hybrid"]
    assert all(list(figures) == list(METRICS) for figures in summary.systems.values())
    pairs = [(comparison.a, comparison.b) for comparison in summary.comparisons]
    assert pairs == [
        ("tuned", "bm25"), ("tuned", "base"), ("hybrid", "bm25"), ("hybrid", "base"), ("hybrid", "tuned"), ("base", "bm25"),
    ]  # fmt: skip
    for comparison in summary.comparisons:
        difference = summary.systems[comparison.a]["ndcg@10"] - summary.systems[comparison.b]["ndcg@10"]
        assert comparison.delta == pytest.approx(difference)
        assert comparison.low <= comparison.delta <= comparison.high
        assert comparison.n_queries == 20


def test_stored_hits_give_the_stored_figures(project):
    summary = evaluate(project, EvaluateParams(), Task())
    for run in runs.newest_runs(project, Split.TEST):
        query_ids, passage_ids, _ = runs.hits(project, run.id)
        rankings = {int(q): row[row >= 0].tolist() for q, row in zip(query_ids, passage_ids, strict=True)}
        positives = {query: queries.positives(project)[query] for query in rankings}
        expected = means(evaluate_rankings(rankings, positives))
        assert summary.systems[run.system] == {metric: pytest.approx(expected[metric]) for metric in METRICS}
        assert run.metrics["ndcg@10"] == pytest.approx(np.mean([r.ndcg10 for r in runs.query_metrics(project, run.id)]))


def test_fixed_and_broken_are_the_lists_the_pages_show(project):
    comparison = evaluate(project, EvaluateParams(), Task()).comparisons[0]
    for kind, count in (("fixed", comparison.fixed), ("broken", comparison.broken)):
        assert len(runs.movements(project, comparison.run_a, comparison.run_b, only=kind)) == count


def test_second_evaluation_asks_no_system_again(project, monkeypatch):
    first = evaluate(project, EvaluateParams(), Task())
    monkeypatch.setattr("engine.evaluate.systems.Rankers.rank", None)
    assert evaluate(project, EvaluateParams(), Task()).systems == first.systems
    assert len(runs.newest_runs(project, Split.TEST)) == 3


def test_changed_judgement_is_measured_again(project):
    before = evaluate(project, EvaluateParams(), Task())
    query = queries.representatives(project, Split.TEST)[0]
    run = next(run for run in runs.newest_runs(project, Split.TEST) if run.system == "bm25")
    last = runs.hits_of(project, run.id, query.id, k=100)[-1].passage_id
    queries.put_qrels(project, [Qrel(query.id, last, 3)])
    after = evaluate(project, EvaluateParams(), Task())
    assert after.systems["bm25"] != before.systems["bm25"]


def test_taken_back_judgement_shows_the_old_figures_as_the_newest(project):
    before = evaluate(project, EvaluateParams(), Task())
    query = queries.representatives(project, Split.TEST)[0]
    other = next(p for p in range(1, 25) if p not in queries.positives(project)[query.id])
    queries.put_qrels(project, [Qrel(query.id, other, 3)])
    evaluate(project, EvaluateParams(), Task())
    queries.remove_qrel(project, query.id, other)
    assert evaluate(project, EvaluateParams(), Task()).systems == before.systems
    newest = {run.system: run.metrics["ndcg@10"] for run in runs.newest_runs(project, Split.TEST)}
    assert newest == {name: figures["ndcg@10"] for name, figures in before.systems.items()}


def test_merged_queries_are_left_out_and_their_judgements_united(project):
    first, second = [query.id for query in queries.representatives(project, Split.TEST)[:2]]
    answers = {*queries.positives(project)[first], *queries.positives(project)[second]}
    queries.set_duplicates(project, {second: first})
    summary = evaluate(project, EvaluateParams(systems=("bm25",)), Task())
    assert summary.queries == 19
    assert set(queries.positives(project)[first]) == answers


def test_unjudged_copy_of_the_answer_is_no_miss(project):
    evaluate(project, EvaluateParams(systems=("bm25",)), Task())
    query = queries.representatives(project, Split.TEST)[0]
    run = runs.newest_runs(project, Split.TEST)[0]
    texts = [hit.passage_id for hit in runs.hits_of(project, run.id, query.id, k=30)]
    assert len(set(texts) & {1, 25}) == 1  # passages 1 and 25 have the same text
    assert runs.query_metrics(project, run.id)[0].first_rank == 1


def test_model_id_is_measured_under_the_label_it_was_asked_for(project):
    tuned = models.newest_tuned(project)
    summary = evaluate(project, EvaluateParams(systems=(str(tuned.id),)), Task())
    assert list(summary.systems) == ["bm25", "base", str(tuned.id)]
    assert {run.system for run in runs.newest_runs(project, Split.TEST)} == {"bm25", "base", "tuned"}


def test_without_a_tuned_model_the_starting_point_is_measured(tmp_path, tiny_models):
    with small_project(tmp_path / "project") as project:
        add_base(project, tiny_models[0])
        task = Warnings()
        summary = evaluate(project, EvaluateParams(), task)
    assert list(summary.systems) == ["bm25", "base"]
    assert task.said == ["There is no tuned model yet; only the starting point is measured."]


def test_cancelled_evaluation_leaves_no_run(project):
    class CancelsAtRanking(Task):
        def on_progress(self, stage: str, done: int, total: int, note: str) -> None:
            if stage == "rank by the model":
                self.cancel()

    with pytest.raises(Cancelled):
        evaluate(project, EvaluateParams(systems=("base",)), CancelsAtRanking())
    assert [run.system for run in runs.newest_runs(project, Split.TEST)] == ["bm25"]
    assert all(run.state is State.COMPLETE for run in runs.newest_runs(project, Split.TEST))
    assert {path.name for path in (project.path / "runs").iterdir()} == {"1"}


def test_circumstances_of_the_verdict_are_kept(project):
    evaluate(project, EvaluateParams(), Task())
    known = verdicts.circumstances(project)
    assert known.train_pairs == 4
    assert known.word_overlap is not None
    assert 0.5 < known.word_overlap <= 1.0


def test_unknown_system_is_refused(project):
    with pytest.raises(UserError, match="no system 'elastic'"):
        evaluate(project, EvaluateParams(systems=("elastic",)), Task())


def test_split_without_judged_queries_says_what_to_do(project):
    with pytest.raises(UserError, match="dev split has a judged answer"):
        evaluate(project, EvaluateParams(split="dev"), Task())


def test_empty_project_says_what_to_do(tmp_path, tiny_models):
    with Project.create(tmp_path / "empty") as project:
        add_base(project, tiny_models[0])
        with pytest.raises(UserError, match="no passages"):
            evaluate(project, EvaluateParams(), Task())


def test_made_queries_among_those_measured_are_counted(project):
    asked = queries.representatives(project, Split.TEST)
    for query in asked[:3]:
        project.db.execute("update queries set source = 'made: headings' where id = ?", [query.id])
    assert evaluate(project, EvaluateParams(systems=("bm25",)), Task()).made_queries == 3
    assert verdicts.circumstances(project).made_queries == 3

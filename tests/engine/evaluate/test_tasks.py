"""Other tasks are measured where the data allow, and each left out says what it lacks."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import UserError
from engine.evaluate.tasks import _Data, _measure, _triplets, best_f1, evaluate_tasks
from engine.params import TasksParams
from engine.records import Qrel, Split
from engine.store import models, queries
from engine.store.task_figures import keep_task_figures, task_figures
from engine.task import Task
from tests.engine.small_world import add_base, small_project, tiny_model


def _unit(*angles):
    return {place: np.array([np.cos(angle), np.sin(angle)]) for place, angle in enumerate(angles)}


def _data(**parts):
    empty = {"scored": [], "triplets": [], "judged": {}, "pairs": [], "classes": {}, "train_classes": {}}
    return _Data(**{**empty, **parts})


def test_best_f1_equals_the_evaluator_of_sentence_transformers():
    evaluation = pytest.importorskip("sentence_transformers.evaluation")
    rng = np.random.default_rng(2)
    same = rng.random(200) < 0.4
    similarities = rng.random(200) + 0.3 * same
    gold = evaluation.BinaryClassificationEvaluator.find_best_f1_and_threshold(similarities, same.astype(int), True)
    f1, threshold = best_f1(similarities, same)
    assert f1 == pytest.approx(float(gold[0]), abs=1e-9)
    assert threshold == pytest.approx(float(gold[3]), abs=1e-9)


def test_pairs_that_are_level_are_never_parted_by_the_threshold():
    f1, _ = best_f1(np.array([0.5, 0.5, 0.1]), np.array([True, False, True]))
    assert f1 == pytest.approx(2 * 2 / (3 + 2))


def test_triplets_and_reranking_by_hand():
    asked, passages = _unit(0.0, 0.0), _unit(0.1, 0.5, 1.0)
    data = _data(triplets=[(0, 0, 1), (0, 2, 1)], judged={0: {0: 0, 1: 1, 2: 0}, 1: {0: 1, 1: 0, 2: 1}})
    found = _measure(data, asked, passages, seed=1)
    assert found["triplets: accuracy"] == 0.5
    assert found["reranking: map"] == pytest.approx((1 / 2 + (1 + 2 / 3) / 2) / 2)


def test_a_large_set_is_measured_on_triplets_drawn_from_all_of_them():
    positives = {query: dict.fromkeys(range(query % 3 + 1), 1) for query in range(8)}
    wrong = {query: set(range(2, 5000)) for query in range(8)}
    found, total = _triplets(list(range(8)), positives, wrong, 7)
    assert total == sum(len(right) * len(wrong[query] - right.keys()) for query, right in positives.items())
    assert len(set(found)) == len(found) == 20_000
    assert (
        found
        == sorted(found)
        == _triplets(list(range(8)), positives, wrong, 7)[0]
        != _triplets(list(range(8)), positives, wrong, 8)[0]
    )
    assert all(right in positives[q] and other in wrong[q] - positives[q].keys() for q, right, other in found)
    shares = {query: len(right) * len(wrong[query] - right.keys()) / total for query, right in positives.items()}
    assert all(abs(sum(row[0] == q for row in found) / 20_000 - share) < 0.02 for q, share in shares.items())


def test_of_a_small_set_each_answer_meets_each_wrong_passage():
    found, total = _triplets([4, 6], {4: {9: 1, 8: 2}, 6: {1: 1}}, {4: {7, 5, 9}, 6: {3}}, 1)
    assert found == [(4, 9, 5), (4, 9, 7), (4, 8, 5), (4, 8, 7), (6, 1, 3)]
    assert total == 5
    assert _triplets([], {}, {}, 1) == ([], 0)


def test_scores_that_follow_the_cosine_correlate_perfectly_by_rank():
    asked, passages = _unit(0.0), _unit(0.1, 0.5, 1.0, 1.4)
    data = _data(scored=[(0, 0, 5.0), (0, 1, 4.0), (0, 2, 1.0), (0, 3, 0.5)])
    found = _measure(data, asked, passages, seed=1)
    assert found["scored pairs: spearman"] == pytest.approx(1.0)
    assert 0.9 < found["scored pairs: pearson"] < 1.0


def test_queries_in_clear_groups_are_clustered_paired_and_classified():
    angles = [group * 1.5 + n * 0.01 for group in range(2) for n in range(12)]
    asked = _unit(*angles)
    classes = {q: q // 12 for q in range(24)}
    pairs = [(0, 1, True), (12, 13, True), (0, 12, False), (3, 20, False)]
    found = _measure(_data(classes=classes, train_classes=classes, pairs=pairs), asked, {}, seed=1)
    assert found["clustering: v-measure"] == pytest.approx(1.0)
    assert found["classification: accuracy"] == 1.0
    assert found["duplicates: ap"] == found["duplicates: f1"] == 1.0


@pytest.fixture
def project(tmp_path, tmp_path_factory):
    pytest.importorskip("sentence_transformers")
    with small_project(tmp_path / "project") as project:
        add_base(project, tiny_model(tmp_path_factory.mktemp("model") / "base"))
        yield project


def test_what_the_data_lack_is_told(project):
    for query in queries.representatives(project, Split.TEST):
        wrong = next(p for p in range(1, 25) if p not in queries.positives(project)[query.id])
        queries.put_qrels(project, [Qrel(query.id, wrong, 0)])
    summary = evaluate_tasks(project, TasksParams(), Task())
    assert set(summary.sizes) == {"triplets", "reranking"}
    assert set(summary.models["base"]) == {"triplets: accuracy", "reranking: map", "reranking: mrr@10"}
    assert summary.left_out["scored pairs"] == "needs scores of pairs, not all alike"


def test_figures_stay_beside_one_another_while_the_data_stay_the_same(project):
    for query in queries.representatives(project, Split.TEST):
        wrong = next(p for p in range(1, 25) if p not in queries.positives(project)[query.id])
        queries.put_qrels(project, [Qrel(query.id, wrong, 0)])
    base = models.resolve_model(project, "base").id
    keep_task_figures(project, Split.TEST, content="older data", models={99: {}}, sizes={}, left_out={})
    summary = evaluate_tasks(project, TasksParams(), Task())
    kept = task_figures(project)
    assert kept.models == {base: summary.models["base"]}
    assert kept.sizes == summary.sizes
    evaluate_tasks(project, TasksParams(models=(str(base),)), Task())
    assert task_figures(project).models == kept.models


def test_without_data_for_any_task_nothing_is_kept(project):
    with pytest.raises(UserError, match="data for none"):
        evaluate_tasks(project, TasksParams(split="dev"), Task())
    assert task_figures(project, Split.DEV).measured_at == ""


@pytest.mark.parametrize("seed", range(3))
def test_reranking_and_triplets_equal_pytrec_eval_and_sentence_transformers_on_random_vectors(seed):
    pytrec_eval = pytest.importorskip("pytrec_eval")
    rng = np.random.default_rng(seed)
    made = rng.normal(size=(90, 8))
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    asked, passages = dict(enumerate(made[:30])), dict(enumerate(made[30:]))
    judged = {q: {int(p): int(rng.random() < 0.3) for p in rng.choice(60, 12, replace=False)} for q in asked}
    for grades in judged.values():
        grades[next(iter(grades))] = 1
    triplets = [(q, p, n) for q in asked for p in judged[q] for n in judged[q] if judged[q][p] > judged[q][n]]
    found = _measure(_data(judged=judged, triplets=triplets), asked, passages, seed=1)
    run = {str(q): {str(p): float(asked[q] @ passages[p]) for p in grades} for q, grades in judged.items()}
    gold = {str(q): {str(p): grade for p, grade in grades.items()} for q, grades in judged.items()}
    theirs = pytrec_eval.RelevanceEvaluator(gold, {"map"}).evaluate(run)
    assert found["reranking: map"] == pytest.approx(np.mean([row["map"] for row in theirs.values()]), abs=1e-9)
    from sentence_transformers.util import pairwise_cos_sim

    anchors = np.array([asked[q] for q, _, _ in triplets])
    answers, others = (np.array([passages[row[column]] for row in triplets]) for column in (1, 2))
    right = pairwise_cos_sim(anchors, answers) > pairwise_cos_sim(anchors, others)  # as its TripletEvaluator decides
    assert found["triplets: accuracy"] == pytest.approx(float(right.float().mean()), abs=1e-6)

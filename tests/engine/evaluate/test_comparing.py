"""Runs are compared in families, and a family of many is believed less easily."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import UserError
from engine.evaluate.comparing import compare_runs
from engine.evaluate.statistics import compare_paired, holm
from engine.records import Outcome, QueryMetrics, Split
from engine.store import queries, runs
from engine.store.project import Project
from engine.store.queries import NewQuery


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "p") as made:
        queries.put_queries(made, [NewQuery(f"query {i}") for i in range(200)], import_id=None)
        yield made


def _run(project: Project, system: str, values: np.ndarray):
    run_id = runs.start_run(
        project, system=system, model_id=None, split=Split.TEST, content_key=f"{system}{values.sum()}"
    )
    rows = [QueryMetrics(i + 1, v, v, v, v, v, 1 if v > 0.5 else 0) for i, v in enumerate(values.tolist())]
    runs.put_query_metrics(project, run_id, rows)
    runs.finish_run(project, run_id, n_queries=len(rows), metrics={"ndcg@10": float(values.mean())}, seconds=1.0)
    return system, runs.run(project, run_id)


def test_holm_gives_the_textbook_values():
    # Holm 1979 worked by hand: 0.01*4, max(0.04, 0.02*3), max(.., 0.03*2), max(.., 0.04*1)
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_a_single_challenger_is_judged_by_its_interval(project):
    rng = np.random.default_rng(1)
    base = rng.random(200) * 0.5
    ours, theirs = _run(project, "tuned", base + 0.05), _run(project, "bm25", base)
    (found,) = compare_runs(project, [(ours, theirs)])
    assert (found.verdict, found.family) == (Outcome.WIN, 1)
    assert found.p_adjusted == found.p


def test_one_of_many_that_wins_by_a_hair_is_a_tie_after_correction(project):
    rng = np.random.default_rng(3)
    theirs = _run(project, "bm25", np.full(200, 0.4))
    challengers = []
    for number in range(8):
        noise = rng.normal(0, 0.2, 200)
        noise -= noise.mean()
        challengers.append(_run(project, f"m{number}", 0.4 + noise + (0.031 if number == 0 else 0.0)))
    alone = compare_paired(0.4 + (challengers[0][1].metrics["ndcg@10"] - 0.4) + np.zeros(1), np.full(1, 0.4))
    assert alone.delta > 0
    (single,) = compare_runs(project, [(challengers[0], theirs)])
    assert single.verdict is Outcome.WIN
    found = compare_runs(project, [(challenger, theirs) for challenger in challengers])
    assert found[0].family == 8
    assert found[0].p_adjusted == pytest.approx(min(1.0, 8 * single.p))
    assert found[0].verdict is Outcome.TIE


def test_comparing_one_after_another_gives_what_comparing_all_at_once_gives(project):
    rng = np.random.default_rng(4)
    theirs = _run(project, "bm25", np.full(200, 0.4))
    challengers = [_run(project, f"m{number}", 0.41 + rng.normal(0, 0.1, 200)) for number in range(4)]
    for challenger in challengers:
        compare_runs(project, [(challenger, theirs)])
    one_by_one = {c.a: (c.p, c.p_adjusted, c.family, c.verdict) for c in runs.comparisons(project)}
    together = compare_runs(project, [(challenger, theirs) for challenger in challengers])
    assert one_by_one == {c.a: (c.p, c.p_adjusted, c.family, c.verdict) for c in together}
    assert {c.family for c in together} == {4}
    assert [c.p_adjusted for c in together] == pytest.approx(holm([c.p for c in together]))


def test_a_run_that_a_newer_one_replaced_is_of_no_family(project):
    theirs = _run(project, "bm25", np.full(200, 0.4))
    values = np.random.default_rng(5).random(200)
    compare_runs(project, [(_run(project, "tuned", values), theirs)])
    (found,) = compare_runs(project, [(_run(project, "tuned", values + 0.1), theirs)])
    assert found.family == 1


def test_the_base_model_is_no_challenger(project):
    values = np.linspace(0, 0.5, 200)
    bm25, base, tuned = (
        _run(project, "bm25", values),
        _run(project, "base", values + 0.1),
        _run(project, "tuned", values + 0.2),
    )
    found = compare_runs(project, [(tuned, bm25), (tuned, base), (base, bm25)])
    assert [c.family for c in found] == [1, 1, 1]


def test_a_pair_twice_and_a_run_with_itself_are_left_out(project):
    values = np.linspace(0, 0.5, 200)
    bm25, tuned = _run(project, "bm25", values), _run(project, "tuned", values + 0.2)
    again = ("7", tuned[1])
    assert len(compare_runs(project, [(tuned, bm25), (again, bm25), (tuned, again)])) == 1


def test_runs_of_different_queries_are_refused(project):
    bm25, tuned = _run(project, "bm25", np.zeros(200)), _run(project, "tuned", np.zeros(150))
    with pytest.raises(UserError, match="different queries"):
        compare_runs(project, [(tuned, bm25)])


def test_two_runs_have_one_verdict_whichever_is_named_first(project):
    rng = np.random.default_rng(6)
    bm25 = _run(project, "bm25", np.full(200, 0.4))
    tuned, other = (_run(project, name, 0.42 + rng.normal(0, 0.1, 200)) for name in ("tuned", "9"))
    (forward,) = compare_runs(project, [(tuned, bm25)])
    compare_runs(project, [(other, bm25)])  # makes a family of two
    (backward,) = compare_runs(project, [(bm25, tuned)])
    assert (backward.a, backward.b) == ("bm25", "tuned")
    assert backward.family == 2
    assert backward.delta == -forward.delta
    assert backward.p_adjusted == runs.comparison(project, tuned[1].id, bm25[1].id).p_adjusted
    assert (backward.fixed, backward.broken) == (forward.broken, forward.fixed)
    assert len(runs.comparisons(project)) == 2


def test_a_pair_of_models_stays_the_way_round_it_was_first_compared(project):
    values = np.random.default_rng(7).random(200)
    one, two = _run(project, "tuned", values + 0.1), _run(project, "hybrid", values)
    (first, again) = compare_runs(project, [(one, two), (two, one)])
    assert (first.verdict, again.verdict) == (Outcome.WIN, Outcome.LOSS)
    compare_runs(project, [(two, one)])
    assert [(c.a, c.b) for c in runs.comparisons(project)] == [("tuned", "hybrid")]

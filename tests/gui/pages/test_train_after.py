"""A finished run on the Train page: what is shown of it follows what happens to it afterwards."""

from __future__ import annotations

from engine.records import Outcome
from engine.store import models, runs
from engine.store.project import Project
from gui.jobs.job import Phase
from tests.gui.asking import settle
from tests.gui.pages.test_train_page import _page


def test_a_verdict_that_came_meanwhile_stands_with_the_run(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        tuned = models.newest_tuned(project).id
        known = runs.comparisons(project)
        project.db.execute("delete from comparisons")
    page = _page(qtbot, tmp_path, finished)
    page.open_at({"model": tuned})
    settle(qtbot, page)
    assert page._live.ending.verdicts() == []
    assert page._live.ending.sentence().endswith("the verdict says.")
    with Project.open(finished) as project:
        for found in known:
            runs.put_comparison(
                project, a=found.a, b=found.b, run_a=found.run_a, run_b=found.run_b, metric=found.metric,
                delta=found.delta, low=found.low, high=found.high, p=found.p, verdict=Outcome(found.verdict),
                fixed=found.fixed, broken=found.broken, n_queries=found.n_queries,
            )  # fmt: skip
    page.session._emit({"runs", "jobs"})
    settle(qtbot, page)
    assert len(page._live.ending.verdicts()) == 2
    assert not page._live.ending.sentence().endswith("the verdict says.")


def test_the_score_above_the_curves_is_that_of_the_sentence(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        tuned = models.newest_tuned(project).id
        models.add_metrics(project, tuned, [("dev_ndcg@10", 5, 0.816), ("dev_bm25", 0, 0.645)])
        project.db.execute(
            "update models set summary = json_set(summary, '$.dev', 0.817, '$.base_share', 0.25) where id = ?", [tuned]
        )
    page = _page(qtbot, tmp_path, finished)
    page.open_at({"model": tuned})
    settle(qtbot, page)
    assert "reached 0.817 nDCG@10" in page._live.ending.sentence()
    assert page._live._score.value() == "0.817"


def test_a_traceback_is_shown_only_of_a_failure_that_nobody_foresaw(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    for code, shown in (("training", False), ("bug", True)):
        page._show_plan()
        page._start.click()
        job = page.session.queue.running
        told = {"message": "The loss is no number.", "traceback": "Traceback …"}
        page.session.end_job(job, Phase.FAILED, code=code, **told)
        settle(qtbot, page)
        assert page.problem.isVisible()
        assert page.problem._details_button.isVisible() is shown

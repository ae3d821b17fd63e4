"""The dialog that mixes a tuned model with its base: what a share means, and names of two hundred letters."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog

from engine.params import MergeParams, params_from_dict
from engine.records import MetricPoint
from engine.store import models
from engine.store.project import Project
from gui.jobs.job import Phase
from gui.pages.train.mixing import MixDialog
from gui.widgets.charts import LineChart
from tests.gui.asking import settle
from tests.gui.pages.test_train_choices import _accept
from tests.gui.pages.test_train_page import _page

CURVE = [MetricPoint(0, 0.816), MetricPoint(25, 0.817), MetricPoint(50, 0.8), MetricPoint(100, 0.759)]


def test_a_share_comes_on_top_of_what_training_mixed_in(qtbot):
    dialog = MixDialog(2, "tuned 1", "base", CURVE, dev=True, mixed=0.25)
    qtbot.addWidget(dialog)
    dialog.share.set_value(0)
    assert dialog.share._shown.text() == "0 % · 0.817"  # the model as it is
    dialog.share.set_value(25)
    assert dialog.share._shown.text() == "25 %"  # 44 % in all, which nobody measured
    dialog.share.set_value(100)
    assert dialog.share._shown.text() == "100 % · 0.759"
    assert [point.step for point in dialog._known] == [0, 33, 100]
    assert "mixed with 25 % of its base" in dialog._what.text()


def test_the_page_tells_the_dialog_what_was_mixed_in(qtbot, tmp_path, finished, monkeypatch):
    with Project.open(finished) as project:
        tuned = models.newest_tuned(project).id
        models.add_metrics(project, tuned, [("merge_dev", point.step, point.value) for point in CURVE])
        project.db.execute("update models set summary = json_set(summary, '$.base_share', 0.25) where id = ?", [tuned])
    page = _page(qtbot, tmp_path, finished)
    page.open_at({"model": tuned})
    settle(qtbot, page)
    seen = []
    _accept(monkeypatch, MixDialog, lambda dialog: seen.append([point.step for point in dialog._known]))
    page._live.ending._mix.click()
    assert seen == [[0, 33, 100]]


def test_long_names_leave_the_slider_its_place_below_the_chart(qtbot):
    long = "Handbook of the workshop, spring edition, tuned with the third mining and the questions, seed 14"
    dialog = MixDialog(2, long, long, CURVE, dev=True)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    (chart,) = dialog.findChildren(LineChart)
    qtbot.waitUntil(lambda: chart.geometry().bottom() < dialog.share.geometry().top(), timeout=5000)


def test_a_tuned_model_is_mixed_by_a_slider_beside_the_curve(qtbot, tmp_path, finished, monkeypatch):
    with Project.open(finished) as project:
        tuned = models.newest_tuned(project)
        models.add_metrics(
            project, tuned.id, [("merge_dev", 0, 0.60), ("merge_dev", 25, 0.61), ("merge_dev", 100, 0.5)]
        )
    page = _page(qtbot, tmp_path, finished)
    page.open_at({"model": tuned.id})
    settle(qtbot, page)
    seen = []

    def move(dialog: MixDialog) -> None:
        dialog.share.set_value(25)
        seen.append(dialog.share._shown.text())

    _accept(monkeypatch, MixDialog, move)
    page._live.ending._mix.click()
    assert seen == ["25 % · 0.610"]
    ((kind, values),) = page.session.jobs
    assert (kind, params_from_dict(MergeParams, values).alpha) == ("merge", 0.25)
    with Project.open(finished) as project:
        mixed = models.add_model(
            project, name="mix", kind="tuned", path="x", parent_id=tuned.parent_id, params={"merged_from": tuned.id}
        )
        told = {"alpha": 0.25, "base_share": 0.25, "base_in_all": 0.4, "dev": 0.61}
        models.finish_model(project, mixed, path="x", weights_digest="m", dim=384, max_length=256, summary=told)
    page.session.end_job(page.session.queue.running, Phase.DONE, changed={"models"}, summary={"model": mixed})
    settle(qtbot, page)
    assert page._live.ending.sentence().startswith(
        "mix has 40 % of its base's weights, the rest of the tuned model's; nDCG@10 0.610 on the dev queries."
    )


def test_the_best_share_is_looked_for_where_there_are_dev_queries(qtbot):
    dialog = MixDialog(4, "tuned 1", "base", [MetricPoint(0, 0.5)], dev=True)
    qtbot.addWidget(dialog)
    dialog.best.click()
    assert dialog.result() == QDialog.DialogCode.Accepted
    assert dialog.values() == {"model": "4", "alpha": -1.0}
    without = MixDialog(4, "tuned 1", "base", [], dev=False)
    qtbot.addWidget(without)
    assert not without.best.isEnabled()
    assert without.values() == {"model": "4", "alpha": 0.3}

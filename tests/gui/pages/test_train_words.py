"""The words on the Train and Home pages: one of a thing, names of two hundred letters, figures that agree."""

from __future__ import annotations

from dataclasses import replace

from engine.params import PRESETS
from engine.store.overview import overview
from engine.store.project import Project
from gui.pages.home.facts import read_home
from gui.pages.home.project import HomeProject
from gui.pages.train.end import VerdictRow
from gui.pages.train.facts import TrainFacts
from gui.pages.train.inspector import _ModelRow
from gui.pages.train.plan import TrainPlan
from gui.pages.train.reranker import RerankerDialog
from gui.widgets.labels import ElidedLink
from tests.gui.pages.test_train_page import _page


def _of_one_step(path) -> None:
    with Project.open(path) as project:
        project.db.execute("update models set summary = json_set(summary, '$.steps', 1) where kind = 'tuned'")


def test_a_reranker_of_one_step_has_one_step(qtbot):
    dialog = RerankerDialog(TrainFacts(questions=95), {"max_steps": 1, "batch_size": 1})
    qtbot.addWidget(dialog)
    assert dialog._size.text() == "At most 1 step of 1 query with 5 passages each."


def test_a_run_of_one_step_has_one_step(qtbot, tmp_path, finished):
    _of_one_step(finished)
    page = _page(qtbot, tmp_path, finished)
    (row,) = page._side._inspector.findChildren(_ModelRow)
    assert ", 1 step · " in row.accessibleName()
    with Project.open(finished, readonly=True) as project:
        (stage,) = [stage for stage in overview(project).stages if stage.name == "train"]
    assert stage.detail.endswith(", 1 step")


def test_it_measures_every_step_or_every_two_steps(qtbot):
    plan = TrainPlan(PRESETS)
    qtbot.addWidget(plan)
    field = plan.form().field("eval_every")
    plan.change({"eval_every": 1})
    assert field.text() == "1 step"
    field.setValue(2)
    assert field.text() == "2 steps"
    field.setValue(1)
    assert field.text() == "1 step"
    plan.form().reset_all()
    assert field.text() == "5 steps"


def test_a_verdict_on_one_query_speaks_of_one(qtbot, finished):
    row = VerdictRow()
    qtbot.addWidget(row)
    with Project.open(finished, readonly=True) as project:
        facts = read_home(project, overview(project))
    one = replace(facts.against[0], n_queries=1)
    row.show_comparison(one)
    assert " on 1 test query; " in row.accessibleName()
    home = HomeProject()
    qtbot.addWidget(home)
    assert "on 1 query it never saw" in home._sentence(one, 0)


LONG = (
    "Handbook of the workshop, spring edition, tuned with the third mining and the questions of four winters, again, "
    * 2
)


def test_a_run_of_a_long_name_leaves_room_for_every_figure_beside_the_presets(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        project.db.execute("update models set name = ? where kind = 'tuned'", [LONG[:200]])
    page = _page(qtbot, tmp_path, finished)
    pane = page._side._inspector
    (row,) = pane.findChildren(_ModelRow)
    room = pane.rect()
    for part in (row, page._side._size):
        assert room.contains(part.mapTo(pane, part.rect().topRight()))
    (name,) = row.findChildren(ElidedLink)
    assert name.text() == LONG[:200].strip()
    assert LONG[:100] in name.toolTip()

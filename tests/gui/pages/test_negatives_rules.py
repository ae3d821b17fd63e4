"""The bench's rules: each on a control, all by key; the reranker's gate; what mining offers; no half mining is shown."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from engine.params import MineParams, SelectParams, params_to_dict
from engine.store import models, negatives
from engine.store.candidates import Flag, read_candidates, read_reviews
from engine.store.gates import Gate, write_gate
from engine.store.project import Project
from engine.store.selection import CandidateState, select
from gui.pages.negatives.page import NegativesPage
from gui.pages.negatives.rules import ChoiceRule, Rule, RulesPanel
from tests.gui.pages.showing import Shown
from tests.gui.recording import RecordingSession


def read_by_reranker(project: Project) -> None:
    """As if a reranker had read the first ten of each query: sure of answers, and of each third other one."""
    candidates = read_candidates(project, 1)
    scores = np.where(np.arange(len(candidates)) % 3 == 0, 0.8, 0.1).astype(np.float32)
    scores[(candidates.flags & np.uint8(Flag.ANSWER)) > 0] = 0.9
    scores[candidates.dense_rank > 10] = np.nan
    write_gate(project, 1, Gate("a reranker", "d", scores))


def selected(session: RecordingSession, params: SelectParams) -> Any:
    """What the engine selects from the stored candidates by these rules."""
    assert session.project is not None
    candidates = read_candidates(session.project, 1)
    return select(candidates, params, read_reviews(session.project, candidates))


SLIDERS = [
    ("ranks", Qt.Key.Key_Left, "rank_max"),
    ("margin", Qt.Key.Key_Right, "relative_margin"),
    ("points", Qt.Key.Key_Right, "absolute_margin"),
    ("scores", Qt.Key.Key_PageDown, "max_score"),
    ("count", Qt.Key.Key_Left, "num_negatives"),
    ("mix", Qt.Key.Key_Left, "share_bm25"),
    ("doubt", Qt.Key.Key_Left, "max_doubt"),
]
CHOICES = [("among", "rank_among"), ("order", "order"), ("fill", "fill"), ("document", "same_document")]


@pytest.mark.parametrize(("rule", "key", "name"), SLIDERS)
def test_each_slider_moves_by_key_and_what_it_leads_to_is_what_the_engine_selects(
    shown: Shown, qtbot: QtBot, rule: str, key: Qt.Key, name: str
) -> None:
    page, session = shown(NegativesPage)
    rules = page.selection.rules
    control = getattr(rules, rule)
    before, said = rules.params(), control.value_words()
    control.slider.setFocus()
    for _ in range(4):
        qtbot.keyClick(control.slider, key)
    shown.settle(page)
    assert getattr(rules.params(), name) != getattr(before, name)
    assert control.value_words() != said
    assert page._looked is not None
    expected = selected(session, rules.params())
    np.testing.assert_array_equal(page._looked.picture.selection.states, expected.states)
    assert page.selection.waterfall.falls()[-1].left == int(expected.chosen.sum())


@pytest.mark.parametrize(("rule", "name"), CHOICES)
def test_each_choice_is_made_by_key_and_selects_again(shown: Shown, qtbot: QtBot, rule: str, name: str) -> None:
    page, session = shown(NegativesPage)
    rules = page.selection.rules
    control = getattr(rules, rule)
    before = rules.params()
    qtbot.keyClick(control.choice, Qt.Key.Key_Down)
    shown.settle(page)
    assert getattr(rules.params(), name) != getattr(before, name)
    assert control._label.text().endswith("•")
    assert page._looked is not None
    np.testing.assert_array_equal(page._looked.picture.selection.states, selected(session, rules.params()).states)


def test_no_rule_of_selection_is_without_a_control(qtbot: QtBot) -> None:
    panel = RulesPanel()
    qtbot.addWidget(panel)
    other = SelectParams(2, 3, 44, 0.11, 0.8, 0.2, 0.5, 0.25, 0.3, False, 14, "survivors", 0.05, "random", "none", "share", 0.9)  # fmt: skip
    default = SelectParams()
    assert all(getattr(other, name) != getattr(default, name) for name in SelectParams.__dataclass_fields__)
    panel.set_params(other)
    panel._moved()  # what the controls say together
    assert panel.params() == other


def test_a_rule_deeper_than_the_candidates_stays_when_another_one_moves(shown: Shown, qtbot: QtBot) -> None:
    page, _ = shown(NegativesPage)
    rules = page.selection.rules
    rules.set_params(SelectParams(rank_max=100))
    qtbot.keyClick(rules.count.slider, Qt.Key.Key_Left)
    assert rules.params() == SelectParams(rank_max=100, num_negatives=2)


def test_drawing_again_changes_the_seed_alone(shown: Shown, qtbot: QtBot) -> None:
    page, _ = shown(NegativesPage)
    rules = page.selection.rules
    assert not rules.order.link.isVisible()
    qtbot.keyClick(rules.order.choice, Qt.Key.Key_Down)
    shown.settle(page)
    before = rules.params()
    assert rules.order.link.isVisible()
    rules.order.link.click()
    assert rules.params() == replace(before, seed=before.seed + 1)


def test_the_whole_bench_is_reached_by_tab_and_every_stop_has_a_name(shown: Shown, qtbot: QtBot) -> None:
    page, _ = shown(NegativesPage, change=read_by_reranker)
    page.selection.rules.set_params(SelectParams(gate="score"))
    page.candidates.table.setFocus()
    met: list[QWidget] = []
    for _ in range(60):
        now = QApplication.focusWidget()
        assert now is not None
        if now in met:
            break
        met.append(now)
        qtbot.keyClick(now, Qt.Key.Key_Tab)
    rules = page.selection.rules
    for control in (
        page.queries.list, page.queries.order, page.candidates.which, page.candidates.table, page._again, page._about,
        *(part.slider if isinstance(part, Rule) else part.choice for part in rules._in_order() if isinstance(part, Rule | ChoiceRule)),
    ):  # fmt: skip
        assert control in met, control.accessibleName()
    assert all(stop.accessibleName() for stop in met)


def test_a_rule_that_takes_the_focus_scrolls_into_sight(shown: Shown) -> None:
    page, _ = shown(NegativesPage)
    rules = page.selection.rules
    port = rules._area.viewport()
    assert not port.rect().contains(rules.document.mapTo(port, rules.document.rect().center()))
    rules.document.choice.setFocus()
    assert port.rect().contains(rules.document.mapTo(port, rules.document.rect().center()))


def test_without_a_reranker_the_gate_waits_and_the_link_leads_to_training(shown: Shown, qtbot: QtBot) -> None:
    page, session = shown(NegativesPage)
    rules = page.selection.rules
    assert not rules.gate.choice.isEnabled()
    assert not rules.gate_at.isVisible()
    asked: list[str] = []
    session.page_asked.connect(lambda name, *_: asked.append(name))
    rules.gate.link.click()
    menu = page.reading_menu
    qtbot.addWidget(menu)
    assert [action.text() for action in menu.actions()] == ["Train a reranker first", "With a folder…"]
    menu.actions()[0].trigger()
    assert asked == ["train"]


def test_the_projects_reranker_or_a_folder_reads_the_candidates(
    shown: Shown, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(project: Project) -> None:
        made = models.add_model(project, name="sharp & good", kind="reranker", path="x")
        models.finish_model(project, made, path="x", weights_digest="r", dim=1, max_length=9, summary={})

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "/models/cross")
    page, session = shown(NegativesPage, change=train)
    page.selection.rules.gate.link.click()
    qtbot.addWidget(page.reading_menu)
    for action in page.reading_menu.actions():
        action.trigger()
    assert [kind for kind, _ in session.jobs] == ["gate", "gate"]
    assert session.jobs[0][1]["reranker"].isdigit()
    assert session.jobs[1][1]["reranker"] == "/models/cross"
    assert session.jobs[1][1]["gate"] == "score"


def test_the_gate_is_a_line_of_the_waterfall_and_its_candidates_are_walked(shown: Shown, qtbot: QtBot) -> None:
    page, session = shown(NegativesPage, change=read_by_reranker)
    rules = page.selection.rules
    assert page._looked is not None
    before = len(page._looked.walk)
    qtbot.keyClick(rules.gate.choice, Qt.Key.Key_Down)
    shown.settle(page)
    assert rules.gate_at.isVisible()
    expected = selected(session, rules.params())
    gated = expected.count(CandidateState.GATED)
    assert gated > 0
    line = next(fall for fall in page.selection.waterfall.falls() if fall.name == "An answer to the reranker")
    assert line.removed == gated
    assert page._looked is not None
    assert len(page._looked.walk) == int(expected.held.sum()) > before


def test_what_the_reranker_gave_stands_beside_the_passage(shown: Shown) -> None:
    page, session = shown(NegativesPage, change=read_by_reranker)
    comparison = page.compare.comparison()
    assert session.project is not None
    assert comparison is not None
    given = read_candidates(session.project, 1).reranked
    assert given is not None
    place = comparison.right.row.place
    assert comparison.right.row.reranked == pytest.approx(float(given[place]))
    assert page.compare.right.reranked.text() == f"Reranker .{round(1000 * float(given[place]))}"


def test_mining_again_offers_each_model_exactly_or_through_an_index(shown: Shown, qtbot: QtBot) -> None:
    page, session = shown(NegativesPage)
    page._again.click()
    qtbot.addWidget(page.mining_menu)
    offered = [action for action in page.mining_menu.actions() if not action.isSeparator() and not action.menu()]
    for action in offered:
        action.trigger()
    found = [(params["model"], params["index"]) for _, params in session.jobs]
    assert found == [("base", "auto"), ("tuned", "auto"), ("base", "ivf"), ("tuned", "ivf")]


def test_mining_again_offers_every_variant_of_bm25(shown: Shown, qtbot: QtBot) -> None:
    page, session = shown(NegativesPage)
    page._again.click()
    qtbot.addWidget(page.mining_menu)
    (variants,) = (action.menu() for action in page.mining_menu.actions() if action.menu())
    assert variants is not None
    for action in variants.actions():
        action.trigger()
    found = [(params["model"], params["bm25"]) for _, params in session.jobs]
    assert found == [(model, variant) for model in ("base", "tuned") for variant in ("okapi", "l", "lucene")]


def test_another_variant_than_the_default_is_named_beside_the_candidates(shown: Shown) -> None:
    def by_okapi(project: Project) -> None:
        mining = negatives.newest_mining(project)
        assert mining is not None
        kept = json.dumps({**mining.params, "bm25": "okapi"})
        project.db.execute("update minings set params = ? where id = ?", [kept, mining.id])

    page, _ = shown(NegativesPage, change=by_okapi)
    assert "BM25 (Okapi)" in page.candidates._fact.text()


def test_the_page_states_what_share_an_index_found(shown: Shown) -> None:
    def through_an_index(project: Project) -> None:
        mining = negatives.newest_mining(project)
        assert mining is not None
        negatives.finish_mining(project, mining.id, counts={**mining.counts, "recall": 0.987})

    page, _ = shown(NegativesPage, change=through_an_index)
    assert "99 % of the exact ones" in page.candidates._fact.text()


def test_half_a_mining_is_never_shown(shown: Shown) -> None:
    def begin(project: Project) -> None:
        mining = negatives.start_mining(project, model_id=1, params=params_to_dict(MineParams()))
        (project.path / "minings" / str(mining) / "candidates").mkdir(parents=True)
        (project.path / "minings" / "unfinished-abc" / "000000000").mkdir(parents=True)

    page, _ = shown(NegativesPage, "split", change=begin)
    assert page._stack.currentIndex() == 0
    finished, _ = shown(NegativesPage, "finished", change=begin)
    assert finished._mined is not None
    assert finished._mined.mining.id == 1

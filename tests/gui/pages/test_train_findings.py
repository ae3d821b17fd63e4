"""What training would suffer from stands above the presets, follows the settings, and leads to its mend."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QWidget

from gui.pages.train.page import TrainPage
from gui.tables.mined import Warned
from tests.gui.asking import AskingSession, settle


@pytest.fixture
def page(qtbot, tmp_path, finished) -> TrainPage:
    made = TrainPage(AskingSession(finished, tmp_path))
    qtbot.addWidget(made)
    made.resize(1072, 764)
    made.show()
    settle(qtbot, made)
    return made


def asked(page: TrainPage) -> list[dict]:
    return page.session.lints


def codes(page: TrainPage) -> list[str]:
    return [found.code for found in page._findings.list.findings()]


def test_the_linter_is_asked_once_the_settings_stand_still(qtbot, page):
    qtbot.waitUntil(lambda: len(asked(page)) == 1, timeout=5000)
    for length in (64, 32, 16):
        page._plan.change({"max_length": length})
    qtbot.waitUntil(lambda: len(asked(page)) == 2, timeout=5000)
    assert asked(page) == [{"preset": "quick"}, {"preset": "quick", "max_length": 16}]


def test_more_negatives_than_were_mined_are_warned_of_before_the_start(qtbot, page):
    page._plan.change({"num_negatives": 9})
    qtbot.waitUntil(lambda: "few" in codes(page), timeout=5000)
    assert page._findings.list.isVisible()
    assert page._start.isEnabled()
    page._plan.change({"num_negatives": 0})
    qtbot.waitUntil(lambda: "few" not in codes(page), timeout=5000)


def test_an_answer_that_comes_too_late_is_not_shown(qtbot, page):
    page._findings._pause.stop()  # nothing else is asked meanwhile
    held: list = []
    page.session.edit = lambda _kind, _values, done=None, **_more: held.append(done)
    page._findings._ask()
    page._findings._ask()
    late, newest = held
    assert page._findings.is_waiting()
    newest({"findings": []})
    assert not page._findings.is_waiting()
    late({"findings": [{"code": "few", "words": "Old.", "hint": ""}]})
    assert codes(page) == []


@pytest.mark.parametrize(
    ("code", "name", "what"),
    [
        ("unreadable", "home", {}),
        ("unmined", "negatives", {"again": True}),
        ("none", "negatives", {"short": True}),
        ("few", "negatives", {"short": True}),
        ("too_easy", "negatives", {"rule": "margin"}),
        ("judged_away", "negatives", {"keep": True}),
        ("shared_answer", "queries", {"duplicates": True}),
        ("cut", "train", {"setting": "max_length"}),
    ],
)
def test_each_finding_leads_to_its_mend(page, code, name, what):
    page._findings._show([Warned(code, "Wrong.", "Mend it.")])
    page._findings.list.links()[0].click()
    assert page.session.pages[-1] == (name, what)


def test_the_mend_of_cut_texts_unfolds_the_setting(qtbot, page):
    page._plan.open_advanced(False)
    page.open_at({"setting": "max_length"})
    field: QWidget = page._plan.form().field("max_length")
    assert field.isVisible()
    assert field.hasFocus() or field.window().focusWidget() is field

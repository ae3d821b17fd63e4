"""The pane at the right of a page: beside it in a wide window, over it on demand in a narrow one."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from gui import theme
from gui.pages.page import Page


@pytest.fixture
def page(qtbot, session):
    made = Page(session, "Quiet")
    made.use_inspector("Details")
    qtbot.addWidget(made)
    made.resize(1000, 600)
    with qtbot.waitExposed(made):
        made.show()
    made.activateWindow()
    return made


def test_in_a_wide_window_the_pane_stands_beside_the_page(page):
    page.set_narrow(False)
    assert page.inspector.width() == theme.INSPECTOR
    assert not page._unfold.isVisible()
    assert not page.inspector._fold.isVisible()


def test_in_a_narrow_window_a_button_lays_the_pane_over_the_page(page):
    page.set_narrow(True)
    assert not page.inspector.isVisible()
    page._unfold.click()
    assert page.inspector.isVisible()
    assert page.inspector.geometry().getRect() == (1000 - theme.INSPECTOR, 0, theme.INSPECTOR, 600)
    page.resize(1050, 640)
    assert page.inspector.geometry().right() == 1049


def test_the_pane_over_the_page_is_folded_away_by_its_button_and_by_escape(qtbot, page):
    page.set_narrow(True)
    page._unfold.click()
    page.inspector._fold.click()
    assert not page.inspector.isVisible()
    page._unfold.click()
    qtbot.keyClick(page.inspector, Qt.Key.Key_Escape)
    assert not page.inspector.isVisible()
    assert page._unfold.isVisible()


def test_the_pane_goes_back_beside_the_page_when_the_window_grows(qtbot, page):
    page.set_narrow(True)
    page._unfold.click()
    page.resize(1300, 640)
    page.set_narrow(False)
    assert page.inspector.isVisible()
    assert page.inspector.parent() is page._splitter
    qtbot.waitUntil(lambda: page.inspector.width() == theme.INSPECTOR)
    page.set_narrow(True)
    assert not page.inspector.isVisible()


def test_where_there_is_nothing_to_look_at_there_is_no_button(page):
    page.set_narrow(True)
    page._unfold.click()
    page.show_inspector(False)
    assert not page.inspector.isVisible()
    assert not page._unfold.isVisible()
    page.set_narrow(False)
    assert not page.inspector.isVisible()

"""The window: pages, keys, palette, strip, drawer, what it says when something goes wrong."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics

from engine.store import overview as overview_module
from engine.store.overview import NextStep
from gui import theme
from gui.dialogs.palette import Command, matching
from gui.jobs.job import Job, Phase
from gui.main_window import MainWindow
from gui.pages.page import Page
from tests.gui.projects import empty_project


class QuietPage(Page):
    """Stands for the pages of other modules."""

    topics = frozenset({"queries"})

    def __init__(self, session, parent=None):
        super().__init__(session, "Quiet", parent)
        self.seen = []
        self.opened = []

    def refresh(self, topics):
        self.seen.append(set(topics))

    def open_at(self, what):
        self.opened.append(what)


@pytest.fixture
def window(qtbot, session, monkeypatch):
    quiet = ("tests.gui.test_main_window", "QuietPage")
    pages = ("documents", "queries", "negatives", "train", "evaluate", "search", "export")
    monkeypatch.setattr(
        "gui.main_window.PAGE_CLASSES", {"home": ("gui.pages.home.page", "HomePage"), **dict.fromkeys(pages, quiet)}
    )
    made = MainWindow(session)
    monkeypatch.setattr(made, "_ask_to_leave", lambda _job: "stop")
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    return made


@pytest.fixture
def opened(window, session, tmp_path):
    session.open_project(empty_project(tmp_path))
    return window


def test_without_a_project_there_is_only_home(window):
    window.show_page("train")
    assert window.current_name() == "home"
    assert not window.rail.pages["train"].isEnabled()


def test_the_project_is_named_in_the_title_and_the_rail(opened):
    assert opened.windowTitle().startswith("Empty")
    assert opened.rail.switcher.text() == "Empty"


def test_a_long_fact_leaves_the_word_before_it_whole(opened):
    train = opened.rail.pages["train"]
    train.set_state("tuned 1, 10% of all-MiniLM-L6-v2", "done")
    room = QFontMetrics(theme.font("body")).horizontalAdvance(train.text()) + 60
    assert train.fact_within(room).endswith("…")
    assert QFontMetrics(theme.font("caption", "regular")).horizontalAdvance(train.fact_within(room)) <= 60
    assert train.fact_within(20) == ""
    assert "10% of" in train.toolTip()


def test_every_next_step_fits_into_the_rail(opened):
    labels = re.findall(r'NextStep\("([^"]+)"', Path(overview_module.__file__).read_text(encoding="utf-8"))
    button = opened.rail._next_button
    cut = []
    for label in labels:
        button.setText(opened.rail._short_words(NextStep(label, "documents", "", {}, 0)))
        if not button.shows_all():
            cut.append(label)
    assert len(labels) > 8
    assert cut == []


def test_number_keys_go_to_pages(qtbot, opened):
    qtbot.keyClick(opened, Qt.Key.Key_3, Qt.KeyboardModifier.ControlModifier)
    assert opened.current_name() == "queries"
    assert opened.rail.pages["queries"].isChecked()


def test_a_page_is_made_when_it_is_first_seen(opened):
    assert set(opened._pages) == {"home"}
    opened.rail.pages["train"].click()
    assert set(opened._pages) == {"home", "train"}


def test_a_hidden_page_is_refreshed_when_it_is_seen_again(opened, session):
    opened.show_page("queries")
    page = opened.page("queries")
    page.seen.clear()
    opened.show_page("home")
    session.changed.emit({"queries"})
    session.changed.emit({"models"})
    assert page.seen == []
    opened.show_page("queries")
    assert page.seen == [{"queries"}]


def test_a_visible_page_is_refreshed_by_its_topics_only(opened, session):
    opened.show_page("queries")
    page = opened.page("queries")
    page.seen.clear()
    session.changed.emit({"runs"})
    session.changed.emit({"queries", "jobs"})
    assert page.seen == [{"queries", "jobs"}]


def test_a_page_is_opened_at_what_was_asked_for(opened, session):
    session.show_page("evaluate", {"tab": "broken"})
    assert opened.page("evaluate").opened == [{"tab": "broken"}]


def test_a_narrow_window_folds_the_rail(opened):
    opened.resize(1000, 640)
    assert opened.rail.width() == 56
    opened.resize(1280, 800)
    assert opened.rail.width() == 208


def test_the_palette_finds_and_runs(qtbot, opened):
    qtbot.keyClick(opened, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    palette = opened.palette_
    assert palette.isVisible()
    qtbot.keyClicks(palette.field, "go eval")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert not palette.isVisible()
    assert opened.current_name() == "evaluate"


def test_what_is_typed_can_be_searched_for(qtbot, opened):
    opened._open_palette()
    qtbot.keyClicks(opened.palette_.field, "wait until done")
    qtbot.keyClick(opened.palette_.field, Qt.Key.Key_Return)
    assert opened.page("search").opened == [{"text": "wait until done"}]


def test_escape_leaves_the_palette(qtbot, opened):
    opened._open_palette()
    qtbot.keyClick(opened.palette_.field, Qt.Key.Key_Escape)
    assert not opened.palette_.isVisible()


def test_commands_that_begin_with_the_letters_come_first():
    commands = [Command(text, "home", lambda: None) for text in ("Go to Train", "Train, quick", "Import")]
    assert [c.text for c in matching(commands, "train")] == ["Train, quick", "Go to Train"]
    assert [c.text for c in matching(commands, "im")] == ["Import"]
    assert matching(commands, "zzz") == []
    assert len(matching(commands, " ")) == 3


def test_the_strip_follows_a_job_and_cancels_it(qtbot, opened, session):
    job = session.run_job("mine", {"steps": 500, "wait": 0.02})
    qtbot.waitUntil(lambda: job.done > 2, timeout=10_000)
    strip = opened.strip
    strip.show_now()
    assert strip.name.text() == "Mine negatives"
    assert strip.count.text().endswith("/ 500")
    assert strip.left.text().endswith("left")
    assert opened.rail.pages["negatives"].mark == "running"
    strip.cancel.click()
    qtbot.waitUntil(lambda: job.is_over, timeout=5000)
    assert strip.stage.text() == "Nothing running"
    assert opened.rail.pages["negatives"].mark != "running"


def test_a_job_of_the_project_before_marks_no_stage_of_this_one(qtbot, opened, session, tmp_path):
    job = session.run_job("mine", {"steps": 500, "wait": 0.02})
    qtbot.waitUntil(lambda: job.done > 2, timeout=10_000)
    first = session.path
    session.open_project(empty_project(tmp_path / "other"))
    assert opened.rail.pages["negatives"].mark != "running"
    assert opened.rail.pages["negatives"].fact == ""
    session.open_project(first)
    assert opened.rail.pages["negatives"].mark == "running"
    session.queue.cancel(job)
    qtbot.waitUntil(lambda: job.is_over, timeout=5000)


def test_the_next_step_is_offered_once_while_its_job_waits(qtbot, opened, session, monkeypatch, tmp_path):
    elsewhere = session.queue.add("mine", tmp_path / "other", {"steps": 500, "wait": 0.02})
    assert opened.rail._next_button.isEnabled()
    waiting = session.run_job("split")
    assert not opened.rail._next_button.isEnabled()
    step = replace(session.overview().next_step, job="split")
    monkeypatch.setattr(session, "_overview", replace(session.overview(), next_step=step))
    assert step.label not in [command.text for command in opened.commands()]
    for job in (waiting, elsewhere):
        session.queue.cancel(job)
        qtbot.waitUntil(lambda job=job: job.is_over, timeout=5000)


def test_a_failed_job_is_said_on_top_of_the_page(qtbot, opened, session):
    with qtbot.waitSignal(session.queue.job_finished, timeout=10_000):
        session.run_job("mine", {"fail": "There is nothing to mine."})
    assert opened._problem.isVisible()
    assert "There is nothing to mine." in opened._problem.accessibleName()
    assert "Do it otherwise." in opened._problem.accessibleName()
    assert opened.strip.name.text() == "Mine negatives stopped"


def test_a_finished_job_is_told_by_a_toast(qtbot, opened, session):
    with qtbot.waitSignal(session.queue.job_finished, timeout=10_000):
        session.run_job("split")
    assert opened.toast.text().startswith("Split the queries: done")


def test_the_toast_of_a_finished_job_leads_to_its_page(qtbot, opened, session):
    opened.show_page("home")
    with qtbot.waitSignal(session.queue.job_finished, timeout=10_000):
        session.run_job("split")
    opened.toast._action.click()
    assert opened.current_name() == "queries"


def test_the_toast_leads_nowhere_from_the_page_that_shows_the_outcome(qtbot, opened, session):
    opened.show_page("queries")
    with qtbot.waitSignal(session.queue.job_finished, timeout=10_000):
        session.run_job("split")
    assert not opened.toast._action.isVisible()


def test_a_silent_job_is_said_to_be_starting(opened, session, tmp_path, monkeypatch):
    job = Job(1, "import", tmp_path, {}, phase=Phase.RUNNING, heard=time.monotonic() - 40)
    monkeypatch.setattr(session.queue, "_running", job)
    opened.strip.show_now()
    assert opened.strip.stage.text() == "starting; no word for 40 s"
    assert opened.strip.cancel.text() == "Cancel…"  # an import asks first what becomes of what came
    job.kind = "mine"
    opened.strip.show_now()
    assert opened.strip.cancel.text() == "Cancel"
    monkeypatch.undo()


def test_the_drawer_lists_waiting_jobs_and_takes_one_out(qtbot, opened, session):
    running = session.run_job("mine", {"steps": 500, "wait": 0.02})
    waiting = session.run_job("train", {})
    opened._toggle_drawer()
    assert opened.drawer.isVisible()
    assert opened.drawer._title.text() == "Train"
    opened.drawer._stop.click()
    assert waiting.is_over
    session.queue.cancel(running)
    qtbot.waitUntil(lambda: running.is_over, timeout=5000)


def test_the_next_step_of_an_empty_project_leads_to_its_documents(opened):
    assert opened.rail._next_button.text() == "Import documents"
    opened.rail._next_button.click()
    assert opened.current_name() == "documents"


def test_every_control_of_the_frame_has_a_name(opened):
    from PySide6.QtWidgets import QAbstractButton, QLineEdit

    for kind in (QAbstractButton, QLineEdit):
        for control in opened.findChildren(kind):
            assert control.accessibleName(), control


def test_leaving_asks_while_a_job_runs(qtbot, opened, session, monkeypatch):
    job = session.run_job("train", {"steps": 500, "wait": 0.02})
    asked = []
    monkeypatch.setattr(opened, "_ask_to_leave", lambda running: asked.append(running) or "stay")
    opened.close()
    assert asked == [job]
    assert opened.isVisible()
    session.queue.cancel(job)
    qtbot.waitUntil(lambda: job.is_over, timeout=5000)


def test_a_hostile_project_name_is_shown_as_it_is_written(window, session, tmp_path):
    from engine.store.project import Project

    path = tmp_path / "hostile"
    Project.create(path, '<img src="file:///dev/zero">\u202eevil').close()
    session.open_project(path)
    assert window.rail.switcher.text() == '<img src="file:///dev/zero">⟨202E⟩evil'

"""Closing the window while work goes on: the question, the tray, the word at the end."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QLabel, QSystemTrayIcon

from gui.dialogs.leaving import LeavingDialog
from gui.jobs.job import Job, Phase
from gui.main_window import MainWindow
from gui.tray import Tray
from tests.gui.projects import empty_project


class FakeIcon(QObject):
    """A tray's icon that remembers what it was told."""

    activated = Signal(QSystemTrayIcon.ActivationReason)
    messageClicked = Signal()  # noqa: N815 - its name in Qt

    def __init__(self) -> None:
        super().__init__()
        self.shown, self.tip, self.said = False, "", []

    def show(self) -> None:
        self.shown = True

    def hide(self) -> None:
        self.shown = False

    def isVisible(self) -> bool:
        return self.shown

    def setToolTip(self, tip: str) -> None:
        self.tip = tip

    def setContextMenu(self, menu) -> None:
        self.menu = menu

    def showMessage(self, title: str, text: str) -> None:
        self.said.append((title, text))


@pytest.fixture
def icon():
    return FakeIcon()


@pytest.fixture
def window(qtbot, session, tmp_path, monkeypatch, icon):
    monkeypatch.setattr("gui.main_window.make_icon", lambda _parent: icon)
    made = MainWindow(session)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    session.open_project(empty_project(tmp_path))
    yield made
    QApplication.setQuitOnLastWindowClosed(True)
    for job in (session.queue.running, *session.queue.waiting):
        if job is not None:
            session.queue.cancel(job)


def job(kind="train", **named):
    return Job(1, kind, None, {}, **named)


def answering(monkeypatch, choice):
    monkeypatch.setattr(MainWindow, "_ask_to_leave", lambda _self, _job: choice)


def test_training_goes_on_in_the_tray_and_the_window_comes_back(qtbot, window, session, icon, monkeypatch):
    answering(monkeypatch, "tray")
    running = session.run_job("train", {"steps": 400, "wait": 0.02})
    qtbot.waitUntil(lambda: running.done > 2, timeout=10_000)
    window.close()
    assert window.isHidden()
    assert icon.shown
    assert not QApplication.quitOnLastWindowClosed()
    before = running.done
    qtbot.waitUntil(lambda: running.done > before + 2, timeout=10_000)
    assert icon.tip.startswith("Train · ")
    assert "of 400" in icon.tip
    icon.activated.emit(QSystemTrayIcon.ActivationReason.Trigger)
    assert window.isVisible()
    assert not running.is_over


def test_a_training_that_follows_another_job_has_its_icon(qtbot, window, session, icon):
    session.run_chain([("mine", {}), ("train", {"steps": 400, "wait": 0.02})])
    qtbot.waitUntil(lambda: (now := session.queue.running) is not None and now.kind == "train", timeout=10_000)
    training, shown = session.queue.running, icon.shown
    session.queue.cancel(training)
    qtbot.waitUntil(lambda: training.is_over, timeout=10_000)
    assert shown


def test_the_end_is_told_while_the_window_is_hidden(qtbot, window, session, icon, monkeypatch):
    answering(monkeypatch, "tray")
    running = session.run_job("train", {"steps": 3, "wait": 0.2})
    window.close()
    qtbot.waitUntil(lambda: running.is_over, timeout=10_000)
    assert window.isHidden()
    assert icon.said[-1][0] == "Training is done"
    assert icon.shown  # by it the window comes back
    icon.messageClicked.emit()
    assert window.isVisible()
    assert not icon.shown


def test_leaving_from_the_tray_ends_the_work_and_the_program(qtbot, window, session, icon, monkeypatch):
    answering(monkeypatch, "tray")
    quits = []
    monkeypatch.setattr(QApplication, "quit", lambda: quits.append(True))
    running = session.run_job("train", {"steps": 60, "wait": 0.02})
    qtbot.waitUntil(lambda: running.done > 2, timeout=10_000)
    process = session.queue._process
    window.close()
    icon.menu.actions()[1].trigger()
    assert not process.is_alive
    assert quits == [True]


def test_staying_changes_nothing(qtbot, window, session, icon, monkeypatch):
    answering(monkeypatch, "stay")
    running = session.run_job("train", {"steps": 400, "wait": 0.02})
    qtbot.waitUntil(lambda: running.done > 2, timeout=10_000)
    window.close()
    assert window.isVisible()
    assert not running.is_over


def test_the_question_offers_the_tray_where_there_is_one(qtbot):
    for can_hold in (True, False):
        dialog = LeavingDialog(job(), can_hold=can_hold)
        qtbot.addWidget(dialog)
        assert dialog.tray.isHidden() is not can_hold
        dialog.stop.click()
        assert dialog.choice == "stop"
    dialog = LeavingDialog(job("import"), can_hold=True)
    qtbot.addWidget(dialog)
    assert dialog.stop.text() == "Stop it and leave"
    dialog.tray.click()
    assert dialog.choice == "tray"
    dialog = LeavingDialog(job(), can_hold=True)
    qtbot.addWidget(dialog)
    dialog.reject()
    assert dialog.choice == "stay"


def test_the_word_at_the_end_says_what_was_reached(qtbot, window, session, icon, monkeypatch):
    tray = Tray(session.queue, window, icon)
    monkeypatch.setattr(window, "isActiveWindow", lambda: False)
    tray._finished(job(phase=Phase.DONE, summary={"dev": 0.61, "dev_base": 0.55}, started=10.0, ended=75.0))
    assert icon.said[-1] == (
        "Training is done", "nDCG@10 0.610 on the dev queries, +0.060 against the base. It took 1 min 5 s."
    )  # fmt: skip
    tray._finished(job(phase=Phase.FAILED, message="The disk is full."))
    assert icon.said[-1] == ("Training stopped", "The disk is full.")
    told = len(icon.said)
    tray._finished(job("mine", phase=Phase.DONE))
    tray._finished(job(phase=Phase.CANCELLED))
    monkeypatch.setattr(window, "isActiveWindow", lambda: True)
    tray._finished(job(phase=Phase.DONE))
    assert len(icon.said) == told


def test_without_a_tray_the_window_still_works(qtbot, session):
    window = MainWindow(session)
    qtbot.addWidget(window)
    assert not window.tray.can_hold
    window.tray._finished(job(phase=Phase.DONE))


def test_a_paused_training_goes_on_in_the_tray(window, session, icon, monkeypatch):
    asked = []
    monkeypatch.setattr(session.queue, "pause", lambda paused_job, paused: asked.append((paused_job, paused)))
    held = job(phase=Phase.PAUSED)
    window._hide_to_tray(held)
    assert asked == [(held, False)]
    assert icon.said[-1][0] == "Train goes on"


def test_the_question_says_that_the_work_is_paused_and_what_waits_for_it(qtbot):
    dialog = LeavingDialog(job(phase=Phase.PAUSED), can_hold=True, waiting=2)
    qtbot.addWidget(dialog)
    assert dialog.windowTitle() == "Training is paused"
    said = " ".join(part.text() for part in dialog.findChildren(QLabel))
    assert "2 jobs that wait for it are dropped then." in said
    alone = LeavingDialog(job("mine", phase=Phase.RUNNING), can_hold=True, waiting=1)
    qtbot.addWidget(alone)
    assert alone.windowTitle() == "Mine negatives is still at work"
    assert "1 job that waits for it is dropped then." in " ".join(part.text() for part in alone.findChildren(QLabel))

"""The paged model and the reader behind it: only what is seen is read, and the newest question wins."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from engine.errors import ProjectError
from gui.tables.paged import KEPT_PAGES, PAGE, Column, PagedModel
from gui.tables.reader import Reader
from tests.gui.projects import empty_project

ROWS = 1_000_000


@pytest.fixture
def reader(qtbot: QtBot, tmp_path: Path):
    made = Reader(empty_project(tmp_path))
    yield made
    made.close()


@pytest.fixture
def asked() -> list[int]:
    return []


@pytest.fixture
def model(qtbot: QtBot, reader: Reader, asked: list[int]) -> PagedModel[int]:
    """A million rows whose record is their number; `asked` holds the offsets that were read."""

    def fetch(_project, offset: int, limit: int) -> range:
        asked.append(offset)
        return range(offset, min(offset + limit, ROWS))

    made: PagedModel[int] = PagedModel([Column("Number", str, right=True, order="id")], "numbers")
    made.read(reader, lambda _project: ROWS, fetch)
    qtbot.waitUntil(lambda: made.total() == ROWS)
    return made


def test_first_page_comes_with_the_count(model: PagedModel[int], asked: list[int]) -> None:
    assert model.rowCount() == ROWS
    assert model.index(7, 0).data() == "7"
    assert asked == [0]


def test_row_far_down_is_read_with_its_page_only(model: PagedModel[int], asked: list[int], qtbot: QtBot) -> None:
    assert model.index(654_321, 0).data() is None
    qtbot.waitUntil(lambda: model.index(654_321, 0).data() == "654321")
    assert asked == [0, 654_300]


def test_pages_seen_long_ago_are_dropped(model: PagedModel[int], asked: list[int], qtbot: QtBot) -> None:
    for page in range(1, KEPT_PAGES + 5):
        model.record(page * PAGE)
        qtbot.waitUntil(lambda page=page: model.record(page * PAGE) == page * PAGE)
    assert len(model._pages) == KEPT_PAGES


def test_reading_again_keeps_the_place_where_the_count_stays(model: PagedModel[int], qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(model.modelReset), qtbot.waitSignal(model.loaded):
        model.reload()


def test_other_filter_starts_at_the_top(model: PagedModel[int], reader: Reader, qtbot: QtBot) -> None:
    with qtbot.waitSignal(model.modelReset):
        model.read(reader, lambda _project: 3, lambda _project, _offset, _limit: [10, 20, 30])
    assert [model.index(row, 0).data() for row in range(3)] == ["10", "20", "30"]


def test_figures_stand_at_the_right(model: PagedModel[int]) -> None:
    side = model.index(0, 0).data(Qt.ItemDataRole.TextAlignmentRole)
    assert side & Qt.AlignmentFlag.AlignRight.value


def test_newer_question_on_a_topic_replaces_one_that_waits(reader: Reader, qtbot: QtBot) -> None:
    go, answers = threading.Event(), []
    reader.ask("other", lambda _project: go.wait(5), answers.append)
    for number in range(5):
        reader.ask("slider", lambda _project, number=number: number, answers.append)
    go.set()
    qtbot.waitUntil(reader.is_idle)
    assert answers == [True, 4]


def test_question_for_later_waits_until_nothing_else_is_asked(reader: Reader, qtbot: QtBot) -> None:
    go, answers = threading.Event(), []
    reader.ask("first", lambda _project: go.wait(5), lambda _answer: answers.append("first"))
    reader.ask("slow", lambda _project: None, lambda _answer: answers.append("later"), later=True)
    reader.ask("quick", lambda _project: None, lambda _answer: answers.append("quick"))
    go.set()
    qtbot.waitUntil(reader.is_idle)
    assert answers == ["first", "quick", "later"]


def test_question_that_fails_is_said_and_the_next_is_answered(reader: Reader, qtbot: QtBot) -> None:
    def fail(_project) -> None:
        raise ProjectError("The file edges.npy was damaged.", hint="Run the stage again.")

    answers: list[int] = []
    with qtbot.waitSignal(reader.failed) as said:
        reader.ask("broken", fail, answers.append)
    assert said.args == ["The file edges.npy was damaged. Run the stage again."]
    reader.ask("sound", lambda _project: 1, answers.append)
    qtbot.waitUntil(reader.is_idle)
    assert answers == [1]


def test_closed_reader_answers_nothing_more(reader: Reader, qtbot: QtBot) -> None:
    go, answers = threading.Event(), []
    reader.ask("first", lambda _project: go.wait(5), answers.append)
    go.set()
    reader.close()
    qtbot.wait(20)
    assert answers == []


def test_ended_reader_may_be_deleted_while_a_question_is_at_work(tmp_path: Path, qtbot: QtBot) -> None:
    made = Reader(empty_project(tmp_path))
    asked, go_on = threading.Event(), threading.Event()

    def slow(_project: object) -> int:
        asked.set()
        go_on.wait(5)
        return 1

    made.ask("slow", slow, lambda _answer: None)
    assert asked.wait(5)
    thread = made._thread
    assert thread is not None
    made.end()
    shiboken6.delete(made)
    go_on.set()
    thread.join(5)
    assert not thread.is_alive()


def test_an_answer_for_a_dialog_that_was_closed_is_dropped(
    model: PagedModel[int], reader: Reader, qtbot: QtBot
) -> None:
    hold = threading.Event()
    reader.ask("hold", lambda _project: hold.wait(10), lambda _answer: None)
    model.record(5 * PAGE)
    model.reload()
    shiboken6.delete(model)
    hold.set()
    with qtbot.captureExceptions() as raised:
        qtbot.waitUntil(reader.is_idle)
    assert raised == []

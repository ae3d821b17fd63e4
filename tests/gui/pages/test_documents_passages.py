"""The passages drawer: the preview follows the sliders, says what would change, and cutting is asked for only then."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QPixmap
from pytestqt.qtbot import QtBot

from engine.encode.models import BUNDLED
from engine.ingest.cutting import Cutting
from engine.ingest.document import Outline
from engine.ingest.recut import cut
from engine.params import CutParams
from engine.records import Qrel
from engine.store import cuts, documents, imports, queries
from engine.store.documents import NewDocument
from engine.store.project import Project
from engine.store.queries import NewQuery
from engine.task import Task
from gui import theme
from gui.dialogs.question import Question
from gui.pages.documents.page import DocumentsPage
from gui.pages.documents.passages import PassagesDrawer
from gui.pages.documents.passages_aside import AsideDialog
from gui.pages.documents.passages_facts import OutlookSum, change_words, over_words, question_words, said_words
from gui.widgets.passages_text import PassagesText
from tests.gui.pages.showing import Shown

LONG = " ".join(f"Sentence number {n} speaks of topic{n} and no more." for n in range(1, 25))


def _fill(project: Project) -> None:
    """Two documents of files, one judgement on all of the first."""
    import_id = imports.start_import(project, ["/files"], "documents")
    cutting = Cutting(project, CutParams(120, 8))
    cuts.set_project_cut(project, cutting.params)
    for name, text in (("first", "Few words. 😀 And more."), ("manual", LONG)):
        outline = Outline()
        outline.heading(1, "Kettles")
        outline.paragraph(text)
        read = outline.build(name, "md")
        put = cutting.put(NewDocument(name, f"/files/{name}.md", "md", name, read.text), read, import_id=import_id)
        if name == "manual":
            passage = documents.passages_of(project, put.document_id)[0]
            ((query_id, _),) = queries.put_queries(project, [NewQuery("all of the first half")], import_id=None)
            queries.put_qrels(project, [Qrel(query_id, passage.id, 1)])


def _open(shown: Shown, qtbot: QtBot, **how: object) -> tuple[DocumentsPage, PassagesDrawer, object]:
    page, session = shown(DocumentsPage, "empty", change=_fill, **how)  # type: ignore[arg-type]
    drawer = page._passages
    place = page._model.row_where(lambda found: found.document.title == "manual")
    page.table.selectRow(place)
    drawer.set_open(True)
    _settle(shown, qtbot, page)
    return page, drawer, session


def _settle(shown: Shown, qtbot: QtBot, page: DocumentsPage) -> None:
    shown.settle(page)
    qtbot.waitUntil(page._passages.is_settled, timeout=10_000)
    shown.settle(page)


def test_a_folded_drawer_asks_the_engine_nothing(shown: Shown) -> None:
    page, session = shown(DocumentsPage, "empty", change=_fill)
    assert not page._passages.is_open()
    assert session.edits == []


def test_sliders_stand_where_the_project_is_cut(shown: Shown, qtbot: QtBot) -> None:
    page, drawer, _ = _open(shown, qtbot)
    assert drawer.cut() == CutParams(120, 8, True)
    assert not drawer.apply.isEnabled()
    assert "Nothing would change" in drawer._change.text()
    assert page._params().passage_tokens == 120


def test_the_preview_shows_the_passages_that_cutting_gives(shown: Shown, qtbot: QtBot) -> None:
    page, drawer, session = _open(shown, qtbot)
    drawer.length.slider._set_active(40)
    _settle(shown, qtbot, page)
    seen = list(drawer.text._spans)
    text = drawer.text.toPlainText()
    with Project.open(session.path) as project:  # type: ignore[attr-defined]
        cut(project, drawer.cut(), Task())
        found = documents.document_at(project, "/files/manual.md")
        assert found is not None
        stored = documents.passages_of(project, found.id)
    assert [text[start:end] for start, end, _ in seen] == [passage.text for passage in stored]
    assert max(tokens for _, _, tokens in seen) <= 40
    assert f"{len(stored)} after" in drawer._caption.text()


def test_what_would_change_is_said_before_it_is_done(
    shown: Shown, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, drawer, session = _open(shown, qtbot)
    drawer.length.slider._set_active(40)
    _settle(shown, qtbot, page)
    assert drawer._change.text().startswith("1 document would change")
    assert "1 set aside" in drawer._said.text()
    asked: list[str] = []
    monkeypatch.setattr(Question, "exec", lambda question: asked.append(question.windowTitle()) or 0)
    drawer.apply.click()
    assert session.jobs == []  # type: ignore[attr-defined]
    monkeypatch.setattr(Question, "exec", lambda _question: 1)
    drawer.apply.click()
    assert asked == ["Cut the documents again?"]
    assert session.jobs == [("cut", {"passage_tokens": 40, "overlap_tokens": 8, "headings": True})]  # type: ignore[attr-defined]


def test_reset_puts_the_sliders_back(shown: Shown, qtbot: QtBot) -> None:
    page, drawer, _ = _open(shown, qtbot)
    drawer.headings.setChecked(False)
    drawer.overlap.slider._set_active(40)
    _settle(shown, qtbot, page)
    assert drawer.cut() == CutParams(120, 40, False)
    assert "headings in the text" in drawer.fact.text()
    drawer.reset.click()
    assert drawer.cut() == CutParams(120, 8, True)


def test_after_a_cutting_it_can_be_taken_back_and_what_was_set_aside_is_listed(shown: Shown, qtbot: QtBot) -> None:
    def change(project: Project) -> None:
        _fill(project)
        cut(project, CutParams(40, 0), Task())

    page, session = shown(DocumentsPage, "empty", change=change)
    drawer = page._passages
    drawer.set_open(True)
    _settle(shown, qtbot, page)
    drawer.undo.click()
    assert session.jobs == [("uncut", {})]
    assert drawer.aside.text() == "1 judgement is set aside. Show"
    drawer.aside.click()
    (dialog,) = drawer.findChildren(AsideDialog)
    shown.settle(page)
    (fact,) = dialog.facts()
    assert "all of the first half" in fact.sentence.text()
    dialog.close_.click()


def test_passages_longer_than_the_model_reads_are_red(shown: Shown, qtbot: QtBot) -> None:
    page, drawer, _ = _open(shown, qtbot, size=(1072, 950))
    drawer.length.slider._set_active(500)
    _settle(shown, qtbot, page)
    assert drawer._outlook.over == 1
    assert "are longer and cut off" in drawer._over.text()
    assert "bad" in {drawer._chart._token_of(edge) for edge in drawer._chart._edges}  # type: ignore[union-attr,misc]
    assert drawer._stack.indexOf(drawer._lengths) < 0


def test_a_project_of_labelled_passages_cannot_be_cut_and_says_why(shown: Shown, qtbot: QtBot) -> None:
    def change(project: Project) -> None:
        project.db.execute("update models set path = ?", [str(BUNDLED.path())])
        project.db.execute("update documents set labelled = 1")

    page, _ = shown(DocumentsPage, change=change)
    drawer = page._passages
    drawer.set_open(True)
    _settle(shown, qtbot, page)
    assert not drawer.apply.isEnabled()
    assert drawer.apply.shown_text() == "Labelled sets are kept whole"
    assert drawer._outlook.after > 0


def _pixel(text: PassagesText, position: int) -> str:
    cursor = text.textCursor()
    cursor.setPosition(position)
    rect = text.cursorRect(cursor)
    shot: QPixmap = text.viewport().grab()
    return shot.toImage().pixelColor(rect.left() + 1, rect.top() + 1).name()


def test_each_passage_has_a_ground_and_what_two_share_another(qtbot: QtBot) -> None:
    text = PassagesText("text")
    qtbot.addWidget(text)
    text.resize(500, 300)
    text.show()
    text.show_text("😀 aaaa. eeee. cccc.\n\nno passage")
    text.show_spans([(2, 13, 4), (8, 19, 4)], 254)
    colours = [theme.color(token).name() for token in ("select", "mark", "hover")]
    assert [_pixel(text, position) for position in (4, 11, 16)] == colours
    assert _pixel(text, 25) not in colours


def test_hidden_characters_do_not_move_the_passages(qtbot: QtBot) -> None:
    text = PassagesText("text")
    qtbot.addWidget(text)
    text.show_text("a\u202eb\u200bc😀d")
    text.show_spans([(5, 7, 1)], 10)
    assert text.toPlainText() == "a·b·c😀d"
    assert text._spans == [(5, 8, 1)]


def test_sentences_name_every_consequence() -> None:
    found = OutlookSum(5, 4, 2, 10, 20, 3, moved=6, aside=1, mined=4, limit=254, bins=())
    assert change_words(found, 5) == "2 documents would change: 10 passages now, 20 after."
    assert said_words(found) == "6 judgements follow their text · 1 set aside · 4 negatives to mine again"
    assert over_words(found) == "15.0 % (3) are longer and cut off: the model reads 254 tokens."
    asked = question_words(found, 5)
    for part in (
        "2 documents get other passages: 10 before, 20 after",
        "6 judgements and votes",
        "For 1 no passage",
        "4",
    ):
        assert part in asked
    found.next = 3
    assert change_words(found, 9, looking=True) == "Looked at 5 of 9 documents…"
    told = "Of the first 5 of 9 documents 2 would change: 10 passages now, 20 after."
    assert change_words(found, 9) == told
    assert "So far 5 of 9" in question_words(found, 9)


def test_the_chosen_document_stays_chosen_after_a_change(shown: Shown, qtbot: QtBot) -> None:
    page, drawer, session = _open(shown, qtbot)
    session._emit({"documents"})  # type: ignore[attr-defined]
    _settle(shown, qtbot, page)
    assert page.table.currentIndex().data() == "manual"
    assert drawer._shown is not None
    assert drawer._shown.name == "manual"


def test_settings_between_two_steps_of_a_slider_stay_as_they_are(shown: Shown, qtbot: QtBot) -> None:
    def change(project: Project) -> None:
        _fill(project)
        cuts.set_project_cut(project, CutParams(123, 7))

    page, _ = shown(DocumentsPage, "empty", change=change)
    drawer = page._passages
    drawer.set_open(True)
    _settle(shown, qtbot, page)
    assert drawer.cut() == CutParams(123, 7)
    assert not drawer.reset.isVisible()
    drawer.length.slider._set_active(200)
    assert drawer.cut() == CutParams(200, 8)


def test_the_slider_reaches_as_far_as_a_model_of_long_texts_reads(shown: Shown, qtbot: QtBot) -> None:
    _, drawer, _ = _open(shown, qtbot)
    drawer._reach(8192)
    drawer.length.slider._set_active(5000)
    assert drawer.cut().passage_tokens == 2000


def test_of_a_long_document_what_is_in_view_comes_at_once_and_the_rest_when_the_sliders_rest(
    shown: Shown, qtbot: QtBot
) -> None:
    def change(project: Project) -> None:
        cutting = Cutting(project, CutParams(120, 8))
        cuts.set_project_cut(project, cutting.params)
        outline = Outline()
        for n in range(2500):
            outline.paragraph(f"Paragraph {n} goes on for a while. It has a second sentence of so many words.")
        read = outline.build("long", "txt")
        import_id = imports.start_import(project, ["/files"], "documents")
        cutting.put(NewDocument("long", "/files/long.txt", "txt", "long", read.text), read, import_id=import_id)

    page, session = shown(DocumentsPage, "empty", change=change)
    drawer = page._passages
    page.table.selectRow(0)
    drawer.set_open(True)
    _settle(shown, qtbot, page)
    session.edits.clear()
    drawer.length.slider._set_active(60)
    drawer.length.slider._set_active(40)
    qtbot.waitUntil(lambda: drawer._asked is None, timeout=10_000)
    asked = [values for kind, values in session.edits if kind == "cut_preview"]
    assert [(0 < one["until"] < 10_000, one["params"]["passage_tokens"]) for one in asked] == [(True, 60), (True, 40)]
    seen = list(drawer.text._spans)
    assert "about" in drawer._caption.text()
    _settle(shown, qtbot, page)
    assert "about" not in drawer._caption.text()
    assert drawer.text._spans[: len(seen)] == seen
    with Project.open(session.path) as project:  # type: ignore[arg-type]
        cut(project, drawer.cut(), Task())
        stored = documents.passages_of(project, 1)
    assert [(start, end) for start, end, _ in drawer.text._spans] == [(one.start, one.end) for one in stored]
    assert f"{len(stored):,} after" in drawer._caption.text()

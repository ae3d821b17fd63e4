"""The settings behind "Advanced" and those of a reranker: what is typed wrong, and what is said of it."""

from __future__ import annotations

from gui.pages.train.facts import TrainFacts
from gui.pages.train.form import SettingsForm
from gui.pages.train.reranker import RerankerDialog
from gui.widgets.inputs import ChoiceBox
from tests.gui.pages.test_train_page import _page


def _type(form: SettingsForm, name: str, text: str) -> None:
    field = form.field(name)
    field.setText(text)
    field.textEdited.emit(text)


def test_no_run_starts_with_another_rate_than_the_field_shows(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    form = page._plan.form()
    _type(form, "learning_rate", "3e-4x")
    for button in (page._start, page._plan.rounds.start, page._copy):
        assert not button.isEnabled()
        assert button.shown_text() == "Mend first: Learning rate"
    form.row("learning_rate").reset.emit()
    assert form.field("learning_rate").text() == "0.0001"
    assert page._start.isEnabled()
    assert page._copy.isEnabled()


def test_a_preset_puts_right_what_was_typed_wrong(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    form = page._plan.form()
    _type(form, "learning_rate", "fast")
    assert form.row("learning_rate").is_wrong()
    page._plan.choose("balanced")
    assert form.field("learning_rate").text() == "5e-5"
    assert not form.row("learning_rate").is_wrong()
    assert page._start.isEnabled()
    _type(form, "learning_rate", "fast")
    form.reset_all()
    assert not form.row("learning_rate").is_wrong()


def test_no_reranker_starts_with_another_rate_than_the_field_shows(qtbot):
    dialog = RerankerDialog(TrainFacts(questions=95))
    qtbot.addWidget(dialog)
    _type(dialog.form, "learning_rate", "")
    assert not dialog.ok.isEnabled()
    assert dialog.ok.shown_text() == "Mend first: Learning rate"
    _type(dialog.form, "learning_rate", "1e-5")
    assert dialog.ok.isEnabled()


def test_long_words_of_a_choice_end_in_dots(qtbot):
    box = ChoiceBox([("Handbook of the workshop, spring edition, seed 14", "2"), ("off", "off")])
    qtbot.addWidget(box)
    box.setFixedWidth(168)
    box.show()
    assert box.shown_text().endswith("…")
    assert box.shown_text().startswith("Handbook of the")
    box.set_value("off")
    assert box.shown_text() == "off"

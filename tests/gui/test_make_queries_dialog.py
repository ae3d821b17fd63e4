"""The dialog that makes queries: what is chosen is what the job gets, and nothing incomplete can be started."""

from __future__ import annotations

from engine.params import MakeParams, params_from_dict
from gui.dialogs.make_queries import MakeQueries


def _dialog(qtbot) -> MakeQueries:
    dialog = MakeQueries(1234)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def test_the_usual_choice_gives_the_usual_settings(qtbot):
    assert params_from_dict(MakeParams, _dialog(qtbot).values()) == MakeParams()


def test_without_a_way_nothing_can_be_made(qtbot):
    dialog = _dialog(qtbot)
    for box in dialog.ways.values():
        box.setChecked(False)
    assert not dialog.ok.isEnabled()
    dialog.ways["cloze"].setChecked(True)
    assert dialog.ok.isEnabled()
    assert dialog.values()["sources"] == ["cloze"]


def test_a_language_model_needs_its_address_and_name(qtbot):
    dialog = _dialog(qtbot)
    assert not dialog.url.isVisible()
    dialog.ways["endpoint"].setChecked(True)
    assert dialog.url.isVisible()
    assert not dialog.ok.isEnabled()
    dialog.url.setText("ftp://x")
    dialog.model.setText("m")
    assert not dialog.ok.isEnabled()
    dialog.url.setText("http://localhost:11434/v1")
    dialog.prompt.setPlainText("Ask about {passage}")
    dialog.price.setValue(0.15)
    assert dialog.ok.isEnabled()
    chosen = params_from_dict(MakeParams, dialog.values())
    assert (chosen.url, chosen.model, chosen.prompt) == ("http://localhost:11434/v1", "m", "Ask about {passage}")
    assert chosen.price_per_million == 0.15
    dialog.ways["endpoint"].setChecked(False)
    assert "url" not in dialog.values()

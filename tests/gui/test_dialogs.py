"""Dialogs: a new project's name and place, settings, keys, versions."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QShortcut
from PySide6.QtWidgets import QFileDialog

from gui import theme
from gui.dialogs.about import AboutDialog, diagnostics
from gui.dialogs.new_project import NewProjectDialog, folder_name, free_folder
from gui.dialogs.settings import SettingsDialog
from gui.dialogs.shortcuts import ShortcutsDialog
from gui.pages.negatives.page import NegativesPage


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("My documents", "My-documents"),
        ("病历问答", "病历问答"),
        ('a/b\\c:"d"', "a-b-c-d"),
        (" .. ", "project"),
        ("../x", "x"),
    ],
)
def test_a_name_becomes_a_folder_every_system_takes(name, folder):
    assert folder_name(name) == folder


def test_a_taken_folder_gets_a_number(tmp_path):
    (tmp_path / "A").mkdir()
    assert free_folder(tmp_path, "A") == tmp_path / "A"
    (tmp_path / "A" / "x").write_text("", encoding="utf-8")
    assert free_folder(tmp_path, "A") == tmp_path / "A-2"


def test_a_new_project_needs_a_name(qtbot, settings):
    dialog = NewProjectDialog(settings, "Manuals")
    qtbot.addWidget(dialog)
    assert dialog.path == Path(settings.values.projects_folder) / "Manuals"
    dialog.field.clear()
    assert not dialog._make.isEnabled()


def test_the_look_is_chosen_at_once_and_kept(qtbot, settings):
    dialog = SettingsDialog(settings)
    qtbot.addWidget(dialog)
    dialog._choose_theme(2)
    assert theme.is_dark()
    assert settings.values.theme == "dark"


def test_a_folder_that_is_no_model_is_refused_in_words(qtbot, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    dialog = SettingsDialog(settings)
    qtbot.addWidget(dialog)
    dialog._choose_model(1)
    assert settings.values.base_model == "bundled"
    assert "config.json" in dialog._model_words.text()


def test_a_model_folder_is_taken(qtbot, settings, tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    dialog = SettingsDialog(settings)
    qtbot.addWidget(dialog)
    dialog._choose_model(1)
    assert settings.values.base_model == str(tmp_path)


def test_the_facts_for_a_report_hold_no_path(qtbot):
    dialog = AboutDialog()
    qtbot.addWidget(dialog)
    assert "Qt" in diagnostics()
    assert str(Path.home()) not in dialog.facts.toPlainText()


def test_the_sheet_of_keys_fits_into_the_smallest_window(qtbot):
    dialog = ShortcutsDialog(["Home", "Documents", "Queries", "Negatives", "Train", "Evaluate", "Search", "Export"])
    qtbot.addWidget(dialog)
    assert dialog.sizeHint().width() <= 1000
    assert dialog.sizeHint().height() <= 640


def test_the_sheet_names_every_key_of_the_negatives(qtbot, session):
    page, dialog = NegativesPage(session), ShortcutsDialog([])
    qtbot.addWidget(page)
    qtbot.addWidget(dialog)
    bound = {found.key().toString() for found in page.findChildren(QShortcut)}
    assert {key for key in bound if len(key) == 1} == {key for key, _text in dialog._negatives()[1]}

"""Settings outlive the program and never stop it."""

from __future__ import annotations

from gui.settings import Recent, SettingsStore


def test_changes_are_there_after_a_restart(tmp_path):
    path = tmp_path / "settings.json"
    SettingsStore(path).change(theme="dark", base_model="/models/mine")
    again = SettingsStore(path).values
    assert (again.theme, again.base_model) == ("dark", "/models/mine")


def test_the_newest_project_stands_first_and_once(tmp_path):
    store = SettingsStore(tmp_path / "settings.json")
    for name in ("a", "b", "a"):
        store.remember(Recent(f"/p/{name}", name, "2026-01-01T00:00:00Z"))
    assert [known.name for known in store.values.recent] == ["a", "b"]
    store.forget("/p/a")
    assert [known.name for known in SettingsStore(store.path).values.recent] == ["b"]


def test_a_damaged_file_is_put_aside_and_defaults_hold(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text("{", encoding="utf-8")
    assert SettingsStore(path).values.theme == "system"
    assert (tmp_path / "settings.damaged.json").read_text(encoding="utf-8") == "{"


def test_a_value_of_the_wrong_type_is_no_reason_to_stop(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text('{"theme": 7}', encoding="utf-8")
    assert SettingsStore(path).values.theme == "system"


def test_a_folder_that_cannot_be_written_is_no_reason_to_stop(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    store = SettingsStore(blocked / "settings.json")
    store.change(theme="light")
    assert store.values.theme == "light"

"""Folders are put in the place of others whole, whatever ends the process meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.store.files import clear_leftovers, swap_folder


@pytest.fixture
def folders(tmp_path):
    """What stands there, and what is to take its place."""
    for name, text in (("index", "old"), (".index.999999999.tmp", "new")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "text").write_text(text, encoding="utf-8")
    return tmp_path / "index", tmp_path / ".index.999999999.tmp"


def text_of(folder):
    return (folder / "text").read_text(encoding="utf-8")


def failing_at(number, error, monkeypatch):
    """Let the renaming of that number (from 1 on) fail."""
    done, replace = [], Path.replace

    def failing(path, target):
        done.append(path)
        if len(done) == number:
            raise error
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", failing)


def test_a_finished_folder_takes_the_place_of_the_old_one(folders):
    swap_folder(folders[1], folders[0])
    assert text_of(folders[0]) == "new"
    assert [path.name for path in folders[0].parent.iterdir()] == ["index"]


def test_a_folder_that_was_moved_aside_when_the_process_ended_goes_back(folders, monkeypatch):
    failing_at(2, KeyboardInterrupt, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        swap_folder(folders[1], folders[0])
    monkeypatch.undo()
    assert not folders[0].exists()
    clear_leftovers(folders[0].parent)
    assert text_of(folders[0]) == "old"
    assert [path.name for path in folders[0].parent.iterdir()] == ["index"]


def test_a_folder_stays_where_the_new_one_cannot_be_put_there(folders, monkeypatch):
    failing_at(2, PermissionError("in use"), monkeypatch)
    with pytest.raises(PermissionError):
        swap_folder(folders[1], folders[0])
    assert text_of(folders[0]) == "old"

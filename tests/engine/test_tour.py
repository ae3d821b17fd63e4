"""Where the tour may walk, and where it must not."""

from __future__ import annotations

import pytest

from engine import tour as tour_module
from engine.errors import ProjectBusyError, ProjectError
from engine.store.project import Project
from engine.task import Task
from engine.tour import tour
from tests.engine.small_world import small_project


def test_the_tour_is_not_walked_in_a_project_of_somebodys_own(tmp_path):
    small_project(tmp_path / "p").close()
    with pytest.raises(ProjectError, match="work of your own"):
        tour(tmp_path / "p", Task())


def test_the_project_of_an_earlier_tour_stays_where_somebody_went_on_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: tmp_path)
    small_project(tmp_path / "tour").close()
    with pytest.raises(ProjectError, match="searchsmith tour PROJECT"):
        tour(None, Task())
    assert (tmp_path / "tour" / "project.db").is_file()


def test_a_second_tour_leaves_the_project_of_the_first_one_alone_while_that_is_walked(tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: tmp_path)
    with (
        Project.create(tmp_path / "tour") as project,
        project.writing("train"),
        pytest.raises(ProjectBusyError, match="train"),
    ):
        tour_module._own_folder()
    assert (tmp_path / "tour" / "project.db").is_file()


def test_the_project_of_an_earlier_tour_gives_way_to_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: tmp_path)
    Project.create(tmp_path / "tour").close()
    assert not tour_module._own_folder().exists()

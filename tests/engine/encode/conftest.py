import shutil

import pytest

from engine.store.project import Project
from tests.tiny_model import build_tiny_model


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    return build_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def copied(tiny_folder, tmp_path):
    """A copy of the tiny model that a test may spoil."""
    return shutil.copytree(tiny_folder, tmp_path / "copied")


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "project") as project:
        yield project

"""A small project whose texts are encoded by their words, for the tests that mine for real."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.mine import linting, mining
from engine.records import Split
from engine.store.project import Project
from tests.engine.mine.projects import add_passages, add_queries, bag_vectors, judge, new_project

TOPICS = ["kettle", "teapot", "grinder", "toaster", "oven", "fridge"]


@pytest.fixture
def kitchen(tmp_path, monkeypatch) -> Iterator[Project]:
    """Six training queries, the passage that answers each, and six passages that answer none."""

    def vectors(project, model, asked, texts, task):
        return bag_vectors(asked), bag_vectors(texts)

    monkeypatch.setattr(mining, "_vectors", vectors)
    monkeypatch.setattr(linting, "token_counter", lambda _: lambda texts: [len(text.split()) for text in texts])
    monkeypatch.setattr(linting, "folder_of", lambda *_: None)
    with new_project(tmp_path / "p") as project:
        guides = add_passages(project, [f"To clean the {t} use warm vinegar and rinse the {t} twice" for t in TOPICS])
        add_passages(project, [f"The {t} guarantee lasts two years" for t in TOPICS])
        asked = add_queries(project, [f"How do I clean my {t}?" for t in TOPICS], split=Split.TRAIN)
        judge(project, *((q, p, 1) for q, p in zip(asked, guides, strict=True)))
        yield project

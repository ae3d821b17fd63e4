"""The engine loads a model beside its work, and says how far the passages are that a search waits for."""

from __future__ import annotations

import pytest

from engine.encode.models import add_model_folder
from engine.protocol import Edit, EditDone, OpenSearch, SearchProgress, SearchReady, WorkerReady
from engine.store import queries
from engine.store.project import Project
from tests.e2e.engine import Engine
from tests.engine.mine.projects import add_passages, add_queries
from tests.tiny_model import WORDS, build_tiny_model

pytestmark = pytest.mark.slow

COUNT = 700


@pytest.fixture
def place(tmp_path):
    with Project.create(tmp_path / "p") as project:
        add_model_folder(project, str(build_tiny_model(tmp_path / "model")))
        add_passages(project, [f"{WORDS[n % 40]} {WORDS[n % 37]} {n}" for n in range(COUNT)])
        add_queries(project, ["where is the red stone"])
    return tmp_path / "p"


def test_a_word_is_kept_while_a_model_is_loaded_and_a_search_says_how_far_the_passages_are(place):
    word = {"query_id": 1, "passage_id": 1, "verdict": "left_out"}
    with Engine() as engine:
        engine.wait_for(WorkerReady)
        engine.say(Edit(request=1, project=str(place), kind="warm", values={"model_id": 1}))
        engine.say(Edit(request=2, project=str(place), kind="review", values=word))
        assert engine.wait_for(EditDone).request == 2
        with Project.open(place, readonly=True) as project:
            assert queries.reviews(project)
        loaded = engine.wait_for(EditDone)
        assert (loaded.request, loaded.values) == (1, {"loaded": True})
        values = {"query_id": 1, "passage_id": 1, "model_id": 1}
        engine.say(Edit(request=3, project=str(place), kind="likeness", values=values))
        assert engine.wait_for(EditDone).values["sentences"]
        engine.say(OpenSearch(project=str(place), model="base"))
        assert engine.wait_for(SearchReady).passages == COUNT
        told = [event for event in engine.seen if isinstance(event, SearchProgress)]
    assert {(event.project, event.model, event.stage) for event in told} == {(str(place), "base", "encode passages")}
    assert told[0].done == 0
    assert [event.total for event in told] == [COUNT] * len(told)


def test_a_model_that_is_not_there_is_told_as_not_loaded(place):
    with Engine() as engine:
        engine.wait_for(WorkerReady)
        engine.say(Edit(request=1, project=str(place), kind="warm", values={"model_id": 99}))
        assert engine.wait_for(EditDone).values == {"loaded": False}

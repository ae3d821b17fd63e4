"""Where each model comes from and what made it different."""

from __future__ import annotations

import pytest

from engine.params import PRESETS, params_to_dict
from engine.store import models
from engine.store.lineage import changed_settings, differing_settings, lineage
from engine.store.notes import put_note
from engine.store.project import Project


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "p") as made:
        quick = params_to_dict(PRESETS["quick"])
        for kind, parent, params in (
            ("base", None, {}),
            ("tuned", 1, quick),
            ("tuned", 2, {**quick, "learning_rate": 3e-5, "seed": 7}),
        ):
            model = models.add_model(made, name=f"{kind} {parent}", kind=kind, path="", parent_id=parent, params=params)
            summary = {"dev": 0.5, "queries": 2111, "negatives": 60} if kind == "tuned" else {}
            models.finish_model(made, model, path="x", weights_digest=str(model), dim=3, max_length=9, summary=summary)
        models.add_model(made, name="unfinished", kind="tuned", path="", parent_id=1)
        yield made


def test_every_finished_model_is_listed_with_its_parent_and_what_was_changed(project):
    put_note(project, "model", 3, "slower")
    found = lineage(project)
    assert [(line.model.id, line.parent, dict(line.changed)) for line in found] == [
        (1, "", {}),
        (2, "base None", {}),
        (3, "tuned 1", {"learning_rate": 3e-5, "seed": 7}),
    ]
    assert found[2].data == "2,111 queries, 60 negatives"
    assert (found[2].dev, found[2].note, found[2].run) == (0.5, "slower", None)


def test_runs_of_one_training_set_have_one_number_for_their_data(project):
    for digest in ("one", "two", "one"):
        made = models.add_model(project, name=digest, kind="tuned", path="", parent_id=1)
        summary = {"queries": 5, "data": digest}
        models.finish_model(project, made, path="x", weights_digest=str(made), dim=3, max_length=9, summary=summary)
    told = ["data 1: 5 queries", "data 2: 5 queries", "data 1: 5 queries"]
    assert [line.data for line in lineage(project)][-3:] == told


def test_two_runs_differ_in_what_they_differ(project):
    a, b = models.model(project, 3), models.model(project, 2)
    assert differing_settings(a, b) == {"learning_rate": (3e-5, PRESETS["quick"].learning_rate), "seed": (7, 13)}


def test_a_model_without_a_preset_changed_nothing():
    assert changed_settings({}) == {}
    assert changed_settings({"preset": "of old", "learning_rate": 1.0}) == {}

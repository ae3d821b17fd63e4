"""A model's own figure is the one it reached alone, wherever it is told: not with a reranker, not joined with BM25."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.export.card import _measured
from engine.records import Split
from engine.store import models, runs
from engine.store.overview import overview
from engine.store.project import Project
from gui.pages.export import facts as export_facts
from gui.pages.home.facts import read_home
from gui.pages.train import facts as train_facts

ALONE = {"ndcg@10": 0.6}


@pytest.fixture
def project(finished: Path):
    """The tuned model was measured alone, and with others before and after that."""
    with Project.open(finished) as opened:
        tuned = models.newest_tuned(opened)
        assert tuned is not None
        for place, system in enumerate(("hybrid", "hybrid+reranker", "tuned+reranker", "tuned", "tuned+reranker")):
            run = runs.start_run(
                opened, system=system, model_id=tuned.id, split=Split.TEST, content_key=f"{system} {place}"
            )
            figures = ALONE if system == "tuned" else {"ndcg@10": 0.9}
            runs.finish_run(opened, run, n_queries=18, metrics=figures, seconds=1)
        yield opened


def test_the_first_page_counts_a_round_by_the_model_alone(project):
    assert [found.score for found in read_home(project, overview(project)).rounds if found.is_tuned] == [0.6]


def test_the_train_page_tells_what_the_model_reached_alone(project):
    assert train_facts.read_facts(project).measured[models.newest_tuned(project).id] == 0.6


def test_the_export_page_and_the_model_card_tell_what_the_model_reached_alone(project):
    tuned = models.newest_tuned(project)
    again = runs.start_run(project, system="tuned", model_id=tuned.id, split=Split.TEST, content_key="again")
    runs.finish_run(project, again, n_queries=18, metrics=ALONE, seconds=1)
    assert export_facts.read_facts(project).model(tuned.id).score == 0.6
    assert "| this model | 0.6000 |" in _measured(project, tuned)

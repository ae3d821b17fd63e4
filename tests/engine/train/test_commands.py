"""Training from the command line: a run repeated with one thing changed, one that was stopped and can go on."""

import argparse
import json
import shlex
from dataclasses import asdict, replace
from itertools import pairwise

import pytest

from engine.commands.common import settings
from engine.commands.training import (
    _list_objectives,
    _reranker_values,
    _show_trained,
    _train_reranker,
    _train_values,
)
from engine.errors import Cancelled, UserError
from engine.params import TrainParams, params_from_dict
from engine.records import Negative, Source
from engine.store import jobs, models, negatives, overview
from engine.task import Task
from engine.terminal import show_info
from engine.train.rounds import AutopilotSummary, Round
from engine.train.scripts import command_line
from engine.train.training import train
from tests.engine.train.test_training import Recorder


def _options(project, **given):
    names = ("preset", "base", "minutes", "objective", "resume", "from_run", "finish", "rounds", "set", "loss")
    return argparse.Namespace(project=str(project.path), **{**dict.fromkeys(names), **given})


def test_a_repeated_run_has_its_own_changes_and_those_that_are_named(project, small):
    summary = train(project, replace(small, max_steps=1, scale=11.0), Task())
    values = _train_values(_options(project, from_run=summary.model, set=["seed=4"]))
    repeated = params_from_dict(TrainParams, values)
    assert (repeated.scale, repeated.max_steps, repeated.seed) == (11.0, 1, 4)
    assert repeated.base == str(models.base_model(project).id)
    assert "weight_decay" not in values


def test_another_objective_brings_its_own_settings_into_a_repeated_run(project, small):
    summary = train(project, replace(small, max_steps=1), Task())
    values = _train_values(_options(project, from_run=summary.model, objective="gist"))
    assert params_from_dict(TrainParams, values).scale == 100.0


def test_the_command_of_a_run_keeps_the_blank_at_the_end_of_its_prompt(project, small):
    summary = train(project, replace(small, max_steps=1, query_prompt="query: "), Task())
    words = shlex.split(command_line(models.model(project, summary.model)))
    given = settings([word for flag, word in pairwise(words) if flag == "--set"])
    assert params_from_dict(TrainParams, given).query_prompt == "query: "


@pytest.mark.parametrize(
    ("read", "given"),
    [
        (_train_values, {"minutes": 5.0}),
        (_train_values, {"set": ["learning_rate=1e-5"]}),
        (_train_values, {"from_run": 2}),
        (_reranker_values, {"loss": "pairwise"}),
    ],
)
def test_settings_beside_a_run_that_goes_on_are_refused_as_they_would_do_nothing(project, read, given):
    with pytest.raises(UserError, match="keeps its own settings"):
        read(_options(project, resume=1, **given))
    assert read(_options(project, resume=1, finish=True)) == {"resume": 1, "finish": True}


def test_other_projects_are_found_from_any_folder_when_a_run_goes_on(project, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = _train_values(_options(project, set=["guard=other", "replay=../old", "seed=4"]))
    assert values == {"guard": str(tmp_path / "other"), "replay": f"{tmp_path}/../old", "seed": 4}


def test_a_stopped_reranker_says_how_it_goes_on(project, capsys, monkeypatch):
    mining = negatives.start_mining(project, model_id=models.base_model(project).id, params={})
    wrong = [Negative(q, 1 + q % 60, Source.BM25, 1, 0.5, 0.1, 0.0) for q in range(1, 41)]
    negatives.put_negatives(project, mining, wrong)
    negatives.finish_mining(project, mining, counts={})
    asked = ["max_steps=6", "batch_size=4", "num_negatives=1", "max_length=32", "eval_every=2", "device=cpu"]
    project.close()
    with pytest.raises(Cancelled):
        _train_reranker(_options(project, set=asked), Recorder(stop_at=3))
    said = "".join(capsys.readouterr())
    assert f"searchsmith reranker {project.path} --resume" in said


def test_objectives_are_listed_beside_a_job(project):
    with project.writing("train"):
        obstacles = _list_objectives(_options(project), Task())["obstacles"]
    assert obstacles["mnrl"] == ""
    assert obstacles["kl_distill"]


def test_rounds_are_told_in_a_table_with_why_they_ended(capsys):
    rounds = (
        Round(1, 3, 1, 27, 190.0, 0.61, 0.05, 0.03, 0.07, True),
        Round(2, 4, 3, 16, 95.0, 0.60, -0.01, -0.02, 0.01, False),
    )
    done = AutopilotSummary(
        3, rounds, "gain", 630.0, {"bm25": 0.545, "tuned": 0.635}, (("tuned", "bm25", "WIN", 0.09),)
    )
    _show_trained(json.loads(json.dumps(asdict(done))))
    told = capsys.readouterr().out
    first, second = (
        line for line in told.splitlines() if "95 %" not in line and ("+0.050" in line or "−0.010" in line)
    )
    assert "0.610" in first
    assert "+0.050 (+0.030 to +0.070)" in first
    assert "left out" not in first
    assert second.rstrip().endswith("left out")
    assert "Ended because the last round's gain lies inside its interval. Model 3 stands; 10 min 30 s in all." in told
    assert "test nDCG@10: bm25 0.545, tuned 0.635" in told
    assert "tuned against bm25: WIN (+0.090)" in told


def test_info_names_the_command_that_goes_on_with_a_training(capsys):
    step = {"label": "Go on training", "page": "train", "job": "train", "params": {"resume": 2}, "seconds": 90}
    facts = dict.fromkeys(("stages", "unfinished_imports"), ()) | {"open_problems": 0, "token_report": None}
    show_info({**facts, "name": "words", "path": "/words", "interrupted": ["train"], "next_step": step})
    told = capsys.readouterr().out
    assert "Next step: Go on training (searchsmith train PROJECT --resume 2)" in told
    assert "run it again" not in told


def test_rounds_that_train_now_are_no_interrupted_training(project, small):
    with pytest.raises(Cancelled):
        train(project, small, Recorder(stop_at=9))
    assert [model.name for model in overview._interrupted(project)] == ["tuned 1"]
    jobs.start_job(project, "autopilot", {})
    assert overview._interrupted(project) == []

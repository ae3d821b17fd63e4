"""The exported task is what MTEB's loader reads, and gives the figures measured here."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engine.encode.models import open_encoder
from engine.errors import UserError
from engine.evaluate.evaluation import evaluate
from engine.export.mteb import export_mteb
from engine.params import EvaluateParams, MtebParams
from engine.store import models
from engine.task import Task
from tests.engine.small_world import add_base, small_project, tiny_model

pytrec_eval = pytest.importorskip("pytrec_eval")


@pytest.fixture
def project(tmp_path, tmp_path_factory):
    pytest.importorskip("sentence_transformers")
    with small_project(tmp_path / "project") as project:
        add_base(project, tiny_model(tmp_path_factory.mktemp("model") / "base"))
        yield project


def _load(folder, config):
    datasets = pytest.importorskip("datasets")
    return datasets.load_dataset(str(folder), config, split="test", cache_dir=str(folder.parent / "cache"))


def test_the_loader_of_data_sets_reads_every_part(project, tmp_path):
    summary = export_mteb(project, MtebParams(dest=str(tmp_path / "task")), Task())
    corpus, asked, qrels = (_load(tmp_path / "task", name) for name in ("corpus", "queries", "default"))
    assert (len(corpus), len(asked), len(qrels)) == (summary.passages, summary.queries, summary.judgements)
    assert (summary.passages, summary.queries) == (24, 20)  # the copy of p1 stands once
    assert set(corpus.column_names) == {"_id", "title", "text"}
    assert set(qrels["corpus-id"]) <= set(corpus["_id"])


def test_ranking_the_exported_texts_gives_our_ndcg(project, tmp_path):
    ours = evaluate(project, EvaluateParams(systems=("base",)), Task()).systems["base"]
    export_mteb(project, MtebParams(dest=str(tmp_path / "task")), Task())
    rows = {
        name: [json.loads(line) for line in (tmp_path / "task" / f"{name}.jsonl").read_text("utf-8").splitlines()]
        for name in ("corpus", "queries", "default")
    }
    encoder = open_encoder(project, models.base_model(project))
    passages = encoder.encode([f"{row['title']} {row['text']}" for row in rows["corpus"]], kind="passage")
    asked = encoder.encode([row["text"] for row in rows["queries"]], kind="query")
    scores = np.asarray(asked, np.float64) @ np.asarray(passages, np.float64).T
    run = {
        row["_id"]: {passage["_id"]: float(score) for passage, score in zip(rows["corpus"], line, strict=True)}
        for row, line in zip(rows["queries"], scores, strict=True)
    }
    gold: dict[str, dict[str, int]] = {}
    for row in rows["default"]:
        gold.setdefault(row["query-id"], {})[row["corpus-id"]] = row["score"]
    theirs = pytrec_eval.RelevanceEvaluator(gold, {"ndcg_cut.10"}).evaluate(run)
    assert np.mean([found["ndcg_cut_10"] for found in theirs.values()]) == pytest.approx(ours["ndcg@10"], abs=1e-9)


def test_the_task_module_is_python_and_names_the_split(project, tmp_path):
    project.set_meta("name", 'A "quoted"\nname')
    export_mteb(project, MtebParams(dest=str(tmp_path / "task")), Task())
    text = (tmp_path / "task" / "project_retrieval.py").read_text("utf-8")
    compile(text, "project_retrieval.py", "exec")
    assert 'eval_splits=["test"]' in text


def test_a_split_without_judgements_is_refused(project, tmp_path):
    with pytest.raises(UserError, match="dev split"):
        export_mteb(project, MtebParams(dest=str(tmp_path / "task"), split="dev"), Task())

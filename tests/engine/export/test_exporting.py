"""What is taken out gives the same answers elsewhere, and nothing of others is overwritten."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ExportError, UserError
from engine.evaluate.evaluation import evaluate
from engine.export.exporting import export
from engine.params import EvaluateParams, ExportParams
from engine.records import Negative, Source, Split
from engine.store import jobs, models, negatives, pins, queries, runs
from engine.task import Task
from tests.engine.small_world import add_base, add_tuned, small_project, tiny_model


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    pytest.importorskip("sentence_transformers")
    root = tmp_path_factory.mktemp("models")
    return tiny_model(root / "base", seed=0), tiny_model(root / "tuned", seed=1)


@pytest.fixture(scope="module")
def project(tmp_path_factory, folders):
    """Measured, with one mining of one negative a query; the tests only read it."""
    with small_project(tmp_path_factory.mktemp("project") / "small") as project:
        base = add_base(project, folders[0])
        add_tuned(project, folders[1], parent_id=base)
        evaluate(project, EvaluateParams(systems=("bm25", "base", "tuned", "hybrid")), Task())
        mining = negatives.start_mining(project, model_id=base, params={"depth": 200})
        rows = [
            Negative(query.id, 24 if query.id < 20 else 2, Source.BM25, 1, 3.0, 0.1)
            for query in queries.representatives(project)
        ]
        negatives.put_negatives(project, mining, rows)
        negatives.finish_mining(project, mining, counts={})
        yield project


def take(project, dest: Path, **settings):
    return export(project, ExportParams(dest=str(dest), **settings), Task())


@pytest.mark.parametrize("model", ["tuned", "base"])
def test_exported_model_loads_with_plain_sentence_transformers(project, tmp_path, model):
    from sentence_transformers import SentenceTransformer

    from engine.encode.models import open_encoder

    summary = take(project, tmp_path / "model", what="model", model=model)
    assert (summary.what, summary.format, summary.path) == (
        "model", "sentence-transformers", str(tmp_path / "model"),
    )  # fmt: skip
    assert {"README.md", "modules.json", "model.safetensors", "searchsmith.json"} <= set(summary.files)
    stated = re.search(r"compared on 20 texts: cosine to the program's vectors at least ([\d.]+)\.$", summary.check)
    assert stated
    assert 0.9999 <= float(stated.group(1)) <= 1.0
    texts = ["kettle vinegar", "a chess opening"]
    ours = open_encoder(project, models.resolve_model(project, model), precision="fp32").encode(texts, "query")
    theirs = SentenceTransformer(str(tmp_path / "model"), device="cpu").encode(texts)
    np.testing.assert_allclose(np.sum(ours * theirs, axis=1), 1.0, atol=1e-4)


def test_model_card_says_what_it_was_made_from_and_how_it_did(project, tmp_path):
    take(project, tmp_path / "model")
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    tuned = next(run for run in runs.newest_runs(project, Split.TEST) if run.system == "tuned")
    assert card.startswith("---\nlibrary_name: sentence-transformers\n")
    assert "25 passages, 25 documents" in card
    assert "20 test" in card
    assert "| max_steps | 60 |" in card
    assert f"| this model | {tuned.metrics['ndcg@10']:.4f} |" in card
    assert "tuned model" in card
    assert "queries it never saw" in card


def test_copy_that_gives_other_vectors_is_not_exported(project, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.export.models.LEAST_COSINE", 1.1)
    with pytest.raises(ExportError, match="gives other vectors"):
        take(project, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("system", ["bm25", "base", "tuned", "hybrid"])
def test_exported_run_and_judgements_give_the_same_figure_in_pytrec_eval(project, tmp_path, system):
    pytrec_eval = pytest.importorskip("pytrec_eval")
    take(project, tmp_path / "a.run", what="run", system=system)
    take(project, tmp_path / "a.qrels", what="qrels")
    with (tmp_path / "a.run").open(encoding="utf-8") as run, (tmp_path / "a.qrels").open(encoding="utf-8") as qrels:
        evaluator = pytrec_eval.RelevanceEvaluator(pytrec_eval.parse_qrel(qrels), {"ndcg_cut.10", "map_cut.100"})
        measured = evaluator.evaluate(pytrec_eval.parse_run(run))
    stored = next(run for run in runs.newest_runs(project, Split.TEST) if run.system == system)
    for theirs, ours in (("ndcg_cut_10", "ndcg@10"), ("map_cut_100", "map@100")):
        total = sum(figures[theirs] for figures in measured.values()) / stored.n_queries
        assert total == pytest.approx(stored.metrics[ours], abs=1e-9)


def test_imported_ids_come_back_and_blanks_in_them_are_escaped(project, tmp_path):
    take(project, tmp_path / "a.run", what="run", system="bm25")
    lines = [line.split() for line in (tmp_path / "a.run").read_text(encoding="utf-8").splitlines()]
    assert {len(line) for line in lines} == {6}
    assert {line[0] for line in lines} == {f"q{n}" for n in range(1, 21)}
    assert {line[2] for line in lines} <= {f"p{n}" for n in range(1, 25)} | {"copy%20of%20p1"}
    assert {line[5] for line in lines} == {"bm25"}


def test_run_into_a_folder_gets_a_name(project, tmp_path):
    assert take(project, tmp_path, what="run", system="bm25").path == str(tmp_path / "bm25-test.run")


def test_a_run_named_by_its_file_lands_in_the_chosen_folder_under_one_word(tmp_path):
    file, dest = tmp_path / "their own.run", tmp_path / "out"
    file.touch()
    dest.mkdir()
    with small_project(tmp_path / "small") as project:
        run_id = runs.start_run(project, system=file.stem, model_id=None, split=Split.TEST, content_key="x")
        hits = {"query_ids": np.array([1]), "passage_ids": np.array([[1, 2]]), "scores": np.array([[2.0, 1.0]])}
        runs.save_hits(project, run_id, **hits)
        runs.finish_run(project, run_id, n_queries=1, metrics={}, seconds=0)
        assert take(project, dest, what="run", system=str(file)).path == str(dest / "their-own.run-test.run")
    lines = (dest / "their-own.run-test.run").read_text(encoding="utf-8").splitlines()
    assert [line.split()[5:] for line in lines] == [["their-own.run"]] * 2


def test_what_a_person_put_into_an_exported_folder_is_not_removed_by_the_next_export(tmp_path):
    with small_project(tmp_path / "small") as project:
        for _ in range(2):
            take(project, tmp_path / "set", what="qrels", format="beir")
        (tmp_path / "set" / "qrels" / "mine.tsv").write_text("mine", encoding="utf-8")
        with pytest.raises(UserError, match=r"did not write there: qrels/mine\.tsv"):
            take(project, tmp_path / "set", what="qrels", format="beir")
    assert (tmp_path / "set" / "qrels" / "mine.tsv").exists()


@pytest.mark.parametrize("format", ["csv", "tsv", "flagembedding"])
def test_a_file_of_another_kind_is_not_overwritten_by_a_training_set(tmp_path, format):
    with small_project(tmp_path / "small") as project:
        for text in ('{\n "name": "mine"\n}', '"my", "table"\n', "\ufeffmy notes"):
            (tmp_path / "mine.txt").write_text(text, encoding="utf-8")
            with pytest.raises(UserError, match="no file of this format"):
                take(project, tmp_path / "mine.txt", what="training", format=format)
        assert (tmp_path / "mine.txt").read_text(encoding="utf-8") == text
        (tmp_path / "mine.txt").unlink()
        for _ in range(2):
            take(project, tmp_path / "mine.txt", what="training", format=format)


def test_run_that_was_not_measured_says_how(project, tmp_path):
    with pytest.raises(UserError, match="no run of BM25 on the dev split") as caught:
        take(project, tmp_path / "a.run", what="run", system="bm25", split="dev")
    assert "--split dev" in caught.value.hint


def test_beir_folder_holds_everything_under_imported_ids(project, tmp_path):
    summary = take(project, tmp_path / "beir", what="qrels", format="beir")
    assert set(summary.files) == {"corpus.jsonl", "queries.jsonl", "qrels/test.tsv", "qrels/train.tsv"}
    corpus = [
        json.loads(line) for line in (tmp_path / "beir" / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert corpus[0] == {"_id": "p1", "title": "Note 0", "text": "How to kettle vinegar descale"}
    assert len(corpus) == 25
    asked = (tmp_path / "beir" / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(asked[0]) == {"_id": "q1", "text": "kettle vinegar"}
    qrels = (tmp_path / "beir" / "qrels" / "test.tsv").read_text(encoding="utf-8").splitlines()
    assert qrels[:2] == ["query-id\tcorpus-id\tscore", "q1\tp1\t1"]
    assert len(qrels) == 21


@pytest.mark.parametrize(
    ("format", "first"),
    [
        ("paddlenlp", {"query": "kettle vinegar", "pos_passage": ["P1"], "neg_passage": ["P24"]}),
        ("flagembedding", {"query": "kettle vinegar", "pos": ["P1"], "neg": ["P24"]}),
        ("sentence-transformers", {"anchor": "kettle vinegar", "positive": "P1", "negative": "P24"}),
    ],
)
def test_training_formats_carry_positives_and_mined_negatives(project, tmp_path, format, first):
    take(project, tmp_path / "a.jsonl", what="qrels", format=format)
    lines = (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()
    texts = {"P1": "Note 0 How to kettle vinegar descale", "P24": "Note 11 A bishop castle endgame chess"}
    named = {
        key: [texts[v] for v in value] if isinstance(value, list) else texts.get(value, value)
        for key, value in first.items()
    }
    assert json.loads(lines[0]) == named
    assert len(lines) == 20


def test_triplets_without_negatives_say_what_is_missing(tmp_path):
    with small_project(tmp_path / "small") as project, pytest.raises(UserError, match="nothing to write"):
        take(project, tmp_path / "a.jsonl", what="qrels", format="sentence-transformers")
    assert not (tmp_path / "a.jsonl").exists()


def test_folder_of_others_is_not_touched(project, tmp_path):
    (tmp_path / "precious.txt").write_text("mine", encoding="utf-8")
    for settings in ({"what": "model"}, {"what": "qrels", "format": "beir"}):
        with pytest.raises(UserError, match="not empty and was not exported by Searchsmith"):
            take(project, tmp_path, **settings)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_file_of_others_is_not_overwritten(project, tmp_path):
    (tmp_path / "a.run").write_text("dear diary", encoding="utf-8")
    with pytest.raises(UserError, match="no file of this format"):
        take(project, tmp_path / "a.run", what="run", system="bm25")
    assert (tmp_path / "a.run").read_text(encoding="utf-8") == "dear diary"


@pytest.mark.parametrize(
    ("line", "settings"),
    [
        ('{"query": "how to", "pos": ["mine"], "neg": []}', {"what": "training", "format": "flagembedding"}),
        ('{"query": "how to"}', {"what": "queries"}),
        ('{"query": "how to", "pos": ["mine"], "neg": []}', {"what": "qrels", "format": "flagembedding"}),
        ("q1 0 d1 1", {"what": "qrels", "format": "trec"}),
        ("q1 Q0 d1 1 2.5 mine", {"what": "run", "system": "bm25"}),
    ],
)
def test_a_persons_own_file_of_the_same_format_is_not_overwritten(project, tmp_path, line, settings):
    own = tmp_path / "mine.jsonl"
    own.write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(UserError, match="was not exported from this project"):
        take(project, own, **settings)
    assert own.read_text(encoding="utf-8") == f"{line}\n"


def test_own_exports_are_replaced(project, tmp_path):
    for _ in range(2):
        take(project, tmp_path / "beir", what="qrels", format="beir")
        take(project, tmp_path / "a.run", what="run", system="bm25")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.run", "beir"]


def test_exports_are_recorded_with_their_check(project, tmp_path):
    summary = take(project, tmp_path / "a.run", what="run", system="base")
    record = jobs.exports(project, limit=1)[0]
    assert (record.what, record.format, record.path, record.check) == ("run", "trec", summary.path, summary.check)
    assert "20 queries" in record.check


def test_place_that_cannot_be_written_is_said(project, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match="cannot be written"):
        take(project, tmp_path / "file" / "a.run", what="run", system="bm25")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"what": "model", "format": "gguf"}, "cannot be exported as 'gguf'"),
        ({"what": "everything"}, "no export 'everything'"),
        ({"what": "model", "model": "77"}, "no model '77'"),
    ],
)
def test_wishes_that_cannot_be_met_are_said(project, tmp_path, settings, sentence):
    with pytest.raises(UserError, match=sentence):
        take(project, tmp_path / "x", **settings)


def test_a_model_that_lost_a_pinned_query_is_not_exported_unless_it_is_wanted(project, tmp_path):
    run = runs.run_of_system(project, "tuned")
    lost = next(row.query_id for row in runs.query_metrics(project, run.id) if row.first_rank != 1)
    pins.pin_query(project, lost, 1)
    try:
        with pytest.raises(UserError, match="loses pinned queries") as told:
            take(project, tmp_path / "model", what="model", model="tuned")
        assert queries.query(project, lost).text in str(told.value)
        assert "--despite-pins" in told.value.hint
        assert not (tmp_path / "model").exists()
        assert take(project, tmp_path / "model", what="model", model="tuned", despite_pins=True).files
    finally:
        pins.unpin_query(project, lost)

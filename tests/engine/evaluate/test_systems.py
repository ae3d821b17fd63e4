"""Systems beside BM25 and the base: other models' folders, rankings of other programs, and rerankers."""

from __future__ import annotations

import numpy as np
import pytest

from engine.encode.models import read_facts
from engine.errors import FormatError, UserError
from engine.evaluate.comparing import compare_systems
from engine.evaluate.evaluation import evaluate
from engine.evaluate.foreign_runs import read_run_file
from engine.export.exporting import export
from engine.params import EvaluateParams, ExportParams
from engine.records import Split, State
from engine.store import imported_runs, models, queries, runs
from engine.store.lineage import lineage
from engine.store.verdicts import run_name, system_name
from engine.task import Task
from tests.engine.evaluate.test_evaluation import Warnings
from tests.engine.small_world import add_base, add_tuned, small_project, tiny_model


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    pytest.importorskip("sentence_transformers")
    root = tmp_path_factory.mktemp("models")
    return [tiny_model(root / name, seed=seed) for seed, name in enumerate(("base", "tuned", "other"))]


@pytest.fixture
def project(tmp_path, folders):
    with small_project(tmp_path / "project") as project:
        project.set_meta("base_model_id", str(add_base(project, folders[0])))
        add_tuned(project, folders[1], parent_id=models.base_model(project).id)
        yield project


def _exported(project, tmp_path, system="bm25"):
    path = tmp_path / "elastic.run"
    export(project, ExportParams(dest=str(path), what="run", system=system), Task())
    return path


def test_a_models_folder_is_measured_and_the_base_stays(project, folders):
    base = models.base_model(project).id
    summary = evaluate(project, EvaluateParams(systems=(str(folders[2]),)), Task())
    assert models.base_model(project).id == base
    other = next(model for model in models.models(project) if model.path == str(folders[2]))
    assert runs.run_of_system(project, str(folders[2])).model_id == other.id
    assert runs.run_of_system(project, str(other.id)).metrics["ndcg@10"] == summary.systems[str(folders[2])]["ndcg@10"]


def test_a_run_file_of_our_own_export_gives_the_figures_of_its_system(project, tmp_path):
    own = evaluate(project, EvaluateParams(systems=("bm25",)), Task()).systems["bm25"]
    path = _exported(project, tmp_path)
    again = evaluate(project, EvaluateParams(systems=(str(path),)), Task())
    assert again.systems[str(path)] == own
    found = compare_systems(project, str(path), "bm25", Split.TEST)
    assert (found.delta, found.p, found.fixed, found.broken) == (0.0, 1.0, 0, 0)


def test_an_imported_run_is_a_system_by_its_name(project):
    answers = queries.positives(project)
    asked = [query.id for query in queries.representatives(project, Split.TEST)]
    hits = {query: [(p, 2.0) for p in answers[query]] for query in asked[:15]}
    imported_runs.put_imported_run(project, "Elastic", hits, file="e.run", import_id=1)
    task = Warnings()
    summary = evaluate(project, EvaluateParams(systems=("Elastic",)), task)
    assert summary.systems["Elastic"]["hit_rate@10"] == pytest.approx(15 / 20)
    assert summary.systems["Elastic"]["ndcg@10"] == pytest.approx(15 / 20)
    assert any("5 of 20 queries" in said for said in task.said)


def test_an_imported_run_that_came_anew_is_measured_anew(project):
    asked = [query.id for query in queries.representatives(project, Split.TEST)]
    answers = queries.positives(project)
    imported_runs.put_imported_run(
        project, "Elastic", {q: [(p, 1.0) for p in answers[q]] for q in asked}, file="e", import_id=1
    )
    assert evaluate(project, EvaluateParams(systems=("Elastic",)), Task()).systems["Elastic"]["ndcg@10"] == 1.0
    imported_runs.put_imported_run(project, "Elastic", {asked[0]: [(24, 1.0)]}, file="e", import_id=2)
    assert evaluate(project, EvaluateParams(systems=("Elastic",)), Task()).systems["Elastic"]["ndcg@10"] == 0.0


def test_a_run_file_with_a_broken_line_names_it(project, tmp_path):
    path = tmp_path / "bad.run"
    path.write_text("q1 Q0 p1 1 2.0 x\nq1 Q0 p2 two\n", encoding="utf-8")
    with pytest.raises(FormatError, match=r"bad\.run, line 2"):
        read_run_file(project, path)


def test_a_file_that_is_no_text_is_no_run(tmp_path):
    path = tmp_path / "bad.run"
    path.write_bytes(b"\x89PNG\r\n\xff\xfe")
    with small_project(tmp_path / "small") as project, pytest.raises(FormatError, match=r"bad\.run, line 1"):
        read_run_file(project, path)


def test_a_run_file_of_another_corpus_is_refused(project, tmp_path):
    path = tmp_path / "other.run"
    path.write_text("x1 Q0 y1 1 2.0 x\n", encoding="utf-8")
    with pytest.raises(UserError, match="names no query and passage"):
        read_run_file(project, path)


def test_lines_that_the_project_does_not_know_are_counted(project, tmp_path):
    path = tmp_path / "some.run"
    path.write_text("q1 Q0 p3 1 2.0 x\nq1 Q0 nowhere 2 1.0 x\nq1 Q0 p1 3 2.0 x\n", encoding="utf-8")
    found = read_run_file(project, path)
    assert found.unknown == 1
    assert list(found.hits.values()) == [[(1, 2.0), (3, 2.0)]]  # equal scores: by id


class _Alphabet:
    """A reranker that likes texts by their last letter, later in the alphabet first."""

    @classmethod
    def open(cls, folder, *, device, precision):  # noqa: ARG003
        return cls()

    def scores(self, pairs, check):
        return np.array([float(ord(text[-1])) for _, text in pairs], np.float32)


def _add_reranker(project, folder):
    facts = read_facts(folder)
    return models.add_model(
        project, name="judge", kind="reranker", path=str(folder), weights_digest=facts.weights_digest,
        parent_id=1, state=State.COMPLETE,
    )  # fmt: skip


def test_a_reranker_sorts_the_first_hits_of_a_system_again(project, folders, monkeypatch):
    _add_reranker(project, folders[2])
    monkeypatch.setattr("engine.encode.rerankers.CrossEncoder", _Alphabet)
    evaluate(project, EvaluateParams(systems=("bm25+reranker", "hybrid+reranker")), Task())
    plain, again = (runs.run_of_system(project, name) for name in ("bm25", "bm25+reranker"))
    texts = {row[0]: row[1] for row in project.db.execute("select id, text from passages")}
    query = queries.representatives(project, Split.TEST)[0].id
    before, after = (runs.hits_of(project, run.id, query, 100) for run in (plain, again))
    assert {hit.passage_id for hit in after} == {hit.passage_id for hit in before}
    letters = [texts[hit.passage_id][-1] for hit in after]
    assert letters == sorted(letters, reverse=True)
    assert [hit.score for hit in after] == sorted((hit.score for hit in after), reverse=True)


def test_a_reranked_run_is_not_taken_for_the_models_own(project, folders, monkeypatch):
    _add_reranker(project, folders[2])
    monkeypatch.setattr("engine.encode.rerankers.CrossEncoder", _Alphabet)
    summary = evaluate(project, EvaluateParams(systems=("tuned", "tuned+reranker")), Task())
    tuned = next(line for line in lineage(project) if line.model.kind == "tuned")
    assert tuned.run.metrics["ndcg@10"] == summary.systems["tuned"]["ndcg@10"]
    names = {run.system: run_name(run, {2: "round 1"}) for run in runs.newest_runs(project)}
    assert names["tuned+reranker"] == "round 1 + reranker"
    assert system_name("tuned+reranker") == "the tuned model with the reranker"


def test_without_a_reranker_the_way_to_one_is_told(project):
    with pytest.raises(UserError, match="no reranker yet"):
        evaluate(project, EvaluateParams(systems=("hybrid+reranker",)), Task())

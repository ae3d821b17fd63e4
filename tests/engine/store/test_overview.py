"""Where a project stands and what moves it forward."""

from __future__ import annotations

import pytest

from engine.edits import apply_edit
from engine.records import Comparison, JobState, Outcome, Qrel, Split, State
from engine.store import documents, imports, jobs, models, negatives, queries
from engine.store.documents import NewDocument, NewPassage
from engine.store.overview import _verdict_words, overview
from engine.store.project import Project


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "p") as made:
        yield made


def _import(project) -> None:
    import_id = imports.start_import(project, [], "auto")
    new = NewDocument("T", "/t", "txt", "h", text="a b")
    documents.put_document(project, new, [NewPassage("a"), NewPassage("b")], import_id=import_id)
    ((one, _), (two, _)) = queries.put_queries(
        project, [queries.NewQuery("a?"), queries.NewQuery("b?")], import_id=import_id
    )
    first, second = documents.corpus(project).ids.tolist()
    queries.put_qrels(project, [Qrel(one, first, 1), Qrel(two, second, 1)])


def _done(project, kind: str) -> None:
    jobs.end_job(project, jobs.start_job(project, kind, {}), JobState.DONE, seconds=7)


def _state(project, name: str) -> str:
    return next(stage.state for stage in overview(project).stages if stage.name == name)


def test_an_empty_project_asks_for_documents(project):
    assert overview(project).next_step.label == "Import documents"
    assert _state(project, "queries") == "none"


def test_the_next_step_walks_the_way(project):
    _import(project)
    steps = [overview(project).next_step.job]
    _done(project, "dedup")
    steps.append(overview(project).next_step.job)
    queries.set_splits(project, {1: Split.TRAIN, 2: Split.TEST})
    steps.append(overview(project).next_step.job)
    assert steps == ["dedup", "split", "evaluate"]


def test_an_estimate_is_what_the_last_job_of_the_kind_took(project):
    _import(project)
    _done(project, "mine")
    project.db.execute("update jobs set kind = 'dedup', state = 'failed'")
    assert overview(project).next_step.seconds == 25
    project.db.execute("update jobs set state = 'done'")
    queries.set_splits(project, {1: Split.TRAIN, 2: Split.TEST})
    assert overview(project).next_step.job == "evaluate"


def test_a_training_that_was_interrupted_can_go_on_and_one_that_runs_is_not_called_so(project):
    _import(project)
    half = models.add_model(project, name="tuned 1", kind="tuned", path="")
    (project.path / "models" / str(half) / "checkpoints").mkdir(parents=True)
    jobs.start_job(project, "train", {})
    assert _state(project, "train") != "stale"
    project.recover()
    assert _state(project, "train") == "stale"


def test_a_model_trained_before_the_newest_negatives_is_stale(project):
    _import(project)
    base = models.add_model(project, name="b", kind="base", path="/b", state=State.COMPLETE)
    first = negatives.start_mining(project, model_id=base, params={})
    negatives.finish_mining(project, first, counts={})
    models.add_model(project, name="t", kind="tuned", path="x", mining_id=first, state=State.COMPLETE)
    assert _state(project, "train") == "done"
    negatives.finish_mining(project, negatives.start_mining(project, model_id=base, params={}), counts={})
    assert _state(project, "train") == "stale"


def _unreadable(project, share: float = 0.7) -> int:
    base = models.add_model(project, name="mini", kind="base", path="/m", state=State.COMPLETE)
    project.set_meta_json("token_report", {"model": "mini", "unknown_share": share})
    return base


def test_texts_that_the_base_cannot_read_call_for_a_model_of_their_own_words(project):
    _import(project)
    _unreadable(project)
    step = overview(project).next_step
    assert (step.page, step.job, step.params) == ("home", "make_base", {})
    assert step.seconds == 15


def test_a_base_that_reads_well_is_not_replaced(project):
    _import(project)
    _unreadable(project, 0.19)
    assert overview(project).next_step.job == "dedup"


def test_a_figure_of_another_model_says_nothing_of_the_base(project):
    _import(project)
    _unreadable(project)
    other = models.add_model(project, name="wide", kind="base", path="/w", state=State.COMPLETE)
    project.set_meta("base_model_id", str(other))
    assert overview(project).next_step.job == "dedup"


def test_a_base_that_a_person_keeps_is_not_replaced(project):
    _import(project)
    _unreadable(project)
    assert apply_edit(project, "keep_base", {}) == (["models"], {})
    assert overview(project).next_step.job == "dedup"


def _against(rival: str, verdict: Outcome) -> Comparison:
    return Comparison(1, "tuned", rival, 1, 2, "ndcg@10", 0.08, 0.05, 0.11, 0.001, verdict, 9, 2, 300)


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ((Outcome.WIN, Outcome.WIN), "WIN against BM25 and the base model"),
        ((Outcome.LOSS, Outcome.WIN), "LOSS against BM25, WIN against the base model"),
    ],
)
def test_verdicts_that_are_the_same_are_said_in_one(verdicts, said):
    found = tuple(_against(rival, verdict) for rival, verdict in zip(("bm25", "base"), verdicts, strict=True))
    assert _verdict_words(found) == said

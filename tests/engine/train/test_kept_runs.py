"""A run that goes on learns from what it was begun with, whatever was mined, imported or edited meanwhile."""

import shutil
from dataclasses import replace

import pytest

from engine.encode.models import add_model_folder
from engine.errors import UserError
from engine.mine.mining import mine
from engine.params import MineParams, SelectParams
from engine.records import Qrel, Review, Split
from engine.store import models, queries
from engine.store.documents import NewDocument, NewPassage, put_labelled, remove_documents
from engine.store.kept import Kept
from engine.store.negatives import drop_mining
from engine.store.scores import PairScore, put_scores
from engine.task import Task
from engine.train.forecast import forecast
from engine.train.training import train
from tests.engine.train.test_lost_runs import assert_equal_runs, interrupted
from tests.engine.train.test_training import Recorder, folder
from tests.tiny_model import build_tiny_model

KINDS = {"answers": {"num_negatives": 2}, "scores": {"objective": "cosent"}, "texts": {"objective": "augmented"}}


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_run_goes_on_with_what_it_was_begun_with_whatever_was_mined_and_edited_since(project, small, kind):
    mine(project, MineParams(sources=("bm25",), depth=20), Task())
    for query_id in range(1, 41):
        put_scores(project, [PairScore(query_id, query_id, 0.9), PairScore(query_id, query_id + 9, 0.2)], "a person")
    params = replace(small, minutes=5.0, **KINDS[kind])
    whole = train(project, params, Task())
    left = interrupted(project, params, at=6)
    mine(project, MineParams(sources=("bm25",), depth=20, select=SelectParams(rank_min=12)), Task())
    queries.put_review(project, 1, 9, Review.RELEVANT)
    queries.put_qrels(project, [Qrel(41, 9, 1), Qrel(2, 33, 1)])
    queries.set_splits(project, {3: Split.DEV, 45: Split.TRAIN})
    put_scores(project, [PairScore(query_id, query_id + 11, 0.5) for query_id in range(1, 41)], "another person")
    put_labelled(
        project,
        [(NewDocument("", "new", "test", "new", external_id="new", labelled=True), NewPassage("of the long in the"))],
        import_id=1,
    )
    task = Recorder()
    again = train(project, replace(params, resume=left.id), task)
    assert_equal_runs(project, whole, again)
    assert models.curve(project, again.model, "merge_dev") == models.curve(project, whole.model, "merge_dev")
    assert any("goes on with the negatives of mining 1, as it was begun" in warning for warning in task.warnings)


def test_a_run_goes_on_with_the_limit_of_time_it_was_begun_with(project, small):
    left = interrupted(project, small)
    forecast(project, small, Task())  # after it was begun, so that its limit is none of this run's
    train(project, replace(small, resume=left.id), Task())
    assert Kept.of_run(project.path, left.id, None).value("limit") == {"minutes": 0.0, "foretold": {}}
    assert "foretold" in models.model(project, left.id).summary
    assert models.model(project, left.id).summary["foretold"] == {}
    following = train(project, small, Task())
    assert Kept.of_run(project.path, following.model, None).value("limit")["minutes"] >= 1.0


def test_a_guide_is_the_one_that_the_run_began_with(project, small, tmp_path):
    params = replace(small, objective="gist")
    whole = train(project, params, Task())
    left = interrupted(project, params)
    other = add_model_folder(project, str(build_tiny_model(tmp_path / "other", seed=4)))
    project.set_meta("base_model_id", str(other))
    assert_equal_runs(project, whole, train(project, replace(params, resume=left.id), Task()))


def test_a_run_whose_passages_were_removed_says_so_and_goes_on(project, small):
    left = interrupted(project, small)
    (document_id,) = project.db.execute("select document_id from passages where id = 7").fetchone()
    remove_documents(project, [document_id])
    task = Recorder()
    assert train(project, replace(small, resume=left.id), task).steps == 12
    assert any("Passages that this run learnt from were changed or removed" in warning for warning in task.warnings)


def test_a_run_whose_dev_passages_were_removed_compares_with_the_base_in_the_pool_of_now(project, small):
    params = replace(small, merge="off", dev_passages=20, dev_queries=6)
    left = interrupted(project, params)
    gone = project.db.execute("select document_id from passages where id = 43 or id > 52").fetchall()
    remove_documents(project, [document_id for (document_id,) in gone])
    task = Recorder()
    summary, fresh = train(project, replace(params, resume=left.id), task), train(project, params, Task())
    assert any("dev is measured in another" in warning for warning in task.warnings)
    assert (summary.dev_base, summary.dev_bm25) == (fresh.dev_base, fresh.dev_bm25)
    assert summary.gain == pytest.approx(summary.dev - fresh.dev_base)
    assert models.curve(project, summary.model, "dev_base")[0].value == fresh.dev_base
    best = dict(task.points["dev_ndcg@10"])  # the best step of before is measured again, too
    assert list(best) == [0, 8, 12]
    assert summary.dev == max(best[8], best[12])


@pytest.mark.parametrize("finish", [False, True])
def test_a_run_that_got_dev_queries_since_is_measured_beside_its_base(project, small, finish):
    params, held = replace(small, merge="off"), range(41, 53)
    queries.set_splits(project, dict.fromkeys(held, Split.TEST))
    left = interrupted(project, params)
    queries.set_splits(project, dict.fromkeys(held, Split.DEV))
    summary = train(project, replace(params, resume=left.id, finish=finish), Task())
    fresh = train(project, replace(params, max_steps=1), Task())
    assert (summary.dev_base, summary.dev_bm25) == (fresh.dev_base, fresh.dev_bm25)
    assert summary.gain == pytest.approx(summary.dev - fresh.dev_base)
    assert summary.dev >= min(p.value for p in models.curve(project, summary.model, "dev_ndcg@10") if p.step >= 8)


def test_a_run_of_an_older_version_whose_mining_is_gone_says_what_to_do(project, small):
    mine(project, MineParams(sources=("bm25",), depth=20), Task())
    left = interrupted(project, small)
    shutil.rmtree(folder(project, left.id) / "learnt_from")  # older versions kept nothing
    drop_mining(project, 1)
    with pytest.raises(UserError, match="negatives of mining 1, with which this run was begun, were removed") as told:
        train(project, replace(small, resume=left.id), Task())
    assert "Keep the best so far" in told.value.hint
    assert train(project, replace(small, resume=left.id, finish=True), Task()).stopped == "asked"

"""Small changes by hand."""

from __future__ import annotations

import pytest

from engine.edits import EDITS, apply_edit
from engine.errors import UserError
from engine.records import Qrel, State
from engine.store import jobs, models, queries
from engine.store.project import Project
from tests.engine.small_world import small_project

NEED_NOTHING = {"recover", "leaks", "objectives", "keep_base", "undo_import"}


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "p") as made:
        yield made


def test_an_unknown_edit_is_refused(project):
    with pytest.raises(UserError, match="no edit 'dance'"):
        apply_edit(project, "dance", {})


@pytest.mark.parametrize("kind", sorted(set(EDITS) - NEED_NOTHING))
def test_an_edit_without_its_values_is_refused_by_the_name_of_the_value(project, kind):
    with pytest.raises(UserError, match="needs a value"):
        apply_edit(project, kind, {})


def test_a_query_written_by_hand_says_so(project):
    apply_edit(project, "add_query", {"text": " How? ", "split": "test"})
    (query,) = queries.representatives(project)
    assert (query.text, query.source, query.split) == ("How?", "hand", "test")


def everything(project):
    """Queries with their splits, and judgements with the imports they came with."""
    tables = ("id, text, split, duplicate_of from queries", "* from qrels")
    return [project.db.execute(f"select {what} order by 1, 2").fetchall() for what in tables]


@pytest.mark.parametrize("text", ["kettle vinegar", "kettle kettle"])
@pytest.mark.parametrize("passage_id", [1, 7])
def test_a_query_added_by_hand_is_taken_back_to_what_was_there_before(tmp_path, text, passage_id):
    with small_project(tmp_path / "small") as project:
        project.db.execute("update qrels set import_id = 1")
        before = everything(project)
        _, said = apply_edit(project, "add_query", {"text": text, "passage_id": passage_id, "split": "dev"})
        assert queries.positives(project)[said["query_id"]][passage_id] == 1
        assert before != everything(project)
        apply_edit(project, "unadd_query", said)
        assert before == everything(project)


@pytest.mark.parametrize("grade", [0, 3])
@pytest.mark.parametrize("first", ["negative", "relevant"])
def test_a_word_on_a_candidate_is_taken_back_to_what_was_there_before(tmp_path, grade, first):
    with small_project(tmp_path / "small") as project:
        ids = {"query_id": 1, "passage_id": 7}
        queries.put_qrels(project, [Qrel(1, 7, grade)], import_id=1)
        before = everything(project)
        _, once = apply_edit(project, "review", {**ids, "verdict": first})
        _, twice = apply_edit(project, "review", {**ids, "verdict": "left_out" if first == "relevant" else "relevant"})
        apply_edit(project, "unreview", {**ids, **twice})
        assert queries.review_of(project, 1, 7) == first
        apply_edit(project, "unreview", {**ids, **once})
        assert everything(project) == before


def test_another_word_on_a_candidate_makes_it_no_answer_any_more(tmp_path):
    with small_project(tmp_path / "small") as project:
        for verdict in ("relevant", "negative"):
            apply_edit(project, "review", {"query_id": 1, "passage_id": 7, "verdict": verdict})
        assert 7 not in queries.positives(project)[1]


def test_a_pinned_query_can_be_removed(tmp_path):
    with small_project(tmp_path / "small") as project:
        apply_edit(project, "pin_query", {"query_id": 1})
        apply_edit(project, "remove_query", {"query_id": 1})
        assert queries.query(project, 1) is None


def test_a_grade_outside_zero_to_three_is_refused(project):
    with pytest.raises(UserError, match="0 to 3"):
        apply_edit(project, "judge", {"query_id": 1, "passage_id": 1, "grade": 4})


def test_a_query_cannot_be_merged_into_itself(project):
    apply_edit(project, "add_query", {"text": "a"})
    with pytest.raises(UserError, match="cannot be merged"):
        apply_edit(project, "merge", {"query_id": 1, "into": 1})


def test_only_an_interrupted_model_can_be_discarded(project):
    done = models.add_model(project, name="b", kind="base", path="/b", state=State.COMPLETE)
    with pytest.raises(UserError, match="not one that was interrupted"):
        apply_edit(project, "discard_model", {"model_id": done})
    half = models.add_model(project, name="t", kind="tuned", path="", parent_id=done)
    (project.path / "models" / str(half) / "checkpoints").mkdir(parents=True)
    apply_edit(project, "discard_model", {"model_id": half})
    assert models.model(project, half) is None
    assert not (project.path / "models" / str(half)).exists()


def test_recovering_names_what_was_interrupted_and_leaves_a_running_job_alone(project):
    jobs.start_job(project, "mine", {})
    with project.writing("mine"):
        assert apply_edit(project, "recover", {}) == ([], {"interrupted": []})
    changed, values = apply_edit(project, "recover", {})
    assert values == {"interrupted": ["mine"], "taken_back": 0}
    assert "jobs" in changed

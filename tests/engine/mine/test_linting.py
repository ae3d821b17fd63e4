"""The linter names what would make training worse, and only that; the report's counts add up; queries are shown whole."""

from __future__ import annotations

import re
import shutil

import pytest

from engine.edits import apply_edit
from engine.errors import UserError
from engine.mine import linting
from engine.mine.linting import keep_lint, kept_lint, lint
from engine.mine.mining import mine
from engine.mine.reporting import mining_report
from engine.mine.showing import find_query, listed, shown
from engine.params import MineParams, SelectParams
from engine.records import Split
from engine.store import models, negatives
from engine.task import Task
from engine.train import training
from tests.engine.mine.projects import add_queries, judge

LOOSE = SelectParams(num_negatives=2, max_doubt=2, relative_margin=-99)


@pytest.fixture
def project(kitchen):
    return kitchen


def run(project, **select) -> int:
    params = {"num_negatives": 2, "max_doubt": 2, "relative_margin": -99, **select}
    return mine(project, MineParams(depth=12, select=SelectParams(**params)), Task()).mining


def codes(found) -> dict[str, int]:
    return {finding.code: finding.count for finding in found.findings}


def test_sound_negatives_bring_no_finding(project):
    run(project)
    found = lint(project)
    assert (found.queries, found.negatives, found.findings) == (6, 12, ())


def test_queries_without_a_negative_are_counted(project):
    run(project, relative_margin=99)
    assert codes(lint(project))["none"] == 6


def test_queries_that_came_after_the_mining_are_told_apart(project):
    run(project)
    query = add_queries(project, ["Vinegar for a kettle?"], split=Split.TRAIN)[0]
    judge(project, (query, 1, 1))
    assert codes(lint(project)).items() >= {("unmined", 1)}
    assert "none" not in codes(lint(project))
    mining = negatives.newest_mining(project).id
    shutil.rmtree(project.path / "minings" / str(mining))
    assert codes(lint(project)).items() >= {("none", 1)}


def test_queries_with_fewer_than_asked_for_are_counted(project):
    run(project, num_negatives=50)
    assert codes(lint(project))["few"] == 6


def test_answers_that_two_queries_share_are_counted(project):
    query = add_queries(project, ["Vinegar for a kettle?"], split=Split.TRAIN)[0]
    judge(project, (query, 1, 1))
    run(project)
    assert codes(lint(project))["shared_answer"] == 2


def test_easy_negatives_are_named(project):
    run(project, relative_margin=0.7, num_negatives=1)
    found = lint(project)
    assert found.median_margin >= 0.7
    assert "too_easy" in codes(found)


def test_texts_cut_at_the_length_of_training_are_named(project):
    run(project)
    # "To clean the kettle use warm vinegar and rinse the kettle twice" has 12 words and gets two marks around it.
    assert "cut" not in codes(lint(project, linting.TrainParams(max_length=14)))
    assert codes(lint(project, linting.TrainParams(max_length=13)))["cut"] == 6


def test_a_table_of_words_reads_the_whole_of_a_text(project, tmp_path):
    run(project)
    (tmp_path / "modules.json").write_text('[{"type": "sentence_transformers.models.StaticEmbedding"}]')
    base = models.base_model(project)
    project.db.execute("update models set path = ? where id = ?", [str(tmp_path), base.id])
    assert "cut" not in codes(lint(project, linting.TrainParams(max_length=13)))


def test_a_base_that_cannot_read_the_texts_is_named_until_it_is_kept_or_another_is_chosen(project):
    base = models.base_model(project)
    project.set_meta_json("token_report", {"model": base.name, "unknown_share": 0.714})
    (found,) = lint(project, linting.TrainParams()).findings
    assert (found.code, found.words) == (
        "unreadable",
        "The base model does not know 71 % of the tokens of your texts.",
    )
    assert codes(lint(project, linting.TrainParams(base=str(base.id)))) == {"unreadable": 71}
    assert codes(lint(project, linting.TrainParams(base="tuned"))) == codes(lint(project)) == {}
    apply_edit(project, "keep_base", {})
    assert codes(lint(project, linting.TrainParams())) == {}


def test_what_is_few_depends_on_how_many_training_takes(project):
    run(project, num_negatives=2)
    assert codes(lint(project, linting.TrainParams(num_negatives=2))) == {}
    assert codes(lint(project, linting.TrainParams(num_negatives=3)))["few"] == 6


@pytest.mark.parametrize("params", [{"num_negatives": 0}, {"objective": "simcse"}])
def test_training_without_mined_negatives_hears_nothing_of_them(project, params):
    run(project, relative_margin=99)
    assert codes(lint(project, linting.TrainParams(**params))) == {}


def test_training_says_what_is_wrong_before_its_first_step(project, monkeypatch):
    class StopError(Exception):
        pass

    def stop(*_):
        raise StopError

    run(project, relative_margin=99)
    monkeypatch.setattr(training, "find_forecast", stop)
    task, said = Task(), []
    monkeypatch.setattr(task, "on_warning", said.append)
    with pytest.raises(StopError):
        training.train(project, linting.TrainParams(), task)
    assert any(sentence.startswith("6 of 6 training queries have no negative.") for sentence in said)


def test_a_word_given_since_is_counted_until_the_selection_is_kept_again(project):
    mining_id = run(project)
    taken = negatives.negatives(project, mining_id)[0]
    apply_edit(project, "review", {"query_id": taken.query_id, "passage_id": taken.passage_id, "verdict": "left_out"})
    assert codes(lint(project))["judged_away"] == 1
    select = {"num_negatives": 2, "max_doubt": 2, "relative_margin": -99}
    apply_edit(project, "reselect", {"mining_id": mining_id, "select": select})
    assert "judged_away" not in codes(lint(project))


def test_the_record_is_kept_for_pages(project):
    run(project, relative_margin=99)
    assert kept_lint(project)["findings"][0]["code"] == "none"
    keep_lint(project)
    assert kept_lint(project)["queries"] == 6


def test_the_reports_counts_add_up(project):
    run(project)
    report = mining_report(project)
    assert report["candidates"] - sum(report["by_rule"].values()) == report["negatives"] == 12
    for histogram in report["histograms"].values():
        assert sum(histogram["candidates"]) == report["candidates"]
        assert sum(histogram["answers"]) == 6
        assert sum(histogram["negatives"]) == 12
    assert report["model_digest"] == "f" * 64


def test_rounds_say_how_many_negatives_are_new(project):
    run(project, num_negatives=1)
    run(project, num_negatives=2)
    assert [(row["negatives"], row["new"]) for row in mining_report(project)["rounds"]] == [(6, None), (12, 6)]


def test_a_query_is_shown_with_all_that_is_known_of_its_candidates(project):
    run(project)
    found = shown(project, "How do I clean my oven?")
    assert found["candidates"][0]["state"] == "answer"
    assert sum(row["state"] == "chosen" for row in found["candidates"]) == 2
    assert all(row["source"] in ("dense", "bm25") for row in found["candidates"] if row["state"] == "chosen")
    assert find_query(project, str(found["query"])).text == "How do I clean my oven?"


def test_queries_are_listed_with_their_counts(project):
    run(project, num_negatives=50)
    rows = listed(project, limit=2, short=True)
    assert (len(rows["queries"]), rows["total"]) == (2, 6)
    assert listed(project, doubtful=True)["total"] == 0


def test_an_unknown_query_and_nothing_mined_are_said_in_words(project):
    with pytest.raises(UserError, match="no query 'nothing'"):
        find_query(project, "nothing")
    with pytest.raises(UserError, match="Nothing is mined"):
        mining_report(project)


def test_one_query_is_spoken_of_as_one(project):
    query = add_queries(project, ["Vinegar?"], split=Split.TRAIN)[0]
    judge(project, *((query, passage, 1) for passage in range(1, 13)))  # every passage answers it: nothing is left
    run(project)
    assert lint(project).findings[0].words == "1 of 7 training queries has no negative."


def test_the_window_is_told_what_a_training_with_its_settings_would_suffer_from(project):
    run(project, num_negatives=2)
    changed, said = apply_edit(project, "lint", {"params": {"preset": "quick", "num_negatives": 3}})
    assert changed == []
    assert [(found["code"], found["count"]) for found in said["findings"]] == [("few", 6)]
    assert apply_edit(project, "lint", {"params": {"preset": "quick", "num_negatives": 2}})[1] == {"findings": []}


def test_a_share_is_written_as_in_the_window(project):
    run(project, relative_margin=0.7, num_negatives=1)
    (easy,) = (found for found in lint(project).findings if found.code == "too_easy")
    assert re.search(r"score \d+ % or more below the answer", easy.words)


def test_where_the_selection_has_no_more_for_a_query_it_is_said_so(project):
    run(project, num_negatives=2)
    (few,) = lint(project, linting.TrainParams(num_negatives=3)).findings
    assert few.hint.startswith("The selection takes 2 for each query, training 3:")
    run(project, num_negatives=50)
    (few,) = lint(project).findings
    assert few.hint.startswith("Loosen a rule")

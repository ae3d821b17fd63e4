"""What is judged by hand comes from both systems blindly, is kept, measured and taken back, and leaks nowhere."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.curate.splits import split
from engine.edits import apply_edit
from engine.errors import UserError
from engine.evaluate.by_hand import judge_passage
from engine.evaluate.evaluation import evaluate
from engine.evaluate.statistics import queries_needed, smallest_difference
from engine.params import EvaluateParams, SearchParams, SplitParams
from engine.records import Split
from engine.search.pooling import next_pool, pool
from engine.search.searching import SearchEngine
from engine.store import judging, queries, runs
from engine.store.judging import Reach, interleave
from engine.store.project import Project
from engine.task import Task
from tests.engine.mine.projects import add_passages, add_queries, judge, new_project
from tests.engine.small_world import add_base, small_project, tiny_model


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    pytest.importorskip("sentence_transformers")
    return tiny_model(tmp_path_factory.mktemp("models") / "base", seed=0)


@pytest.fixture
def project(tmp_path, base):
    with small_project(tmp_path / "project") as project:
        add_base(project, base)
        yield project


def ask(project: Project, text: str) -> int:
    return int(apply_edit(project, "add_query", {"text": text})[1]["query_id"])


def test_lists_take_turns_and_each_passage_comes_once():
    joined = interleave([1, 2, 3], [2, 9, 1, 8], "a question")
    assert sorted(passage for passage, _, _ in joined) == [1, 2, 3, 8, 9]
    assert {passage: (words, model) for passage, words, model in joined} == {
        1: (1, 3),
        2: (2, 1),
        3: (3, 0),
        8: (0, 4),
        9: (0, 2),
    }
    assert joined == interleave([1, 2, 3], [2, 9, 1, 8], "a question")


def test_who_begins_is_drawn_so_that_the_first_place_tells_nothing():
    first = [interleave([1, 2], [3, 4], f"question {n}")[0][0] for n in range(200)]
    assert 70 <= first.count(1) <= 130


def test_pool_is_the_first_texts_of_both_systems(project):
    engine, query_id = SearchEngine(project), ask(project, "kettle vinegar password")
    found = pool(project, engine, query_id, depth=3)
    texts = {card.passage.search_text for card in found.cards}
    assert len(texts) == len(found.cards)
    for mode in ("bm25", "dense"):
        hits = engine.search(SearchParams(text="kettle vinegar password", k=9, mode=mode, model="base")).hits
        names = {card.passage.id: card.words_rank if mode == "bm25" else card.model_rank for card in found.cards}
        best = [hit.passage_id for hit in hits if hit.passage_id in names][:3]
        assert [names[passage] for passage in best[:1]] == [1]
    assert all(card.is_open for card in found.cards)


def test_copies_of_a_judged_text_count_as_judged(project):
    engine = SearchEngine(project)
    query_id = ask(project, "kettle vinegar descale")
    first = next(card for card in pool(project, engine, query_id).cards if card.words_rank == 1)
    (copy,) = project.db.execute("select id from passages where external_id = 'copy of p1'").fetchone()
    judge_passage(project, query_id, copy, 2)
    again = next(card for card in pool(project, engine, query_id).cards if card.words_rank == 1)
    assert again.passage.search_text == first.passage.search_text
    assert (again.passage.id, again.grade, again.source) == (copy, 2, "hand")


def test_next_is_what_was_begun_then_what_has_no_judgement(project):
    engine = SearchEngine(project)
    first, second = ask(project, "kettle steam"), ask(project, "tomato soup")
    assert next_pool(project, engine).query.id == first
    opened = pool(project, engine, second)
    judge_passage(project, second, opened.cards[0].passage.id, 0)
    assert next_pool(project, engine).query.id == second
    for card in opened.cards[1:]:
        judge_passage(project, second, card.passage.id, None)
    assert next_pool(project, engine).query.id == first
    assert second not in judging.order_to_judge(project, judging.systems_key(project))


def test_after_those_without_judgement_come_those_on_which_systems_differ(project):
    evaluate(project, EvaluateParams(), Task())
    differ = judging.disagreements(project, depth=3)
    newest = {run.system: run for run in runs.newest_runs(project)}
    by_hand = {}
    for query in queries.representatives(project, Split.TEST):
        ours = {hit.passage_id for hit in runs.hits_of(project, newest["base"].id, query.id, 3)}
        theirs = {hit.passage_id for hit in runs.hits_of(project, newest["bm25"].id, query.id, 3)}
        by_hand[query.id] = 1 - len(ours & theirs) / len(ours)
    assert differ == pytest.approx(by_hand)
    waiting = ask(project, "something that nobody judged")
    order, differ = judging.order_to_judge(project), judging.disagreements(project)
    assert order[0] == waiting
    shares = [differ.get(query_id, -1.0) for query_id in order[1:]]
    assert shares == sorted(shares, reverse=True)


def test_made_queries_come_last(tmp_path):
    with new_project(tmp_path / "p") as project:
        (passage,) = add_passages(project, ["p"])
        made, own, waiting = add_queries(project, ["made one", "own one", "waiting one"])
        judge(project, (made, passage, 1), (own, passage, 1))
        project.db.execute("update queries set source = 'made: headings' where id = ?", [made])
        assert judging.order_to_judge(project) == [waiting, own, made]


def test_word_is_kept_with_its_grade_and_taken_back_to_what_was_there(project):
    query = queries.representatives(project, Split.TEST)[0]
    (known,) = queries.qrels_of(project, query.id)
    values = {"query_id": query.id, "passage_id": known.passage_id}
    _, said = apply_edit(project, "judge", {**values, "grade": 0})
    (now,) = queries.qrels_of(project, query.id)
    assert (now.grade, now.source) == (0, "hand")
    apply_edit(project, "unjudge", {**values, **said})
    assert queries.qrels_of(project, query.id) == [known]


def test_word_counts_for_a_query_with_those_merged_into_it_and_is_taken_back_with_its_import(project):
    standing, merged = (query.id for query in queries.all_queries(project)[:2])
    (answer,) = queries.qrels_of(project, merged)
    queries.merge_query(project, merged, standing)
    project.db.execute("update qrels set import_id = 1")
    before = project.db.execute("select * from qrels order by 1, 2").fetchall()
    values = {"query_id": standing, "passage_id": answer.passage_id}
    _, said = apply_edit(project, "judge", {**values, "grade": 0})
    assert answer.passage_id not in queries.positives(project)[standing]
    assert judging.progress(project).judgements == 1
    apply_edit(project, "unjudge", {**values, "before": said["before"], "placed": said["placed"]})
    assert project.db.execute("select * from qrels order by 1, 2").fetchall() == before


def test_skip_is_kept_and_taken_back(project):
    query_id = ask(project, "kettle steam")
    values = {"query_id": query_id, "passage_id": 1}
    _, said = apply_edit(project, "judge", {**values, "grade": None})
    assert judging.skipped_of(project, query_id) == {1}
    apply_edit(project, "unjudge", {**values, **said})
    assert judging.skipped_of(project, query_id) == set()
    apply_edit(project, "judge", {**values, "grade": None})
    _, said = apply_edit(project, "judge", {**values, "grade": 2})
    assert judging.skipped_of(project, query_id) == set()
    apply_edit(project, "unjudge", {**values, **said})
    assert (judging.skipped_of(project, query_id), queries.qrels_of(project, query_id)) == ({1}, [])


def test_figures_and_verdict_follow_at_once(project):
    evaluate(project, EvaluateParams(), Task())
    newest = next(run for run in runs.newest_runs(project) if run.system == "bm25")
    query_id = queries.representatives(project, Split.TEST)[0].id
    wrong = runs.hits_of(project, newest.id, query_id, k=100)[-1].passage_id
    _, said = apply_edit(project, "judge", {"query_id": query_id, "passage_id": wrong, "grade": 2})
    assert said["compared"] == 1
    after = runs.run(project, newest.id)
    assert after.metrics["ndcg@10"] < newest.metrics["ndcg@10"]
    apply_edit(project, "unjudge", {"query_id": query_id, "passage_id": wrong, **said})
    assert runs.run(project, newest.id).metrics["ndcg@10"] == newest.metrics["ndcg@10"]


def test_wrong_words_are_refused_with_the_way_out(project):
    query_id = ask(project, "kettle steam")
    with pytest.raises(UserError, match="0 to 3"):
        judge_passage(project, query_id, 1, 4)
    with pytest.raises(UserError, match="no passage 999"):
        judge_passage(project, query_id, 999, 1)
    with pytest.raises(UserError, match="no query 999"):
        judge_passage(project, 999, 1, 1)
    assert queries.qrels_of(project, query_id) == []


def test_progress_counts_what_was_judged_by_hand(project):
    before = judging.progress(project)
    assert (before.queries, before.judgements, before.waiting, before.test, before.unsplit) == (0, 0, 0, 20, 0)
    query_id = ask(project, "kettle steam")
    assert judging.progress(project).waiting == 1
    judge_passage(project, query_id, 1, 0)
    judge_passage(project, query_id, 3, 0)
    now = judging.progress(project)
    assert (now.queries, now.judgements, now.waiting) == (1, 2, 0)


def test_reach_follows_the_spread_that_was_measured(project):
    assert judging.reach(project).assumed
    evaluate(project, EvaluateParams(), Task())
    newest = {run.system: run for run in runs.newest_runs(project)}
    rows = [[row.ndcg10 for row in runs.query_metrics(project, newest[name].id)] for name in ("base", "bm25")]
    differences = np.array(rows[0]) - np.array(rows[1])
    found = judging.reach(project)
    assert (found.queries, found.assumed) == (20, False)
    assert found.smallest == pytest.approx(smallest_difference(differences), rel=0.15)
    assert found.needed(0.05) == pytest.approx(queries_needed(differences, 0.05), rel=0.3)


def test_four_times_the_queries_halve_the_difference_that_is_seen():
    found = Reach(100, 0.09, assumed=True)
    assert found.with_queries(400) == pytest.approx(0.045)
    assert found.needed(0.045) == 400
    assert math.isinf(found.with_queries(0))


def test_judged_query_joins_the_split_of_what_it_is_tied_to(tmp_path):
    with new_project(tmp_path / "p") as project:
        pages = add_passages(project, ["one", "two"], file="a.txt")
        shared, free, third, own = add_passages(project, ["shared", "free", "third", "own"])
        train = add_queries(project, ["train one", "train two"], split=Split.TRAIN)
        (dev,) = add_queries(project, ["dev one"], split=Split.DEV)
        judge(project, (train[0], pages[0], 1), (train[1], shared, 1), (dev, third, 1))
        new = add_queries(project, ["alone", "shares", "same file", "Dev one?", "torn"])
        places = [(new[0], free), (new[1], shared), (new[2], pages[1]), (new[3], own), (new[4], shared)]
        judge(project, (new[4], third, 1))
        placed = [judge_passage(project, query, passage, 2).placed for query, passage in places]
        assert placed == [Split.TEST, Split.TRAIN, Split.TRAIN, Split.DEV, None]
        assert queries.query(project, new[4]).split is None


def test_wrong_passage_gives_no_split(tmp_path):
    with new_project(tmp_path / "p") as project:
        add_queries(project, ["train one"], split=Split.TRAIN)
        (passage,) = add_passages(project, ["p"])
        (new,) = add_queries(project, ["new"])
        assert judge_passage(project, new, passage, 0).placed is None
        assert queries.query(project, new).split is None


def test_before_the_first_split_only_a_set_judged_by_hand_alone_is_test(tmp_path):
    with new_project(tmp_path / "p") as project:
        one, two = add_passages(project, ["p", "q"])
        first, second, imported = add_queries(project, ["first", "second", "imported"])
        assert judge_passage(project, first, one, 2).placed is Split.TEST
        queries.set_splits(project, {first: None})
        judge(project, (imported, two, 1))
        assert judge_passage(project, second, one, 2).placed is None
        assert judging.progress(project).unsplit == 2


def test_split_by_a_word_goes_when_the_word_is_taken_back(tmp_path):
    with new_project(tmp_path / "p") as project:
        (passage,) = add_passages(project, ["p"])
        (query,) = add_queries(project, ["q"])
        values = {"query_id": query, "passage_id": passage}
        _, said = apply_edit(project, "judge", {**values, "grade": 1})
        assert (said["placed"], queries.query(project, query).split) == ("test", Split.TEST)
        apply_edit(project, "unjudge", {**values, **said})
        assert queries.query(project, query).split is None


def test_without_a_model_the_pool_is_what_bm25_finds(tmp_path):
    with Project.create(tmp_path / "p") as project:
        add_passages(project, ["kettle vinegar", "tyre patch", "violin bow"])
        (query,) = add_queries(project, ["vinegar"])
        found = pool(project, SearchEngine(project), query)
        assert [card.passage.text for card in found.cards if card.words_rank == 1] == ["kettle vinegar"]
        assert {card.model_rank for card in found.cards} == {0}


def test_splits_given_by_hand_survive_as_any_others_when_split_again(tmp_path):
    with new_project(tmp_path / "p") as project:
        passages = add_passages(project, [f"passage {n}" for n in range(20)])
        asked = add_queries(project, [f"query {n}" for n in range(20)])
        for query, passage in zip(asked, passages, strict=True):
            judge_passage(project, query, passage, 2)
        assert queries.split_counts(project) == {"test": 20}
        found = split(project, SplitParams(), Task())
        assert (found.train, found.leaks) == (14, 0)

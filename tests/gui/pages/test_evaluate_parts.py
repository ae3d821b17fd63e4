"""The Evaluate page beyond the verdict: parts, pins, negatives, runs, conventions, reports."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from engine.evaluate.judging import judge_again
from engine.records import QueryMovement, Review, Split
from engine.store import models, notes, pins, queries, runs, slices
from engine.store.project import Project
from engine.store.task_figures import keep_task_figures
from gui.jobs.job import Phase
from gui.pages.evaluate.facts import Moved, counted_as, listed, shown_points
from gui.pages.export.page import ExportPage
from gui.widgets.tables import Role
from tests.gui.asking import AskingSession, settle
from tests.gui.pages.test_evaluate_page import _page


def _keep_features(finished):
    with Project.open(finished) as project:
        ids = [query.id for query in queries.representatives(project, Split.TEST)]
        slices.keep_features(
            project,
            Split.TEST,
            query_ids=ids,
            words=[3 if place % 2 else 12 for place in range(len(ids))],
            overlap=[0.1] * len(ids),
            language=["Latin letters"] * len(ids),
        )


def test_parts_show_the_gain_of_each_with_its_interval(qtbot, tmp_path, finished):
    _keep_features(finished)
    page = _page(qtbot, tmp_path, finished)
    page._scatter.show_view(1)
    settle(qtbot, page)
    with Project.open(finished, readonly=True) as project:
        parts = slices.slices(project, *page._chosen, "length")
    assert [part.name for part in parts] == ["1 to 4 words", "9 to 16 words"]
    for part in parts:
        assert f"({part.n}) {part.delta:+.3f}".replace("-", "−") in page._scatter.slices.shown()


def test_another_way_to_part_is_read_anew(qtbot, tmp_path, finished):
    _keep_features(finished)
    page = _page(qtbot, tmp_path, finished)
    page._scatter.show_view(1)
    page._scatter.slices._by.set_value("overlap")
    page._scatter.slices.asked.emit("overlap")
    settle(qtbot, page)
    assert page._scatter.slices.shown().startswith("under 25 %")


def test_a_pinned_query_stands_in_its_list_and_can_be_unpinned(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    query = page._pair.moved.right[0].query_id
    page._open_query(query)
    settle(qtbot, page)
    _pin_to(page, 3)
    settle(qtbot, page)
    assert page._compare._pin.shown_text() == "Pinned to the first 3"
    assert page._questions.tab_words()[3] == "Pinned 1"
    assert [row.query_id for row in page._questions.pinned.rows.movements.rows()] == [query]
    _pin_to(page, 0)
    settle(qtbot, page)
    assert page._compare._pin.shown_text() == "Pin"
    page.session.undo()
    with Project.open(finished, readonly=True) as project:
        assert [(pin.query_id, pin.k) for pin in pins.pins(project)] == [(query, 3)]
    page.session.undo()
    with Project.open(finished, readonly=True) as project:
        assert pins.pins(project) == []


def _pin_to(page, k):
    words = f"Its answer must stay in the first {k}" if k else "Unpin"
    next(action for action in page._compare._pinning.actions() if action.text() == words).trigger()


def test_a_broken_pin_stops_the_export_until_a_person_allows_it(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    lost = page._pair.moved.broken[0] if page._pair.moved.broken else page._pair.moved.wrong[0]
    with Project.open(finished) as project:
        pins.pin_query(project, lost.query_id, 1)
    export = ExportPage(AskingSession(finished, tmp_path))
    qtbot.addWidget(export)
    export.show()
    settle(qtbot, export)
    tuned = page._bench.system("tuned")
    export._choose_model(tuned.model_id)
    settle(qtbot, export)
    assert export._gate.isVisible()
    assert lost.text[:40] in export._gate.text()
    assert not export._go.isEnabled()
    export._gate._allow.click()
    assert export._go.isEnabled()
    export._go.click()
    assert export.session.jobs[0][1]["despite_pins"] is True
    export.session.end_job(export.session.queue._running, Phase.DONE)
    export._gate._allow.click()
    assert not export._go.isEnabled()
    with Project.open(finished) as project:
        pins.unpin_query(project, lost.query_id)
    export._choose_model(tuned.model_id)
    settle(qtbot, export)
    assert not export._gate.isVisible()
    assert export._go.isEnabled()


def test_a_hit_is_sent_to_the_negatives_and_comes_back(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    query = page._pair.moved.right[0].query_id
    page._open_query(query)
    settle(qtbot, page)
    other = next(card for card in page._compare.columns.right.hits.cards() if not card.answer)
    page._compare.columns._chosen(1, other.passage_id)
    page._compare._negative.click()
    with Project.open(finished, readonly=True) as project:
        assert queries.reviews(project)[(query, other.passage_id)] is Review.NEGATIVE
    page.session.undo()
    with Project.open(finished, readonly=True) as project:
        assert (query, other.passage_id) not in queries.reviews(project)


def test_runs_show_parent_and_verdict_and_keep_a_note(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._to_runs.click()
    settle(qtbot, page)
    view = page._runs
    assert view.isVisible()
    tuned = view._model.trained(0)
    assert tuned.model.kind == "tuned"
    assert view._model.cells(tuned)[1] == tuned.parent != ""
    assert view._model.cells(tuned)[6].split()[0] in ("WIN", "TIE", "LOSS")
    view._note.setText("with more cables")
    view._note.editingFinished.emit()
    with Project.open(finished, readonly=True) as project:
        assert notes.note(project, "model", tuned.model.id) == "with more cables"


def test_a_run_leads_to_its_verdict(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._open_runs()
    settle(qtbot, page)
    page._runs._table.selectRow(1)
    page._runs._look.click()
    settle(qtbot, page)
    assert page._verdict.isVisible()
    assert page._bench.run(page._chosen[0]).system == "base"


def test_figures_follow_the_convention_chosen(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        judge_again(project, Split.TEST, resamples=100)
    page = _page(qtbot, tmp_path, finished)
    page._board.convention.set_value("PaddleNLP/")
    page._board._show()
    run = page._bench.test_runs[0]
    assert page._board.model.cell(0, "ndcg@10").value == run.metrics["PaddleNLP/ndcg@10"]
    assert page._board.model.cell(0, "recall@10") is None


def test_conventions_keep_apart():
    metrics = {"ndcg@10": 0.5, "PaddleNLP/ndcg@10": 0.4}
    assert counted_as(metrics, "") == {"ndcg@10": 0.5}
    assert counted_as(metrics, "PaddleNLP/") == {"ndcg@10": 0.4}


@pytest.mark.parametrize("format", ["html", "csv"])
def test_the_report_is_asked_for(qtbot, tmp_path, finished, monkeypatch, format):
    page = _page(qtbot, tmp_path, finished)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "r"), ""))
    page._taking.take_report(format)
    assert page.session.jobs == [("report", {"dest": str(tmp_path / "r"), "format": format, "split": "test"})]


def test_the_scatter_draws_at_most_some_thousand_points_with_every_large_movement():
    def many(start, count):
        return tuple(QueryMovement(start + n, "q", 1, 20, 0.0, 0.0) for n in range(count))

    moved = Moved(many(0, 900), many(1000, 500), many(10_000, 60_000), many(100_000, 38_000))
    shown = shown_points(moved)
    assert len(shown) <= 3000
    assert {*moved.fixed, *moved.broken} <= set(shown)


def test_every_other_run_is_a_rival_also_one_made_elsewhere(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        ours = runs.newest_runs(project)[0]
        run = runs.start_run(project, system="Elastic", model_id=None, split=Split.TEST, content_key="e")
        runs.put_query_metrics(project, run, runs.query_metrics(project, ours.id))
        query_ids, passage_ids, scores = runs.hits(project, ours.id)
        runs.save_hits(project, run, query_ids=query_ids, passage_ids=passage_ids, scores=scores)
        runs.finish_run(project, run, n_queries=ours.n_queries, metrics=ours.metrics, seconds=1)
    page = _page(qtbot, tmp_path, finished)
    page._choose(page._bench.system("tuned").id, run)
    settle(qtbot, page)
    assert page._bench.names[run] == "Elastic"
    page._verdict.remedy.emit("test")
    settle(qtbot, page)
    with Project.open(finished, readonly=True) as project:
        assert runs.comparison(project, *page._chosen) is not None


def test_parts_that_nothing_is_known_of_offer_to_measure_again(qtbot, tmp_path, finished):
    shutil.rmtree(finished / "runs" / "features-test", ignore_errors=True)
    page = _page(qtbot, tmp_path, finished)
    page._scatter.show_view(1)
    settle(qtbot, page)
    QTest.mouseClick(page._scatter.slices._again, Qt.MouseButton.LeftButton)
    assert page.session.jobs == [("evaluate", {"systems": ["bm25", "base", "tuned"]})]


def test_queries_are_found_by_their_words_and_put_in_order():
    rows = (
        QueryMovement(1, "Replace the chain", 3, 0, 0.5, 0.0),
        QueryMovement(2, "replace a saddle", 1, 40, 1.0, 0.0),
        QueryMovement(3, "clean the CHAIN", 0, 2, 0.0, 0.6),
    )
    moved = Moved(fixed=rows)
    assert listed(moved, "", "movement") == moved
    assert [row.query_id for row in listed(moved, "chain", "movement").fixed] == [1, 3]
    assert [row.query_id for row in listed(moved, "CHAIN replace", "movement").fixed] == [1]
    assert [row.query_id for row in listed(moved, "", "now").fixed] == [2, 1, 3]
    assert [row.query_id for row in listed(moved, "", "before").fixed] == [3, 2, 1]
    assert [row.query_id for row in listed(moved, "", "text").fixed] == [3, 2, 1]


def test_the_find_line_lists_what_is_looked_for_and_closing_it_lists_all(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    whole = page._pair.moved.all()
    word = whole[0].text.split()[-1]
    page._questions.show_find(True)
    page._questions._words.setText(word)
    qtbot.waitUntil(lambda: len(page._listed.all()) < len(whole), timeout=5000)
    assert page._listed.all()
    assert all(word.casefold() in row.text.casefold() for row in page._listed.all())
    QTest.mouseClick(page._questions._to_find, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(page._listed.all()) == len(whole), timeout=5000)
    assert page._questions.finding() == ("", "movement")


def test_a_narrow_page_puts_the_scatter_under_the_lists(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    assert page._scatter.x() > page._questions.x()
    page.resize(944, 604)
    qtbot.waitUntil(lambda: page._scatter.y() > page._questions.y(), timeout=5000)
    assert page._board.table.columnWidth(0) > 200  # systems have room for their names


def test_many_queries_are_put_in_order_as_one_sort_would():
    rng = np.random.default_rng(3)
    rows = tuple(QueryMovement(i, f"q{rng.integers(50)}", int(rng.integers(0, 100)), 0, 0.0, 0.0) for i in range(5000))
    found = listed(Moved(wrong=rows), "", "text").wrong
    assert found == tuple(sorted(rows, key=lambda row: (row.text, row.query_id)))


def test_other_tasks_are_measured_and_shown_beside_the_curves(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._to_runs.click()
    settle(qtbot, page)
    page._runs.show_view(1)
    assert "duplicates, triplets, reranking" in page._runs.tasks.told()
    page._runs.tasks._ask.click()
    assert page.session.jobs == [("tasks", {"models": ["1", "2"]})]
    assert page._runs.tasks._ask.shown_text() == "Measuring…"
    with Project.open(finished) as project:
        keep_task_figures(
            project,
            Split.TEST,
            content="x",
            models={1: {"triplets: accuracy": 0.8}, 2: {"triplets: accuracy": 0.9}},
            sizes={"triplets": 1204},
            left_out={"duplicates": "needs several queries with one answer"},
        )
    page.session.end_job(page.session.queue._running, Phase.DONE, changed={"runs"})
    settle(qtbot, page)
    table = page._runs.tasks._model
    assert [table.index(0, c).data() for c in range(4)] == ["Triplets: accuracy", "1,204 triplets", "0.800", "0.900"]
    assert [table.index(0, c).data(Role.BOLD) for c in (2, 3)] == [False, True]
    assert "Duplicates: needs several queries with one answer" in page._runs.tasks.told()


def test_tasks_without_data_say_what_they_need(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._measure_tasks([1])
    message = "The test queries have data for none of these tasks."
    page.session.end_job(page.session.queue._running, Phase.FAILED, message=message, hint="They need scores.")
    assert page.problem.isVisible()
    assert page._runs.tasks._ask.shown_text() == "Measure"


def test_any_other_system_can_be_measured_and_is_shown_when_it_is_there(qtbot, tmp_path, finished, monkeypatch):
    with Project.open(finished) as project:
        older = models.add_model(project, name="an older try", kind="tuned", path="x", parent_id=1)
        models.finish_model(project, older, path="x", weights_digest="o", dim=3, max_length=9, summary={})
    page = _page(qtbot, tmp_path, finished)
    newest = models.newest_tuned(page.session.project)
    assert page._board._more.isVisible()
    offered = page._board.others()
    assert offered[0] == f"{newest.name} + BM25"
    assert offered[-2:] == ["Another model's folder…", "Ranking of another program (TREC run)…"]
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_args: (str(tmp_path / "theirs.run"), ""))
    page._board.ask_for("Ranking of another program (TREC run)…")
    asked = ["bm25", "base", "tuned", str(tmp_path / "theirs.run")]
    assert page.session.jobs == [("evaluate", {"systems": asked})]
    with Project.open(finished) as project:
        bm25 = runs.run_of_system(project, "bm25")
        run = runs.start_run(project, system="theirs", model_id=None, split=Split.TEST, content_key="theirs")
        runs.put_query_metrics(project, run, runs.query_metrics(project, bm25.id))
        runs.finish_run(project, run, n_queries=bm25.n_queries, metrics=bm25.metrics, seconds=1)
    page.session.end_job(page.session.queue.running, Phase.DONE, changed={"runs"})
    settle(qtbot, page)
    assert page._chosen == (run, bm25.id)


def test_measuring_all_again_names_what_was_measured_beside_the_usual(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        tuned = runs.run_of_system(project, "tuned")
        run = runs.start_run(project, system="hybrid", model_id=tuned.model_id, split=Split.TEST, content_key="h")
        runs.put_query_metrics(project, run, runs.query_metrics(project, tuned.id))
        runs.finish_run(project, run, n_queries=tuned.n_queries, metrics=tuned.metrics, seconds=1)
    page = _page(qtbot, tmp_path, finished)
    ((_, _, again),) = page.commands()
    again()
    assert page.session.jobs == [("evaluate", {"systems": ["bm25", "base", "tuned", "hybrid"]})]

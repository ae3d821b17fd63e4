"""The Evaluate page: verdicts, scoreboard, moved questions, one question side by side."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from PySide6.QtGui import QFontMetrics

from engine.records import Comparison, Outcome, Qrel, QueryMovement, Split, State
from engine.store import documents, models, queries, runs
from engine.store.project import Project
from engine.store.queries import NewQuery
from gui import theme
from gui.jobs.job import Job, Phase
from gui.pages.evaluate.facts import SHOWN, Pair, group, read_bench, rivals, scatter_place
from gui.pages.evaluate.page import EvaluatePage
from gui.pages.evaluate.verdict import VerdictCard
from gui.tables.scoreboard import ScoreModel, ScoreRow
from tests.gui.asking import AskingSession, settle
from tests.gui.projects import imported_project

WIN = Comparison(1, "tuned", "bm25", 3, 1, "ndcg@10", 0.1, 0.05, 0.15, 0.0001, Outcome.WIN, 12, 3, 100)


def _page(qtbot, tmp_path, path) -> EvaluatePage:
    page = EvaluatePage(AskingSession(path, tmp_path))
    qtbot.addWidget(page)
    page.resize(1072, 764)
    page.show()
    settle(qtbot, page)
    return page


def _moved(query_id: int, before: int, after: int) -> QueryMovement:
    return QueryMovement(query_id, f"query {query_id}", after, before, 0.0, 0.0)


def _bench(finished):
    with Project.open(finished, readonly=True) as project:
        return read_bench(project)


def test_a_turned_comparison_says_the_opposite():
    turned = runs.turn_round(WIN)
    assert (turned.delta, turned.low, turned.high) == (-0.1, -0.15, -0.05)
    assert (turned.verdict, turned.fixed, turned.broken) == (Outcome.LOSS, 3, 12)
    assert (turned.a, turned.b, turned.run_a, turned.run_b) == ("bm25", "tuned", 1, 3)


def test_questions_are_sorted_by_what_happened_to_their_answer():
    moved = group([_moved(1, 41, 3), _moved(2, 4, 12), _moved(3, 1, 10), _moved(4, 0, 11), _moved(5, 0, 1)])
    assert [row.query_id for row in moved.fixed] == [1, 5]
    assert [row.query_id for row in moved.broken] == [2]
    assert [row.query_id for row in moved.right] == [3]
    assert [row.query_id for row in moved.wrong] == [4]


def test_points_stand_at_log_ranks_downwards():
    x, y = scatter_place(_moved(5, 100, 1))
    assert x == pytest.approx(2.0, abs=0.05)
    assert y == pytest.approx(0.0, abs=0.05)


def test_an_answer_not_found_stands_beyond_the_last_rank():
    x, _y = scatter_place(_moved(5, 0, 1))
    assert x > math.log10(200)


def test_hybrid_can_be_compared_with_the_tuned_model_too(finished):
    with Project.open(finished) as project:
        run = runs.start_run(project, system="hybrid", model_id=2, split=Split.TEST, content_key="h")
        runs.finish_run(project, run, n_queries=18, metrics={"ndcg@10": 0.9}, seconds=1)
    bench = _bench(finished)
    assert [other.system for other in rivals(bench, run)] == ["bm25", "base", "tuned"]
    tuned = bench.system("tuned").id
    assert [other.system for other in rivals(bench, tuned)] == ["bm25", "base", "hybrid"]
    assert bench.names[run] == "round 1, quick + BM25"


def test_the_scoreboard_tells_differences_to_one_row():
    model = ScoreModel()
    rows = [ScoreRow(1, "bm25", "BM25", {"ndcg@10": 0.5}), ScoreRow(2, "tuned", "tuned 1", {"ndcg@10": 0.6})]
    model.set_rows(rows, against=1)
    assert model.cell(0, "ndcg@10").delta is None
    assert model.cell(1, "ndcg@10").delta == pytest.approx(0.1)
    assert model.cell(1, "mrr@10") is None
    assert model.index(1, 1).data() == "0.600 (+0.100)"


def test_the_columns_of_the_scoreboard_hold_a_figure_and_its_difference(qtbot, tmp_path, finished):
    table = _page(qtbot, tmp_path, finished)._board.table
    figure = QFontMetrics(theme.font("body", "bold")).horizontalAdvance("1.000")
    room = figure + QFontMetrics(theme.font("dense")).horizontalAdvance("▲ 0.000") + 4
    widths = [table.columnWidth(column) for column in range(1, table.model().columnCount())]
    assert min(widths) - 4 - 8 >= room
    assert widths[-1] - 4 - 16 >= room


def test_a_model_that_was_just_measured_is_what_is_compared(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._choose_a.picked.emit(page._bench.system("base").id)
    settle(qtbot, page)
    page.refresh({"runs"})
    settle(qtbot, page)
    assert page._bench.run(page._chosen[0]).system == "base"  # what a person chose stays
    with Project.open(finished) as project:
        model = models.add_model(project, name="round 2", kind="tuned", path="", state=State.COMPLETE)
        run = runs.start_run(project, system="tuned", model_id=model, split=Split.TEST, content_key="t2")
        runs.finish_run(project, run, n_queries=18, metrics={"ndcg@10": 0.9}, seconds=1)
    page.refresh({"runs"})
    settle(qtbot, page)
    assert page._chosen == (run, page._bench.system("bm25").id)


def test_the_verdict_comes_first(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    chip, figure, sentence = page._verdict.words_shown()
    assert chip == page._pair.comparison.verdict.value
    assert figure[0] in "+−"
    assert "round 1, quick" in sentence


def test_a_win_needs_no_reasons_and_leads_to_the_search(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        project.db.execute("update comparisons set verdict = 'WIN', low = 0.02, high = 0.2, delta = 0.1")
    page = _page(qtbot, tmp_path, finished)
    assert page._verdict.words_shown()[:2] == ("WIN", "+0.100")
    assert page._verdict.reasons() == []
    page._primary.click()
    assert page.session.pages == [("search", {})]


def test_a_tie_names_reasons_with_a_button_each(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        project.db.execute(
            "update comparisons set verdict = 'TIE', low = -0.05, high = 0.15, delta = 0.05, fixed = 2, broken = 1"
        )
    page = _page(qtbot, tmp_path, finished)
    assert page._verdict.words_shown()[0] == "TIE"
    assert any("test set is too small" in reason for reason in page._verdict.reasons())
    page._verdict.remedy.emit("add_queries")
    assert page.session.pages == [("queries", {"step": "add_queries"})]


def test_a_loss_shows_its_broken_questions(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        project.db.execute("update comparisons set verdict = 'LOSS', low = -0.2, high = -0.02, delta = -0.1")
    page = _page(qtbot, tmp_path, finished)
    assert page._verdict.words_shown()[:2] == ("LOSS", "−0.100")
    page._questions.show_tab("wrong")
    page._verdict.remedy.emit("broken")
    assert page._questions._tabs.currentIndex() == 0


def test_the_remedy_hybrid_measures_it(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._verdict.remedy.emit("hybrid")
    assert page.session.jobs == [("evaluate", {"systems": ["bm25", "base", "tuned", "hybrid"]})]


def test_fixed_and_broken_stand_side_by_side_at_equal_width(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    moved = page._pair.moved
    assert page._questions.tab_words()[0] == f"Fixed {len(moved.fixed)} and broken {len(moved.broken)}"
    assert abs(page._questions.fixed.width() - page._questions.broken.width()) <= 1


def test_another_rival_changes_the_comparison(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    base = page._bench.system("base").id
    page._choose_b.picked.emit(base)
    settle(qtbot, page)
    assert page._pair.comparison.b == "base"
    assert page._board.fact.text() == "difference to Base"


def test_a_row_of_the_scoreboard_chooses_what_is_compared(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    base = page._bench.system("base").id
    page._board._row_clicked(page._board.model.index(page._board.model.row_of(base), 0))
    settle(qtbot, page)
    assert page._chosen == (base, page._bench.system("bm25").id)


def test_two_runs_never_compared_can_be(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        project.db.execute("delete from comparisons")
    page = _page(qtbot, tmp_path, finished)
    assert page._verdict.words_shown()[0] == "NOT TESTED"
    page._verdict.remedy.emit("test")
    settle(qtbot, page)
    assert page.session.edits[-1] == ("compare", {"run_a": page._chosen[0], "run_b": page._chosen[1]})
    assert page._verdict.words_shown()[0] in ("WIN", "TIE", "LOSS")


def test_before_training_the_start_is_what_to_beat(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        runs.drop_run(project, _bench(finished).system("tuned").id)
        project.db.execute("delete from model_metrics")
        project.db.execute("delete from models where kind = 'tuned'")
    page = _page(qtbot, tmp_path, finished)
    chip, figure, sentence = page._verdict.words_shown()
    assert (chip, figure) == ("START", "0.794")
    assert sentence.startswith("BM25 is ahead today")
    page._primary.click()
    assert page.session.pages == [("train", {})]


def test_an_unmeasured_model_is_offered(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        new = models.add_model(project, name="tuned 2", kind="tuned", path="x", parent_id=1)
        models.finish_model(project, new, path="x", weights_digest="", dim=1, max_length=1, summary={})
    page = _page(qtbot, tmp_path, finished)
    assert page._stale.isVisible()
    page._stale.asked.emit()
    assert page.session.jobs == [("evaluate", {"systems": ["bm25", "base", "tuned"]})]


def test_figures_of_other_passages_are_called_out_of_date(qtbot, tmp_path, finished):
    assert not _page(qtbot, tmp_path, finished)._stale.isVisible()
    with Project.open(finished) as project:
        documents.remove_documents(project, [1])
    page = _page(qtbot, tmp_path, finished)
    assert page._stale.isVisible()
    assert page._stale.words_shown() == (
        "out of date",
        "Passages or queries changed since these figures were measured.",
    )
    page._stale.asked.emit()
    assert page.session.jobs == [("evaluate", {"systems": ["bm25", "base", "tuned"]})]


def test_nothing_measured_yet_has_one_button(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        for run in _bench(finished).test_runs:
            runs.drop_run(project, run.id)
    page = _page(qtbot, tmp_path, finished)
    assert page._empty.isVisible()
    page._start.click()
    assert page.session.jobs == [("evaluate", {"systems": ["bm25", "base", "tuned"]})]
    assert page._start.shown_text() == "Measuring…"


def test_without_a_split_the_button_says_so(qtbot, tmp_path):
    page = _page(qtbot, tmp_path, imported_project(tmp_path))
    assert page._start.shown_text() == "Split the queries first"
    page._to_questions.click()
    assert page.session.pages == [("queries", {})]


def test_a_failed_measurement_keeps_what_was_there(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._measure(["bm25"])
    job = page.session.queue.running
    page.session.end_job(job, Phase.FAILED, message="No passages.", hint="Import some.")
    settle(qtbot, page)
    assert page.problem.isVisible()
    assert page._verdict.isVisible()


def test_another_projects_evaluation_keeps_nothing_from_being_measured_here(qtbot, tmp_path, finished):
    session = AskingSession(finished, tmp_path)
    session.queue._running = Job(1, "evaluate", tmp_path / "other", {}, Phase.RUNNING)
    page = EvaluatePage(session)
    qtbot.addWidget(page)
    page.show()
    settle(qtbot, page)
    assert page._primary.isEnabled()
    page._measure_again()
    assert [kind for kind, _values in session.jobs] == ["evaluate"]


def test_what_failed_or_was_asked_for_in_one_project_is_not_taken_into_the_next(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._measure_other("hybrid")
    page.session.end_job(page.session.queue.running, Phase.FAILED, message="The disk is full.")
    page._wanted = ("hybrid", frozenset())
    page.hide()
    page.session._take(Project.open(imported_project(tmp_path / "next"), readonly=True))
    page.show()
    settle(qtbot, page)
    assert page.problem.isHidden()
    assert page._wanted[0] == ""


def test_a_question_opens_with_both_lists_and_its_answer_marked(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    query = page._pair.moved.fixed[0]
    page._questions.opened.emit(query.query_id)
    settle(qtbot, page)
    assert page._compare.isVisible()
    right = page._compare.columns.right.hits.cards()
    assert [card.rank for card in right if card.answer] == [query.rank_a]
    assert page._compare.columns.gutter.links()


def test_j_goes_to_the_next_question_of_the_list(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    ids = [row.query_id for row in page._pair.moved.right]
    page._open_query(ids[0])
    settle(qtbot, page)
    page._compare.stepped.emit(1)
    settle(qtbot, page)
    assert page._query == ids[1]
    page._compare.stepped.emit(-1)
    page._compare.stepped.emit(-1)
    assert page._query == ids[-1]


def test_a_wrong_judgement_is_taken_away_and_comes_back(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    query = page._pair.moved.right[0].query_id
    page._open_query(query)
    settle(qtbot, page)
    answer = page._compare._view.answers[0]
    page._compare.unjudged.emit(query, answer.passage.id)
    settle(qtbot, page)
    assert page._compare._ranks.text() == "Without an answer it counts in no figure"
    assert page.session.toasts[-1][1] == "Undo"
    with Project.open(finished, readonly=True) as project:
        assert answer.passage.id not in queries.judgements(project).get(query, {})
    page.session.undo()
    with Project.open(finished, readonly=True) as project:
        assert queries.judgements(project)[query][answer.passage.id] == answer.grade


def test_a_wrong_judgement_of_a_merged_query_is_taken_away_too(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    query = page._pair.moved.right[0].query_id
    with Project.open(finished) as project:
        wrong = next(p for p in range(1, 9) if p not in queries.judgements(project).get(query, {}))
        ((merged, _),) = queries.put_queries(project, [NewQuery("the same asked otherwise")], import_id=None)
        project.db.execute("update queries set duplicate_of = ? where id = ?", [query, merged])
        queries.put_qrels(project, [Qrel(merged, wrong, 2, "imported")])
    page._open_query(query)
    settle(qtbot, page)
    assert wrong in [answer.passage.id for answer in page._compare._view.answers]
    page._compare.unjudged.emit(query, wrong)
    settle(qtbot, page)
    assert wrong not in [answer.passage.id for answer in page._compare._view.answers]
    page.session.undo()
    with Project.open(finished, readonly=True) as project:
        assert queries.qrels_of(project, merged) == [Qrel(merged, wrong, 2, "imported")]


def test_calling_a_passage_an_answer_is_taken_back_to_what_was_said_before(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    query = page._pair.moved.right[0].query_id
    with Project.open(finished) as project:
        passage = next(p for p in range(1, 9) if p not in queries.judgements(project).get(query, {}))
        queries.put_qrels(project, [Qrel(query, passage, 0, "imported")])
    page._compare.judged.emit(query, passage)
    page.session.undo()
    with Project.open(finished, readonly=True) as project:
        assert Qrel(query, passage, 0, "imported") in queries.qrels_of(project, query)


def test_an_answer_below_the_first_ten_is_shown_with_its_rank(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    lost = next(row for row in page._pair.moved.all() if row.rank_a > SHOWN or row.rank_b > SHOWN)
    page._open_query(lost.query_id)
    settle(qtbot, page)
    side, rank = ("right", lost.rank_a) if lost.rank_a > SHOWN else ("left", lost.rank_b)
    cards = getattr(page._compare.columns, side).hits.cards()
    assert next(card.rank for card in cards if card.answer and card.rank > SHOWN) == rank


def test_another_hit_becomes_an_answer(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    query = page._pair.moved.right[0].query_id
    page._open_query(query)
    settle(qtbot, page)
    other = next(card for card in page._compare.columns.right.hits.cards() if not card.answer)
    page._compare.columns.right.setCurrentIndex(
        page._compare.columns.right.hits.index(page._compare.columns.right.hits.row_of(other.passage_id))
    )
    page._compare._judge.click()
    assert page.session.edits[-1] == ("judge", {"query_id": query, "passage_id": other.passage_id, "grade": 1})


def test_the_page_opens_at_broken_questions(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._questions.show_tab("wrong")
    page.open_at({"tab": "broken"})
    assert page._questions._tabs.currentIndex() == 0


def test_an_interval_on_every_claim(qtbot, finished):
    card = VerdictCard()
    qtbot.addWidget(card)
    bench = _bench(finished)
    run_a, run_b = bench.system("tuned").id, bench.system("bm25").id
    found = replace(WIN, run_a=run_a, run_b=run_b)
    card.show_pair(bench, Pair(found, (), group([])), "tuned 1", "BM25")
    assert "+0.050 and +0.150, 19 times in 20" in card.words_shown()[2]
    assert card._bar.accessibleName() == "BM25 +0.100 (+0.050 – +0.150)"

"""The Search page: two systems at once, thumbs, why a hit stands where it stands."""

from __future__ import annotations

from engine.records import State
from engine.store import documents, models, queries
from engine.store.feedback import votes_on
from engine.store.project import Project
from engine.store.shares import HybridShare, keep_hybrid_share
from gui.pages.search.facts import default_systems, new_in_top, read_facts
from gui.pages.search.page import SearchPage
from tests.gui.asking import AskingSession, settle
from tests.gui.projects import empty_project, imported_project


def _page(qtbot, tmp_path, path, *, hold: bool = False) -> SearchPage:
    session = AskingSession(path, tmp_path)
    ids = []
    if session.project is not None:
        ids = [passage.id for passage in documents.all_passages(session.project)]
    down = [(p, 1 - n / 100) for n, p in enumerate(ids)]
    session.rankings = {"bm25": down, "base": down, "2": [*down[4:5], *down[:4], *down[5:60:-1], *down[20:30]]}
    session.hold = hold
    page = SearchPage(session)
    qtbot.addWidget(page)
    page.resize(1072, 764)
    page.show()
    settle(qtbot, page)
    return page


def _search(qtbot, page: SearchPage, text: str) -> None:
    page.search_for(text)
    settle(qtbot, page)


def test_the_systems_are_those_of_the_project(finished):
    with Project.open(finished, readonly=True) as project:
        facts = read_facts(project)
    assert [system.key for system in facts.systems] == ["bm25", "base", "model-2", "hybrid"]
    assert default_systems(facts) == ("base", "model-2")


def test_before_training_bm25_stands_beside_the_base(tmp_path):
    with Project.open(imported_project(tmp_path), readonly=True) as project:
        facts = read_facts(project)
    assert default_systems(facts) == ("bm25", "bm25")  # no model at all in this project


def test_suggestions_are_the_projects_own_questions(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    assert page._suggestions.isVisible()
    with Project.open(finished, readonly=True) as project:
        own = {query.text for query in queries.all_queries(project)}
    assert set(page._facts.suggestions) <= own
    page._suggestions.picked.emit(page._facts.suggestions[0])
    settle(qtbot, page)
    assert page._columns.isVisible()


def test_typing_asks_both_systems_after_a_pause(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    qtbot.keyClicks(page._box, "chain")
    qtbot.waitUntil(lambda: len(page.session.searches) == 2)
    assert page.session.searches == [("chain", "dense", "base"), ("chain", "dense", "2")]
    settle(qtbot, page)
    assert len(page._columns.left.hits.cards()) == 10
    assert page._time.text() == "4 ms"


def test_old_results_stay_until_both_systems_answered(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    _search(qtbot, page, "chain")
    before = page._columns.left.hits.cards()
    page.session.hold = True
    page.search_for("saddle")
    assert page._columns.left.hits.cards() == before
    page.session.answer_all()
    settle(qtbot, page)
    assert page._shown.text == "saddle"


def test_an_answer_to_an_earlier_text_is_dropped(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished, hold=True)
    page.search_for("chain")
    page.search_for("chains")
    page.session.answer_all()
    settle(qtbot, page)
    assert page._shown.text == "chains"


def test_the_right_list_says_where_hits_stood_at_the_left(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    _search(qtbot, page, "chain")
    right = page._columns.right.hits.cards()
    assert [(card.rank, card.was) for card in right[:3]] == [(1, 5), (2, 1), (3, 2)]


def test_a_model_that_was_just_trained_is_what_is_searched_with(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._change_system(0, "bm25")
    _search(qtbot, page, "chain")
    page.refresh({"models"})
    settle(qtbot, page)
    assert page._keys == ["bm25", "model-2"]  # what a person chose stays
    with Project.open(finished) as project:
        newer = models.add_model(project, name="round 2", kind="tuned", path="", state=State.COMPLETE)
    page.session._emit({"models"})
    settle(qtbot, page)
    assert page._keys == ["base", f"model-{newer}"]
    assert page.session.searches[-1] == ("chain", "dense", str(newer))


def test_a_share_that_a_measurement_chose_is_said_at_once(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    with Project.open(finished) as project:
        tuned = models.newest_tuned(project)
        keep_hybrid_share(project, tuned, HybridShare(0.7, 20, 0.6, 0.5, tuned.weights_digest, "x"))
    page.session._emit({"runs"})
    settle(qtbot, page)
    assert page._facts.system("hybrid").fact == "70 % round 1, quick + 30 % BM25"


def test_one_system_asks_once(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page._layout.set_current(0)
    page._layout.changed.emit(0)
    _search(qtbot, page, "chain")
    assert len(page.session.searches) == 1
    assert page._columns.right.isHidden()


def test_another_system_is_asked_at_once(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    _search(qtbot, page, "chain")
    page._heads[0].picked.emit("bm25")
    settle(qtbot, page)
    assert page.session.searches[2:] == [("chain", "bm25", "base"), ("chain", "dense", "2")]


def test_a_failed_search_keeps_the_results_and_can_be_tried_again(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    _search(qtbot, page, "chain")
    page.session.broken = "The model cannot be read."
    page.search_for("saddle")
    assert page.problem.isVisible()
    assert page._keep.shown_text() == "Choose the answer to keep it"
    assert "The results before it are still shown." in page.problem.accessibleName()
    assert page._columns.left.hits.cards()
    page.session.broken = ""
    page._search_again()
    settle(qtbot, page)
    assert page.problem.isHidden()
    assert page._shown.text == "saddle"


def test_an_empty_box_brings_the_suggestions_back(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    _search(qtbot, page, "chain")
    page.search_for("  ")
    assert page._suggestions.isVisible()
    assert page._keep.shown_text() == "Ask something first"


def test_without_documents_the_page_leads_to_them(qtbot, tmp_path):
    page = _page(qtbot, tmp_path, empty_project(tmp_path))
    assert page._stack.currentIndex() == 0
    assert page._box.isHidden()


def test_choosing_a_hit_explains_it(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page.session.terms = {"terms": [["chain", 4.2], ["replac", 2.0]], "missing": ["quickly"]}
    _search(qtbot, page, "replace the chain quickly")
    page._columns.right.setCurrentIndex(page._columns.right.hits.index(1))
    settle(qtbot, page)
    assert page.why.passage_id() == page._columns.right.chosen_passage()
    assert page.why._weights.count() == 2
    assert page.why._missing.text() == "Not in it: quickly"
    assert page.inspector.accessibleName() == "Why rank 2"


def test_a_thumb_is_kept_and_undone(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    _search(qtbot, page, "chain")
    passage = page._columns.left.hits.cards()[0].passage_id
    page._columns.left.voted.emit(passage, 1)
    settle(qtbot, page)
    with Project.open(finished, readonly=True) as project:
        assert votes_on(project, "chain")[passage].vote == 1
    assert page._columns.left.hits.cards()[0].vote == 1
    page.session.undo()
    settle(qtbot, page)
    with Project.open(finished, readonly=True) as project:
        assert votes_on(project, "chain") == {}
    assert page._columns.left.hits.cards()[0].vote == 0


def test_a_thumb_of_an_earlier_day_can_be_taken_back(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        passage = next(iter(documents.all_passages(project))).id
        queries.put_feedback(project, "chain", passage, -1, "base")
    page = _page(qtbot, tmp_path, finished)
    _search(qtbot, page, "chain")
    assert page._columns.left.hits.cards()[0].vote == -1
    page._columns.left.voted.emit(passage, 0)
    settle(qtbot, page)
    with Project.open(finished, readonly=True) as project:
        assert votes_on(project, "chain") == {}


def test_a_question_is_kept_with_its_answer_and_undone(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    _search(qtbot, page, "why does my chain squeak")
    assert page._keep.shown_text() == "Choose the answer to keep it"
    page._columns.left.setCurrentIndex(page._columns.left.hits.index(0))
    settle(qtbot, page)
    page._keep.click()
    settle(qtbot, page)
    with Project.open(finished, readonly=True) as project:
        kept = next(query for query in queries.all_queries(project) if query.text == "why does my chain squeak")
        assert [qrel.passage_id for qrel in queries.qrels_of(project, kept.id)] == [page._chosen[1]]
    page.session.undo()
    with Project.open(finished, readonly=True) as project:
        assert all(query.text != "why does my chain squeak" for query in queries.all_queries(project))


def test_known_answers_are_marked(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    _search(qtbot, page, "How do I replace the chain?")
    assert [card.rank for card in page._columns.left.hits.cards() if card.answer] == [1]


def test_foreign_text_is_shown_as_plain_text(qtbot, tmp_path, finished):
    with Project.open(finished) as project:
        project.db.execute("update passages set heading = '<b>bold</b>', text = '<img src=\"file:///etc/passwd\">'")
    page = _page(qtbot, tmp_path, finished)
    _search(qtbot, page, "chain")
    page._columns.left.setCurrentIndex(page._columns.left.hits.index(0))
    settle(qtbot, page)
    assert page._columns.left.hits.cards()[0].title == "<b>bold</b>"
    assert page.why._text.toPlainText() == '<img src="file:///etc/passwd">'


def test_another_page_can_ask_for_a_text(qtbot, tmp_path, finished):
    page = _page(qtbot, tmp_path, finished)
    page.open_at({"text": "saddle"})
    settle(qtbot, page)
    assert page._box.text() == "saddle"
    assert page._columns.isVisible()


def test_hits_new_at_the_right_are_counted():
    assert new_in_top([1, 2, 3, 4], [4, 3, 9, 8], 3) == 2

"""Cutting again: only what differs changes, what was said follows its text or is listed, and all of it can be undone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from engine.errors import Cancelled, UserError
from engine.ingest.cutting import Cutting
from engine.ingest.document import Outline
from engine.ingest.recut import Bench, Outlook, cut, uncut
from engine.params import CutParams, UncutParams
from engine.records import Qrel, Review, Source, Split
from engine.store import cuts, documents, following, imports, negatives, queries, recuts, runs
from engine.store.documents import NewDocument, NewPassage
from engine.store.overview import overview
from engine.store.project import Project
from engine.store.queries import NewQuery
from engine.store.undoing import foresee_undo, undo_import
from engine.task import Task

WIDE, NARROW = CutParams(100, 0), CutParams(30, 0)
LONG = " ".join(f"Sentence number {n} speaks of topic{n} and no more." for n in range(1, 13))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "project") as opened:
        yield opened


def _put(project: Project, name: str, *blocks: tuple[int, str], params: CutParams = WIDE) -> int:
    outline = Outline()
    for level, text in blocks:
        if level:
            outline.heading(level, text)
        else:
            outline.paragraph(text)
    import_id = imports.start_import(project, [name], "documents")
    document = outline.build("", "md")
    new = NewDocument(name, f"/files/{name}", "md", f"hash of {name}", document.text)
    cuts.set_project_cut(project, params)
    return Cutting(project, params).put(new, document, import_id=import_id).document_id


def _ask(project: Project, text: str, passage_id: int, grade: int = 1, source: str = "imported") -> int:
    ((query_id, _),) = queries.put_queries(project, [NewQuery(text, source=source)], import_id=None)
    queries.put_qrels(project, [Qrel(query_id, passage_id, grade, source)])
    return query_id


def _texts(project: Project, document_id: int) -> dict[int, str]:
    return {passage.id: passage.text for passage in documents.passages_of(project, document_id)}


def _holding(project: Project, document_id: int, words: str) -> int:
    (found, *_) = [number for number, text in _texts(project, document_id).items() if words in text]
    return found


def _everything(project: Project) -> dict[str, list[tuple[object, ...]]]:
    tables = ("passages", "qrels", "reviews", "imported_negatives", "feedback", "pair_scores", "negatives", "set_aside")
    found = {table: project.db.execute(f"select * from {table} order by 1, 2, 3").fetchall() for table in tables}
    found["documents"] = project.db.execute("select id, n_passages from documents").fetchall()
    found["cuts"] = project.db.execute(
        "select document_id, passage_tokens, overlap_tokens, headings, ruler from document_cuts order by 1"
    ).fetchall()
    return found


class _CancelAt(Task):
    def __init__(self, done: int) -> None:
        super().__init__()
        self._done = done

    def on_progress(self, stage: str, done: int, total: int, note: str) -> None:
        if done >= self._done:
            raise Cancelled


def test_only_documents_whose_passages_differ_are_cut_again(project: Project) -> None:
    short = _put(project, "short", (0, "A few words. And a few more."))
    long = _put(project, "long", (0, LONG))
    before = _texts(project, short)
    summary = cut(project, NARROW, Task())
    assert (summary.documents, summary.changed) == (2, 1)
    assert _texts(project, short) == before
    assert len(_texts(project, long)) > 4
    assert all(cuts.cut_of(project, number).params == NARROW for number in (short, long))
    assert cuts.project_cut(project) == NARROW
    again = cut(project, NARROW, Task())
    assert (again.changed, again.before, again.after) == (0, summary.after, summary.after)


def test_cutting_gives_what_an_import_with_these_settings_gives(project: Project, tmp_path: Path) -> None:
    blocks = [(1, "Kettles"), (0, LONG), (2, "Warranty"), (0, LONG), (1, "Pots"), (0, "Scrub them.")]
    for before, after in [(WIDE, NARROW), (NARROW, WIDE), (WIDE, CutParams(40, 12, False)), (NARROW, NARROW)]:
        document_id = _put(project, "manual", *blocks, params=before)
        cut(project, after, Task())
        with Project.create(tmp_path / f"{before.passage_tokens}{after.passage_tokens}{after.headings}") as other:
            fresh = _put(other, "manual", *blocks, params=after)
            read = documents.passages_of(other, fresh)
        stored = documents.passages_of(project, document_id)
        shown = [(p.heading, p.text, p.start, p.end, p.ordinal, p.page) for p in stored]
        assert shown == [(p.heading, p.text, p.start, p.end, p.ordinal, p.page) for p in read]


def test_a_document_without_a_kept_layout_is_cut_by_what_its_passages_show(project: Project) -> None:
    document_id = _put(project, "manual", (1, "Kettles"), (0, LONG), (1, "Pots"), (0, LONG), params=NARROW)
    project.db.execute("delete from document_cuts")
    cut(project, WIDE, Task())
    assert {passage.heading for passage in documents.passages_of(project, document_id)} == {"Kettles", "Pots"}
    assert len(_texts(project, document_id)) == 4


def test_judgements_go_with_their_text_into_a_longer_passage(project: Project) -> None:
    document_id = _put(project, "long", (0, LONG), params=NARROW)
    old = _holding(project, document_id, "topic2")
    query_id = _ask(project, "what of topic2", old, 2)
    queries.put_feedback(project, "topic2", old, 1, "bm25")
    summary = cut(project, WIDE, Task())
    new = _holding(project, document_id, "topic2")
    assert new != old
    assert queries.qrels_of(project, query_id) == [Qrel(query_id, new, 2, "imported")]
    assert queries.feedback_of(project, "topic2") == {new: 1}
    assert (summary.moved, summary.aside) == (2, 0)


def test_a_judgement_goes_to_the_passage_that_holds_most_of_its_text(project: Project) -> None:
    document_id = _put(project, "one", (0, " ".join(LONG.split(". ")[0:1] * 1) + ". " + LONG[:100]), params=WIDE)
    (old,) = _texts(project, document_id)
    query_id = _ask(project, "which", old)
    cut(project, CutParams(25, 0), Task())
    (moved,) = queries.qrels_of(project, query_id)
    texts = _texts(project, document_id)
    assert len(texts) > 1
    assert len(texts[moved.passage_id]) == max(map(len, texts.values()))


def test_what_finds_no_passage_is_set_aside_listed_and_comes_back(project: Project) -> None:
    document_id = _put(project, "long", (0, LONG))
    old = _holding(project, document_id, "topic1 ")
    query_id = _ask(project, "everything of the first half", old, 3)
    summary = cut(project, NARROW, Task())
    assert (summary.moved, summary.aside) == (0, 1)
    (found,) = summary.set_aside
    assert (found.kind, found.query, found.reason) == ("judgement", "everything of the first half", "split")
    assert "topic1 " in found.text
    assert queries.qrels_of(project, query_id) == []
    back = cut(project, WIDE, Task())
    assert back.restored == 1
    (qrel,) = queries.qrels_of(project, query_id)
    assert (qrel.grade, qrel.passage_id) == (3, _holding(project, document_id, "topic1 "))
    assert following.count_set_aside(project) == 0


def test_sentences_said_again_and_again_bring_nothing_back_that_was_just_set_aside(project: Project) -> None:
    _put(project, "long", (0, "Wait for ten minutes. " * 40))
    for number, old in enumerate(_texts(project, 1)):
        _ask(project, f"question {number}", old)
    foreseen, _ = Bench(project).look(NARROW)
    summary = cut(project, NARROW, Task())
    assert (summary.moved, summary.aside, summary.restored) == (foreseen.moved, foreseen.aside, 0)
    assert following.count_set_aside(project) == summary.aside > 0
    assert cut(project, WIDE, Task()).restored == summary.aside


def test_a_made_query_goes_where_its_own_words_stand(project: Project) -> None:
    document_id = _put(project, "long", (0, LONG))
    old = _holding(project, document_id, "topic4 ")
    query_id = _ask(project, "sentence number 4 speaks of TOPIC4", old, source="made: cloze")
    cut(project, NARROW, Task())
    (qrel,) = queries.qrels_of(project, query_id)
    assert qrel.passage_id == _holding(project, document_id, "topic4 ")


def test_a_wrong_passage_that_becomes_part_of_an_answer_is_set_aside(project: Project) -> None:
    document_id = _put(project, "long", (0, LONG), params=NARROW)
    query_id = _ask(project, "topic1", _holding(project, document_id, "topic1 "))
    wrong = _holding(project, document_id, "topic4 ")
    queries.put_review(project, query_id, wrong, Review.NEGATIVE)
    queries.put_imported_negatives(project, [(query_id, wrong)])
    cut(project, WIDE, Task())
    assert queries.reviews(project) == {}
    assert queries.imported_negatives(project) == {}
    assert [(found.kind, found.reason) for found in following.set_aside(project)] == [
        ("review", "answer"),
        ("wrong passage", "answer"),
    ]


def test_hand_judged_negatives_go_with_their_text(project: Project) -> None:
    document_id = _put(project, "long", (0, LONG), params=NARROW)
    query_id = _ask(project, "topic1", _holding(project, document_id, "topic1 "))
    queries.put_review(project, query_id, _holding(project, document_id, "topic11 "), Review.LEFT_OUT)
    cut(project, WIDE, Task())
    assert queries.reviews(project) == {(query_id, _holding(project, document_id, "topic11 ")): Review.LEFT_OUT}


def _judged(project: Project) -> int:
    document_id = _put(project, "long", (1, "Kettles"), (0, LONG))
    _put(project, "other", (0, LONG.upper()))
    first, *_ = _texts(project, document_id)
    query_id = _ask(project, "everything", first, 3)
    _ask(project, "number 2", first, 1, "made: phrases")
    queries.put_review(project, query_id, first, Review.RELEVANT)
    mining = negatives.start_mining(project, model_id=None, params={})  # type: ignore[arg-type]
    other = negatives.Negative(query_id, first, Source.BM25, 1, 2.0, 0.1)
    negatives.put_negatives(project, mining, [other])
    return document_id


def test_undo_brings_back_every_row_as_it_was(project: Project) -> None:
    _judged(project)
    before = _everything(project)
    summary = cut(project, CutParams(30, 8, False), Task())
    assert (summary.changed, summary.mined) == (2, 1)
    assert _everything(project) != before
    undone = uncut(project, UncutParams(), Task())
    assert _everything(project) == before
    assert (undone.documents, undone.left, undone.params) == (2, 0, WIDE)
    assert cuts.project_cut(project) == WIDE
    with pytest.raises(UserError, match="no cutting"):
        uncut(project, UncutParams(), Task())


def test_undo_keeps_what_was_judged_since(project: Project) -> None:
    document_id = _judged(project)
    cut(project, NARROW, Task())
    later = _ask(project, "asked since", _holding(project, document_id, "topic12"))
    uncut(project, UncutParams(), Task())
    assert queries.qrels_of(project, later) == [Qrel(later, _holding(project, document_id, "topic12"), 1, "imported")]


def test_what_an_import_said_does_not_come_back_with_a_cutting_after_it_was_taken_back(project: Project) -> None:
    document_id = _put(project, "a", (0, LONG))
    said = imports.start_import(project, ["b"], "trec")
    wide = _holding(project, document_id, "topic1 ")
    ((query_id, _),) = queries.put_queries(project, [NewQuery("what")], import_id=None)
    queries.put_qrels(project, [Qrel(query_id, wide, 1)], import_id=said)
    assert cut(project, replace(NARROW, passage_tokens=20), Task()).aside == 1
    foreseen = foresee_undo(project, said)
    assert (foreseen.qrels, undo_import(project, said).qrels, following.count_set_aside(project)) == (1, 1, 0)
    uncut(project, UncutParams(), Task())
    assert queries.count_qrels(project) == 0


def test_undo_leaves_a_document_that_was_read_anew(project: Project) -> None:
    document_id = _judged(project)
    cut(project, NARROW, Task())
    _put(project, "long", (0, "Other words altogether."), params=NARROW)
    undone = uncut(project, UncutParams(), Task())
    assert (undone.documents, undone.left) == (1, 1)
    assert list(_texts(project, document_id).values()) == ["Other words altogether."]


def test_a_cutting_that_was_cancelled_goes_on_and_is_undone_as_one(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.ingest.recut.TRANSACTION", 1e-9)
    ids = [_put(project, f"file{n}", (0, f"{LONG} {n}")) for n in range(4)]
    before = _everything(project)
    with pytest.raises(Cancelled):
        cut(project, NARROW, _CancelAt(2))
    assert [cuts.cut_of(project, number).params for number in ids] == [NARROW, NARROW, WIDE, WIDE]
    assert recuts.newest_recut(project).state == "building"
    summary = cut(project, NARROW, Task())
    assert (summary.documents, summary.changed) == (4, 4)
    uncut(project, UncutParams(), Task())
    assert _everything(project) == before


def test_passages_of_labelled_sets_are_never_cut(project: Project) -> None:
    import_id = imports.start_import(project, ["set"], "beir")
    row = (NewDocument("d1", "/set", "beir", "h", labelled=True), NewPassage(LONG))
    (passage_id,) = documents.put_labelled(project, [row], import_id=import_id)
    with pytest.raises(UserError, match="No document here can be cut"):
        cut(project, NARROW, Task())
    _put(project, "long", (0, LONG))
    cut(project, NARROW, Task())
    assert documents.passages(project, [passage_id])[passage_id].text == LONG


def test_the_outlook_says_what_the_cutting_then_does(project: Project) -> None:
    _judged(project)
    before = _everything(project)
    foreseen, following_id = Bench(project).look(NARROW)
    assert before == _everything(project)
    summary = cut(project, NARROW, Task())
    assert following_id == 0
    names = ("documents", "changed", "before", "after", "moved", "aside", "mined")
    assert {name: getattr(foreseen, name) for name in names} == {name: getattr(summary, name) for name in names}
    assert sum(foreseen.bins) == foreseen.after


def test_the_outlook_comes_in_parts_that_add_up(project: Project) -> None:
    for number in range(5):
        _put(project, f"file{number}", (0, f"{LONG} {number}"))
    bench = Bench(project)
    whole, _ = bench.look(NARROW)
    sums, parts, after = Outlook(), 0, 0
    while parts == 0 or after:
        part, after = bench.look(NARROW, after=after, seconds=1e-9)
        sums, parts = sums + part, parts + 1
    assert (sums, parts) == (whole, 6)  # the last one finds nothing more


def test_passages_longer_than_the_model_reads_are_counted(project: Project) -> None:
    _put(project, "long", (0, LONG * 6))
    outlook, _ = Bench(project).look(CutParams(500, 0))
    assert outlook.over == sum(outlook.bins[24:]) == outlook.after > 0
    short, _ = Bench(project).look(CutParams(254, 0))
    assert short.over == 0


def test_a_file_with_other_words_keeps_the_judgements_whose_sentences_still_stand(project: Project) -> None:
    document_id = _put(project, "long", (0, LONG), params=NARROW)
    query_id = _ask(project, "topic2", _holding(project, document_id, "topic2 "))
    gone = _ask(project, "topic12", _holding(project, document_id, "topic12 "))
    text = "A word before. " + " ".join(LONG.split(". ")[1:10]).replace(" Sentence", ". Sentence") + "."
    _put(project, "long", (0, text.replace(" more ", " more. ")), params=CutParams(60, 0))
    (qrel,) = queries.qrels_of(project, query_id)
    assert qrel.passage_id == _holding(project, document_id, "topic2 ")
    assert [found.query_id for found in following.set_aside(project)] == [gone]


def test_taking_a_document_out_takes_what_was_kept_of_its_cutting(project: Project) -> None:
    document_id = _judged(project)
    cut(project, NARROW, Task())
    documents.remove_documents(project, [document_id])
    assert project.db.execute("select count(*) from document_cuts").fetchone()[0] == 1
    assert uncut(project, UncutParams(), Task()).documents == 1


def test_a_cutting_that_changes_nothing_leaves_the_one_before_to_be_taken_back(project: Project) -> None:
    _judged(project)
    before = _everything(project)
    cut(project, NARROW, Task())
    cut(project, NARROW, Task())
    uncut(project, UncutParams(), Task())
    assert _everything(project) == before


def test_candidates_on_passages_that_are_gone_are_chosen_no_more(project: Project) -> None:
    document_id = _judged(project)
    gone, *_ = _texts(project, document_id)
    cut(project, NARROW, Task())
    there, *_ = _texts(project, document_id)
    (query, *_) = queries.all_queries(project)
    rows = [negatives.Negative(query.id, passage_id, Source.BM25, 1, 2.0, 0.1) for passage_id in (gone, there)]
    negatives.put_negatives(project, 1, rows)
    assert [row.passage_id for row in negatives.negatives(project, 1)] == [there]


def test_negatives_mined_before_a_cutting_are_stale(project: Project) -> None:
    _judged(project)
    negatives.finish_mining(project, 1, counts={})
    project.db.execute("update minings set created_at = '2020-01-01T00:00:00Z'")
    assert _stage(project, "negatives") == "done"
    cut(project, NARROW, Task())
    assert _stage(project, "negatives") == "stale"
    uncut(project, UncutParams(), Task())
    assert _stage(project, "negatives") == "done"


def test_a_verdict_is_stale_while_the_documents_are_cut_otherwise_than_it_was_measured_on(project: Project) -> None:
    _judged(project)
    for system in ("bm25", "base"):
        run_id = runs.start_run(project, system=system, model_id=None, split=Split.TEST, content_key=system)
        runs.finish_run(project, run_id, n_queries=1, metrics={"ndcg@10": 0.5}, seconds=1)
    assert _stage(project, "evaluate") == "ready"
    cut(project, replace(WIDE, headings=False), Task())
    assert _stage(project, "evaluate") == "stale"
    uncut(project, UncutParams(), Task())
    assert _stage(project, "evaluate") == "ready"
    _put(project, "another.md", (0, "A file more."))
    assert _stage(project, "evaluate") == "stale"


def _stage(project: Project, name: str) -> str:
    return next(stage.state for stage in overview(project).stages if stage.name == name)


def test_no_judgement_is_ever_lost_whatever_is_cut_after_what(project: Project) -> None:
    random = Random(3)
    ids = [_put(project, f"file{n}", (1, f"Part {n}"), (0, LONG * (n + 1))) for n in range(3)]
    passages = [found for document_id in ids for found in _texts(project, document_id)]
    asked = [_ask(project, f"question {n}", found) for n, found in enumerate(passages)]
    for _ in range(8):
        params = CutParams(random.randint(10, 300), random.randint(0, 60), random.random() < 0.5)
        cut(project, params, Task())
        there = {row[0] for row in project.db.execute("select query_id from qrels")}
        aside = {found.query_id for found in following.set_aside(project)}
        assert there | aside == set(asked)
        assert not there & aside
        assert project.db.execute("pragma foreign_key_check").fetchall() == []


def test_a_large_document_is_cut_and_looked_at_a_bit_at_a_time(project: Project) -> None:
    _put(project, "first.md", (0, "A file more."))
    document_id = _put(project, "large.md", *((0, LONG) for _ in range(300)))
    large = documents.document(project, document_id)
    assert large is not None
    whole, _ = Bench(project).look(NARROW)
    bench = Bench(project)
    pieces, done = bench.more(large, NARROW, 0, seconds=1e-9)
    assert not done
    while not done:
        more, done = bench.more(large, NARROW, len(pieces), seconds=1e-9)
        pieces += more
    assert pieces == Bench(project).pieces(large, NARROW)
    found, after, calls, bench = Outlook(), 0, 0, Bench(project)
    while after or not calls:
        part, after = bench.look(NARROW, after=after, seconds=1e-9)
        found, calls = found + part, calls + 1
    assert found == whole
    assert calls > 4

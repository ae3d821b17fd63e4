"""Each way in which a test query can be known from training is planted in a project, found, and gone after a split."""

from __future__ import annotations

import random

import numpy as np
import pytest

from engine.curate import splits
from engine.curate.splits import SAME_DOCUMENT, SHARED_ANSWER, Leaks, leaks_in, split
from engine.params import SplitParams
from engine.records import Split
from engine.store import queries
from engine.store.edges import SCALE, Edges, write_edges
from engine.task import Task
from tests.engine.mine.projects import add_passages, add_queries, judge, new_project

COUNT = 60


@pytest.fixture
def project(tmp_path):
    """Sixty queries with an answer each, in no file together; the first in train, the second in test, and so on."""
    with new_project(tmp_path / "p") as project:
        passages = add_passages(project, [f"passage {n}" for n in range(COUNT)])
        asked = add_queries(project, [f"query on thing {n}" for n in range(COUNT)])
        judge(project, *((q, p, 1) for q, p in zip(asked, passages, strict=True)))
        queries.set_splits(project, {q: (Split.TRAIN, Split.TEST, Split.DEV)[n % 3] for n, q in enumerate(asked)})
        yield project


def plant_same_text(project):
    (again,) = add_queries(project, ["Query on THING 0?"], split=Split.TEST)
    judge(project, (again, 2, 1))
    project.db.execute("delete from qrels where query_id = ?", [again])
    (own,) = add_passages(project, ["an answer of its own"])
    judge(project, (again, own, 1))


def plant_near_duplicate(project):
    ids = np.arange(1, COUNT + 1)
    score = np.array([round(0.97 * SCALE)], np.uint16)
    a, b = np.array([0], np.int32), np.array([1], np.int32)
    write_edges(project, Edges(ids, (ids - 1).astype(np.int32), a, b, score, np.array([False]), "made"))
    project.set_meta_json("dedup", {"threshold": 0.95, "model": 1})


def plant_shared_passage(project):
    judge(project, (2, 1, 1))


def plant_same_file(project):
    pages = add_passages(project, ["page one", "page two"], file="manual.txt")
    judge(project, (1, pages[0], 1), (2, pages[1], 1))


PLANTED = {
    "texts": plant_same_text,
    "duplicates": plant_near_duplicate,
    "answers": plant_shared_passage,
    "documents": plant_same_file,
}


def test_before_anything_is_planted_nothing_leaks(project):
    assert leaks_in(project) == Leaks()


@pytest.mark.parametrize("kind", PLANTED)
def test_planted_leak_is_found_and_named_and_gone_after_the_split(project, kind):
    PLANTED[kind](project)
    assert leaks_in(project) == Leaks(**{kind: 1})
    summary = split(project, SplitParams(), Task())
    assert summary.leaks == 0
    assert leaks_in(project) == Leaks()
    assert (summary.dropped_rules, summary.ties_across) == ((), {})
    assert summary.sentence.startswith("Leaks: 0 texts, 0 near-duplicates, 0 shared answers, 0 shared documents.")


def test_all_leaks_at_once_are_gone_after_the_split_whatever_the_seed(project):
    for plant in PLANTED.values():
        plant(project)
    assert leaks_in(project) == Leaks(1, 1, 1, 1)
    for seed in range(10):
        assert split(project, SplitParams(seed=seed), Task()).leaks == 0
        assert leaks_in(project) == Leaks()


def test_merged_query_leaks_by_its_text_and_answer_too(project):
    """A duplicate counts under the query that stands for it."""
    (merged,) = add_queries(project, ["asked in other words"])
    judge(project, (merged, 2, 1))
    queries.merge_query(project, merged, 1)
    assert leaks_in(project) == Leaks(answers=1)


def test_one_file_for_all_queries_gives_up_the_document_rule_first_and_says_so(tmp_path):
    with new_project(tmp_path / "p") as project:
        pages = add_passages(project, [f"page {n}" for n in range(100)], file="manual.txt")
        asked = add_queries(project, [f"query on thing {n}" for n in range(100)])
        judge(project, *((q, pages[n // 2], 1) for n, q in enumerate(asked)))
        summary = split(project, SplitParams(), Task())
        assert summary.dropped_rules == (SAME_DOCUMENT,)
        assert (summary.leaks, leaks_in(project).answers) == (0, 0)
        assert summary.ties_across == {SAME_DOCUMENT: 1}
        assert "split them by same document; that rule was given up" in summary.sentence
        assert "1 documents are known in more than one split" in summary.sentence


def test_few_answers_for_all_queries_give_up_the_answer_rule_second_and_say_so(tmp_path):
    with new_project(tmp_path / "p") as project:
        pages = add_passages(project, ["yes", "no", "perhaps"])
        asked = add_queries(project, [f"query on thing {n}" for n in range(100)])
        judge(project, *((q, pages[n % 3], 1) for n, q in enumerate(asked)))
        summary = split(project, SplitParams(), Task())
        assert summary.dropped_rules == (SAME_DOCUMENT, SHARED_ANSWER)
        assert summary.leaks == 0
        assert summary.ties_across == {SHARED_ANSWER: 3}
        assert "by same document and shared answer; these rules were given up" in summary.sentence
        assert "3 right passages are known in more than one split" in summary.sentence


def test_text_and_near_duplicates_are_never_given_up(tmp_path):
    """However large the component: a hundred spellings of one question stay together."""
    with new_project(tmp_path / "p") as project:
        pages = add_passages(project, [f"page {n}" for n in range(100)])
        rng = random.Random(1)
        spelled = {
            "".join(rng.choice((c.lower(), c.upper())) for c in "what oil does a chain need") for _ in range(100)
        }
        asked = add_queries(project, sorted(spelled))
        judge(project, *((q, pages[n], 1) for n, q in enumerate(asked)))
        summary = split(project, SplitParams(), Task())
        assert (summary.train, summary.leaks, leaks_in(project)) == (len(asked), 0, Leaks())


def test_report_counts_by_looking_not_by_how_the_split_was_made(project, monkeypatch):
    """With the uniting switched off the draw leaks, and the report says so."""
    for plant in PLANTED.values():
        plant(project)
    monkeypatch.setattr(splits, "_ties", lambda _query, _dropped: iter(()))
    found = {split(project, SplitParams(seed=seed, keep_official=False), Task()).leaks for seed in range(8)}
    assert max(found) > 0

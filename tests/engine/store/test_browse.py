"""Questions of tables and inspectors, on a project of five passages and four queries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.records import ImportProblem, Negative, Qrel, Source
from engine.store import browse, documents, imports, models, negatives, queries
from engine.store.documents import NewDocument, NewPassage
from engine.store.project import Project
from engine.store.queries import NewQuery


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Query 2 is merged into 1; query 4 has no answer."""
    with Project.create(tmp_path / "p") as made:
        import_id = imports.start_import(made, ["x"], "auto")
        passages = [
            NewPassage(text, heading) for text, heading in (("alpha", "A"), ("beta 50%", ""), ("gamma_ray", ""))
        ]
        documents.put_document(made, NewDocument("Guide", "/g.md", "md", "h1"), passages, import_id=import_id)
        documents.put_document(
            made,
            NewDocument("", "/n.md", "md", "h2"),
            [NewPassage("delta " * 30), NewPassage("eps")],
            import_id=import_id,
        )
        queries.put_queries(made, [NewQuery(text) for text in ("one", "uno", "two", "nothing")], import_id=import_id)
        queries.put_qrels(made, [Qrel(1, 1, 1), Qrel(2, 2, 3), Qrel(3, 4, 1), Qrel(3, 5, 0)])
        queries.set_duplicates(made, {2: 1})
        imports.add_problems(
            made, import_id, [ImportProblem("f", n, code, "r") for n, code in enumerate(("empty", "empty", "field"))]
        )
        yield made


def test_passage_is_called_by_heading_then_title_then_first_words(project: Project) -> None:
    names = browse.passage_names(project, [1, 2, 4, 99])
    assert names[1] == "A"
    assert names[2] == "Guide"
    assert names[4].startswith("delta delta")
    assert names[4].endswith("…")
    assert 99 not in names


def test_standing_query_counts_the_answers_of_its_whole_group(project: Project) -> None:
    details = browse.query_details(project, [1, 2, 3, 4])
    assert (details[1].answers, details[1].group, details[1].answer) == (2, 2, "Guide")
    assert (details[2].answers, details[2].group) == (1, 2)
    assert (details[3].answers, details[3].group) == (1, 1)
    assert (details[4].answers, details[4].answer) == (0, "")


def test_group_names_the_standing_query_first(project: Project) -> None:
    group = browse.query_group(project, 2)
    assert group is not None
    assert [query.text for query in group.members] == ["one", "uno"]
    assert browse.query_group(project, 99) is None


def test_answers_come_by_grade_and_judged_wrong_ones_are_none(project: Project) -> None:
    assert [(answer.passage.id, answer.grade) for answer in browse.answers_of(project, 1)] == [(2, 3), (1, 1)]
    assert [answer.passage.id for answer in browse.answers_of(project, 3)] == [4]


def test_passages_are_found_by_every_word_as_it_is_written(project: Project) -> None:
    assert [found.id for found in browse.find_passages(project, "50%", limit=9)] == [2]
    assert [found.id for found in browse.find_passages(project, "a_r", limit=9)] == [3]
    assert [found.id for found in browse.find_passages(project, "delta missing", limit=9)] == []
    assert len(browse.find_passages(project, "", limit=3)) == 3


def test_lengths_are_those_of_the_texts(project: Project) -> None:
    assert sorted(browse.passage_lengths(project).tolist()) == [3, 5, 8, 9, 180]


def test_kept_pairs_are_packed_and_ascending(project: Project) -> None:
    model = models.add_model(project, name="m", kind="base", path="/m")
    mining = negatives.start_mining(project, model_id=model, params={})
    rows = [Negative(3, 2, Source.BM25, 1, 0.5, 0.1), Negative(1, 5, Source.DENSE, 1, 0.5, 0.1)]
    negatives.put_negatives(project, mining, rows)
    expected = np.array([(1 << 32) + 5, (3 << 32) + 2])
    assert browse.kept_pairs(project, mining).tolist() == expected.tolist()

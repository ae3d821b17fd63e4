"""Every format of labelled sets is told by its content and read line by line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from engine.formats import LABELLED
from engine.ingest.labelled import _READERS, FORMATS, detect, read_units, reading_of
from engine.ingest.labelled.fields import split_of
from engine.ingest.labelled.units import ExampleUnit, JudgementUnit, PassageUnit, QueryUnit, SkippedUnit
from engine.records import Split
from tests.datasets import shared_data


def _lines(path: Path, *rows: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def _examples(path: Path, format: str) -> list[tuple[str, tuple[tuple[str, int], ...], tuple[str, ...]]]:
    units = [unit for unit in read_units(path, format) if isinstance(unit, ExampleUnit)]
    return [(unit.query, unit.judged, unit.negatives) for unit in units]


def _reasons(path: Path, format: str) -> list[tuple[int, str]]:
    units = [unit for unit in read_units(path, format) if isinstance(unit, SkippedUnit)]
    return [(unit.problem.line, unit.problem.code) for unit in units]


def test_paddlenlp_takes_lists_and_texts(tmp_path):
    path = _lines(
        tmp_path / "train.json",
        {"query": "q1", "pos_passage": ["p1", "p2"], "neg_passage": ["n1"]},
        {"query": "q2", "pos_passage": "whole text", "neg_passage": []},
    )
    assert detect(path).format == "paddlenlp"
    assert detect(path).reason == "2 of 2 lines have `query` and `pos_passage`"
    assert _examples(path, "paddlenlp") == [("q1", (("p1", 1), ("p2", 1)), ("n1",)), ("q2", (("whole text", 1),), ())]


def test_paddlenlp_negatives_alone_are_passages_nobody_asked_for(tmp_path):
    path = _lines(tmp_path / "dev_neg.json", {"neg_passage": ["n1"]})
    assert detect(path).format == "paddlenlp"
    assert _examples(path, "paddlenlp") == [("", (), ("n1",))]


def test_flagembedding_training_lines_are_read(tmp_path):
    path = _lines(
        tmp_path / "a.jsonl", {"query": "q", "pos": ["p"], "neg": ["n1", "n2"], "pos_scores": [0.9], "type": "normal"}
    )
    assert detect(path).format == "flagembedding"
    assert _examples(path, "flagembedding") == [("q", (("p", 1),), ("n1", "n2"))]


def test_a_text_where_flagembedding_wants_a_list_is_one_passage(tmp_path):
    path = _lines(tmp_path / "a.jsonl", {"query": "q", "pos": ["p"], "neg": "a whole text"})
    assert _examples(path, "flagembedding")[0][2] == ("a whole text",)


@pytest.mark.parametrize("name", ["neg", "negative", "negatives"])
def test_negatives_beside_a_list_of_positives_are_kept_whatever_they_are_called(tmp_path, name):
    path = _lines(tmp_path / "a.jsonl", {"query": "q", "positive": ["p", "o"], name: ["n", "m"]})
    assert detect(path).format == "flagembedding"
    assert _examples(path, "flagembedding") == [("q", (("p", 1), ("o", 1)), ("n", "m"))]


def test_flagembedding_legacy_files_are_read(tmp_path):
    queries = _lines(tmp_path / "q.json", {"query": "q", "positive": ["p1", "p2"]})
    pool = _lines(tmp_path / "c.json", {"content": "p1"})
    assert (detect(queries).format, detect(pool).format, detect(pool).pool) == ("flagembedding", "flagembedding", True)
    assert [unit.text for unit in read_units(pool, "flagembedding")] == ["p1"]


def test_a_flagembedding_evaluation_folder_is_test_data(tmp_path):
    _lines(tmp_path / "corpus.jsonl", {"id": "d1", "title": "T", "text": "x"})
    _lines(tmp_path / "test_queries.jsonl", {"id": "q1", "text": "q"})
    _lines(tmp_path / "test_qrels.jsonl", {"qid": "q1", "docid": "d1", "relevance": 2})
    assert detect(tmp_path).format == "flagembedding"
    passage, query, judgement = read_units(tmp_path, "flagembedding")
    assert isinstance(passage, PassageUnit)
    assert (passage.heading, passage.external_id) == ("T", "d1")
    assert isinstance(query, QueryUnit)
    assert query.split is Split.TEST
    assert isinstance(judgement, JudgementUnit)
    assert judgement.grade == 2


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"anchor": "q", "positive": "p"}, ("q", (("p", 1),), ())),
        ({"anchor": "q", "positive": "p", "negative": "n"}, ("q", (("p", 1),), ("n",))),
        ({"anchor": "q", "positive": "p", "negative_1": "n", "negative_2": "m"}, ("q", (("p", 1),), ("n", "m"))),
        ({"sentence1": "q", "sentence2": "p", "score": 0.8}, ("q", (("p", 1),), ())),
        ({"sentence1": "q", "sentence2": "p", "score": 0.2}, ("q", (("p", 0),), ("p",))),
        ({"query": "q", "passage": "p", "label": 1}, ("q", (("p", 1),), ())),
        ({"query": "q", "passage": "p", "label": 0}, ("q", (("p", 0),), ("p",))),
        ({"query": "q", "docs": ["p", "n"], "labels": [1, 0]}, ("q", (("p", 1), ("n", 0)), ("n",))),
        ({"query": "q", "positive": "p", "negative": "n", "label": [12.1, 3.4]}, ("q", (("p", 1),), ("n",))),
        ({"query": "q", "positive": "p", "negatives": ["n", "m"]}, ("q", (("p", 1),), ("n", "m"))),
        ({"query": "q", "positive": "p", "negatives": ["n"], "label": [12.1, 3.4]}, ("q", (("p", 1),), ("n",))),
    ],
)
def test_sentence_transformers_shapes_are_read(tmp_path, row, expected):
    path = _lines(tmp_path / "a.jsonl", row)
    assert detect(path).format == "sentence-transformers"
    assert _examples(path, "sentence-transformers") == [expected]


def test_sentence_transformers_names_are_free_when_the_format_is_said(tmp_path):
    path = _lines(tmp_path / "a.jsonl", {"frage": "q", "antwort": "p"})
    assert detect(path).format == ""
    assert _examples(path, "sentence-transformers") == [("q", (("p", 1),), ())]


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
@pytest.mark.parametrize("column", ["grade", "score", "label"])
def test_numbers_up_to_3_beside_a_query_and_a_passage_are_grades(tmp_path, column, ending):
    rows = [("a", "A", 2), ("a", "B", 1), ("b", "C", 1.5), ("b", "D", 0)]
    if ending == "csv":
        path = _lines(tmp_path / "a.csv", f"query,positive,{column}", *(f"{q},{p},{n}" for q, p, n in rows))
    else:
        path = _lines(tmp_path / "a.jsonl", *({"query": q, "positive": p, column: n} for q, p, n in rows))
    format = detect(path).format
    graded = [("a", (("A", 2),), ()), ("a", (("B", 1),), ()), ("b", (("C", 1),), ()), ("b", (("D", 0),), ("D",))]
    assert _examples(path, format) == graded
    assert not any(unit.scores for unit in read_units(path, format))
    assert reading_of(path, format) == f"{column} is read as grades, 0 to 3: from 1 on a passage is an answer"


@pytest.mark.parametrize(
    ("columns", "values", "said"),
    [
        (("sentence1", "sentence2"), (2.5, 1.2), "score is read as scores up to 5: from 3 on a passage is an answer"),
        (("query", "passage"), (80, 20), "score is read as scores up to 100: from 60 on a passage is an answer"),
        (("query", "passage"), (0.7, 0.2), "score is read as scores up to 1: from 0.6 on a passage is an answer"),
        (("query", "passage"), (1, 0), ""),
    ],
)
def test_how_scores_are_read_is_said_where_it_could_be_meant_otherwise(tmp_path, columns, values, said):
    rows = [{columns[0]: f"q{value}", columns[1]: f"p{value}", "score": value} for value in values]
    assert reading_of(_lines(tmp_path / "a.jsonl", *rows), "sentence-transformers") == said


def test_scores_from_0_to_5_are_read_on_their_own_scale(tmp_path):
    path = _lines(
        tmp_path / "a.jsonl",
        {"sentence1": "a", "sentence2": "b", "score": 4.2},
        {"sentence1": "c", "sentence2": "d", "score": 1.0},
    )
    assert [judged[0][1] for _, judged, _ in _examples(path, "sentence-transformers")] == [1, 0]


def test_a_beir_folder_is_read_with_its_official_splits(tmp_path):
    _lines(tmp_path / "corpus.jsonl", {"_id": "d1", "title": "T", "text": "x"}, {"_id": 2, "title": "", "text": "y"})
    _lines(tmp_path / "queries.jsonl", {"_id": "q1", "text": "one"}, {"_id": "q2", "text": "two"})
    _lines(tmp_path / "qrels/train.tsv", "query-id\tcorpus-id\tscore", "q1\td1\t1", "q2\t2\t1")
    _lines(tmp_path / "qrels/test.tsv", "query-id\tcorpus-id\tscore", "q2\td1\t0")
    units = list(read_units(tmp_path, "beir"))
    assert [unit.split for unit in units if isinstance(unit, QueryUnit)] == [Split.TRAIN, Split.TEST]
    assert [unit.external_id for unit in units if isinstance(unit, PassageUnit)] == ["d1", "2"]
    judgements = [(unit.query_id, unit.passage_id, unit.grade) for unit in units if isinstance(unit, JudgementUnit)]
    assert judgements == [("q2", "d1", 0), ("q1", "d1", 1), ("q2", "2", 1)]


def test_qrels_without_a_header_lose_no_judgement(tmp_path):
    _lines(tmp_path / "corpus.jsonl", {"_id": "d", "text": "x"})
    _lines(tmp_path / "queries.jsonl", {"_id": "q", "text": "one"})
    _lines(tmp_path / "qrels/test.tsv", "q\td\t1")
    assert sum(isinstance(unit, JudgementUnit) for unit in read_units(tmp_path, "beir")) == 1


def test_a_packed_corpus_is_read(tmp_path):
    (tmp_path / "corpus.jsonl.gz").write_bytes(gzip.compress(b'{"_id": "d", "text": "x"}\n'))
    _lines(tmp_path / "queries.jsonl", {"_id": "q", "text": "one"})
    assert [unit.text for unit in read_units(tmp_path, "beir")] == ["x", "one"]


def test_dirty_lines_are_told_by_number_and_reason(tmp_path):
    path = _lines(
        tmp_path / "a.jsonl",
        {"query": "q", "pos": ["p"]},
        "{'query': 'README style'}",
        {"query": "q", "pos": []},
        {"query": " ", "pos": ["p"]},
        {"query": 5, "pos": ["p"]},
        {"query": "q", "pos": [{"text": "p"}]},
        {"foo": "q"},
    )
    assert _reasons(path, "flagembedding") == [
        (2, "json"),
        (3, "no_positive"),
        (4, "empty_text"),
        (5, "wrong_type"),
        (6, "wrong_type"),
        (7, "missing_field"),
    ]


def test_detection_survives_some_dirty_lines_and_forces_nothing(tmp_path):
    dirty = _lines(tmp_path / "a.jsonl", {"query": "q", "pos": ["p"]}, {"query": "q", "pos": ["p"]}, "{", {"x": 1})
    assert detect(dirty).reason == "2 of 3 lines have `query` and `pos`"
    other = _lines(tmp_path / "b.jsonl", {"name": "a", "price": 3})
    assert detect(other).format == ""
    assert "name, price" in detect(other).reason


def test_splits_are_read_from_names():
    names = ["toy_dev.json", "train-00.jsonl", "validation.tsv", "my.json", "train_test.json", "test.tsv.gz"]
    assert [split_of(name) for name in names] == [Split.DEV, Split.TRAIN, Split.DEV, None, None, Split.TEST]
    names = ["qrels.dev.small.tsv", "triples.train.tsv.gz", "msmarco.test", "qrels.train.dev.tsv", "contest.tsv"]
    assert [split_of(name) for name in names] == [Split.DEV, Split.TRAIN, Split.TEST, None, None]


@pytest.mark.parametrize(
    ("name", "format", "count"),
    [
        ("toy-formats/paddlenlp/toy_source.json", "paddlenlp", 20),
        ("toy-formats/paddlenlp/toy_dev_neg.json", "paddlenlp", 20),
        ("toy-formats/flagembedding/nq.jsonl", "flagembedding", 10),
        ("toy-formats/flagembedding/toy_query.json", "flagembedding", 3),
        ("toy-formats/flagembedding/toy_corpus.json", "flagembedding", 5),
        ("cmd-im-zh/paddlenlp/dev.json", "paddlenlp", 727),
    ],
)
def test_the_toolkits_own_examples_are_recognised_and_read_whole(name, format, count):
    path = shared_data(name)
    assert detect(path).format == format
    units = list(read_units(path, format))
    assert len(units) == count
    assert not [unit for unit in units if isinstance(unit, SkippedUnit)]


def test_formats_are_those_the_params_name():
    assert tuple(LABELLED) == FORMATS
    assert set(_READERS) == set(FORMATS) - {"table"}

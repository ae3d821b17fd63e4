"""FlagEmbedding: training lines, pools of passages, and both of its evaluation layouts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.ingest.labelled.fields import (
    RowError,
    grade_of,
    heading_field,
    id_field,
    number_of,
    split_of,
    text_field,
    texts_field,
    units_of,
)
from engine.ingest.labelled.units import ExampleUnit, JudgementUnit, PassageUnit, QueryUnit, Unit
from engine.ingest.readers.rows import Row
from engine.records import Split

EVALUATION_FILES = ("corpus.jsonl", "test_queries.jsonl", "test_qrels.jsonl")


def is_evaluation(folder: Path) -> bool:
    return all((folder / name).is_file() for name in EVALUATION_FILES)


def files_of(folder: Path) -> tuple[Path, ...]:
    return tuple(folder / name for name in EVALUATION_FILES)


def read_flagembedding(path: Path) -> Iterator[Unit]:
    """The units of a file, or of an evaluation folder.

    `pos_scores` and `neg_scores` are a teacher's scores and kept as such where they fit their lists; `prompt` and
    `type` say how to train, not what is relevant: they are not kept.
    """
    if path.is_dir():
        return _evaluation(path)
    split = split_of(path.name)

    def convert(row: Row) -> Iterator[Unit]:
        if "query" in row.columns:
            yield _example(path, row, split)
        else:
            yield _pool(path, row)

    return units_of(path, path.name, convert)


def _example(path: Path, row: Row, split: Split | None) -> ExampleUnit:
    query = text_field(row.columns, "query")
    name = "pos" if "pos" in row.columns else "positive"
    positives = texts_field(row.columns, name)
    if not positives:
        raise RowError("no_positive", "'pos' is absent or empty")
    wrong = next((name for name in ("neg", "negative", "negatives") if row.columns.get(name) is not None), "neg")
    negatives = texts_field(row.columns, wrong)
    scores = (
        *_scores(row.columns.get(name), positives, row.columns.get("pos_scores")),
        *_scores(row.columns.get(wrong), negatives, row.columns.get("neg_scores")),
    )
    judged = tuple((text, 1) for text in positives)
    return ExampleUnit(path.name, row.line, query, judged, tuple(negatives), split, scores)


def _scores(given: object, texts: list[str], values: object) -> list[tuple[str, float]]:
    """Scores by text; none where they are not as many as the texts, which were then never used to train with."""
    if not isinstance(values, list) or not isinstance(given, list) or not len(given) == len(texts) == len(values):
        return []
    return [(text, number_of(value)) for text, value in zip(texts, values, strict=True)]


def _pool(path: Path, row: Row) -> PassageUnit:
    name = "text" if "text" in row.columns else "content"
    if name not in row.columns:
        raise RowError("missing_field", "neither 'query' with 'pos', nor 'text' or 'content'")
    return PassageUnit(path.name, row.line, text_field(row.columns, name))


def _evaluation(folder: Path) -> Iterator[Unit]:
    corpus, queries, qrels = files_of(folder)

    def passage(row: Row) -> Iterator[Unit]:
        external_id = id_field(row.columns, "id")
        text = text_field(row.columns, "text")
        heading = heading_field(row.columns)
        yield PassageUnit(corpus.name, row.line, text, heading=heading, external_id=external_id)

    def query(row: Row) -> Iterator[Unit]:
        text = text_field(row.columns, "text")
        yield QueryUnit(queries.name, row.line, text, external_id=id_field(row.columns, "id"), split=Split.TEST)

    def judgement(row: Row) -> Iterator[Unit]:
        grade = grade_of(row.columns.get("relevance", 1))
        ids = id_field(row.columns, "qid"), id_field(row.columns, "docid")
        yield JudgementUnit(qrels.name, row.line, *ids, grade)

    yield from units_of(corpus, corpus.name, passage)
    yield from units_of(queries, queries.name, query)
    yield from units_of(qrels, qrels.name, judgement)

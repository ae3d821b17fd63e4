"""GPL folders: a corpus, made queries with their judgements, hard negatives by source and margins of a teacher."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.ingest.labelled import beir
from engine.ingest.labelled.fields import (
    RowError,
    heading_field,
    id_field,
    ids_field,
    text_field,
    units_of,
)
from engine.ingest.labelled.units import JudgementUnit, NegativeUnit, PassageUnit, QueryUnit, Unit
from engine.ingest.readers.rows import Row
from engine.records import Split

QUERIES, NEGATIVES, TRAINING = "qgen-queries.jsonl", "hard-negatives.jsonl", "gpl-training-data.tsv"


def is_gpl(folder: Path) -> bool:
    return beir.part(folder, "corpus.jsonl") is not None and beir.part(folder, QUERIES) is not None


def files_of(folder: Path) -> tuple[Path, ...]:
    """Corpus, made queries, their judgements, negatives, margins, then a test set in BEIR's layout if there is one."""
    made = [beir.part(folder, name) for name in ("corpus.jsonl", QUERIES)]
    lists = [beir.part(folder, NEGATIVES), *_margins(folder)]
    tests = [beir.part(folder, "queries.jsonl"), *beir.qrels_files(folder)]
    return tuple(path for path in (*made, *_qrels(folder), *lists, *tests) if path is not None)


def read_gpl(folder: Path) -> Iterator[Unit]:
    """`gpl-training-data.tsv` names the negatives that were trained with; its margins are of pairs, not kept."""
    judged = _qrels(folder)
    splits = beir.splits_of(folder, judged)
    for path in files_of(folder):
        name = path.name.removesuffix(".gz")
        if name == "corpus.jsonl":
            yield from units_of(path, path.name, lambda row, path=path: _passage(path, row))  # type: ignore[misc]
        elif name == QUERIES:
            yield from units_of(path, path.name, lambda row, path=path: _query(path, row, splits, Split.TRAIN))  # type: ignore[misc]
        elif name == NEGATIVES:
            yield from units_of(path, path.name, lambda row, path=path: _negatives(path, row, not judged))  # type: ignore[misc]
        elif name == TRAINING:
            yield from _training(path)
        elif name == "queries.jsonl":
            own = beir.splits_of(folder, beir.qrels_files(folder))
            yield from units_of(path, path.name, lambda row, path=path, own=own: _query(path, row, own, None))  # type: ignore[misc]
        else:
            yield from beir.read_judgements(folder, path)


def _qrels(folder: Path) -> list[Path]:
    below = folder / "qgen-qrels"
    return sorted([*below.glob("*.tsv"), *below.glob("*.tsv.gz")]) if below.is_dir() else []


def _margins(folder: Path) -> list[Path]:
    found = beir.part(folder, TRAINING)
    return [found] if found else []


def _passage(path: Path, row: Row) -> Iterator[Unit]:
    external_id, text = id_field(row.columns, "_id"), text_field(row.columns, "text")
    yield PassageUnit(path.name, row.line, text, heading=heading_field(row.columns), external_id=external_id)


def _query(path: Path, row: Row, splits: dict[str, Split], otherwise: Split | None) -> Iterator[Unit]:
    external_id, text = id_field(row.columns, "_id"), text_field(row.columns, "text")
    split = splits.get(external_id, otherwise)
    yield QueryUnit(path.name, row.line, text, external_id=external_id, split=split)


def _negatives(path: Path, row: Row, answers_too: bool) -> Iterator[Unit]:
    """Answers are in the judgements, with grades; only where those are missing they are taken from here."""
    query_id = id_field(row.columns, "qid")
    for name in ids_field(row.columns, "pos") if answers_too else ():
        yield JudgementUnit(path.name, row.line, query_id, name, 1)
    sources = row.columns.get("neg")
    if not isinstance(sources, dict):
        raise RowError("wrong_type", "'neg' is no object of lists by source")
    for name in dict.fromkeys(name for source in sources for name in ids_field(sources, source)):
        yield NegativeUnit(path.name, row.line, query_id, name)


def _training(path: Path) -> Iterator[Unit]:
    for number, cells in beir.cells_of(path):
        if len(cells) >= 3 and all(cell.strip() for cell in cells[:3]):
            yield NegativeUnit(path.name, number, cells[0].strip(), cells[2].strip())

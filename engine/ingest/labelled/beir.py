"""BEIR folders: corpus.jsonl, queries.jsonl and qrels/*.tsv, plain or gzipped."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from engine.ingest.labelled.fields import RowError, grade_of, heading_field, id_field, split_of, text_field, units_of
from engine.ingest.labelled.units import JudgementUnit, PassageUnit, QueryUnit, SkippedUnit, Unit
from engine.ingest.readers.rows import Row, open_plain
from engine.records import ImportProblem, Split

_ORDER = {Split.TRAIN: 1, Split.DEV: 2, Split.TEST: 3}


def is_beir(folder: Path) -> bool:
    return part(folder, "corpus.jsonl") is not None and part(folder, "queries.jsonl") is not None


def files_of(folder: Path) -> tuple[Path, ...]:
    """The set's own files: corpus, queries, judgements."""
    found = [part(folder, "corpus.jsonl"), part(folder, "queries.jsonl"), *qrels_files(folder)]
    return tuple(path for path in found if path is not None)


def part(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def qrels_files(folder: Path) -> list[Path]:
    """Files of judgements in the order of their names."""
    below = folder / "qrels"
    found = sorted([*below.glob("*.tsv"), *below.glob("*.tsv.gz")]) if below.is_dir() else []
    alone = part(folder, "qrels.tsv")
    return [*found, *([alone] if alone else [])]


def read_beir(folder: Path) -> Iterator[Unit]:
    """Passages, then queries, then judgements, so that each finds what it names.

    A query that is judged in several files gets the strictest split: test before dev before train.
    """
    splits = splits_of(folder, qrels_files(folder))
    for path in files_of(folder)[:2]:
        corpus = path.name.startswith("corpus")
        yield from units_of(path, path.name, lambda row, path=path, corpus=corpus: _text(row, path, corpus, splits))  # type: ignore[misc]
    for path in qrels_files(folder):
        yield from read_judgements(folder, path)


def _text(row: Row, path: Path, corpus: bool, splits: dict[str, Split]) -> Iterator[Unit]:
    external_id = id_field(row.columns, "_id")
    text = text_field(row.columns, "text")
    if corpus:
        yield PassageUnit(path.name, row.line, text, heading=heading_field(row.columns), external_id=external_id)
    else:
        yield QueryUnit(path.name, row.line, text, external_id=external_id, split=splits.get(external_id))


def splits_of(folder: Path, files: list[Path]) -> dict[str, Split]:
    """The official split of each judged query, the strictest where several files judge it."""
    splits: dict[str, Split] = {}
    for path in files:
        split = split_of(path.name)
        if split is None:
            continue
        for unit in read_judgements(folder, path):
            if isinstance(unit, JudgementUnit):
                splits[unit.query_id] = max(split, splits.get(unit.query_id, split), key=lambda name: _ORDER[name])
    return splits


def read_judgements(folder: Path, path: Path) -> Iterator[Unit]:
    """The lines of a file of judgements below `folder`."""
    file = path.relative_to(folder).as_posix()
    for number, cells in cells_of(path):
        try:
            yield _judgement(file, number, cells)
        except RowError as error:
            # BEIR's own reader drops the first line unseen; a file without a header would lose a judgement.
            if number > 1:
                yield SkippedUnit(ImportProblem(file, number, error.code, error.reason))


def cells_of(path: Path) -> Iterator[tuple[int, list[str]]]:
    """What stands between tabs, line by line from 1; blank lines are passed over."""
    with open_plain(path) as stream:
        lines = io.TextIOWrapper(stream, "utf-8-sig", errors="replace", newline="")
        for number, cells in enumerate(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE), 1):
            if any(cell.strip() for cell in cells):
                yield number, cells


def _judgement(file: str, number: int, cells: list[str]) -> JudgementUnit:
    if len(cells) == 4:  # TREC: query, 0, passage, grade
        cells = [cells[0], cells[2], cells[3]]
    if len(cells) != 3:
        raise RowError("columns", f"{len(cells)} columns; expected query-id, corpus-id, score between tabs")
    return JudgementUnit(file, number, cells[0].strip(), cells[1].strip(), grade_of(cells[2]))

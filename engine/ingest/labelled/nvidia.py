"""NVIDIA NeMo: questions with ids of a corpus folder in one JSON file, or pairs with their texts line by line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.errors import FormatError
from engine.ingest.labelled.fields import RowError, ids_field, split_of, text_field, texts_field, units_of
from engine.ingest.labelled.folders import LINES, line_files
from engine.ingest.labelled.llamaindex import read_object
from engine.ingest.labelled.units import ExampleUnit, PassageUnit, SkippedUnit, Unit
from engine.ingest.readers.rows import Columns, Row
from engine.records import ImportProblem, Split


def is_inline(columns: Columns) -> bool:
    return "query" in columns and "pos_doc" in columns


def is_by_id(path: Path) -> bool:
    """Whether the file is one object with `corpus` and `data`."""
    if path.suffix.lower() != ".json":
        return False
    with path.open("rb") as file:
        head = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head.startswith(b"{") or (b'"corpus"' not in head and b'"data"' not in head):
        return False
    try:
        found = read_object(path)
    except FormatError:
        return False
    return isinstance(found.get("corpus"), list | dict) and isinstance(found.get("data"), list)


def files_by_id(folder: Path) -> list[Path]:
    """The folder's files of questions that name documents of a corpus."""
    return [path for path in line_files(folder) if is_by_id(path)]


def corpus_files(path: Path) -> tuple[Path, ...]:
    """The corpus files that a JSON file of questions names, below its own folder."""
    corpus = read_object(path).get("corpus")
    found: list[Path] = []
    for one in corpus if isinstance(corpus, list) else [corpus]:
        folder = path.parent / str(one.get("path", "")) if isinstance(one, dict) else path.parent
        if not folder.resolve().is_relative_to(path.parent.resolve()) or not folder.is_dir():
            continue  # a path out of the folder the person named is not followed
        files = sorted(file for file in folder.iterdir() if file.name.lower().endswith((*LINES, ".parquet")))
        found += [file for file in files if not file.name.endswith("metadata.json") and file != path]
    return tuple(found)


def read_nvidia(path: Path) -> Iterator[Unit]:
    """The corpora, then the questions of a file or of a folder's files; inline lines as they are."""
    if not path.is_dir() and not is_by_id(path):
        split = split_of(path.name)
        yield from units_of(path, path.name, lambda row: _inline(path, row, split))
        return
    root = path if path.is_dir() else path.parent
    asking = files_by_id(path) if path.is_dir() else [path]
    for file in dict.fromkeys(file for one in asking for file in corpus_files(one)):
        name = file.relative_to(root).as_posix()
        yield from units_of(file, name, lambda row, name=name: _passage(name, row))  # type: ignore[misc]
    for one in asking:
        for number, columns in enumerate(read_object(one)["data"], 1):
            try:
                yield _question(one, number, columns, split_of(one.name))
            except RowError as error:
                yield SkippedUnit(ImportProblem(one.name, number, error.code, error.reason))


def _passage(file: str, row: Row) -> Iterator[Unit]:
    text = text_field(row.columns, "text")
    (external_id,) = ids_field(row.columns, "id") or [""]
    if not external_id:
        raise RowError("missing_field", "no 'id' field")
    yield PassageUnit(file, row.line, text, external_id=external_id)


def _question(path: Path, number: int, columns: object, split: Split | None) -> ExampleUnit:
    if not isinstance(columns, dict):
        raise RowError("wrong_type", "not a JSON object with named fields")
    query = text_field(columns, "question" if "question" in columns else "query")
    positives = ids_field(columns, "pos_doc")
    if not positives:
        raise RowError("no_positive", "'pos_doc' is absent or empty")
    return ExampleUnit(
        path.name,
        number,
        query,
        split=split,
        external_id=str(columns.get("question_id") or ""),
        judged_ids=tuple((name, 1) for name in positives),
        negative_ids=tuple(ids_field(columns, "neg_doc")),
    )


def _inline(path: Path, row: Row, split: Split | None) -> Iterator[Unit]:
    query = text_field(row.columns, "query")
    positives = texts_field(_texts(row.columns, "pos_doc"), "pos_doc")
    if not positives:
        raise RowError("no_positive", "'pos_doc' is absent or empty")
    negatives = tuple(texts_field(_texts(row.columns, "neg_doc"), "neg_doc"))
    yield ExampleUnit(path.name, row.line, query, tuple((text, 1) for text in positives), negatives, split)


def _texts(columns: Columns, name: str) -> Columns:
    """Documents are texts, or objects with a `text`."""
    value = columns.get(name)
    if isinstance(value, list):
        value = [one.get("text", one) if isinstance(one, dict) else one for one in value]
    return {name: value.get("text", value) if isinstance(value, dict) else value}

"""LlamaIndex's dataset of questions and contexts: one JSON file with queries, corpus and relevant_docs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import FormatError
from engine.ingest.labelled.fields import RowError, grade_of, split_of
from engine.ingest.labelled.units import JudgementUnit, PassageUnit, QueryUnit, SkippedUnit, Unit
from engine.ingest.readers.opening import read_whole
from engine.records import ImportProblem

_NAMES = (b'"queries"', b'"corpus"', b'"relevant_docs"')


def read_object(path: Path) -> dict[str, Any]:  # Any: JSON values
    """The one object of a JSON file.

    Raises:
        FormatError: no JSON, or something else than an object.
    """
    try:
        found = msgspec.json.decode(read_whole(path).removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise FormatError(f"{path.name} is not JSON: {error}.", hint="Get the file again.") from error
    if not isinstance(found, dict):
        raise FormatError(f"{path.name} holds no JSON object.", hint="It should begin with '{'.")
    return found


def is_llamaindex(path: Path) -> bool:
    """Whether the file is one object with the three parts; reads it whole only where its head looks like that."""
    if path.suffix.lower() != ".json":
        return False
    with path.open("rb") as file:
        head = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head.startswith(b"{") or not any(name in head for name in _NAMES):
        return False
    try:
        found = read_object(path)
    except FormatError:
        return False
    return all(isinstance(found.get(name), dict) for name in ("queries", "corpus", "relevant_docs"))


def read_llamaindex(path: Path) -> Iterator[Unit]:
    """Passages, queries, judgements; `line` counts the entries of each part. All are one split, the file name's."""
    found = read_object(path)
    split = split_of(path.name)
    for number, (name, text) in enumerate(_part(found, "corpus", path), 1):
        if isinstance(text, str) and text.strip():
            yield PassageUnit(path.name, number, text, external_id=name)
        else:
            yield _skipped(path, number, f"the passage '{name}' has no text")
    for number, (name, text) in enumerate(_part(found, "queries", path), 1):
        if isinstance(text, str) and text.strip():
            yield QueryUnit(path.name, number, text, external_id=name, split=split)
        else:
            yield _skipped(path, number, f"the query '{name}' has no text")
    for number, (name, answers) in enumerate(_part(found, "relevant_docs", path), 1):
        if isinstance(answers, dict):  # graded, as in BEIR
            for one, grade in answers.items():
                try:
                    yield JudgementUnit(path.name, number, name, str(one), grade_of(grade))
                except RowError as error:
                    yield SkippedUnit(ImportProblem(path.name, number, error.code, error.reason))
        elif isinstance(answers, list):
            yield from (JudgementUnit(path.name, number, name, str(one), 1) for one in answers)
        else:
            yield _skipped(path, number, f"the answers to '{name}' are no list of ids")


def _part(found: dict[str, Any], name: str, path: Path) -> list[tuple[str, Any]]:  # Any: JSON values
    part = found.get(name)
    if not isinstance(part, dict):
        raise FormatError(f"{path.name} has no object '{name}'.", hint="It needs queries, corpus and relevant_docs.")
    return list(part.items())


def _skipped(path: Path, number: int, reason: str) -> SkippedUnit:
    return SkippedUnit(ImportProblem(path.name, number, "empty_text", reason))

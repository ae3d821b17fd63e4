"""Triples between tabs without a header (MS MARCO, InPars): query, passage that answers, passage that does not."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from engine.errors import FormatError
from engine.ingest.labelled.fields import split_of
from engine.ingest.labelled.units import ExampleUnit, SkippedUnit, Unit
from engine.ingest.readers.encodings import detect
from engine.ingest.readers.rows import bounded_lines, head_of, open_plain
from engine.records import ImportProblem

SUFFIXES = (".tsv", ".tsv.gz", ".txt", ".txt.gz")
_HEADERS = ("query", "question", "anchor", "positive", "negative", "text", "passage", "id", "label", "score", "answer")
_SAMPLE = 20


def share_of_triples(path: Path) -> tuple[int, int]:
    """How many of the first lines are three texts between tabs, and of how many; (0, n) where a header is there."""
    lines = list(islice(_lines(path), _SAMPLE))
    if not lines or _is_header(lines[0]):
        return 0, len(lines)
    return sum(_is_triple(line) for line in lines), len(lines)


def _is_header(line: str) -> bool:
    cells = [cell.strip().strip('"').lower() for cell in line.split("\t")]
    return sum(any(word in cell for word in _HEADERS) and len(cell) < 30 and " " not in cell for cell in cells) >= 2


def _is_triple(line: str) -> bool:
    """Three texts of words: ids and numbers alone are qrels or triples of ids."""
    cells = line.split("\t")
    return len(cells) == 3 and all(cell.strip() and not _is_number(cell) for cell in cells)


def _is_number(cell: str) -> bool:
    return cell.strip().lstrip("-").replace(".", "", 1).isdigit()


def read_triples(path: Path) -> Iterator[Unit]:
    """One example a line. There is no quoting: what stands between tabs is the text."""
    split = split_of(path.name)
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        cells = line.split("\t")
        if len(cells) != 3:
            reason = f"{len(cells)} columns; expected query, positive, negative between tabs"
            yield SkippedUnit(ImportProblem(path.name, number, "columns", reason))
        elif not all(cell.strip() for cell in cells):
            yield SkippedUnit(ImportProblem(path.name, number, "empty_text", "an empty column"))
        else:
            yield ExampleUnit(path.name, number, cells[0], ((cells[1], 1),), (cells[2],), split)


def _lines(path: Path) -> Iterator[str]:
    encoding = detect(head_of(path))
    if not encoding:
        raise FormatError(f"{path.name} is no text.", hint="Save the table as TSV in UTF-8.")
    with open_plain(path) as stream:
        for line in bounded_lines(path, io.TextIOWrapper(stream, encoding, errors="replace", newline="\n")):
            yield line.rstrip("\r\n").lstrip("\ufeff").replace("\0", "")

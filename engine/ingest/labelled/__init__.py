"""Labelled sets: queries with the passages that answer them, in the formats of the toolkits people use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from engine.formats import Role
from engine.ingest.labelled import sentence_transformers, table
from engine.ingest.labelled.beir import read_beir
from engine.ingest.labelled.detecting import FORMATS, NAMES, Detection, detect
from engine.ingest.labelled.flagembedding import read_flagembedding
from engine.ingest.labelled.gpl import read_gpl
from engine.ingest.labelled.llamaindex import read_llamaindex
from engine.ingest.labelled.nvidia import read_nvidia
from engine.ingest.labelled.paddlenlp import read_paddlenlp
from engine.ingest.labelled.pylate import read_pylate
from engine.ingest.labelled.roles import guess_roles
from engine.ingest.labelled.sentence_transformers import read_sentence_transformers
from engine.ingest.labelled.sheets import as_lines
from engine.ingest.labelled.swift import read_swift
from engine.ingest.labelled.table import check_mapping, read_table
from engine.ingest.labelled.tevatron import read_tevatron
from engine.ingest.labelled.trec import read_trec
from engine.ingest.labelled.triples import read_triples
from engine.ingest.labelled.uniem import read_uniem
from engine.ingest.labelled.units import Unit
from engine.ingest.readers.rows import sample_rows

__all__ = ["FORMATS", "NAMES", "Detection", "detect", "read_units", "reading_of"]

_READERS: dict[str, Callable[[Path], Iterator[Unit]]] = {
    "beir": read_beir,
    "trec": read_trec,
    "paddlenlp": read_paddlenlp,
    "flagembedding": read_flagembedding,
    "sentence-transformers": read_sentence_transformers,
    "tevatron": read_tevatron,
    "ms-swift": read_swift,
    "nvidia": read_nvidia,
    "uniem": read_uniem,
    "pylate": read_pylate,
    "gpl": read_gpl,
    "llamaindex": read_llamaindex,
    "triples": read_triples,
}


def read_units(path: Path, format: str, mapping: Mapping[str, str] | None = None) -> Iterator[Unit]:
    """The units of the labelled set at `path`, line by line; `format` is one of `FORMATS`.

    `mapping` is for tables: what each column is for; guessed where it is empty.

    Raises:
        UserError: a file is not there or not to be read, or the mapping does not fit.
        FormatError: a file is empty, damaged or no text.
    """
    lines = as_lines(path)
    if format != "table":
        return _READERS[format](lines)
    return read_table(lines, _roles(lines, mapping, path.name))


def reading_of(path: Path, format: str, mapping: Mapping[str, str] | None = None) -> str:
    """How the scores of a set are read where that could be meant otherwise, in words, "" elsewhere; as `read_units`."""
    if format == "table":
        lines = as_lines(path)
        return table.reading_of(lines, _roles(lines, mapping, path.name))
    return sentence_transformers.reading_of(as_lines(path)) if format == "sentence-transformers" else ""


def _roles(lines: Path, mapping: Mapping[str, str] | None, file: str) -> dict[str, Role]:
    columns = [row.columns for row in sample_rows(lines, 100)]
    names = list(dict.fromkeys(name for row in columns for name in row))
    return check_mapping(mapping or guess_roles(columns), names, file)

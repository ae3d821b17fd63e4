"""Labelled sets: queries with the passages that answer them, in the formats of the toolkits people use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.ingest.labelled.beir import read_beir
from engine.ingest.labelled.detecting import FORMATS, NAMES, Detection, detect
from engine.ingest.labelled.flagembedding import read_flagembedding
from engine.ingest.labelled.paddlenlp import read_paddlenlp
from engine.ingest.labelled.sentence_transformers import read_sentence_transformers
from engine.ingest.labelled.units import Unit

__all__ = ["FORMATS", "NAMES", "Detection", "detect", "read_units"]

_READERS = {
    "beir": read_beir,
    "paddlenlp": read_paddlenlp,
    "flagembedding": read_flagembedding,
    "sentence-transformers": read_sentence_transformers,
}


def read_units(path: Path, format: str) -> Iterator[Unit]:
    """The units of the labelled set at `path`, line by line; `format` is one of `FORMATS`.

    Raises:
        UserError: a file is not there, or not to be read.
        FormatError: a file is empty, damaged or no text.
    """
    return _READERS[format](path)

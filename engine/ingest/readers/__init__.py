"""Readers: one for each kind of file, and the one door to them."""

from engine.ingest.readers.reading import read_document

__all__ = ["read_document"]

"""The one door to the readers of documents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.errors import FormatError
from engine.ingest.document import MAX_CHARS, ReadDocument
from engine.ingest.readers.sniffing import TABLES, Kind, sniff


def read_document(path: Path, kind: Kind | None = None, beat: Callable[[], None] = lambda: None) -> ReadDocument:
    """Read the file at `path`; its content, not its name, says what it is.

    Args:
        path: a regular file; tables are read by `engine.ingest.readers.tables`, row by row.
        kind: what `sniff` said, where the caller asked already.
        beat: called now and then while a long file is read.

    Raises:
        UserError: the file is not there or may not be read.
        FormatError: empty, damaged, with a password, of another kind, or too large; one sentence says which.
    """
    kind = kind or sniff(path)
    document = _read(path, kind, beat)
    if len(document.text) > MAX_CHARS:
        raise FormatError(f"{path.name} holds more than {MAX_CHARS:,} characters.", hint="Split it into parts.")
    return document


def _read(path: Path, kind: Kind, beat: Callable[[], None]) -> ReadDocument:
    if kind == "pdf":
        from engine.ingest.readers.pdf import read_pdf

        return read_pdf(path, beat)
    if kind == "docx":
        from engine.ingest.readers.docx import read_docx

        return read_docx(path)
    if kind == "html":
        from engine.ingest.readers.web import read_html

        return read_html(path)
    from engine.ingest.readers.plain import read_markdown, read_text

    if kind == "md":
        return read_markdown(path)
    if kind in TABLES:
        from engine.ingest.readers.tables import read_table

        return read_table(path, kind)
    return read_text(path)

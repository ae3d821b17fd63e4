"""The one door to the readers of documents."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from xml.parsers.expat import ExpatError

from engine.errors import FormatError
from engine.ingest.document import ReadDocument, check_chars
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
    try:
        document = _read(path, kind, beat)
    except (SyntaxError, ExpatError, zipfile.BadZipFile, zlib.error, EOFError) as error:  # SyntaxError: also lxml's
        hint = "Get the file again, or open it in its program and save it anew."
        raise FormatError(f"{path.name} is damaged: {error}.", hint=hint) from error
    except RecursionError as error:
        raise FormatError(
            f"{path.name} is nested deeper than any document is.", hint="Do not trust it, or save it anew."
        ) from error
    check_chars(path.name, len(document.text))
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
    if kind in ("pptx", "epub", "odt", "rtf", "eml", "xlsx", "parquet"):
        return _read_office(path, kind, beat)
    from engine.ingest.readers.plain import read_markdown, read_restructured, read_text

    if kind == "rst":
        return read_restructured(path)

    if kind == "md":
        return read_markdown(path)
    if kind in TABLES:
        from engine.ingest.readers.tables import read_table

        return read_table(path, kind)
    return read_text(path)


def _read_office(path: Path, kind: Kind, beat: Callable[[], None]) -> ReadDocument:
    if kind == "pptx":
        from engine.ingest.readers.slides import read_pptx

        return read_pptx(path, beat)
    if kind == "epub":
        from engine.ingest.readers.books import read_epub

        return read_epub(path, beat)
    if kind == "odt":
        from engine.ingest.readers.opendocument import read_opendocument

        return read_opendocument(path)
    if kind == "rtf":
        from engine.ingest.readers.rich_text import read_rtf

        return read_rtf(path)
    if kind == "eml":
        from engine.ingest.readers.mail import read_eml

        return read_eml(path, beat)
    from engine.ingest.readers.sheets import read_parquet, read_xlsx

    return read_xlsx(path, beat) if kind == "xlsx" else read_parquet(path, beat)

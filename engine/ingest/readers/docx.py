"""DOCX: checked as an archive first, then turned into HTML by mammoth and read by its headings."""

from __future__ import annotations

import html
import re
import zipfile
from pathlib import Path

from engine.errors import FormatError
from engine.ingest.document import Outline, ReadDocument
from engine.ingest.readers.web import fill_from_html
from engine.ingest.readers.zipped import check_archive

_TITLE = re.compile(rb"<dc:title>([^<]{1,400})</dc:title>")


def read_docx(path: Path) -> ReadDocument:
    """Paragraphs, lists, tables and footnotes under the document's headings; without pictures.

    Raises:
        FormatError: damaged, with a password, made to exhaust a reader, or without text.
    """
    import mammoth

    check_archive(path, doctype_of="DOCX")
    with path.open("rb") as file:
        try:
            markup = mammoth.convert_to_html(
                file, convert_image=mammoth.images.img_element(_no_picture), style_map=_STYLES
            ).value
        except (KeyError, ValueError, AttributeError, IndexError, OSError, zipfile.BadZipFile, SyntaxError) as error:
            raise FormatError(
                f"{path.name} is a damaged DOCX file.", hint="Open it in Word and save it again."
            ) from error
    outline = Outline()
    fill_from_html(outline, f"<html><body>{markup}</body></html>")
    if outline.is_empty:
        raise FormatError(f"{path.name} holds no text.", hint="If it holds pictures of text, save it as PDF after OCR.")
    return outline.build(_title(path) or outline.only_top_heading or path.stem, "docx")


def _no_picture(_: object) -> dict[str, str]:
    return {"src": ""}


_STYLES = "p[style-name='Title'] => h1:fresh\np[style-name='Subtitle'] => p:fresh"


def _title(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        if "docProps/core.xml" not in archive.namelist():
            return ""
        found = _TITLE.search(archive.read("docProps/core.xml"))
    return " ".join(html.unescape(found.group(1).decode("utf-8", "replace")).split()) if found else ""

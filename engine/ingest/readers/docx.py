"""DOCX: checked as an archive first, then turned into HTML by mammoth and read by its headings."""

from __future__ import annotations

import html
import re
import zipfile
import zlib
from pathlib import Path

from engine.errors import FormatError
from engine.ingest.document import Outline, ReadDocument
from engine.ingest.readers.opening import check_regular
from engine.ingest.readers.web import fill_from_html

# Honest DOCX files shrink 2.5 to 10 times; a large empty table of 15 MB 411 times. A bomb of 735 kB gave 304 MB of
# text and 1.1 GB of memory in every DOCX reader.
MAX_MEMBERS = 10_000
MAX_PART = 200 * 1024 * 1024
MAX_ALL = 1024 * 1024 * 1024
RATIO_FROM = 50 * 1024 * 1024
MAX_RATIO = 200
MAX_XML = 64 * 1024 * 1024  # of one XML part: the largest that a reader with 1 GB turns into text

_DOCTYPE = re.compile(rb"<!DOCTYPE", re.IGNORECASE)
_TITLE = re.compile(rb"<dc:title>([^<]{1,400})</dc:title>")
_BLOCK = 1 << 20


def read_docx(path: Path) -> ReadDocument:
    """Paragraphs, lists, tables and footnotes under the document's headings; without pictures.

    Raises:
        FormatError: damaged, with a password, made to exhaust a reader, or without text.
    """
    import mammoth

    check_archive(path)
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


def check_archive(path: Path) -> None:
    """Refuse archives that are damaged, encrypted, overlapping or far larger inside than outside.

    Every part is inflated once, in blocks, and counted: the sizes an archive declares are not believed.

    Raises:
        FormatError: says which rule was broken.
    """
    size = check_regular(path).st_size
    try:
        with zipfile.ZipFile(path) as archive:
            _check_list(path, archive.infolist())
            total = 0
            for part in archive.infolist():
                total += _check_part(path, archive, part)
                if total > MAX_ALL or (total > RATIO_FROM and total > MAX_RATIO * size):
                    raise _bomb(path)
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise FormatError(f"{path.name} is damaged: {error}.", hint="Get the file again.") from error


def _check_list(path: Path, parts: list[zipfile.ZipInfo]) -> None:
    if len(parts) > MAX_MEMBERS:
        raise _bomb(path)
    end = 0
    for part in sorted(parts, key=lambda part: part.header_offset):
        if part.flag_bits & 1:
            raise FormatError(f"{path.name} asks for a password.", hint="Save a copy without one and import that.")
        if part.header_offset < end:  # overlapping parts: CVE-2024-0450
            raise _bomb(path)
        end = part.header_offset + part.compress_size


def _check_part(path: Path, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> int:
    """The number of bytes the part really has."""
    markup = part.filename.endswith((".xml", ".rels"))
    count = 0
    tail = b""
    with archive.open(part) as stream:
        while block := stream.read(_BLOCK):
            count += len(block)
            if count > (MAX_XML if markup else MAX_PART):
                raise _bomb(path)
            # OOXML never has a DOCTYPE; it is how entity bombs and foreign files come in. UTF-16 hides it in zeros.
            if markup and _DOCTYPE.search((tail + block).replace(b"\0", b"")):
                raise FormatError(
                    f"{path.name} holds a DOCTYPE, which no DOCX file may.", hint="Do not trust this file."
                )
            tail = block[-32:]
    return count


def _bomb(path: Path) -> FormatError:
    return FormatError(
        f"{path.name} unpacks to far more than a document holds.",
        hint="Do not trust it, or split it into parts.",
    )


def _title(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        if "docProps/core.xml" not in archive.namelist():
            return ""
        found = _TITLE.search(archive.read("docProps/core.xml"))
    return " ".join(html.unescape(found.group(1).decode("utf-8", "replace")).split()) if found else ""

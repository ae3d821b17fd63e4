"""EPUB: the chapters in the order of the book's spine, read as the web pages they are."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from engine.errors import FormatError
from engine.ingest.document import Outline, ReadDocument
from engine.ingest.readers.encodings import declared_in_html, decode
from engine.ingest.readers.web import fill_from_html
from engine.ingest.readers.zipped import check_archive, parse_xml, read_part

_CONTAINER = "META-INF/container.xml"
_PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
_ENCRYPTION = "META-INF/encryption.xml"


def read_epub(path: Path, beat: Callable[[], None] = lambda: None) -> ReadDocument:
    """Chapters in reading order; a chapter that cannot be read is passed over as long as others can.

    Raises:
        FormatError: damaged, copy-protected, made to exhaust a reader, or without text.
    """
    check_archive(path)
    outline = Outline()
    with zipfile.ZipFile(path) as archive:
        package, title, chapters = _package(path, archive)
        names = set(archive.namelist())
        for chapter in chapters:
            beat()
            name = posixpath.normpath(posixpath.join(posixpath.dirname(package), unquote(chapter)))
            if name in names:
                content = archive.read(name)
                fill_from_html(outline, decode(content, path.name, declared=declared_in_html(content)))
        locked = _ENCRYPTION in names and outline.is_empty
    if locked:
        raise FormatError(f"{path.name} is copy-protected.", hint="Import a copy without protection.")
    if outline.is_empty:
        raise FormatError(f"{path.name} holds no text.", hint="Nothing can be imported from it.")
    return outline.build(title or outline.only_top_heading or path.stem, "epub")


def _package(path: Path, archive: zipfile.ZipFile) -> tuple[str, str, list[str]]:
    """(name of the package part, the book's title, its chapters' names below it)."""
    container = parse_xml(path, read_part(path, archive, _CONTAINER))
    found = [str(node.get("full-path")) for node in container.iter("{*}rootfile") if node.get("full-path")]
    if not found:
        raise FormatError(f"{path.name} is damaged: it names no book.", hint="Get the file again.")
    package = parse_xml(path, read_part(path, archive, found[0]))
    pages = {
        str(node.get("id")): str(node.get("href"))
        for node in package.iter("{*}item")
        if node.get("href") and node.get("media-type") in _PAGES
    }
    spine = [str(node.get("idref")) for node in package.iter("{*}itemref")]
    title = next((" ".join("".join(node.itertext()).split()) for node in package.iter("{*}title")), "")
    return found[0], title, [pages[name] for name in spine if name in pages] or list(pages.values())

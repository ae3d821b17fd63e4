"""OpenDocument texts, presentations and tables (ODT, ODP, ODS): headings, paragraphs, lists, rows."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from engine.errors import FormatError
from engine.ingest.document import Outline, ReadDocument
from engine.ingest.readers.zipped import check_archive, parse_xml, read_part

_Element = Any  # lxml ships no types

_MOST_REPEATS = 100  # a table says "this cell a million times" for its empty rest
_SILENT = frozenset({"annotation", "tracked-changes", "sequence-decls", "forms", "shapes", "settings"})


def read_opendocument(path: Path) -> ReadDocument:
    """The document's text under its headings; slides are pages, rows of tables are lines.

    Raises:
        FormatError: damaged, with a password, made to exhaust a reader, or without text.
    """
    check_archive(path)
    with zipfile.ZipFile(path) as archive:
        if "META-INF/manifest.xml" in archive.namelist() and b"encryption-data" in archive.read(
            "META-INF/manifest.xml"
        ):
            raise FormatError(f"{path.name} asks for a password.", hint="Save a copy without one and import that.")
        root = parse_xml(path, read_part(path, archive, "content.xml"))
        title = _title(path, archive)
    outline = Outline()
    body = next(root.iter("{*}body"), None)
    if body is not None:
        _walk(outline, body)
    if outline.is_empty:
        raise FormatError(f"{path.name} holds no text.", hint="If it holds pictures of text, save it as PDF after OCR.")
    return outline.build(title or outline.only_top_heading or path.stem, "odt")


def _title(path: Path, archive: zipfile.ZipFile) -> str:
    if "meta.xml" not in archive.namelist():
        return ""
    meta = parse_xml(path, archive.read("meta.xml"))
    return next((" ".join("".join(node.itertext()).split()) for node in meta.iter("{*}title")), "")


def _walk(outline: Outline, node: _Element) -> None:
    for child in node:
        name = _name(child)
        if name in _SILENT:
            continue
        if name == "h":
            outline.heading(int(child.get(_attribute(child, "outline-level")) or 1), _text(child))
        elif name == "p":
            outline.paragraph(_text(child))
        elif name == "list":
            outline.paragraph("\n".join(_list_lines(child, 0)))
        elif name == "table":
            table = child.get(_attribute(child, "name")) if _is_spreadsheet(child) else None
            outline.heading(1, table or "")
            outline.paragraph("\n".join(_table_lines(child)))
        else:
            if name == "page":
                outline.page()
            _walk(outline, child)


def _is_spreadsheet(node: _Element) -> bool:
    parent = node.getparent()
    return parent is not None and _name(parent) == "spreadsheet"


def _list_lines(node: _Element, depth: int) -> list[str]:
    lines: list[str] = []
    for entry in node:
        for child in entry:
            if _name(child) == "list":
                lines += _list_lines(child, depth + 1)
            elif words := _text(child).strip():
                lines.append(f"{'  ' * depth}- {words}")
    return lines


def _table_lines(node: _Element) -> list[str]:
    lines = []
    for row in node.iter("{*}table-row"):
        cells: list[str] = []
        for cell in row:
            if _name(cell) not in ("table-cell", "covered-table-cell"):
                continue
            words = " ".join(" ".join(_text(part) for part in cell).split())
            repeats = int(cell.get(_attribute(cell, "number-columns-repeated")) or 1) if words else 1
            cells += [words] * min(repeats, _MOST_REPEATS)
        if line := " | ".join(cells).strip(" |"):
            lines.append(line)
    return lines


def _text(node: _Element) -> str:
    """Text of a node with its blanks, tabs and line breaks, which OpenDocument writes as elements."""
    parts = [node.text or ""]
    for child in node:
        name = _name(child)
        if name == "s":
            parts.append(" " * min(int(child.get(_attribute(child, "c")) or 1), 80))
        elif name in ("tab", "line-break"):
            parts.append("\t" if name == "tab" else "\n")
        elif name == "note":
            parts += [f" ({_text(body).strip()})" for body in child if _name(body) == "note-body"]
        elif name not in _SILENT:
            parts.append(_text(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _name(node: _Element) -> str:
    """The tag without its namespace; comments and the like have none."""
    tag = node.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _attribute(node: _Element, name: str) -> str:
    return next((key for key in map(str, node.keys()) if key.rpartition("}")[2] == name), name)

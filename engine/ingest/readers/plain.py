"""Plain text, Markdown and reStructuredText."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import FormatError
from engine.ingest.document import Outline, ReadDocument
from engine.ingest.readers.encodings import decode
from engine.ingest.readers.opening import read_whole

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:\s*[\"']?(.+?)[\"']?\s*$", re.MULTILINE)
_UNDERLINE = re.compile(r"^([=\-~^\"'`#*+.:_<>])\1{2,}\s*$")
_TAG = re.compile(r"<[^<>\n]{1,300}>")


def read_text(path: Path) -> ReadDocument:
    """One section, paragraphs as they stand.

    Raises:
        FormatError: no text in it.
    """
    outline = Outline()
    outline.paragraph(decode(read_whole(path), path.name))
    if outline.is_empty:
        raise FormatError(f"{path.name} holds nothing but blanks.", hint="Nothing can be imported from it.")
    return outline.build(path.stem, "txt")


def read_markdown(path: Path) -> ReadDocument:
    """Headings become the path of what is below them; marks such as `**` and link targets are taken out.

    Raises:
        FormatError: no text in it.
    """
    from markdown_it import MarkdownIt

    text = decode(read_whole(path), path.name).replace("\r\n", "\n").removeprefix("\ufeff")
    front = _FRONT_MATTER.match(text)
    named = _FRONT_TITLE.search(front.group(1)) if front else None
    outline = Outline()
    _fill(outline, MarkdownIt("commonmark").enable("table").parse(text[front.end() :] if front else text))
    if outline.is_empty:
        raise FormatError(f"{path.name} holds nothing but blanks.", hint="Nothing can be imported from it.")
    return outline.build(named.group(1) if named else outline.only_top_heading or path.stem, "md")


def read_restructured(path: Path) -> ReadDocument:
    """Titles by their underlines, in the order their marks first appear; directives and comments as they stand.

    Raises:
        FormatError: no text in it.
    """
    lines = decode(read_whole(path), path.name).replace("\r\n", "\n").split("\n")
    outline, levels, block, place = Outline(), dict[str, int](), list[str](), 0
    while place < len(lines):
        over = _UNDERLINE.match(lines[place]) and place + 2 < len(lines) and lines[place + 2].strip() == lines[place]
        title = lines[place + 1] if over else lines[place]
        under = lines[place + 2] if over else lines[place + 1] if place + 1 < len(lines) else ""
        if title.strip() and _UNDERLINE.match(under) and len(under.rstrip()) >= len(title.strip()) and not block:
            mark = under[0] * (2 if over else 1)
            outline.heading(levels.setdefault(mark, len(levels) + 1), title)
            place += 3 if over else 2
            continue
        if not lines[place].strip():
            outline.paragraph("\n".join(block))
            block = []
        else:
            block.append(lines[place])
        place += 1
    outline.paragraph("\n".join(block))
    if outline.is_empty:
        raise FormatError(f"{path.name} holds nothing but blanks.", hint="Nothing can be imported from it.")
    return outline.build(outline.only_top_heading or path.stem, "rst")


def _fill(outline: Outline, tokens: list[Token]) -> None:
    """Put the blocks into `outline`, each list and each table as one of them."""
    depth = 0  # of lists and tables
    lines: list[str] = []
    cells: list[str] | None = None
    heading = 0
    for token in tokens:
        name = token.type
        if name in ("bullet_list_open", "ordered_list_open", "table_open"):
            depth += 1
        elif name in ("bullet_list_close", "ordered_list_close", "table_close"):
            depth -= 1
        elif name == "list_item_open":
            lines.append("  " * (depth - 1) + (f"{token.info}. " if token.info else "- "))
        elif name == "tr_open":
            cells = []
        elif name == "tr_close":
            lines.append(" | ".join(cells or []))
            cells = None
        elif name == "heading_open":
            heading = int(token.tag[1])
        elif name == "inline" and heading and not depth:
            outline.heading(heading, _inline(token))
        elif name == "heading_close":
            heading = 0
        elif words := _words(token):
            if cells is not None:
                cells.append(words)
            elif lines and lines[-1].endswith(("- ", ". ")):
                lines[-1] += words
            else:
                lines.append(words)
        if not depth:
            outline.paragraph("\n".join(lines))
            lines = []


def _words(token: Token) -> str:
    if token.type in ("fence", "code_block"):
        return token.content.strip("\n")
    if token.type == "html_block":
        return _TAG.sub(" ", token.content)
    return _inline(token) if token.type == "inline" else ""


def _inline(token: Token) -> str:
    """The words of a line, without marks, link targets and tags; pictures by their description."""
    parts = []
    for child in token.children or []:
        if child.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif child.type != "html_inline":
            parts.append(child.content)
    return "".join(parts)

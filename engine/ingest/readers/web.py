"""HTML: the page's content with its headings, without menus and scripts. Also reads what DOCX is turned into."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from engine.errors import FormatError
from engine.ingest.document import Outline, ReadDocument
from engine.ingest.readers.encodings import declared_in_html, decode
from engine.ingest.readers.opening import read_whole

# The main content is believed when it keeps at least this share of the page's visible text. trafilatura drops link
# lists and cells of infoboxes (on a Wikipedia page it kept 81 %), which is right; below half it has lost the text.
KEPT_SHARE = 0.5

_SILENT = "script, style, noscript, template, svg, iframe, object, head, select, button, input, [hidden]"
_AROUND = "nav, footer, aside, [role=navigation], [role=banner], [role=contentinfo], [role=search]"
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_BLOCKS = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "header",
        "hgroup",
        "hr",
        "html",
        "legend",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "ul",
    }
)
_BLANKS = re.compile(r"[ \t\n\r\f\xa0]+")


def read_html(path: Path) -> ReadDocument:
    """The page's main content by headings; its title is `<title>`, else its one top heading, else the file's name.

    Raises:
        FormatError: no text in it.
    """
    content = read_whole(path)
    page = decode(content, path.name, declared=declared_in_html(content))
    outline = Outline()
    fill_from_html(outline, _main_content(page))
    if outline.is_empty:
        raise FormatError(f"{path.name} is a page without text.", hint="Open it in a browser and save it as PDF.")
    return outline.build(_page_title(page) or outline.only_top_heading or path.stem, "html")


def fill_from_html(outline: Outline, page: str) -> None:
    """Put the visible text of `page` into `outline`."""
    from selectolax.lexbor import LexborHTMLParser

    body = LexborHTMLParser(page).body
    if body is None:
        return
    for node in body.css(_SILENT):
        node.decompose()
    walk = _Walk(outline)
    walk.children(body)
    walk.flush()


def _main_content(page: str) -> str:
    """The page without what stands around its content, as HTML."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(page)
    for node in tree.css(f"{_SILENT}, {_AROUND}"):
        node.decompose()
    rest = tree.html or ""
    visible = len("".join((tree.body.text() if tree.body else "").split()))
    extracted = _trafilatura(page)
    kept = len("".join(LexborHTMLParser(extracted).text().split())) if extracted else 0
    return extracted if kept and kept >= KEPT_SHARE * visible else rest


def _trafilatura(page: str) -> str:
    import trafilatura

    found: str | None = trafilatura.extract(
        page,
        output_format="html",
        favor_recall=True,
        include_tables=True,
        include_comments=False,
        include_formatting=True,
    )
    return found or ""


def _page_title(page: str) -> str:
    from selectolax.lexbor import LexborHTMLParser

    node = LexborHTMLParser(page).css_first("head > title")
    return " ".join(node.text().split()) if node else ""


class _Walk:
    """One walk through a page in reading order; text gathers until a block ends it."""

    def __init__(self, outline: Outline) -> None:
        self._outline = outline
        self._words: list[str] = []
        self._lines: list[str] = []
        self._depth = 0  # of lists and tables, which stay together as one paragraph

    def children(self, node: Any) -> None:  # Any: selectolax ships no types for its nodes
        child = node.child
        while child is not None:
            self._visit(child)
            child = child.next

    def flush(self) -> None:
        self._end_line()
        if self._lines:
            self._outline.paragraph("\n".join(self._lines))
            self._lines = []

    def _visit(self, node: Any) -> None:  # Any: as above
        tag = node.tag
        if tag == "-text":
            self._words.append(_BLANKS.sub(" ", node.text_content or ""))
        elif tag in _HEADINGS and not self._depth:
            self._heading(_HEADINGS[tag], node)
        elif tag == "br":
            self._end_line()
        elif tag == "pre":
            self._end_line()
            self._lines.append(node.text().strip("\n"))
            self._end_block()
        elif tag in ("ul", "ol", "table", "dl"):
            self._end_block()
            self._depth += 1
            self.children(node)
            self._depth -= 1
            self._end_block()
        elif tag in ("td", "th"):
            self.children(node)
            self._words.append(" | " if node.next is not None else "")
        elif tag in _BLOCKS:
            self._end_block()
            self._words.append("- " if tag == "li" else "")
            self.children(node)
            self._end_block()
        elif not tag.startswith(("-", "!", "_")):
            self.children(node)

    def _heading(self, level: int, node: Any) -> None:  # Any: as above
        self.flush()
        self._outline.heading(level, node.text())

    def _end_line(self) -> None:
        line = _BLANKS.sub(" ", "".join(self._words)).strip()
        self._words = []
        if line.strip("-| "):
            self._lines.append(line.removesuffix(" |"))

    def _end_block(self) -> None:
        """Within a list or table a block is a line; elsewhere it is a paragraph."""
        if self._depth:
            self._end_line()
        else:
            self.flush()

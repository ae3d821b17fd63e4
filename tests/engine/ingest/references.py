"""What other libraries and the standard library get out of a file: the reference for our own readers."""

from __future__ import annotations

import html
import re
import zipfile
from collections import Counter
from email import policy
from email.parser import BytesParser
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

# Where the manifest or the page itself says the encoding; all else is UTF-8.
ENCODINGS = {
    "csv/stanley-cups-utf-16.csv": "utf-16",
    "csv/test_mskanji.csv": "cp932",
    "csv/样例_内科5000-6000.csv": "gb18030",
    "html/_chromium_Big5_with_no_encoding_specified.html": "big5",
    "html/_chromium_Shift-JIS_with_no_encoding_specified.html": "cp932",
    "html/_mozilla_bug171813_text.html": "gb18030",
    "html/example-steelJIS-datasheet-utf-16.html": "utf-16",
    "html/fake-html-cp1252.html": "cp1252",
    "html/testHTML_charset_utf16le.html": "utf-16",
    "md/umlauts-non-utf8.md": "latin-1",
    "txt/_ude_1.txt": "big5",
    "txt/_ude_2.txt": "cp1252",
    "txt/fake-text-utf-16-be.txt": "utf-16-be",
    "txt/fake-text-utf-16.txt": "utf-16",
    "txt/fake-text-utf-32.txt": "utf-32",
    "txt/russian.cp866.txt": "cp866",
    "txt/multi-language.txt": "latin-1",
    "txt/百科四十篇.gb18030.txt": "gb18030",
    "txt/百科四十篇.gbk.txt": "gbk",
    "txt/百科四十篇.utf-16-le.txt": "utf-16-le",
    "txt/百科四十篇.utf-8-sig.txt": "utf-8-sig",
}

# A reference that is wrong itself, and why; ours was looked at by eye.
UNSOUND = {
    "broken/issue-1113-evil-xobjects.pdf": "pypdf refuses the file",
    "broken/really-a-pdf.txt": "its name hides what it is: the same bytes as pdf/minimal-document.pdf",
    "broken/really-html.docx": "its name hides what it is: the same bytes as html/test_blog.html",
    "broken/testPDF_bad_page_303226.pdf": "pypdf refuses the file",
    "csv/csv-too-many-columns.csv": "the row with a cell too many is listed, not imported",
    "csv/样例_内科5000-6000.csv": "codecs give all four columns; a document takes its title and its text",
    "html/test_serp.html": "a page of search results has no main content; labels of its tabs are left out",
    "html/tika434.html": "menus and cells of a layout table without one paragraph",
    "pdf/GeoTopo-komprimiert.pdf": "formulas: pypdf gives names of glyphs and other fonts' letters",
    "pdf/habibi.pdf": "pypdf turns the Arabic letters of a ligature round",
    "pdf/issue-791-non-unicode-cmap.pdf": "a font without Unicode: neither reader can know the letters",
    "pdf/jo.pdf": "pypdf does not know the Japanese font's encoding; ours is right",
}

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]|[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+|\d+")
_LINK = re.compile(r"\]\([^)\s]*\)|https?://\S+|<[^>\n]+>")
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"


_LONG = 4


def word_recall(wanted: str, found: str) -> float:
    """The share of the words of `wanted` (Chinese, Japanese and Korean: characters) that are in `found`.

    Each is counted as often as it stands there. Readers part words in different places (columns of a table, hyphens
    at line ends), so a longer word also counts that stands in `found` without its blanks.
    """
    words, ours = Counter(_words(wanted)), Counter(_words(found))
    joined = "".join(_words(found))
    kept = (words & ours).total()
    kept += sum(count for word, count in (words - ours).items() if len(word) >= _LONG and joined.count(word) >= count)
    return kept / max(1, words.total())


def reference(root: Path, name: str) -> str:
    """The words of the file `name` below `root` as another reader sees them; "" where there is no other reader."""
    path = root / name
    suffix = path.suffix.lower()
    if suffix == ".pdf":
        return _pdf(path)
    if suffix == ".docx":
        return _docx(path)
    if suffix in (".html", ".htm"):
        return _page(path.read_bytes().decode(ENCODINGS.get(name, "utf-8"), "replace"))
    if suffix == ".epub":
        return _epub(path)
    if suffix in (".pptx", ".xlsx", ".odt"):
        return _zipped(path)
    if suffix == ".eml":
        return str(BytesParser(policy=policy.default).parsebytes(path.read_bytes()).get_body(("plain",)).get_content())
    if suffix in (".txt", ".md", ".csv"):
        text = path.read_bytes().decode(ENCODINGS.get(name, "utf-8"), "replace")
        return html.unescape(_LINK.sub(" ", text)) if suffix == ".md" else text
    return ""


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _pdf(path: Path) -> str:
    import logging

    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)

    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages)
    return re.sub(r"(?<=\w)-\n(?=\w)", "", text)


def _docx(path: Path) -> str:
    import docx

    def texts(node) -> str:
        if node.tag == _FALLBACK:
            return ""
        own = node.text or "" if node.tag == f"{_W}t" else " " if node.tag in (f"{_W}p", f"{_W}br", f"{_W}tab") else ""
        return own + "".join(texts(child) for child in node)

    return texts(docx.Document(str(path)).element.body)


def _epub(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        (package,) = (name for name in names if name.endswith(".opf"))
        spine = ElementTree.fromstring(archive.read(package))
        hrefs = {node.get("id"): node.get("href") for node in spine.iterfind(".//{*}item")}
        chapters = [hrefs[node.get("idref")] for node in spine.iterfind(".//{*}itemref")]
        base = package.rpartition("/")[0]
        pages = [archive.read(f"{base}/{chapter}".lstrip("/")).decode("utf-8") for chapter in chapters]
    return "\n".join(_page(page) for page in pages)


def _zipped(path: Path) -> str:
    """All text nodes of the parts that hold what is written."""
    with zipfile.ZipFile(path) as archive:
        parts = [
            name
            for name in archive.namelist()
            if re.fullmatch(r"ppt/slides/slide\d+\.xml|xl/sharedStrings\.xml|content\.xml", name)
        ]
        return " ".join(" ".join(ElementTree.fromstring(archive.read(name)).itertext()) for name in parts)


def _page(page: str) -> str:
    reader = _Page()
    reader.feed(page)
    said = "".join(reader.words)
    return said if said.strip() else "".join(reader.loose)


class _Page(HTMLParser):
    """The words in paragraphs and headings, where a page says what it has to say; `loose` those outside."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.loose: list[str] = []
        self._silent = self._within = 0

    def handle_starttag(self, tag, attrs):
        if tag in ("script", "style", "nav", "footer", "aside", "noscript", "template", "title"):
            self._silent += 1
        self._within += tag in ("p", "h1", "h2", "h3", "h4", "pre", "blockquote")
        self.words.append(" ")
        self.loose.append(" ")

    def handle_endtag(self, tag):
        if tag in ("script", "style", "nav", "footer", "aside", "noscript", "template", "title"):
            self._silent = max(0, self._silent - 1)
        self._within -= tag in ("p", "h1", "h2", "h3", "h4", "pre", "blockquote") and self._within > 0
        self.words.append(" ")

    def handle_data(self, data):
        if not self._silent:
            (self.words if self._within else self.loose).append(data)

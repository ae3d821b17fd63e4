"""PDF: text by pages through pdfium, with the bookmarks as headings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from engine.errors import FormatError
from engine.ingest.document import Outline, ReadDocument, check_chars
from engine.ingest.readers.opening import check_regular

MAX_PAGES = 100_000
PASSWORD_CODE = 4  # FPDF_ERR_PASSWORD in fpdfview.h

# pdfium marks a hyphen at a line's end, which the typesetter put there, with U+FFFE (older: U+0002).
_HYPHEN = re.compile("[\ufffe\x02]\r?\n?")
# Letters of Hebrew, Arabic and their relatives, which run from right to left.
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
# What programs write into the title by themselves: their own names, file names, nothing.
_POOR_TITLE = re.compile(
    r"^(\(?untitled|\(anonymous|microsoft |document\d*$|slide \d|.*\.\w{2,5}$|[\W\d_]*$)", re.IGNORECASE
)


def read_pdf(path: Path, beat: Callable[[], None] = lambda: None) -> ReadDocument:
    """Page by page; `beat` is called after each, to show that the reading is alive.

    Raises:
        FormatError: a password is asked for, the file is damaged, or no page holds text.
    """
    import pypdfium2

    check_regular(path)
    try:
        pdf = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        raise _refusal(path, error) from error
    outline = Outline()
    marks = _bookmarks(pdf)
    chars = 0
    for index in range(min(len(pdf), MAX_PAGES)):
        outline.page()
        text = _page_text(pdf, index)
        chars += len(text)
        check_chars(path.name, chars)
        _fill_page(outline, text, marks.get(index, []))
        beat()
    if outline.is_empty:
        raise FormatError(
            f"{path.name} has no text on its {f'{len(pdf)} pages' if len(pdf) > 1 else 'one page'} (a scan?).",
            hint="Run text recognition (OCR) first.",
        )
    title = " ".join(str(pdf.get_metadata_value("Title") or "").split())
    pdf.close()
    return outline.build(title if title and not _POOR_TITLE.match(title) else path.stem, "pdf")


def _refusal(path: Path, error: Any) -> FormatError:  # Any: pypdfium2 has no types
    if getattr(error, "err_code", None) == PASSWORD_CODE:
        return FormatError(f"{path.name} asks for a password.", hint="Save a copy without one and import that.")
    return FormatError(f"{path.name} is a damaged PDF file.", hint="Get the file again.")


def _page_text(pdf: Any, index: int) -> str:  # Any: pypdfium2 has no types
    import pypdfium2

    try:
        page = pdf[index]
        words = page.get_textpage()
        text: str = words.get_text_range()
        if _RIGHT_TO_LEFT.search(text):
            text = _with_ligatures_in_order(words, text)
        page.close()
    except pypdfium2.PdfiumError:
        return ""  # one damaged page; the others are read
    return _HYPHEN.sub("", text).replace("\r\n", "\n")


def _with_ligatures_in_order(words: Any, text: str) -> str:  # Any: pypdfium2 has no types
    """`text` with the letters of each right-to-left ligature in reading order.

    pdfium turns a line's glyphs round and with them the letters that one glyph stands for: lam-alef comes out as
    alef-lam, which is another word. Letters of one glyph have one and the same box.
    """
    from pypdfium2.raw import FPDFText_GetTextIndexFromCharIndex as text_index

    letters = list(text)
    run: list[int] = []
    box_before: tuple[float, ...] | None = None
    for index in range(words.count_chars() + 1):
        place = text_index(words, index) if index < words.count_chars() else -1
        box = words.get_charbox(index) if _is_right_to_left(text, place) else None
        if box is None or box != box_before or (run and place != run[-1] + 1):
            if len(run) > 1:
                letters[run[0] : run[-1] + 1] = [text[at] for at in reversed(run)]
            run = []
        if box is not None:
            run.append(place)
        box_before = box
    return "".join(letters)


def _is_right_to_left(text: str, place: int) -> bool:
    return 0 <= place < len(text) and _RIGHT_TO_LEFT.match(text[place]) is not None


def _bookmarks(pdf: Any) -> dict[int, list[tuple[int, str]]]:  # Any: pypdfium2 has no types
    """Page index → (level from 1, title) of the bookmarks that point there, in order."""
    import pypdfium2

    marks: dict[int, list[tuple[int, str]]] = {}
    try:
        for mark in _toc(pdf):
            dest = mark.get_dest()
            index = dest.get_index() if dest else None
            title = " ".join(mark.get_title().split())
            if index is not None and title:
                marks.setdefault(index, []).append((mark.level + 1, title))
    except (pypdfium2.PdfiumError, UnicodeDecodeError):
        return marks
    return marks


def _toc(pdf: Any) -> Iterator[Any]:  # Any: pypdfium2 has no types
    for count, mark in enumerate(pdf.get_toc(max_depth=6)):
        if count >= 10_000:
            return
        yield mark


def _fill_page(outline: Outline, text: str, marks: list[tuple[int, str]]) -> None:
    """A bookmark becomes a heading where its words begin a line of the page; else at the page's top."""
    position = 0
    for level, title in marks:
        pattern = r"\s+".join(re.escape(word) for word in title.split())
        found = re.compile(rf"^[\d.\s§]{{0,12}}{pattern}\s*$", re.MULTILINE | re.IGNORECASE).search(text, position)
        if found:
            outline.paragraph(text[position : found.start()])
            position = found.end()
        outline.heading(level, found.group() if found else title)
    outline.paragraph(text[position:])

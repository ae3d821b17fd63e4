"""Slides, workbooks, books, OpenDocument, rich text, mail and reStructuredText become titled sections."""

from __future__ import annotations

import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest

from engine.errors import FormatError
from engine.ingest.readers.reading import read_document
from engine.ingest.readers.sniffing import sniff
from tests.engine.ingest.samples import make_docx


def _sections(document) -> list[tuple[tuple[str, ...], str]]:
    return [(section.path, document.text[section.start : section.end]) for section in document.sections]


def _read(path: Path):
    document = read_document(path)
    assert document.kind == sniff(path)
    return document


def _presentation(path: Path) -> Path:
    from pptx import Presentation
    from pptx.util import Inches

    shown = Presentation()
    for number, title in enumerate(("Warranty", "保修")):
        slide = shown.slides.add_slide(shown.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = f"Keep the bill {number}"
        slide.notes_slide.notes_text_frame.text = f"say it slowly {number}"
    table = shown.slides[0].shapes.add_table(1, 2, Inches(1), Inches(5), Inches(4), Inches(1)).table
    table.cell(0, 0).text, table.cell(0, 1).text = "Part", "2 years"
    shown.save(str(path))
    return path


def test_a_slide_is_a_page_under_its_title_with_table_and_notes(tmp_path):
    document = _read(_presentation(tmp_path / "a.pptx"))
    found = _sections(document)
    assert [path for path, _ in found] == [("Warranty",), ("保修",)]
    assert found[0][1] == "Keep the bill 0\n\nPart | 2 years\n\nsay it slowly 0"
    assert [document.page_at(section.start) for section in document.sections] == [1, 2]


def test_rows_of_a_workbook_stand_under_their_sheet_with_their_columns(tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    book.active.title = "Parts"
    for row in (["Part", "Price", None], ["Screw", 3, None], [None, None, None], ["Nut, wide", 4.5, None]):
        book.active.append(row)
    other = book.create_sheet("Numbers")
    other.append([1, 2])
    book.save(tmp_path / "a.xlsx")
    assert _sections(_read(tmp_path / "a.xlsx")) == [
        (("Parts",), "Part: Screw; Price: 3"),
        (("Parts",), "Part: Nut, wide; Price: 4.5"),
        (("Numbers",), "column 1: 1; column 2: 2"),
    ]


def test_a_parquet_table_is_read_like_a_csv_file(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = {"title": ["Reset", "Return"], "text": ["Hold the button for ten seconds.", "Send it back within a month."]}
    pq.write_table(pa.table(rows), tmp_path / "a.parquet")
    assert [text for _, text in _sections(_read(tmp_path / "a.parquet"))] == rows["text"]


def _book(path: Path, chapters: dict[str, str], *, spine: list[str], doctype: str = "") -> Path:
    items = "".join(f'<item id="{n}" href="t%20x/{n}.xhtml" media-type="application/xhtml+xml"/>' for n in chapters)
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>The Box</dc:title></metadata><manifest>{items}</manifest>"
        f"<spine>{''.join(f'<itemref idref={name!r}/>' for name in spine)}</spine></package>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr(
            "META-INF/container.xml",
            f'<?xml version="1.0"?>{doctype}<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="in/book.opf"/></rootfiles></container>',
        )
        archive.writestr("in/book.opf", package)
        for name, body in chapters.items():
            page = f'<html xmlns="http://www.w3.org/1999/xhtml"><body>{body}</body></html>'
            archive.writestr(f"in/t x/{name}.xhtml", page)
    return path


def test_chapters_of_a_book_come_in_the_order_of_its_spine(tmp_path):
    chapters = {"b": "<h1>End</h1><p>It closed.</p>", "a": "<h1>Begin</h1><p>It opened.</p>"}
    document = _read(_book(tmp_path / "a.epub", chapters, spine=["a", "b"]))
    assert document.title == "The Box"
    assert _sections(document) == [(("Begin",), "It opened."), (("End",), "It closed.")]


def test_entities_of_a_book_are_not_followed(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret", encoding="utf-8")
    doctype = f'<!DOCTYPE x [<!ENTITY s SYSTEM "{secret.as_uri()}">]>'
    book = _book(tmp_path / "a.epub", {"a": "<p>It opened. &s;</p>"}, spine=["a"], doctype=doctype)
    assert "the secret" not in _read(book).text


def _opendocument(path: Path, body: str, *, manifest: str = "<m/>") -> Path:
    spaces = (
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/manifest.xml", manifest)
        archive.writestr(
            "content.xml",
            f"<office:document-content {spaces}><office:body>{body}</office:body></office:document-content>",
        )
    return path


def test_an_opendocument_text_keeps_headings_lists_tables_and_blanks(tmp_path):
    body = (
        '<office:text><text:h text:outline-level="1">Box</text:h><text:p>Red<text:s text:c="2"/>and<text:tab/>blue'
        "<text:note><text:note-body><text:p>seen</text:p></text:note-body></text:note></text:p>"
        '<text:h text:outline-level="2">Parts</text:h>'
        "<text:list><text:list-item><text:p>one</text:p><text:list><text:list-item><text:p>two</text:p></text:list-item>"
        "</text:list></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell>"
        '<table:table-cell table:number-columns-repeated="2"><text:p>b</text:p></table:table-cell>'
        '<table:table-cell table:number-columns-repeated="16000"/></table:table-row></table:table></office:text>'
    )
    document = _read(_opendocument(tmp_path / "a.odt", body))
    assert document.title == "Box"
    assert _sections(document) == [
        (("Box",), "Red  and\tblue (seen)"),
        (("Box", "Parts"), "- one\n  - two\n\na | b | b"),
    ]


def test_an_encrypted_opendocument_asks_for_its_password(tmp_path):
    path = _opendocument(tmp_path / "a.odt", "x", manifest="<manifest:encryption-data/>")
    with pytest.raises(FormatError, match="password"):
        read_document(path)


def test_rich_text_gives_its_words_in_any_code_page(tmp_path):
    path = tmp_path / "a.rtf"
    path.write_text(
        r"{\rtf1\ansi\ansicpg1252{\info{\title The Box}}Gr\'fc\'dfe\par Second \u20445?\u25991? line\par}", "ascii"
    )
    document = _read(path)
    assert document.title == "The Box"
    assert document.text == "Grüße\n\nSecond 保文 line".replace("保", chr(20445)).replace("文", chr(25991))


def _message(*, html: bool = False) -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "Grüße vom Lager", "Ann <a@x.org>", "b@x.org"
    message.set_content(
        "<p>The <b>box</b> is red.</p>" if html else "The box is red.", subtype="html" if html else "plain"
    )
    return message


@pytest.mark.parametrize("html", [False, True])
def test_a_message_has_its_people_and_its_words(tmp_path, html):
    path = tmp_path / "a.eml"
    path.write_bytes(_message(html=html).as_bytes())
    document = _read(path)
    assert document.title == "Grüße vom Lager"
    assert document.text == "From: Ann <a@x.org>\nTo: b@x.org\n\nThe box is red."


def test_attached_documents_and_messages_follow_under_their_names(tmp_path):
    message = _message()
    docx = make_docx(tmp_path / "list.docx", [("H1", "Parts"), ("", "A screw and a nut.")])
    message.add_attachment(docx.read_bytes(), maintype="application", subtype="x", filename="../../list.docx")
    message.add_attachment(b"\x7fELF rest", maintype="application", subtype="x", filename="tool")
    message.add_attachment(_message())
    path = tmp_path / "a.eml"
    path.write_bytes(message.as_bytes())
    text = _read(path).text
    assert "A screw and a nut." in text
    assert "[the attachment tool was not read: tool is a program" in text
    assert text.count("The box is red.") == 2
    assert {entry.name for entry in tmp_path.iterdir()} == {"list.docx", "a.eml"}


def test_restructured_titles_are_levels_in_the_order_of_their_marks(tmp_path):
    path = tmp_path / "a.rst"
    path.write_text(
        "=======\nThe Box\n=======\n\nIt is red.\n\nParts\n-----\nA screw.\n\nNuts\n~~~~\n\nWide ones.\n\nEnd\n---\n\n.. note:: x\n",
        encoding="utf-8",
    )
    document = _read(path)
    assert document.title == "The Box"
    assert _sections(document) == [
        (("The Box",), "It is red."),
        (("The Box", "Parts"), "A screw."),
        (("The Box", "Parts", "Nuts"), "Wide ones."),
        (("The Box", "End"), ".. note:: x"),
    ]


@pytest.mark.parametrize("suffix", [".pptx", ".xlsx", ".epub", ".odt"])
def test_a_damaged_office_file_is_refused_in_one_sentence(tmp_path, suffix):
    inside = {".pptx": "ppt/x", ".xlsx": "xl/x", ".epub": "META-INF/container.xml", ".odt": "content.xml"}[suffix]
    path = tmp_path / f"a{suffix}"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(inside, "<broken")
    with pytest.raises(FormatError, match=r"a\.\w+ is damaged|a\.\w+ is a damaged"):
        read_document(path)


def test_source_code_in_a_folder_is_a_document(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("def box():\n    return 'red'\n", encoding="utf-8")
    assert _read(path).text == "def box():\n    return 'red'"

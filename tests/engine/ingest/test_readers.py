"""Readers give text, headings and pages, and one plain sentence where they cannot."""

from __future__ import annotations

import bz2
import time
import zipfile

import pytest

from engine.errors import FormatError, UserError
from engine.ingest.archives import archive_kind
from engine.ingest.document import Outline
from engine.ingest.finding import scan
from engine.ingest.readers import read_document
from engine.ingest.readers.opening import check_size
from engine.ingest.readers.rows import Row, read_rows
from engine.ingest.readers.sniffing import sniff
from engine.params import ImportParams
from tests.datasets import shared_data
from tests.engine.ingest.samples import make_docx, make_pdf


def test_sections_carry_the_path_of_their_headings():
    outline = Outline()
    outline.heading(1, "Kettles")
    outline.paragraph("About.")
    outline.heading(2, "Care")
    outline.paragraph("Boil.")
    outline.paragraph("Rinse.")
    outline.heading(1, "Pots")
    outline.paragraph("Scrub.")
    document = outline.build("Manual", "md")
    told = [(section.path, document.text[section.start : section.end]) for section in document.sections]
    assert told == [
        (("Kettles",), "About."),
        (("Kettles", "Care"), "Boil.\n\nRinse."),
        (("Pots",), "Scrub."),
    ]
    assert document.heading(document.sections[1]) == "Manual > Kettles > Care"


def test_a_heading_with_nothing_below_it_is_kept_as_text():
    outline = Outline()
    outline.heading(1, "First")
    outline.heading(1, "Last")
    document = outline.build("T", "md")
    assert [document.text[section.start : section.end] for section in document.sections] == ["First", "Last"]


def test_pages_are_found_by_offset():
    outline = Outline()
    for text in ("one", "two", ""):
        outline.page()
        outline.paragraph(text)
    document = outline.build("T", "pdf")
    assert [document.page_at(document.text.index(word)) for word in ("one", "two")] == [1, 2]


def test_control_characters_and_lone_surrogates_are_taken_out(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\x00 two\x07\r\nthree\x0cfour")
    assert read_document(path).text == "one two\nthree\nfour"


def test_markdown_becomes_headings_and_plain_words(tmp_path):
    path = tmp_path / "a.md"
    path.write_text(
        "# Guide\n\nSee **the** [manual](http://x.y).\n\n## Steps\n\n- fill\n- `boil`\n\n```\n# no heading\n```\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n",
        encoding="utf-8",
    )
    document = read_document(path)
    assert document.title == "Guide"
    assert "See the manual." in document.text
    assert "- fill\n- boil" in document.text
    assert "a | b\n1 | 2" in document.text
    assert [section.path for section in document.sections] == [("Guide",), ("Guide", "Steps")]
    assert "# no heading" in document.text


def test_front_matter_names_a_markdown_file(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("---\ntitle: My page\ndate: 2020\n---\nBody text.\n", encoding="utf-8")
    document = read_document(path)
    assert (document.title, document.text) == ("My page", "Body text.")


def test_a_page_is_read_without_its_menu_and_scripts(tmp_path):
    path = tmp_path / "a.html"
    body = "<p>Descale the kettle with vinegar once a month, then rinse it twice with clear water.</p>" * 5
    path.write_text(
        "<html><head><title>Kettle care</title><script>var x = 1</script></head><body><nav><a href='/'>Home page</a>"
        f"</nav><main><h1>Care</h1>{body}</main><footer>Imprint</footer></body></html>",
        encoding="utf-8",
    )
    document = read_document(path)
    assert document.title == "Kettle care"
    assert "vinegar" in document.text
    assert not {"Home page", "var x", "Imprint"} & set(document.text.split("\n"))
    assert document.sections[0].path == ("Care",)


def test_docx_headings_become_sections(tmp_path):
    path = make_docx(
        tmp_path / "a.docx", [("H1", "Care"), ("", "Boil &amp; rinse."), ("H2", "Often"), ("", "Monthly.")]
    )
    document = read_document(path)
    assert [(section.path, document.text[section.start : section.end]) for section in document.sections] == [
        (("Care",), "Boil & rinse."),
        (("Care", "Often"), "Monthly."),
    ]


def test_pdf_text_keeps_its_page_numbers(tmp_path):
    path = make_pdf(tmp_path / "a.pdf", ["First page", "Second page"])
    document = read_document(path)
    assert document.page_at(document.text.index("Second")) == 2


def test_rows_of_a_table_are_sections_under_their_titles(tmp_path):
    path = tmp_path / "faq.csv"
    path.write_text('id;title;text\n1;Noise;It hums.\n2;Smell;;\n3;Leak;"It drips;\nalways."\n', encoding="utf-8")
    document = read_document(path)
    told = [(document.heading(section), document.text[section.start : section.end]) for section in document.sections]
    assert told == [("Noise", "It hums."), ("Leak", "It drips;\nalways.")]
    assert [(problem.line, problem.code) for problem in document.problems] == [(3, "empty_text")]


def test_a_table_without_a_text_column_keeps_all_its_cells(tmp_path):
    path = tmp_path / "cups.tsv"
    path.write_text("Team\tCups\nBlues\t1\nFlyers\t2\n", encoding="utf-8")
    assert read_document(path).text == "Team: Blues; Cups: 1\n\nTeam: Flyers; Cups: 2"


def test_bad_json_lines_are_reported_with_their_numbers(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "one"}\n{bad\n\n[1]\n{"text": "\xff"}\n{"text": "two"}\n')
    document = read_document(path)
    assert document.text == "one\n\ntwo"
    assert [(problem.line, problem.code) for problem in document.problems] == [
        (2, "json"),
        (4, "wrong_type"),
        (5, "json"),
    ]


def test_content_is_believed_before_the_name(tmp_path):
    pdf = make_pdf(tmp_path / "a.pdf", ["x"]).rename(tmp_path / "a.txt")
    page = tmp_path / "b.docx"
    page.write_text("<!DOCTYPE html><html><body>x</body></html>", encoding="utf-8")
    assert (sniff(pdf), sniff(page)) == ("pdf", "html")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", b"", "is empty"),
        ("a.txt", b" \n \n", "nothing but blanks"),
        ("a.docx", b"just text", "named like a DOCX"),
        ("a.pdf", b"%PDF-1.4 cut off", "damaged PDF"),
        ("a.docx", b"PK\x03\x04 cut off", "is damaged"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Office file or one with a password"),
        ("a.png", b"\x89PNG\r\n\x1a\n", "a picture"),
        ("a.html", b"<html><script>1</script></html>", "a page without text"),
        ("a.json", b'{"a": 1\n}', "no rows"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FormatError, match=words) as caught:
        read_document(path)
    assert name in caught.value.message
    assert caught.value.hint


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"gone\.txt cannot be read"):
        read_document(tmp_path / "gone.txt")


def test_a_pdf_of_pictures_asks_for_text_recognition(tmp_path):
    with pytest.raises(FormatError, match="no text on its one page"):
        read_document(make_pdf(tmp_path / "scan.pdf", [""]))


def test_a_docx_bomb_is_refused_before_it_is_read(tmp_path):
    path = make_docx(tmp_path / "bomb.docx", [("", "x")], extra=b"\0" * 60_000_000)
    with pytest.raises(FormatError, match="far more than a document"):
        read_document(path)


def test_a_docx_with_a_doctype_is_refused(tmp_path):
    path = make_docx(tmp_path / "a.docx", [("", "x")], prologue='<!DOCTYPE x [<!ENTITY a "aaa">]>')
    with pytest.raises(FormatError, match="DOCTYPE"):
        read_document(path)


def test_a_docx_whose_parts_overlap_is_refused(tmp_path):
    path = make_docx(tmp_path / "a.docx", [("", "some words " * 50)])
    content = bytearray(path.read_bytes())
    entries = [index for index in range(len(content)) if content[index : index + 4] == b"PK\x01\x02"]
    content[entries[-1] + 42 : entries[-1] + 46] = content[entries[0] + 42 : entries[0] + 46]
    path.write_bytes(bytes(content))
    with pytest.raises(FormatError):
        read_document(path)


def test_an_archive_that_is_no_document_is_named_for_what_it_is(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("photo.bin", "x")
    with pytest.raises(FormatError, match="ZIP archive"):
        sniff(path)


@pytest.mark.parametrize("name", ["gbk.txt", "gb18030.txt", "utf-16-le.txt", "utf-8-sig.txt"])
def test_the_same_articles_are_read_from_every_encoding(name):
    folder = shared_data("mixed-docs/txt")
    texts = {path.name.removeprefix("百科四十篇."): path for path in folder.glob("百科四十篇.*")}
    assert read_document(texts[name]).text.startswith("泡泡战士\n\n基于《跑跑卡丁车》与《泡泡堂》")


def test_bookmarks_of_a_real_pdf_become_sections():
    document = read_document(shared_data("mixed-docs/pdf/GeoTopo-komprimiert.pdf"))
    assert document.title == "Geometrie und Topologie"
    assert len(document.page_starts) == 117
    assert any(section.path[-1:] == ("3.3 Überlagerungen",) for section in document.sections)


def test_letters_of_an_arabic_ligature_stand_in_reading_order():
    text = read_document(shared_data("mixed-docs/pdf/right_to_left_01.pdf")).text
    assert text.startswith("تحسين الإنتاجية وحل المشكلات من خلال البرمجة")
    assert read_document(shared_data("mixed-docs/pdf/habibi.pdf")).text.startswith("حَبيبي")


@pytest.mark.parametrize("suffix", ["odt", "epub", "xlsx", "pptx", "rtf", "parquet"])
def test_a_file_that_is_only_named_like_a_document_is_told_so(tmp_path, suffix):
    path = tmp_path / f"notes.{suffix}"
    path.write_bytes(b"just some words\n")
    with pytest.raises(FormatError, match=f"named like an? {suffix.upper()} file but is none"):
        sniff(path)


def test_checksums_and_paths_are_not_taken_for_the_text_of_a_table(tmp_path):
    path = tmp_path / "files.csv"
    rows = "".join(f"{n},{n:064x},red box {n}\n" for n in range(3))
    path.write_text(f"number,sha,kind\n{rows}", encoding="utf-8")
    assert "kind: red box 1" in read_document(path).text


def test_chinese_sentences_are_the_text_of_a_table(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("编号,备\n" + f"1,{'水壶要用白醋除垢' * 6}\n" * 2, encoding="utf-8")
    assert "编号" not in read_document(path).text


def test_a_document_nested_without_end_is_refused_in_words(tmp_path):
    path = make_docx(tmp_path / "deep.docx", [("", "x")])
    deep = "<w:sdt><w:sdtContent>" * 5000, "</w:sdtContent></w:sdt>" * 5000
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    parts["word/document.xml"] = (
        parts["word/document.xml"].replace("<w:p>", f"{deep[0]}<w:p>").replace("</w:p>", f"</w:p>{deep[1]}")
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(FormatError, match="nested deeper than any document"):
        read_document(path)


def _table(path, content: bytes):
    path.write_bytes(content)
    rows = list(read_rows(path))
    good = [tuple(row.columns.values()) for row in rows if isinstance(row, Row)]
    return good, [(row.line, row.code) for row in rows if not isinstance(row, Row)]


def test_a_quotation_mark_that_is_never_closed_costs_its_line_alone(tmp_path):
    good, bad = _table(tmp_path / "a.csv", b'id,text\n1,"two\nlines"\n2,"never closed\n3,row\n4,"fine"\n5,"x\n6,last\n')
    assert good[0] == ("1", "two\nlines")
    assert good[-1] == ("6", "last")
    assert bad == [(7, "csv")]


def test_a_table_of_many_encodings_gives_the_rows_in_most_of_them(tmp_path):
    mixed = (
        "id,text\n1,Grüße\n2,plain\n3,more\n4,words\n".encode()
        + "5,Grüße\n".encode("cp1252")
        + "6,日本\n".encode("cp932")
    )
    good, bad = _table(tmp_path / "a.csv", mixed + "7,wide\n".encode("utf-16-le"))
    assert good[:4] == [("1", "Grüße"), ("2", "plain"), ("3", "more"), ("4", "words")]
    assert bad == [(6, "encoding"), (7, "encoding")]


def test_a_table_of_too_many_columns_is_refused(tmp_path):
    with pytest.raises(FormatError, match="20,000 columns"):
        _table(tmp_path / "a.csv", b",".join(b"c%d" % n for n in range(20_000)) + b"\n1\n")


def test_a_short_page_with_stray_zero_bytes_is_read(tmp_path):
    path = tmp_path / "a.html"
    path.write_bytes(b"<p>a\0b\0c</p>\0\0<p>end</p>")
    assert read_document(path).text.endswith("end")


def test_a_text_too_large_for_one_document_is_refused_without_reading_it(tmp_path):
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.write(b"some words\n")
        file.truncate(64 << 30)
    with pytest.raises(FormatError, match="at most 268 are read"):
        check_size(path, text=True)


@pytest.mark.parametrize("name", ["huge.csv", "huge.jsonl", "huge.txt", "huge.pdf"])
def test_a_file_of_64_gb_without_a_line_end_is_told_in_seconds(tmp_path, name):
    path = tmp_path / name
    with path.open("wb") as file:
        file.write(b"%PDF-1.7\n" if name.endswith("pdf") else b"id,text\n1,first\n")
        file.truncate(64 << 30)
    began = time.process_time()
    (found,) = scan([str(path)], ImportParams(paths=(str(path),)))
    assert found.kind == "skipped"
    assert time.process_time() - began < 5


@pytest.mark.parametrize("start", ["ID3 tags name a song.", "BZh is how it begins.", "Rar! said the raven.", "OggS"])
def test_a_text_that_begins_like_another_kind_of_file_is_a_text(tmp_path, start):
    path = tmp_path / "note.txt"
    path.write_text(f"{start} The rest of the note.", encoding="utf-8")
    assert (sniff(path), archive_kind(path)) == ("txt", "")


@pytest.mark.parametrize("content", [b"The red box. " * 100, b""])
def test_a_bzip2_file_is_known_by_its_first_block_or_its_end(tmp_path, content):
    path = tmp_path / "note.txt.bz2"
    path.write_bytes(bz2.compress(content))
    assert archive_kind(path) == "bz2"

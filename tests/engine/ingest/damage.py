"""Good small files of every kind that is read, and damaged copies of them, the same for the same seed."""

from __future__ import annotations

import gzip
import io
import json
import random
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

from tests.engine.ingest.samples import make_docx, make_pdf

WORDS = ["Descale the kettle with vinegar.", "保修期为两年。", "Größe und Maß, 100 °C", "水壶要用白醋除垢。"]
_EDGES = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF]
_TOKENS = [
    *(b"<", b">", b"&", b"]]>", b"<!--", b"<!DOCTYPE x [", b"\0", b"\xff\xfe", b"{", b"[", b'"', b"\\u", b"\\ud800"),
    *(
        b"%PDF",
        b"endobj",
        b"stream",
        b"<<",
        b">>",
        b"PK\x03\x04",
        b"NaN",
        b"-1",
        b"9" * 40,
        b"\r",
        b"\n" * 50,
        b"{\\rtf",
    ),
    *(b"=?utf-8?b?", b"Content-Type: multipart/mixed; boundary=a\n", b"\x1f\x8b", b"PAR1", b"charset=", b",,,,"),
]
ZIPPED = ("docx", "pptx", "xlsx", "odt", "epub", "zip")


def damaged(kind: str, count: int, seed: int = 1) -> Iterator[bytes]:
    """`count` damaged copies of a file of `kind`; packed kinds are half of the time damaged within a member."""
    good = SEEDS[kind]()
    choose = random.Random(f"{seed} {kind}")
    for _ in range(count):
        within = kind in ZIPPED and choose.random() < 0.6
        yield _within(good, choose) if within else _damage(good, choose)


def _damage(good: bytes, choose: random.Random) -> bytes:
    content = bytearray(good)
    for _ in range(choose.choice((1, 1, 2, 4, 16))):
        if not content:
            break
        start = choose.randrange(len(content))
        end = min(len(content), start + choose.choice((1, 4, 16, 256, 4096)))
        way = choose.randrange(8)
        if way == 0:
            content[start] ^= 1 << choose.randrange(8)
        elif way == 1:
            content[start] = choose.randrange(256)
        elif way == 2:
            del content[start:end]
        elif way == 3:
            content[start:start] = content[start:end] * choose.choice((1, 2, 50))
        elif way == 4:
            del content[start:]
        elif way == 5:
            content[start:end] = choose.randbytes(end - start)
        elif way == 6:
            content[start:start] = choose.choice(_TOKENS)
        else:
            content[start : start + 4] = struct.pack(choose.choice("<>") + "I", choose.choice(_EDGES))
    return bytes(content)


def _within(good: bytes, choose: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        parts = [(part.filename, archive.read(part)) for part in archive.infolist()]
    place = choose.randrange(len(parts))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (name, content) in enumerate(parts):
            way = choose.randrange(5) if number == place else -1
            if way == 0:
                continue
            if way == 1:
                name = _damage(name.encode(), choose).decode("latin-1").replace("\0", "_")[:200] or "x"
            archive.writestr(name, _damage(content, choose) if way > 1 else content)
    return out.getvalue()


def _written(name: str, write) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path)
        return path.read_bytes()


def _pdf() -> bytes:
    return _written("a.pdf", lambda path: make_pdf(path, ["Descale the kettle", "with vinegar", "every month"]))


def _docx() -> bytes:
    blocks = [("H1", "Care"), ("", WORDS[0]), ("H2", "保修"), ("", WORDS[1])]
    return _written("a.docx", lambda path: make_docx(path, blocks))


def _pptx() -> bytes:
    from pptx import Presentation

    shown = Presentation()
    for words in WORDS[:2]:
        slide = shown.slides.add_slide(shown.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text = "Care", words
    out = io.BytesIO()
    shown.save(out)
    return out.getvalue()


def _xlsx() -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    for number, words in enumerate(WORDS):
        book.active.append([number, words])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _parquet() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": list(range(len(WORDS))), "text": WORDS}), out)
    return out.getvalue().to_pybytes()


def _packed(parts: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def _epub() -> bytes:
    space = "urn:oasis:names:tc:opendocument:xmlns:container"
    item = '<item id="c" href="c.xhtml" media-type="application/xhtml+xml"/>'
    return _packed(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": f'<container xmlns="{space}"><rootfiles><rootfile full-path="o.opf"/></rootfiles></container>',
            "o.opf": f'<package xmlns="http://www.idpf.org/2007/opf"><manifest>{item}</manifest><spine><itemref idref="c"/></spine></package>',
            "c.xhtml": f'<html xmlns="http://www.w3.org/1999/xhtml"><body><h1>Care</h1><p>{WORDS[0]}</p></body></html>',
        }
    )


def _odt() -> bytes:
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "text", "table")
    )
    body = f'<office:text><text:h text:outline-level="1">Care</text:h><text:p>{WORDS[0]}</text:p></office:text>'
    return _packed(
        {
            "META-INF/manifest.xml": "<m/>",
            "content.xml": f"<office:document-content {spaces}><office:body>{body}</office:body></office:document-content>",
        }
    )


def _eml() -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"] = "保修", "a@example.org"
    message.set_content(WORDS[0])
    message.add_alternative(f"<p>{WORDS[1]}</p>", subtype="html")
    message.add_attachment(_pdf(), maintype="application", subtype="pdf", filename="care.pdf")
    return bytes(message)


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        member = tarfile.TarInfo("care.txt")
        member.size = len(WORDS[0])
        archive.addfile(member, io.BytesIO(WORDS[0].encode()))
    return out.getvalue()


def _flate_pdf() -> bytes:
    """With a compressed page, as real ones have."""
    words = zlib.compress(b"BT /F1 12 Tf 72 720 Td (Descale the kettle) Tj ET")
    old = b"stream\nBT /F1 12 Tf 72 720 Td (with vinegar) Tj ET\nendstream"
    return _pdf().replace(old, b"stream\n" + words + b"\nendstream").replace(b"/Length 46", b"/Filter /FlateDecode")


_PAGE = f"<!DOCTYPE html><html><head><title>Care</title></head><body><nav>Menu</nav><h1>Care</h1><p>{WORDS[0]}</p><ul><li>{WORDS[1]}<table><tr><td>{WORDS[2]}</table></ul></body></html>"
_LINES = [{"_id": str(n), "title": "Care", "text": words} for n, words in enumerate(WORDS)]

SEEDS = {
    "pdf": lambda: _pdf() + _flate_pdf(),
    "docx": _docx,
    "pptx": _pptx,
    "xlsx": _xlsx,
    "parquet": _parquet,
    "epub": _epub,
    "odt": _odt,
    "eml": _eml,
    "rtf": lambda: rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\f0 Descale\par \u20445? {\b kettle}\par}",
    "html": lambda: _PAGE.encode(),
    "md": lambda: (
        f"---\ntitle: Care\n---\n# Care\n\n{WORDS[0]}\n\n- a\n  - b\n\n| a | b |\n|---|---|\n| {WORDS[1]} | c |\n".encode()
    ),
    "rst": lambda: f"Care\n====\n\n{WORDS[0]}\n\nMore\n----\n\n{WORDS[1]}\n".encode(),
    "txt": lambda: "\n\n".join(WORDS * 5).encode("gb18030"),
    "csv": lambda: ("id,title,text\r\n" + "".join(f'{n},Care,"{words}"\r\n' for n, words in enumerate(WORDS))).encode(),
    "tsv": lambda: ("id\ttext\n" + "".join(f"{n}\t{words}\n" for n, words in enumerate(WORDS))).encode("utf-16"),
    "jsonl": lambda: "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in _LINES).encode(),
    "json": lambda: json.dumps(_LINES, ensure_ascii=False).encode(),
    "zip": lambda: _packed({"a/care.txt": WORDS[0], "b.html": _PAGE, "c.csv": "id,text\n1,words\n"}),
    "tar.gz": _tar,
    "txt.gz": lambda: gzip.compress("\n".join(WORDS).encode()),
}

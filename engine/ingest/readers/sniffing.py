"""What a file really is: its first bytes are believed before its name."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Literal

from engine.errors import FormatError
from engine.ingest.readers.opening import read_head

Kind = Literal[
    "txt", "md", "rst", "html", "pdf", "docx", "pptx", "xlsx", "odt", "epub", "rtf", "eml", "csv", "tsv", "jsonl",
    "json", "parquet",
]  # fmt: skip

FOREIGN: frozenset[Kind] = frozenset({"pdf", "docx", "html", "pptx", "xlsx", "odt", "epub", "rtf", "eml", "parquet"})
TABLES: frozenset[Kind] = frozenset({"csv", "tsv", "jsonl", "json"})

# Known by their first bytes; a file that is only named so is none.
_BY_CONTENT: tuple[Kind, ...] = ("pdf", "docx", "pptx", "xlsx", "odt", "epub", "rtf", "parquet")

# Source code, read as the text it is.
_CODE: tuple[str, ...] = (
    *(".py", ".pyi", ".js", ".mjs", ".ts", ".tsx", ".jsx", ".java", ".kt", ".scala", ".c", ".h", ".cc", ".cpp", ".hpp"),
    *(".cs", ".go", ".rs", ".rb", ".php", ".pl", ".lua", ".r", ".jl", ".swift", ".m", ".sh", ".bash", ".ps1", ".sql"),
    *(".hs", ".ml", ".ex", ".exs", ".erl", ".clj", ".dart", ".vb", ".f90", ".yaml", ".yml", ".toml", ".ini", ".cfg"),
    *(".css", ".scss", ".vue", ".svelte", ".proto", ".graphql", ".cmake", ".gradle"),
)

_SUFFIXES: dict[str, Kind] = {
    ".txt": "txt",
    ".text": "txt",
    ".log": "txt",
    ".rst": "rst",
    ".rest": "rst",
    ".tex": "txt",
    ".adoc": "txt",
    ".org": "txt",
    ".md": "md",
    ".markdown": "md",
    ".mdx": "md",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".eml": "eml",
    **{f".{kind}": kind for kind in _BY_CONTENT},
    **dict.fromkeys(_CODE, "txt"),
}

# Long enough that no text begins so: one about ID3 tags may well begin with their name.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!\x1a", "a RAR archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"SQLite format 3", "a database"),
    *((b"ID3" + bytes([version]), "a sound file") for version in (2, 3, 4)),
    (b"OggS\x00", "a sound or video file"),
    (b"%!PS", "a PostScript file"),
)

_ZIPPED: tuple[tuple[str, Kind], ...] = (
    ("xl/", "xlsx"),
    ("ppt/", "pptx"),
    ("META-INF/container.xml", "epub"),
    ("content.xml", "odt"),
)

_PAGE = re.compile(rb"^\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)


def is_known(path: Path) -> bool:
    """Whether a file found in a folder is one people mean as a document: by its suffix, or without one."""
    return path.suffix.lower() in _SUFFIXES or not path.suffix


def sniff(path: Path) -> Kind:
    """The kind of the file at `path`.

    Raises:
        FormatError: it is of a kind that is not read; says which.
    """
    head = read_head(path)
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(b"PK\x03\x04"):
        return _zipped(path)
    if head.startswith(b"{\\rtf"):
        return "rtf"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise FormatError(
            f"{path.name} is an old Office file or one with a password.", hint="Open it and save it as DOCX or PDF."
        )
    for magic, words in _MAGIC:
        if head.startswith(magic):
            raise FormatError(f"{path.name} is {words}, which is not read.", hint="Save its text as TXT, PDF or DOCX.")
    if _PAGE.match(_narrow(head[:8192])):
        return "html"
    kind = _SUFFIXES.get(path.suffix.lower(), "txt")
    if kind in _BY_CONTENT:
        raise FormatError(
            f"{path.name} is named like {'an' if kind[0] in 'oexr' else 'a'} {kind.upper()} file but is none.",
            hint="It may be damaged: get it again.",
        )
    return kind


def _zipped(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise FormatError(f"{path.name} is damaged: {error}.", hint="Get the file again.") from error
    if "word/document.xml" in names or (path.suffix.lower() == ".docx" and "[Content_Types].xml" in names):
        return "docx"
    for part, kind in _ZIPPED:
        if any(name == part or (part.endswith("/") and name.startswith(part)) for name in names):
            return kind
    raise FormatError(f"{path.name} is a ZIP archive, which is not read.", hint="Unpack it and import the folder.")


def _narrow(head: bytes) -> bytes:
    """Drop the zero bytes of UTF-16 and UTF-32, so that a page in them is seen as one."""
    for mark in (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"):
        head = head.removeprefix(mark)
    return head.replace(b"\0", b"")

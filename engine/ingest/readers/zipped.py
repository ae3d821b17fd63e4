"""Documents that are ZIP archives: refused where damaged, encrypted or made to exhaust a reader, before any is read."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

from engine.errors import FormatError, LimitError
from engine.ingest.limits import more, raised
from engine.ingest.readers.opening import check_regular

# Honest DOCX files shrink 2.5 to 10 times; a large empty table of 15 MB 411 times. A bomb of 735 kB gave 304 MB of
# text and 1.1 GB of memory in every DOCX reader.
MAX_MEMBERS = 10_000
MAX_PART = 200 * 1024 * 1024
MAX_ALL = 1024 * 1024 * 1024
RATIO_FROM = 50 * 1024 * 1024
MAX_RATIO = 200
MAX_XML = 64 * 1024 * 1024  # of one XML part: the largest that a reader with 1 GB turns into text

_DOCTYPE = re.compile(rb"<!DOCTYPE", re.IGNORECASE)
_BLOCK = 1 << 20


def check_archive(path: Path, *, doctype_of: str = "") -> None:
    """Refuse archives that are damaged, encrypted, overlapping or far larger inside than outside.

    Every part is inflated once, in blocks, and counted: the sizes an archive declares are not believed.

    Args:
        path: the archive.
        doctype_of: a kind of file (DOCX) that never has a DOCTYPE in its XML, so that one is refused; "" allows it.

    Raises:
        FormatError: says which rule was broken.
    """
    size = check_regular(path).st_size
    try:
        with zipfile.ZipFile(path) as archive:
            _check_list(path, archive.infolist())
            total = 0
            for part in archive.infolist():
                total += _check_part(path, archive, part, doctype_of)
                if total > raised(MAX_ALL) or (total > RATIO_FROM and total > raised(MAX_RATIO) * size):
                    raise _bomb(path)
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise FormatError(f"{path.name} is damaged: {error}.", hint="Get the file again.") from error


def parse_xml(path: Path, content: bytes) -> Any:  # Any: lxml ships no types
    """The root of an XML part, without entities, network or DTD.

    Raises:
        FormatError: it is no XML.
    """
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False)
    try:
        return etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FormatError(
            f"{path.name} is damaged: {error}.", hint="Open it in its program and save it anew."
        ) from error


def read_part(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    """The bytes of a part.

    Raises:
        FormatError: the archive has no such part.
    """
    try:
        return archive.read(name)
    except KeyError as error:
        raise FormatError(f"{path.name} is damaged: it has no part '{name}'.", hint="Get the file again.") from error


def _check_list(path: Path, parts: list[zipfile.ZipInfo]) -> None:
    if len(parts) > raised(MAX_MEMBERS):
        raise _bomb(path)
    end = 0
    for part in sorted(parts, key=lambda part: part.header_offset):
        if part.flag_bits & 1:
            raise FormatError(f"{path.name} asks for a password.", hint="Save a copy without one and import that.")
        if part.header_offset < end:  # overlapping parts: CVE-2024-0450
            raise _bomb(path)
        end = part.header_offset + part.compress_size


def _check_part(path: Path, archive: zipfile.ZipFile, part: zipfile.ZipInfo, doctype_of: str) -> int:
    """The number of bytes the part really has."""
    markup = part.filename.endswith((".xml", ".rels"))
    count = 0
    tail = b""
    with archive.open(part) as stream:
        while block := stream.read(_BLOCK):
            count += len(block)
            if count > raised(MAX_XML if markup else MAX_PART):
                raise _bomb(path)
            # A DOCTYPE is how entity bombs and foreign files come in. UTF-16 hides it in zeros.
            if markup and doctype_of and _DOCTYPE.search((tail + block).replace(b"\0", b"")):
                raise FormatError(
                    f"{path.name} holds a DOCTYPE, which no {doctype_of} file may.", hint="Do not trust this file."
                )
            tail = block[-32:]
    return count


def _bomb(path: Path) -> LimitError:
    return LimitError(
        f"{path.name} unpacks to far more than a document holds.",
        hint=f"Do not trust it. {more('split it into parts')}",
    )

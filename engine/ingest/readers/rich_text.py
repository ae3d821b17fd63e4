"""RTF: its text, paragraphs as they stand."""

from __future__ import annotations

import re
from pathlib import Path

from engine.errors import FormatError
from engine.ingest.document import Outline, ReadDocument
from engine.ingest.readers.opening import read_whole

_TITLE = re.compile(r"\{\\title ([^{}\\]{1,400})\}")
_MOST_BYTES = 64 * 1024 * 1024  # striprtf keeps the whole file and its text several times


def read_rtf(path: Path) -> ReadDocument:
    """One section of paragraphs, pictures left out.

    Raises:
        FormatError: damaged, too large, or without text.
    """
    from striprtf.striprtf import rtf_to_text

    content = read_whole(path)
    if len(content) > _MOST_BYTES:
        raise FormatError(f"{path.name} is larger than {_MOST_BYTES / 1e6:,.0f} MB.", hint="Save it as DOCX.")
    source = content.decode("latin-1")  # RTF is ASCII; other letters stand in it as numbers with their code page
    try:
        text = str(rtf_to_text(source, errors="replace"))  # type: ignore[no-untyped-call]
    except (ValueError, KeyError, IndexError, LookupError, RecursionError) as error:
        raise FormatError(f"{path.name} is a damaged RTF file.", hint="Open it in Word and save it as DOCX.") from error
    outline = Outline()
    for paragraph in text.split("\n"):
        outline.paragraph(paragraph)
    if outline.is_empty:
        raise FormatError(f"{path.name} holds no text.", hint="Nothing can be imported from it.")
    titled = _TITLE.search(source)
    return outline.build(titled.group(1) if titled else path.stem, "rtf")

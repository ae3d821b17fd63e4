"""E-mail (.eml): subject, people, body; attached documents follow under their names."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from email import policy
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from pathlib import Path

from engine.errors import FormatError, SearchsmithError
from engine.ingest.document import Outline, ReadDocument
from engine.ingest.readers.opening import read_whole
from engine.ingest.readers.web import fill_from_html

_MOST_PARTS = 500
_DEEPEST = 3
_NO_SUFFIX = re.compile(r"[^\w.]")
_HEADS = ("From", "To", "Cc", "Date")

Beat = Callable[[], None]


def read_eml(path: Path, beat: Beat = lambda: None) -> ReadDocument:
    """The message and what is attached to it; what cannot be read of the latter is named as not read.

    Raises:
        FormatError: it is no message, or has no text.
    """
    message = BytesParser(policy=policy.default).parsebytes(read_whole(path))
    outline = Outline()
    subject = _head(message, "Subject")
    _message(outline, message, path, beat, depth=0)
    if not message.keys() or outline.is_empty:
        raise FormatError(f"{path.name} holds no message.", hint="Save it from the mail program as EML again.")
    return outline.build(subject or path.stem, "eml")


def _message(outline: Outline, message: EmailMessage, path: Path, beat: Beat, depth: int) -> None:
    heads = [f"{name}: {value}" for name in _HEADS if (value := _head(message, name))]
    outline.paragraph("\n".join(heads))
    body = message.get_body(preferencelist=("plain", "html"))
    if body is not None:
        text = _content(body)
        if body.get_content_subtype() == "html":
            fill_from_html(outline, text)
        else:
            outline.paragraph(text)
    for number, part in enumerate(message.iter_attachments()):
        beat()
        if number >= _MOST_PARTS:
            outline.paragraph(f"[only the first {_MOST_PARTS} attachments were read]")
            return
        _attachment(outline, part, path, beat, depth)


def _attachment(outline: Outline, part: MIMEPart, path: Path, beat: Beat, depth: int) -> None:
    if part.get_content_type() == "message/rfc822" and depth < _DEEPEST:
        inner = part.get_payload(0) if part.is_multipart() else None
        if isinstance(inner, EmailMessage):
            outline.heading(1, _head(inner, "Subject") or "Message")
            _message(outline, inner, path, beat, depth + 1)
        return
    name = Path((part.get_filename() or "").replace("\\", "/")).name
    content = part.get_payload(decode=True)
    if not name or not isinstance(content, bytes) or not content or part.get_content_maintype() == "image":
        return
    from engine.ingest.readers.reading import read_document

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / f"attached{_NO_SUFFIX.sub('', Path(name).suffix)[:12]}"
        place.write_bytes(content)
        try:
            attached = read_document(place, beat=beat)
        except SearchsmithError as error:
            outline.paragraph(f"[the attachment {name} was not read: {error.message.replace(place.name, name)}]")
            return
    outline.heading(1, name)
    for section in attached.sections:
        outline.heading(2, " > ".join(section.path))
        outline.paragraph(attached.text[section.start : section.end])


def _content(part: MIMEPart) -> str:
    """A text part's words; a charset that Python does not know is read as Latin-1."""
    try:
        return str(part.get_content())
    except (LookupError, ValueError, UnicodeError):
        content = part.get_payload(decode=True)
        return content.decode("latin-1") if isinstance(content, bytes) else ""


def _head(message: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(message.get(name) or "").split())
    except (ValueError, IndexError, AttributeError, UnicodeError):  # a header that its parser cannot take apart
        return ""

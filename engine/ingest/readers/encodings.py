"""From bytes to text: byte order marks first, then UTF-8, then what the bytes themselves suggest."""

from __future__ import annotations

import codecs
import re

from engine.errors import FormatError

# The candidates in the order of how often people still have such files; a free choice among all of Python's codecs
# takes cp775 for French and cp1250 for German (measured on real files with charset-normalizer 3.5).
LEGACY = (
    "gb18030",
    "big5",
    "cp932",
    "euc_jp",
    "euc_kr",
    "cp1252",
    "cp1251",
    "koi8_r",
    "cp866",
    "iso8859_2",
    "iso8859_15",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "cp874",
)

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 64 * 1024
_FEW = 32  # as many odd characters (each control character once) make no file binary by themselves
_ODD = re.compile("[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\ufffd]")
# Of good characters beyond ASCII; text in other encodings read as UTF-8 has 2.7 broken ones or more to a good one
# (Chinese, Japanese, Korean, Cyrillic, Greek, Thai and Western texts of mixed-docs).
_BROKEN_SHARE = 0.3
_DAMAGED_SHARE = 0.1  # of all characters; above it a text counts as binary
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.IGNORECASE)
_XML = re.compile(rb"""^<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_.:-]{2,40})""")


def decode(content: bytes, name: str, *, declared: str = "") -> str:
    """The text in `content`; `declared` is what the file says of itself, tried after UTF-8.

    Raises:
        FormatError: the bytes are no text in any known encoding.
    """
    encoding = detect(content, declared=declared)
    if not encoding:
        raise FormatError(f"{name} is no text.", hint="Save it as UTF-8 text, or as PDF, DOCX or HTML.")
    text = content.decode(encoding, "replace")
    if _is_binary(text):
        raise FormatError(f"{name} holds binary content, not text.", hint="Choose the document it was made from.")
    return text


def detect(content: bytes, *, declared: str = "") -> str:
    """The name of the codec that reads `content`, or "" where none does. A head of the file is enough."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return encoding
    if wide := _wide_without_mark(content):
        return wide
    if _is_utf8(content):
        return "utf-8"
    if declared and _reads(content, declared):
        return declared
    return _guess(content) or ("utf-8" if _is_mostly_utf8(content) else "")


def declared_in_html(content: bytes) -> str:
    """The encoding that a page names in its own head, "" where it names none that Python knows."""
    found = _XML.search(content[:1024]) or _META.search(content[:4096])
    if not found:
        return ""
    name = found.group(1).decode("ascii").lower()
    # Browsers read these two as their supersets (WHATWG Encoding Standard); UTF-16 cannot be named in ASCII bytes.
    name = {"gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "iso-8859-1": "cp1252"}.get(name, name)
    if name.startswith("utf-16"):
        return ""
    try:
        return codecs.lookup(name).name if codecs.lookup(name)._is_text_encoding else ""
    except LookupError:
        return ""


def _wide_without_mark(content: bytes) -> str:
    """UTF-16 or UTF-32 without a mark; text in them has zero bytes, which no other encoding's text has."""
    sample = content[:4096]
    if len(sample) < 4 or b"\0" not in sample:
        return ""
    zeros = [sample[offset::4].count(0) / len(sample[offset::4]) for offset in range(4)]
    if len(content) % 4 == 0 and zeros[3] > 0.9 and zeros[2] > 0.9 and zeros[0] < 0.5:
        return "utf-32-le"
    if len(content) % 4 == 0 and zeros[0] > 0.9 and zeros[1] > 0.9 and zeros[3] < 0.5:
        return "utf-32-be"
    likely = {encoding: _letters(sample, encoding) for encoding in ("utf-16-le", "utf-16-be")}
    best = max(likely, key=lambda encoding: likely[encoding])
    return best if likely[best] > 0.9 else ""


def _letters(sample: bytes, encoding: str) -> float:
    """The share of characters in scripts that people write; wrong byte order gives private and unassigned ones."""
    try:
        text = sample[: len(sample) // 2 * 2].decode(encoding, "strict")
    except UnicodeDecodeError as error:
        if error.start < len(sample) - 4:
            return 0.0
        text = sample[: error.start].decode(encoding)
    good = sum(
        "\x20" <= char < "\u0600"
        or char in "\t\r\n"
        or "\u2010" <= char < "\u2040"
        or "\u3000" <= char < "\u30ff"
        or "\u4e00" <= char < "\ua000"
        or "\uac00" <= char < "\ud7a4"
        or "\uff00" <= char < "\uff65"
        for char in text
    )
    # ASCII read with the wrong byte order lands among rare Han characters; real text has blanks, line ends or stops.
    common = sum(char in " \n，。、的" for char in text)
    return good / max(1, len(text)) if common else 0.0


def _is_utf8(content: bytes) -> bool:
    """UTF-8 in spite of a few broken characters: one stray byte must not turn a whole file into another script."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("utf-8", "replace")
        broken = text.count("\ufffd")
        whole = sum(char > "\x7f" for char in text) - broken
        return broken <= _BROKEN_SHARE * whole
    return True


def _is_mostly_utf8(content: bytes) -> bool:
    """Where no encoding fits, a damaged stretch: what is around it is read, the stretch becomes replacement marks."""
    text = content[: 16 * _SAMPLE].decode("utf-8", "replace")
    return "\0" not in text and text.count("\ufffd") <= _DAMAGED_SHARE * len(text)


def _reads(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start >= len(content) - 4 and error.start > 0
    return True


def _guess(content: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(content[:_SAMPLE], cp_isolation=list(LEGACY)).best()
    if best is None and len(content) > _SAMPLE:
        best = from_bytes(content[: _SAMPLE - 1], cp_isolation=list(LEGACY)).best()
    if best is not None:
        return best.encoding
    # Short texts give too little to judge by; Western bytes without control characters are the likeliest.
    controls = sum(byte < 32 and byte not in b"\t\n\r\x0c\x1b" for byte in content[:_SAMPLE])
    return "cp1252" if controls == 0 and _reads(content, "cp1252") else ""


def _is_binary(text: str) -> bool:
    sample = text[:_SAMPLE]
    odd = len(_ODD.findall(sample))
    return odd > 0.1 * len(sample) and odd > _FEW

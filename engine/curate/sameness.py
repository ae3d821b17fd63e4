"""When two texts are the same text: letter case, width, accents' spelling, punctuation and blanks do not count."""

from __future__ import annotations

import re
import unicodedata

# Vowel signs and combining accents belong to their letters, though Python's \w leaves them out.
_MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0dff\u0e00-\u0eff"
    "\u1000-\u109f\u1780-\u17ff"
)
_BETWEEN = re.compile(rf"(?:_|[^\w{_MARKS}])+")
_APOSTROPHES = re.compile(r"(?<=\w)['’ʼ`´](?=\w)")
_SIGNS = re.compile(r"[+#%°$€£¥<>=±√∑∫∂∇≤≥≠]")
_WORDS = re.compile(r"[\u3005-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\s\u3005-\u30ff\u3400-\u9fff\uac00-\ud7af]+")


def normal_text(text: str) -> str:
    """What is left of a text when its form is taken away: lower-case words, one blank between them.

    Signs that carry meaning (`C++` and `C#`, `<` and `>`) stay; a text of other signs alone stays as it is.
    """
    plain = _APOSTROPHES.sub("", unicodedata.normalize("NFKC", text).casefold())
    words = _BETWEEN.sub(" ", _SIGNS.sub(lambda sign: f" sign{ord(sign[0])} ", plain)).strip()
    return words or plain.strip()


def words_of(normal: str) -> list[str]:
    """The words of a normal text; each Chinese, Japanese or Korean character counts as one."""
    return _WORDS.findall(normal)

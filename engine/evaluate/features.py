"""What can be told of a query before anything ranks for it: length, words shared with its answer, language."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_TOLD_BY = 200  # characters of the answer: with them all 603 queries of the sample are English, alone 581
_FEWEST_LETTERS = 20  # of query and answer together, below which a language would be a guess
_SHARED_SCRIPTS = {"Latin letters", "Cyrillic", "Arabic", "Devanagari"}
_LANGUAGES = {
    "af": "Afrikaans",
    "ar": "Arabic",
    "be": "Belarusian",
    "bg": "Bulgarian",
    "bs": "Bosnian",
    "ca": "Catalan",
    "cs": "Czech",
    "cy": "Welsh",
    "da": "Danish",
    "de": "German",
    "en": "English",
    "eo": "Esperanto",
    "es": "Spanish",
    "et": "Estonian",
    "eu": "Basque",
    "fa": "Persian",
    "fi": "Finnish",
    "fr": "French",
    "ga": "Irish",
    "gl": "Galician",
    "hi": "Hindi",
    "hr": "Croatian",
    "hu": "Hungarian",
    "id": "Indonesian",
    "is": "Icelandic",
    "it": "Italian",
    "kk": "Kazakh",
    "la": "Latin",
    "lt": "Lithuanian",
    "lv": "Latvian",
    "mk": "Macedonian",
    "mr": "Marathi",
    "ms": "Malay",
    "mt": "Maltese",
    "ne": "Nepali",
    "nl": "Dutch",
    "nn": "Norwegian",
    "no": "Norwegian",
    "pl": "Polish",
    "ps": "Pashto",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sk": "Slovak",
    "sl": "Slovene",
    "sq": "Albanian",
    "sr": "Serbian",
    "sv": "Swedish",
    "sw": "Swahili",
    "tl": "Tagalog",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "uz": "Uzbek",
    "vi": "Vietnamese",
}
_SCRIPTS = {
    "CJK": "Chinese",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "HANGUL": "Korean",
    "LATIN": "Latin letters",
    "CYRILLIC": "Cyrillic",
    "GREEK": "Greek",
    "ARABIC": "Arabic",
    "HEBREW": "Hebrew",
    "THAI": "Thai",
    "DEVANAGARI": "Devanagari",
}


@dataclass(frozen=True, slots=True)
class Features:
    """Of n queries.

    Attributes:
        words: (n,) int32 words as BM25 counts them; pairs of characters in Chinese, Japanese, Korean and Thai.
        overlap: (n,) float32 share (0..1) of a query's distinct words that stand in the best of its answers.
        language: n names of languages.
    """

    words: npt.NDArray[np.int32]
    overlap: npt.NDArray[np.float32]
    language: list[str]


def features_of(queries: Sequence[str], answers: Sequence[Sequence[str]], texts: Sequence[str]) -> Features:
    """Features of queries with their answers' texts; `texts` is the corpus, from which the language is told."""
    from engine.mine.words import Analyzer

    analyzer = Analyzer.for_texts(texts)
    cut = [analyzer(query) for query in queries]
    shares = [
        max((len(set(words) & set(analyzer(answer))) for answer in found), default=0) / max(len(set(words)), 1)
        for words, found in zip(cut, answers, strict=True)
    ]
    return Features(
        np.array([len(words) for words in cut], np.int32),
        np.array(shares, np.float32),
        [language_of(query, found[0] if found else "") for query, found in zip(queries, answers, strict=True)],
    )


def language_of(query: str, answer: str = "") -> str:
    """A query's language, told by its script and, where languages share that, by its words with those of its answer.

    The name of the script where there are too few letters to tell, "none" without letters.
    """
    script = script_of(query)
    text = f"{query} {answer[:_TOLD_BY]}" if script_of(answer) == script else query
    if script not in _SHARED_SCRIPTS or sum(letter.isalpha() for letter in text) < _FEWEST_LETTERS:
        return script
    import py3langid

    code = str(py3langid.classify(text)[0])
    return _LANGUAGES.get(code, script)


def script_of(text: str) -> str:
    """The script of most of a text's letters; Japanese wherever kana stand in it, "none" without letters."""
    counts: Counter[str] = Counter()
    for letter in text:
        if letter.isalpha():
            first = unicodedata.name(letter, "").split(" ", 1)[0].split("-")[0]
            counts[_SCRIPTS.get(first, first.capitalize())] += 1
    if counts["Japanese"]:
        return "Japanese"
    return counts.most_common(1)[0][0] if counts else "none"

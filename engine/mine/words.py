"""Cut texts into the words BM25 counts: stemmed by language, Chinese in pairs, identifiers whole and in parts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache

_HAN = "\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KANA = "\u3040-\u30ff\u31f0-\u31ff"
_HANGUL = "\u1100-\u11ff\uac00-\ud7af"
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer: no blank between words
# `\w` leaves out the vowel signs of Indic scripts and combining accents, which would cut words in pieces.
_JOINED = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u0dff"
_NO_WORDS = f"{_HAN}{_KANA}{_HANGUL}{_UNSPACED}"
_RUNS = re.compile(rf"[{_HAN}{_KANA}]+|[{_HANGUL}]+|[{_UNSPACED}]+|(?:(?![{_NO_WORDS}])[\w{_JOINED}])+")
_ASCII_RUNS = re.compile(r"\w+")
_UNSPACED_RUN = re.compile(rf"[{_NO_WORDS}]")
_HUMP = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]{2}")
_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^\W_A-Za-z0-9]+")

# The dozen most frequent function words that the languages do not share; enough to tell a corpus, not a sentence.
_FUNCTION_WORDS = {
    "english": "the of and to is that it for was with on are this which what how",
    "german": "der die und das ist nicht ein eine mit den von auf für wie wird sich",
    "french": "le les des est une dans pour que qui du pas sur au avec comment sont",
    "spanish": "el los las una por con para que del es como se su lo cómo qué",
    "italian": "il di che è per una sono della con non gli come nel alla dei più",
    "portuguese": "o os uma não para com do da em que por como mais dos no na",
    "dutch": "het een van en niet dat op te voor zijn met hoe wordt aan deze bij",
    "swedish": "och att det som en är av för på med den inte till hur om var",
    "danish": "og at det er en af til på med den ikke for hvordan der som fra",
    "norwegian": "og det er en av til på med ikke som hvordan jeg fra har om vi",
    "finnish": "ja on ei se että oli hän mutta myös kuin joka sen ovat miten tai mitä",
    "polish": "i w nie na się jest to z do że jak po od za dla czy",
    "czech": "je se na že v jak pro ale jsou od nebo byl jako by za co",
    "romanian": "și este în nu pe cu din care pentru la mai sau ce cum sunt unui",
    "hungarian": "a az és nem hogy egy is van meg csak mint volt ez vagy hogyan de",
    "turkish": "ve bir bu için ile da ne nasıl olarak daha çok gibi olan var mı en",
}
_STEMMER_OF_SCRIPT = {
    "CYRILLIC": "russian",
    "GREEK": "greek",
    "ARABIC": "arabic",
    "ARMENIAN": "armenian",
    "DEVANAGARI": "hindi",
    "TAMIL": "tamil",
}


class Analyzer:
    """Cuts texts into words, always in the same way for passages and queries.

    Args:
        language: the stemmer of words in Latin letters, a name PyStemmer knows; "" stems none.
            Other scripts bring their own stemmer; Chinese, Japanese, Korean and Thai are cut into pairs of characters.
    """

    def __init__(self, language: str = "english") -> None:
        self.language = language
        self._words: dict[str, tuple[str, ...]] = {}

    @classmethod
    def for_texts(cls, texts: Sequence[str]) -> Analyzer:
        """An analyzer for the language that most of `texts` are written in, English where none is told."""
        return cls(guess_language(texts))

    def __call__(self, text: str) -> list[str]:
        """The words of `text` in reading order, repeats included."""
        if text.isascii():
            runs: list[str] = _ASCII_RUNS.findall(text)
        else:
            runs = _RUNS.findall(unicodedata.normalize("NFKC", text))
        known = self._words
        words: list[str] = []
        for run in runs:
            cut = known.get(run)
            if cut is None:
                cut = self._cut(run)
                # Runs of unspaced scripts are whole sentences: keeping them would only fill the memory.
                if len(run) <= 30 and not _UNSPACED_RUN.match(run):
                    known[run] = cut
            words.extend(cut)
        return words

    def _cut(self, run: str) -> tuple[str, ...]:
        if _UNSPACED_RUN.match(run):
            return tuple(_pairs(run))
        whole = self._stem(run.lower())
        if "_" not in run.strip("_") and not _HUMP.search(run):
            return (whole,)
        parts = _PARTS.findall(run)
        return (whole, *(self._stem(part.lower()) for part in parts)) if len(parts) > 1 else (whole,)

    def _stem(self, word: str) -> str:
        word = word.strip("_") or word
        language = self.language if word[0] < "\u0370" else _script_language(word[0])
        return _stemmer(language)(word) if language else word


def guess_language(texts: Sequence[str]) -> str:
    """The language most of `texts` are written in, told by its function words; English where none stands out.

    Reads at most 500 texts, spread evenly, so that it does not depend on how a corpus begins.
    """
    step = max(1, len(texts) // 500)
    words: list[str] = []
    for text in texts[::step]:
        words += re.findall(r"[^\W\d_]+", text[:2000].lower())
    counts = dict.fromkeys(_FUNCTION_WORDS, 0)
    sets = {language: frozenset(line.split()) for language, line in _FUNCTION_WORDS.items()}
    for word in words:
        for language, known in sets.items():
            counts[language] += word in known
    best = max(counts, key=lambda language: counts[language])
    return best if counts[best] > counts["english"] else "english"


def _pairs(run: str) -> list[str]:
    """All pairs of neighbouring characters: better than words on Chinese (docs/decisions/003-bm25-default.md)."""
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


@cache
def _stemmer(language: str) -> Callable[[str], str]:
    import Stemmer

    stem: Callable[[str], str] = Stemmer.Stemmer(language).stemWord
    return stem


@cache
def _script_language(letter: str) -> str:
    script = unicodedata.name(letter, "").split(" ")[0]
    return _STEMMER_OF_SCRIPT.get(script, "")


def is_single(word: str) -> bool:
    """Whether `word` is one character of a script that is cut into pairs."""
    return len(word) == 1 and _UNSPACED_RUN.match(word) is not None

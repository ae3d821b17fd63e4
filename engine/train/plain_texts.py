"""Learning without labels: batches made of the corpus alone, with words left out or a piece cut out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

import numpy as np

from engine.errors import UserError
from engine.objectives import OBJECTIVES
from engine.params import TrainParams
from engine.store.documents import corpus
from engine.store.kept import NOTHING_KEPT, Kept, names_of, rows_named
from engine.store.project import Project
from engine.store.scores import FEWEST_TEXTS
from engine.train.examples import Batch

# Scripts written without blanks are taken apart by letters; everything else by words.
_LETTER = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0e7f]|[^\s\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0e7f]+"
)
_SHORTEST_PIECE, _LONGEST_PIECE = 0.1, 0.5


class TextSource:
    """Every distinct passage once an epoch, in seeded order; those that `kept` has of a run, where it has some.

    Raises:
        UserError: the corpus has next to no passages.
    """

    def __init__(self, project: Project, params: TrainParams, *, kept: Kept = NOTHING_KEPT) -> None:
        self.corpus = corpus(project)
        self._params = params
        known = rows_named(self.corpus, kept.value("train") or ())
        self._rows = known or list({name: row for row, name in enumerate(self.corpus.hashes)}.values())
        if not known:
            kept.keep("train", names_of(self.corpus, self._rows))
        self.classes, self.n_queries, self.n_negatives = 0, len(self._rows), 0
        if len(self._rows) < FEWEST_TEXTS:
            title = OBJECTIVES[params.objective].title
            raise UserError(
                f"'{title}' learns from passages, and the corpus has {len(self._rows)}.", hint="Import documents first."
            )
        names = sorted(self.corpus.hashes[row] for row in self._rows)
        self.digest = hashlib.blake2b("\n".join(names).encode(), digest_size=16).hexdigest()

    def steps_per_epoch(self) -> int:
        return max(1, len(self._rows) // self._params.batch_size)

    def batches(self, start: int = 0) -> Iterator[Batch]:
        """From step `start` for ever; the same for the same seed and corpus."""
        steps, size = self.steps_per_epoch(), self._params.batch_size
        while True:
            epoch, step = divmod(start, steps)
            order = np.random.default_rng([self._params.seed, epoch, 7]).permutation(len(self._rows))
            rows = [self._rows[int(i)] for i in order[step * size : (step + 1) * size]]
            rng = np.random.default_rng([self._params.seed, start, 8])
            yield self._batch([self.corpus.texts[row] for row in rows], rng)
            start += 1

    def _batch(self, texts: list[str], rng: np.random.Generator) -> Batch:
        params, nothing = self._params, np.zeros((len(texts), 0), np.bool_)
        if params.objective == "mlm":
            return Batch(texts, [], nothing, asked="passage")
        if params.objective == "tsdae":
            noisy = [leave_out_words(text, params.noise, rng) for text in texts]
            return Batch(noisy, [], nothing, originals=tuple(texts), asked="passage")
        blocked = np.zeros((len(texts), len(texts)), np.bool_)
        if params.objective == "simcse":
            return Batch(texts, texts, blocked, asked="passage")
        pieces = [leave_out_words(cut_piece(text, rng), params.noise, rng) for text in texts]
        return Batch(pieces, texts, blocked)


def leave_out_words(text: str, share: float, rng: np.random.Generator) -> str:
    """The text without `share` of its words, at least one left (TSDAE's noise)."""
    words = _LETTER.findall(text)
    if not words:
        return text
    kept = rng.random(len(words)) >= share
    if not kept.any():
        kept[int(rng.integers(len(words)))] = True
    return _joined([word for word, keep in zip(words, kept, strict=True) if keep])


def cut_piece(text: str, rng: np.random.Generator) -> str:
    """A run of neighbouring words, 10 to 50 % of the text, at least three words."""
    words = _LETTER.findall(text)
    size = max(3, round(len(words) * float(rng.uniform(_SHORTEST_PIECE, _LONGEST_PIECE))))
    start = int(rng.integers(0, max(1, len(words) - size + 1)))
    return _joined(words[start : start + size]) or text


def _joined(words: Sequence[str]) -> str:
    """Words with blanks between them, letters of scripts without blanks side by side."""
    line = ""
    for word in words:
        close = line and len(word) == 1 and ord(word) > 0x0E00 and ord(line[-1]) > 0x0E00
        line += word if not line or close else f" {word}"
    return line

"""A vocabulary learnt from texts of any script, and the smaller parts that its tokens share with each other."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from engine.task import Task
from engine.train.doubling import doubling

if TYPE_CHECKING:
    from scipy.sparse import csr_array

UNKNOWN = "[UNK]"
# Scripts without blanks whose single characters carry meaning: read as overlapping pairs, as BM25 reads them.
_PAIRED = r"[\p{Han}\p{Hiragana}\p{Katakana}々ー]"
# What the tokenizer may not join: two different paired characters, one, a run of other letters, any other sign.
_RUNS = rf"({_PAIRED})(?!\1){_PAIRED}|{_PAIRED}|(?:(?!{_PAIRED})\w)+|[^\w\s]"
_DENSE = re.compile(r"[\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LETTER_PARTS = (3, 4)
_LONGEST = 16  # characters a token
_MOST_CHARACTERS = 8_000_000  # read to learn a vocabulary; texts beyond are passed over evenly
_BLOCK = 1000

Floats = npt.NDArray[np.float32]


def learn_tokenizer(texts: Sequence[str], size: int, task: Task) -> Any:  # Any: a tokenizers.Tokenizer
    """A tokenizer of at most `size` tokens for these texts, lower case.

    Byte-pair merges inside words; Chinese and Japanese as single characters and overlapping pairs, which find a third
    more than words of a learnt vocabulary do (docs/decisions). The same texts in the same order give the same one.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

    chosen = _sample(texts)
    paired = {character for text in chosen for character in _DENSE.findall(unicodedata.normalize("NFKC", text))}
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
    steps = [normalizers.NFKC(), normalizers.Lowercase(), *([doubling(paired)] if paired else [])]
    tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_RUNS), "removed", invert=True)
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[UNKNOWN],
        show_progress=False,
        min_frequency=2,
        max_token_length=_LONGEST,
    )
    tokenizer.train_from_iterator(_reported(chosen, task), trainer, length=len(chosen))
    return tokenizer


def _sample(texts: Sequence[str]) -> Sequence[str]:
    """All texts, or evenly chosen ones of at most `_MOST_CHARACTERS`."""
    return texts[:: max(1, -(-sum(map(len, texts)) // _MOST_CHARACTERS))]


def _reported(texts: Sequence[str], task: Task) -> Iterator[list[str]]:
    for start in range(0, len(texts), _BLOCK):
        task.progress("learn a vocabulary", start, len(texts))
        yield list(texts[start : start + _BLOCK])


def count_tokens(tokenizer: Any, texts: Sequence[str], task: Task, stage: str) -> csr_array:
    """How often each token stands in each text: (n_texts, n_tokens) float32; unknown ones are not counted."""
    from scipy.sparse import csr_array

    lengths: list[int] = []
    flat: list[npt.NDArray[np.int32]] = []
    unknown = tokenizer.token_to_id(UNKNOWN)
    for start in range(0, len(texts), _BLOCK):
        task.progress(stage, start, len(texts))
        for encoded in tokenizer.encode_batch_fast(list(texts[start : start + _BLOCK]), add_special_tokens=False):
            ids = np.array(encoded.ids, np.int32)
            known = ids[ids != unknown] if unknown is not None else ids
            lengths.append(len(known))
            flat.append(known)
    task.progress(stage, len(texts), len(texts))
    ends = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    ids = np.concatenate(flat) if flat else np.empty(0, np.int32)
    counts = csr_array(
        (np.ones(len(ids), np.float32), ids, ends), shape=(len(texts), tokenizer.get_vocab_size(with_added_tokens=True))
    )
    counts.sum_duplicates()
    return counts


@dataclass(frozen=True, slots=True)
class Parts:
    """What tokens are made of (as fastText's subwords, arXiv:1607.04606): each is itself and the parts inside it.

    A text is the sum of its tokens, so a token's row may be stored as the sum of its parts' vectors, and texts that
    share no token but a part of one still meet.

    Attributes:
        names: of the parts.
        matrix: (n_tokens, n_parts) float32, how often each part stands in each token.
    """

    names: tuple[str, ...]
    matrix: csr_array

    @classmethod
    def of(cls, tokens: Sequence[str], most: int) -> Parts:
        """The parts of `tokens` (by id): every token is one, and of the rest those that most tokens share."""
        from scipy.sparse import csr_array

        inner = [list(_inner(token)) for token in tokens]
        shared: dict[str, int] = {}
        for parts in inner:
            for part in set(parts):
                shared[part] = shared.get(part, 0) + 1
        whole = {token: place for place, token in enumerate(tokens)}
        others = sorted((p for p, n in shared.items() if n > 1 and p not in whole), key=lambda p: (-shared[p], p))
        places = whole | {part: len(whole) + i for i, part in enumerate(others[: max(0, most - len(whole))])}
        rows = [
            [places[token], *(places[part] for part in parts if part in places)]
            for token, parts in zip(tokens, inner, strict=True)
        ]
        ends = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64)])
        flat = np.fromiter((place for row in rows for place in row), np.int32)
        matrix = csr_array((np.ones(len(flat), np.float32), flat, ends), shape=(len(tokens), len(places)))
        matrix.sum_duplicates()
        return cls(tuple(places), matrix)


def token_names(tokenizer: Any) -> list[str]:
    """All tokens in the order of their ids."""
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    return sorted(vocabulary, key=vocabulary.__getitem__)


def _inner(token: str) -> Iterable[str]:
    """Proper parts of a token: single characters of a pair, else each three or four letters."""
    for size in (1,) if _DENSE.search(token) else _LETTER_PARTS:
        if size < len(token):
            yield from (token[i : i + size] for i in range(len(token) - size + 1))

"""A vocabulary learnt from texts of any script, and the smaller parts that its tokens share with each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from engine.task import Task

UNKNOWN = "[UNK]"
# A run of one script: Han, kana, other letters and digits; any other sign stands alone.
_RUNS = r"[\p{Han}々]+|[\p{Hiragana}\p{Katakana}ー]+|[^\W\p{Han}\p{Hiragana}\p{Katakana}]+|[^\w\s]"
# Scripts whose single characters carry meaning; of the others only parts of three letters and more do.
_DENSE_SCRIPT = re.compile(r"[\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_DENSE_PARTS = (1, 2)
_LETTER_PARTS = (3, 4)
_LONGEST = 16  # characters a token
_MOST_CHARACTERS = 8_000_000  # read to learn a vocabulary; texts beyond are passed over evenly
_BLOCK = 1000

Floats = npt.NDArray[np.float32]


def learn_tokenizer(texts: Sequence[str], size: int, task: Task) -> Any:  # Any: a tokenizers.Tokenizer
    """A tokenizer of at most `size` tokens for these texts: byte-pair merges inside runs of one script, lower case.

    Byte-pair merges are a tenth of the work of a unigram vocabulary, and search is no worse with them (measured on
    Chinese questions). The same texts in the same order give the same tokenizer.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_RUNS), "removed", invert=True)
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[UNKNOWN],
        show_progress=False,
        min_frequency=2,
        max_token_length=_LONGEST,
    )
    tokenizer.train_from_iterator(_sample(texts, task), trainer, length=len(texts))
    return tokenizer


def _sample(texts: Sequence[str], task: Task) -> Iterator[list[str]]:
    """Blocks of texts, all or evenly chosen ones up to `_MOST_CHARACTERS`."""
    step = max(1, -(-sum(map(len, texts)) // _MOST_CHARACTERS))
    chosen = texts[::step]
    for start in range(0, len(chosen), _BLOCK):
        task.progress("learn a vocabulary", start, len(chosen))
        yield list(chosen[start : start + _BLOCK])


def count_tokens(tokenizer: Any, texts: Sequence[str], task: Task, stage: str) -> csr_array:
    """How often each token stands in each text: (n_texts, n_tokens) float32; unknown ones are not counted."""
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
    """Proper parts of a token: characters and pairs of a dense script, else three or four letters."""
    sizes = _DENSE_PARTS if _DENSE_SCRIPT.search(token) else _LETTER_PARTS
    for size in sizes:
        if size < len(token):
            yield from (token[i : i + size] for i in range(len(token) - size + 1))

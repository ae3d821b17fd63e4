"""Gives a base model the characters it lacks: new tokens from the corpus, their rows made of what the model knows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from engine.encode.folders import read_facts
from engine.encode.models import load_checked
from engine.errors import UserError
from engine.task import Task
from engine.train.bags import idf_of
from engine.train.pieces import count_tokens

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_TWICE = 2  # a character that stands once teaches nothing
_SENSES = 128  # numbers that say with what a token stands together
_NEIGHBOURS = 8
_SHARPNESS = 10.0
_BLOCK = 1000

Floats = npt.NDArray[np.float32]


def grow_vocabulary(folder: Path, texts: Sequence[str], most: int, task: Task) -> tuple[Any, int]:
    """The model in `folder` with the characters of `texts` that it does not know; (SentenceTransformer, how many).

    A new row is the mean of the rows of the known tokens that stand in the same passages, the nearest the most (as
    FOCUS does, arXiv:2305.14481, with a decomposition of the corpus in place of fastText). Deterministic.

    Raises:
        UserError: its tokenizer is none of word pieces, or there is nothing to add.
    """
    model = load_checked(folder, read_facts(folder))
    content = json.loads(model.tokenizer.backend_tokenizer.to_str())
    if content["model"]["type"] != "WordPiece":
        raise UserError(
            f"The vocabulary of {folder.name} cannot grow: it is made of {content['model']['type']} pieces.",
            hint="Make a model of the documents' own words instead: --way static.",
        )
    vocabulary: dict[str, int] = content["model"]["vocab"]
    added = _missing(model.tokenizer.backend_tokenizer, texts, vocabulary, most, task)
    if not added:
        raise UserError(
            "The base model knows every character of these documents.",
            hint="Train it as it is, or make a model of the documents' own words: --way static.",
        )
    known = max(vocabulary.values()) + 1
    vocabulary.update({token: known + place for place, token in enumerate(added)})
    _put_tokenizer(model, content)
    model[0].auto_model.resize_token_embeddings(known + len(added), mean_resizing=False)
    _make_rows(model, texts, known, task)
    return model, len(added)


def _missing(tokenizer: Any, texts: Sequence[str], vocabulary: dict[str, int], most: int, task: Task) -> list[str]:
    """Characters of words that the tokenizer cannot spell, most frequent first, as beginnings and as continuations."""
    words: Counter[str] = Counter()
    for place, text in enumerate(texts):
        if place % _BLOCK == 0:
            task.progress("look for unknown words", place, len(texts))
        normal = tokenizer.normalizer.normalize_str(text)
        words.update(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal))
    found: Counter[str] = Counter()
    for word, count in words.items():
        if any(letter not in vocabulary or f"##{letter}" not in vocabulary for letter in word):
            for place, letter in enumerate(word):
                found[letter if place == 0 else f"##{letter}"] += count
    lacking = [(token, count) for token, count in found.items() if token not in vocabulary and count >= _TWICE]
    return [token for token, _ in sorted(lacking, key=lambda pair: (-pair[1], pair[0]))[:most]]


def _put_tokenizer(model: Any, content: dict[str, Any]) -> None:  # Any: a SentenceTransformer; JSON values
    from tokenizers import Tokenizer

    model.tokenizer._tokenizer = Tokenizer.from_str(json.dumps(content))


def _make_rows(model: Any, texts: Sequence[str], known: int, task: Task) -> None:  # Any: a SentenceTransformer
    import torch

    tokenizer = model.tokenizer.backend_tokenizer
    tokenizer.no_truncation()
    tokenizer.no_padding()
    counts = count_tokens(tokenizer, texts, task, "count tokens")
    senses = _senses(counts, task)
    table = model[0].auto_model.get_input_embeddings().weight
    old = table.detach().numpy()[:known]
    seen = np.flatnonzero(np.linalg.norm(senses[:known], axis=1) > 0)
    size = float(np.linalg.norm(old, axis=1).mean())
    with torch.no_grad():
        table[known:] = torch.from_numpy(old.mean(axis=0))
        for start in range(known, len(senses) if len(seen) else known, _BLOCK):
            task.progress("make new rows of known ones", start - known, len(senses) - known)
            rows = _mixed(senses[start : start + _BLOCK], senses[seen], old[seen], size)
            table[start : start + len(rows)] = torch.from_numpy(rows)


def _senses(counts: csr_array, task: Task) -> Floats:
    """With what each token stands together: (n_tokens, at most 128) float32, unit length; 0 for one in no text."""
    from scipy.sparse import csr_array, diags_array
    from scipy.sparse.linalg import svds

    task.progress("compare tokens", 0, 0)
    weighed = csr_array(counts @ diags_array(idf_of(counts)))
    lengths = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
    unit = csr_array(diags_array(1 / np.maximum(lengths, 1e-9)) @ weighed).astype(np.float32)
    wanted = min(_SENSES, min(unit.shape) - 1)
    _, values, right = svds(unit, k=wanted, random_state=np.random.default_rng(13))
    senses = right.T * values
    return np.asarray(senses / np.maximum(np.linalg.norm(senses, axis=1, keepdims=True), 1e-9), np.float32)


def _mixed(new: Floats, known: Floats, rows: Floats, size: float) -> Floats:
    """For each of `new` the mean of the `rows` of its nearest `known` neighbours, as long as rows are on average."""
    if not len(known):
        return (
            np.tile(rows.mean(axis=0), (len(new), 1)) if len(rows) else np.zeros((len(new), rows.shape[1]), np.float32)
        )
    cosines = new @ known.T
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :_NEIGHBOURS]
    weights = np.exp(_SHARPNESS * np.take_along_axis(cosines, nearest, axis=1))
    weights /= weights.sum(axis=1, keepdims=True)
    mixed = np.einsum("nk,nkd->nd", weights, rows[nearest])
    mixed *= size / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-9)
    return np.asarray(mixed, np.float32)

"""How well a model can read texts: unknown tokens and texts that are too long, measured with its tokenizer alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.encode.folders import read_facts
from engine.encode.models import folder_of
from engine.errors import ModelError
from engine.records import Model, TokenReport
from engine.store.project import Project
from engine.store.reading import MANY_CUT, MANY_UNKNOWN, UNREADABLE
from engine.task import Task

_BLOCK = 1000


def measure_tokens(project: Project, model: Model, texts: Sequence[str], task: Task) -> TokenReport:
    """Count what the model's tokenizer makes of `texts`, special tokens of the model itself left out of the shares.

    Raises:
        ModelError: the model folder has no tokenizer that can be read.
    """
    folder = folder_of(project, model)
    tokenizer, unknown_id = open_tokenizer(folder), _unknown_id(folder)
    added = tokenizer.num_special_tokens_to_add(False)
    limit = model.max_length or read_facts(folder).max_length
    unknown, content, lengths = 0, 0, []
    for start in range(0, len(texts), _BLOCK):
        for encoded in tokenizer.encode_batch_fast(list(texts[start : start + _BLOCK]), add_special_tokens=False):
            ids = encoded.ids
            lengths.append(len(ids) + added)
            content += len(ids)
            if unknown_id is not None:
                unknown += ids.count(unknown_id)
        task.progress("read texts as the model does", min(start + _BLOCK, len(texts)), len(texts))
    return TokenReport(
        model=model.name,
        texts=len(texts),
        unknown_share=unknown / content if content else 0.0,
        cut_share=sum(length > limit for length in lengths) / len(lengths) if lengths else 0.0,
        median_tokens=round(median(lengths)) if lengths else 0,
        max_length=limit,
    )


def unreadable(project: Project, model: Model, texts: Sequence[str]) -> NDArray[np.bool_]:
    """Which texts hold so many unknown tokens (`UNREADABLE`) that the model cannot tell them from others, (n,) bool.

    Every unknown token is the same to a model, so texts that share not one word come out nearly equal.

    Raises:
        ModelError: the model folder has no tokenizer that can be read.
    """
    folder = folder_of(project, model)
    tokenizer, unknown_id = open_tokenizer(folder), _unknown_id(folder)
    found = np.zeros(len(texts), np.bool_)
    if unknown_id is None:
        return found
    for start in range(0, len(texts), _BLOCK):
        block = tokenizer.encode_batch_fast(list(texts[start : start + _BLOCK]), add_special_tokens=False)
        found[start : start + len(block)] = [
            one.ids.count(unknown_id) >= UNREADABLE * max(len(one.ids), 1) for one in block
        ]
    return found


def token_counter(model_path: Path) -> Callable[[Sequence[str]], list[int]]:
    """A function that counts the content tokens of each text as the model in `model_path` does.

    Raises:
        ModelError: the folder has no tokenizer that can be read.
    """
    tokenizer = open_tokenizer(model_path)

    def count(texts: Sequence[str]) -> list[int]:
        return [len(encoded.ids) for encoded in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    return count


def in_words(report: TokenReport) -> str:
    """What the figures mean for search, "" where all is well."""
    sentences = []
    if report.unknown_share >= MANY_UNKNOWN:
        outlook = "expect poor search" if report.unknown_share >= UNREADABLE else "expect weaker search"
        sentences.append(
            f"The model {report.model} does not know {_share(report.unknown_share)} of the tokens of these texts; "
            f"{outlook}. Build a model from your documents, choose a base model made for this language, or rely on "
            "BM25."
        )
    if report.cut_share >= MANY_CUT:
        sentences.append(
            f"{_share(report.cut_share)} of these texts are longer than the {report.max_length} tokens that "
            f"{report.model} reads; the rest of each is ignored. Cut passages shorter, or choose a model that reads "
            "more."
        )
    return " ".join(sentences)


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"


def open_tokenizer(folder: Path) -> Any:  # Any: a tokenizers.Tokenizer
    """The tokenizer of a model folder, without cutting and padding.

    Raises:
        ModelError: there is none, or it cannot be read.
    """
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json"
    if not path.is_file():
        raise ModelError(f"The model folder {folder.name} has no tokenizer.json.", hint="Choose a newer copy of it.")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain Exception
        raise ModelError(f"{path} cannot be read: {error}.", hint="Download the model again.") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _unknown_id(folder: Path) -> int | None:
    """The id of the token for what the vocabulary lacks; None for models that can spell everything."""
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    model = content.get("model", {})
    if isinstance(model.get("unk_id"), int):
        return int(model["unk_id"])
    token = model.get("unk_token")
    if not token:
        return None
    vocabulary = model.get("vocab", {})
    if isinstance(vocabulary, dict):
        return vocabulary.get(token)
    return next((number for number, entry in enumerate(vocabulary) if entry and entry[0] == token), None)

"""Keep the BM25 index of a corpus on disk, named by its content, so that a job need not cut all texts into words."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import ProjectError
from engine.mine.bm25 import DEFAULT_VARIANT, BM25Index, Variant
from engine.mine.words import Analyzer
from engine.store.documents import Corpus
from engine.store.files import load_arrays, save_arrays
from engine.store.project import Project
from engine.task import Task

# Raised whenever words are cut or scored in another way: an index of an older version is made again.
VERSION = 1
_PREFIX = "bm25-"


def open_bm25(project: Project, corpus: Corpus, variant: Variant = DEFAULT_VARIANT, *, task: Task) -> BM25Index:
    """The BM25 index of all passages, from disk where their texts are those it was made of, else made and kept.

    Indexes of other contents are removed: one corpus has one index of each variant.

    Raises:
        UserError: no passage holds a word.
    """
    folder = project.path / "indexes" / f"{_PREFIX}{variant}-{_digest(corpus.hashes, variant)}"
    if (folder / "manifest.json").exists():
        try:
            return _read(folder, variant)
        except ProjectError as error:
            task.warn(f"{error} The words are indexed again.")
    index = BM25Index.build(corpus.texts, variant, task=task)
    _write(folder, index)
    for other in folder.parent.glob(f"{_PREFIX}{variant}-*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    return index


def _digest(hashes: Sequence[str], variant: Variant) -> str:
    content = hashlib.blake2b(f"{VERSION} {variant} ".encode(), digest_size=12)
    for text_hash in hashes:
        content.update(text_hash.encode())
    return content.hexdigest()


def _write(folder: Path, index: BM25Index) -> None:
    words = [word.encode("utf-8", "surrogatepass") for word in index.terms]
    arrays: dict[str, NDArray[Any]] = {
        "starts": index.starts,
        "passages": index.passages,
        "impacts": index.impacts,
        "absent": index.absent,
        "words": np.frombuffer(b"".join(words), np.uint8),
        "ends": np.cumsum([len(word) for word in words], dtype=np.int64),
    }
    save_arrays(folder, arrays, {"n_passages": index.n_passages, "language": index.analyzer.language})


def _read(folder: Path, variant: Variant) -> BM25Index:
    arrays, facts = load_arrays(folder)
    try:
        words, ends = arrays["words"].tobytes(), arrays["ends"].tolist()
        cuts = zip([0, *ends[:-1]], ends, strict=True)
        terms = {words[a:b].decode("utf-8", "surrogatepass"): number for number, (a, b) in enumerate(cuts)}
        return BM25Index(
            variant,
            int(facts["n_passages"]),
            Analyzer(str(facts["language"])),
            terms,
            np.asarray(arrays["starts"]),
            np.asarray(arrays["passages"]),  # still mapped, but slicing it costs a third
            np.asarray(arrays["impacts"]),
            np.asarray(arrays["absent"]),
        )
    except (KeyError, ValueError) as error:
        raise ProjectError(f"The index {folder.name} is not whole.", hint="It is made again.") from error

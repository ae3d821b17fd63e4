"""What a run learns from and is measured on, kept beside it, so that it goes on with the very same."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import TrainingError
from engine.store.documents import Corpus
from engine.store.files import write_whole


@dataclass(frozen=True, slots=True)
class Kept:
    """Values by name, each a file of a run's folder: JSON in gzip.

    Attributes:
        folder: None keeps nothing and knows nothing.
        mining_id: whose negatives the run was begun with, 0: none's; None: the newest mining's.
        writable: False for those that only look, such as the other processes of a team.
    """

    folder: Path | None = None
    mining_id: int | None = None
    writable: bool = False

    @classmethod
    def of_run(cls, project: Path, model_id: int, mining_id: int | None, *, writable: bool = False) -> Kept:
        return cls(project / "models" / str(model_id) / "learnt_from", mining_id or 0, writable)

    def value(self, name: str) -> Any:  # Any: a JSON value
        """What was kept under a name; None where nothing was, or where its file is damaged."""
        try:
            return json.loads(gzip.decompress(self._path(name).read_bytes())) if self.folder else None
        except (OSError, EOFError, ValueError, zlib.error):
            return None

    def keep(self, name: str, value: Any) -> None:  # Any: a JSON value
        """Keep a value.

        Raises:
            TrainingError: it cannot be written.
        """
        if not self.folder or not self.writable:
            return
        try:
            write_whole(self._path(name), gzip.compress(json.dumps(value, ensure_ascii=False).encode(), 1, mtime=0))
        except OSError as error:
            raise TrainingError(
                f"What the run learns from cannot be kept beside it: {error.strerror or error}.",
                hint="Free some space where the project lies.",
            ) from error

    def _path(self, name: str) -> Path:
        assert self.folder is not None  # for the type: asked before
        return self.folder / f"{name}.json.gz"


NOTHING_KEPT = Kept()


def names_of(corpus: Corpus, rows: Iterable[int]) -> list[tuple[int, str]]:
    """Passages by id and hash of the text, so that they are found again in a corpus that has changed."""
    return [(int(corpus.ids[row]), corpus.hashes[row]) for row in rows]


def rows_named(corpus: Corpus, names: Iterable[tuple[int, str]]) -> list[int] | None:
    """Their rows now: by id, and by the text where another stands under the id; None where a text is gone."""
    by_text: dict[str, int] = {}
    rows = []
    for passage_id, name in names:
        row = int(np.searchsorted(corpus.ids, passage_id))
        if row == len(corpus.ids) or corpus.ids[row] != passage_id or corpus.hashes[row] != name:
            by_text = by_text or {text: place for place, text in enumerate(corpus.hashes)}
            if name not in by_text:
                return None
            row = by_text[name]
        rows.append(row)
    return rows

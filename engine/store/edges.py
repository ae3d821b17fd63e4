"""Pairs of queries that are alike, beside the database: found once, then any threshold only reads them again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import ProjectError
from engine.store.files import load_arrays, save_arrays
from engine.store.project import Project

FLOOR = 0.60
SCALE = 10_000
_NAME = "edges"


@dataclass(frozen=True, slots=True)
class Edges:
    """Distinct query texts (by `normal_text`) and the pairs of them whose cosine is at least `FLOOR`.

    Attributes:
        query_id: (m,) int64, every query; text number `text[i]` is that of query `query_id[i]`.
        text: (m,) int32.
        a, b: (e,) int32, text numbers, a < b.
        score: (e,) uint16, cosine × `SCALE`, rounded, so that it does not depend on the order of computation.
        apart: (e,) bool, pairs that differ in a name or number only and are no duplicates, however alike.
        digest: of the texts and the model they were compared with.
    """

    query_id: NDArray[np.int64]
    text: NDArray[np.int32]
    a: NDArray[np.int32]
    b: NDArray[np.int32]
    score: NDArray[np.uint16]
    apart: NDArray[np.bool_]
    digest: str = ""

    def merging(self, threshold: float) -> NDArray[np.bool_]:
        """Which pairs are duplicates at `threshold`, (e,) bool."""
        alike: NDArray[np.bool_] = (self.score >= round(threshold * SCALE)) & ~self.apart
        return alike

    def groups(self, threshold: float) -> NDArray[np.int32]:
        """The group of each query at `threshold`, (m,) int32: the smallest text number tied to it over duplicates."""
        merging = self.merging(threshold)
        a, b = self.a[merging], self.b[merging]
        label = np.arange(int(self.text.max(initial=-1)) + 1, dtype=np.int32)
        while True:
            lower = np.minimum(label[a], label[b])
            united = label.copy()
            np.minimum.at(united, a, lower)
            np.minimum.at(united, b, lower)
            united = united[united]
            if np.array_equal(united, label):
                return label[self.text]
            label = united

    def histogram(self, bins: int = 40) -> NDArray[np.int64]:
        """Pairs by score between `FLOOR` and 1, (bins,) int64; those kept apart are not counted."""
        counts, _ = np.histogram(self.score[~self.apart] / SCALE, bins=bins, range=(FLOOR, 1.0))
        return counts.astype(np.int64)


def write_edges(project: Project, edges: Edges) -> None:
    """Keep the pairs, replacing those from before."""
    arrays = {name: getattr(edges, name) for name in ("query_id", "text", "a", "b", "score", "apart")}
    save_arrays(project.path / "duplicates" / _NAME, arrays, {"digest": edges.digest, "floor": FLOOR})


def read_edges(project: Project) -> Edges | None:
    """The pairs found last, None where nothing was compared yet (or the files are damaged and must be made again)."""
    folder = project.path / "duplicates" / _NAME
    if not folder.is_dir():
        return None
    try:
        arrays, facts = load_arrays(folder)
        columns: dict[str, Any] = dict(arrays)  # Any: arrays of several types, checked by Edges' fields
        return Edges(**columns, digest=str(facts["digest"]))
    except (ProjectError, KeyError, TypeError):
        return None

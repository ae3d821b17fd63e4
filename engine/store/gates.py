"""What a reranker says of a mining's candidates: an array beside them, and the parts of one that is still at work."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import ProjectError
from engine.store.files import load_arrays, save_arrays
from engine.store.negatives import mining_folder
from engine.store.project import Project

FOLDER = "reranked"
_PREFIX = "unfinished-reranked-"


@dataclass(frozen=True, slots=True)
class Gate:
    """A reranker by name and weights, and its scores: (n,) float32 in 0..1, NaN for candidates it did not read."""

    reranker: str
    digest: str
    scores: NDArray[np.float32]

    @property
    def scored(self) -> int:
        """How many candidates it read."""
        return int(np.count_nonzero(~np.isnan(self.scores)))


def write_gate(project: Project, mining_id: int, gate: Gate) -> None:
    """Keep a mining's scores, whole or not at all; those of another reranker are replaced."""
    folder = mining_folder(project, mining_id) / FOLDER
    save_arrays(folder, {"scores": gate.scores}, {"reranker": gate.reranker, "digest": gate.digest})
    for left in folder.parent.glob(f"{_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)


def read_gate(project: Project, mining_id: int) -> Gate | None:
    """A mining's scores, None where no reranker was asked.

    Raises:
        ProjectError: the files are damaged.
    """
    folder = mining_folder(project, mining_id) / FOLDER
    if not (folder / "manifest.json").exists():
        return None
    arrays, facts = load_arrays(folder)
    try:
        return Gate(str(facts["reranker"]), str(facts["digest"]), arrays["scores"])
    except KeyError as error:
        raise ProjectError(
            f"The reranker's scores of mining {mining_id} are not whole.", hint="Score again."
        ) from error


def write_part(
    project: Project, mining_id: int, digest: str, rows: NDArray[np.int64], scores: NDArray[np.float32]
) -> None:
    """Keep the scores of some candidates until all are there: what an ended job need not compute again."""
    folder = _parts(project, mining_id, digest)
    save_arrays(folder / f"{int(rows[0]):012d}-{len(rows)}", {"rows": rows, "scores": scores})


def read_parts(
    project: Project, mining_id: int, digest: str
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Rows and scores that an ended job of the same reranker left; damaged ones are left out."""
    for place in sorted(_parts(project, mining_id, digest).glob("[0-9]*")):
        try:
            arrays, _ = load_arrays(place, check=True)
            yield np.array(arrays["rows"]), np.array(arrays["scores"])
        except (ProjectError, KeyError):
            continue  # scored again


def _parts(project: Project, mining_id: int, digest: str) -> Path:
    return mining_folder(project, mining_id) / f"{_PREFIX}{digest[:24]}"

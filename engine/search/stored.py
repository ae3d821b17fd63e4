"""Indexes kept in a project's `indexes/`: built once per corpus and model, checked before a native reader sees them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.errors import ProjectError
from engine.search.indexes import Index, Kind, Vectors, build_index, measure_recall, read_index
from engine.store.files import sha256_of, swap_folder, write_json
from engine.store.project import Project
from engine.task import Task

_FILE = "index.bin"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index file is.

    Attributes:
        kind: exact, hnsw, sq8 or ivfpq.
        count: vectors it holds.
        dim: numbers a vector.
        recall: measured share (0..1) of the exact first ten that it finds.
        sha256: of the file.
        corpus: digest of the texts in their order.
        encoder: key of the encoder that made the vectors.
        format: version of this record.
    """

    kind: Kind
    count: int
    dim: int
    recall: float
    sha256: str
    corpus: str
    encoder: str
    format: int = _FORMAT


def open_or_build(
    project: Project,
    kind: Kind,
    *,
    encoder: str,
    hashes: Sequence[str],
    dim: int,
    vectors: Callable[[], Vectors],
    probes: Callable[[], Vectors],
    task: Task,
) -> tuple[Index, float]:
    """The index of a corpus and its measured recall: read from disk where it stands whole, else built and kept.

    Args:
        kind: any but exact.
        encoder: key of the encoder.
        hashes: of the texts, in the order of the vectors.
        dim: numbers a vector.
        vectors: gives (n, dim) float32; asked only if the index must be built.
        probes: gives queries' vectors to measure recall with; asked only then.
    """
    corpus = _digest(hashes)
    folder = project.path / "indexes" / f"{kind}-{_digest([encoder])[:12]}"
    try:
        found = _read(folder, kind, corpus, encoder, len(hashes), dim)
    except ProjectError as error:
        task.warn(f"{error.message} It is built again.")
        found = None
    if found:
        return found
    made = vectors()
    index = build_index(kind, made, task)
    recall = measure_recall(index, made, probes())
    if not project.readonly:
        _keep(folder, index, Manifest(kind, len(hashes), dim, recall, "", corpus, encoder))
    return index, recall


def _read(folder: Path, kind: Kind, corpus: str, encoder: str, count: int, dim: int) -> tuple[Index, float] | None:
    """None where there is no index of this corpus and encoder; raises ProjectError where it is damaged."""
    if not (folder / "manifest.json").is_file():
        return None
    try:
        manifest = Manifest(**json.loads((folder / "manifest.json").read_text(encoding="utf-8")))
        current = (manifest.format, manifest.corpus, manifest.encoder) == (_FORMAT, corpus, encoder)
        whole = current and sha256_of(folder / _FILE) == manifest.sha256
    except (OSError, ValueError, TypeError) as error:
        raise ProjectError(f"The index {folder.name} cannot be read: {error}.") from error
    if not current:
        return None
    if not whole or (manifest.kind, manifest.count, manifest.dim) != (kind, count, dim):
        raise ProjectError(f"The index {folder.name} was damaged.")
    return read_index(kind, folder / _FILE, count=count, dim=dim), manifest.recall


def _keep(folder: Path, index: Index, manifest: Manifest) -> None:
    """Write beside, read back, compare the count, put in place; the index of an older corpus goes."""
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        index.write(beside / _FILE)
        with (beside / _FILE).open("rb+") as file:
            os.fsync(file.fileno())
        read_index(manifest.kind, beside / _FILE, count=manifest.count, dim=manifest.dim)
        written = {**asdict(manifest), "sha256": sha256_of(beside / _FILE)}
        write_json(beside / "manifest.json", written)
        swap_folder(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _digest(parts: Sequence[str]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part.encode() + b"\n")
    return digest.hexdigest()

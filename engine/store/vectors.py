"""Vectors by the text they stand for: one folder a key, segments written whole, every text kept once.

A segment is one file: magic, length of the head, head (JSON), text hashes (16 bytes each), vectors (float32).
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.errors import ProjectError
from engine.store.files import write_json, write_whole

MAGIC = b"SSVEC\x00\x00\x01"
SMALL = 256
MANY_SMALL = 64

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What a key's vectors are and how many.

    Attributes:
        key: the folder's name, a digest of everything a vector depends on beside its text.
        facts: the same in words (model, dtype, ...), as the encoder gave them.
        dim: numbers a vector.
        distinct: texts that have a vector.
        encoded_total: texts that the model was given to get them; equal to `distinct` where none was encoded twice.
    """

    key: str
    facts: dict[str, Any]  # Any: JSON values
    dim: int
    distinct: int
    encoded_total: int


@dataclass(frozen=True, slots=True)
class _Segment:
    path: Path
    count: int
    encoded: int
    replaces: tuple[str, ...]
    digest: str
    vectors_at: int


class VectorStore:
    """The vectors of one key; open it anew to see what other processes added, or call `refresh`.

    Args:
        folder: `vectors/KEY` of a project; made where it is absent and something is written.
        dim: numbers a vector.
        facts: what the key stands for, written beside the segments for people and the window.
        check: compare contents with their digests and put damaged files aside; False only to count.
    """

    def __init__(self, folder: Path, dim: int, *, facts: Mapping[str, Any] | None = None, check: bool = True) -> None:
        self.folder = folder
        self.dim = dim
        self._facts = dict(facts or {})
        self._check = check
        self._segments: list[_Segment] = []
        self._names: set[str] = set()
        self._starts: list[int] = []
        self._rows: dict[bytes, int] = {}
        self.refresh()

    @property
    def distinct(self) -> int:
        """How many texts have a vector."""
        return len(self._rows)

    @property
    def encoded_total(self) -> int:
        """How many texts the model was given to fill this store."""
        return sum(segment.encoded for segment in self._segments)

    def refresh(self) -> None:
        """Read segments that came since; damaged ones are put aside, so that their texts are encoded again."""
        found = _read_heads(self.folder, self.dim, check=self._check)
        if {segment.path.name for segment in found} == self._names:
            return
        self._segments, self._names, self._starts = [], set(), []
        self._rows = {}
        for segment in found:
            self._add(segment)

    def rows(self, hashes: Sequence[str]) -> npt.NDArray[np.int64]:
        """Where each text's vector lies, (n,) int64; -1 where there is none."""
        return np.fromiter((self._rows.get(bytes.fromhex(h), -1) for h in hashes), np.int64, len(hashes))

    def take(self, rows: npt.NDArray[np.int64]) -> Vectors:
        """The vectors at `rows` as `rows` gave them, (n, dim) float32."""
        out = np.empty((len(rows), self.dim), np.float32)
        order = np.argsort(rows, kind="stable")
        cuts = np.searchsorted(rows[order], np.array(self._starts, np.int64)).tolist()
        for segment, start, begin, end in zip(self._segments, self._starts, cuts, [*cuts[1:], len(rows)], strict=True):
            if begin < end:
                mine = order[begin:end]
                out[mine] = self._mapped(segment)[rows[mine] - start]
        return out

    def append(self, hashes: Sequence[str], vectors: Vectors, *, encoded: int | None = None) -> None:
        """Keep new vectors as one segment, all or none.

        Args:
            hashes: `records.text_hash` of each text, distinct.
            vectors: (n, dim) float32, finite.
            encoded: texts the model was given for them; n where not said.

        Raises:
            ProjectError: a vector holds something that is no number; nothing is written.
        """
        if not np.isfinite(vectors).all():
            raise ProjectError("The model gave a vector that is no number.", hint="Use another precision or model.")
        if not len(hashes):
            return
        self._write_facts()
        self._add(self._write(hashes, vectors, encoded=len(hashes) if encoded is None else encoded))
        self._join_small()

    def _mapped(self, segment: _Segment) -> Vectors:
        """A segment's vectors, not to be kept: each map holds a file open, and macOS allows a process 256 of them."""
        return np.memmap(segment.path, np.float32, "r", segment.vectors_at, (segment.count, self.dim))

    def _add(self, segment: _Segment) -> None:
        start = self._starts[-1] + self._segments[-1].count if self._segments else 0
        self._segments.append(segment)
        self._names.add(segment.path.name)
        self._starts.append(start)
        for offset, digest in enumerate(_read_hashes(segment)):
            self._rows.setdefault(digest, start + offset)

    def _write_facts(self) -> None:
        if not (self.folder / "store.json").exists():
            write_json(self.folder / "store.json", {"dim": self.dim, "facts": self._facts})

    def _write(
        self, hashes: Sequence[str], vectors: Vectors, *, encoded: int, replaces: Sequence[str] = ()
    ) -> _Segment:
        names = b"".join(bytes.fromhex(h) for h in hashes)
        values = np.ascontiguousarray(vectors, np.float32).tobytes()
        head = {
            "count": len(hashes),
            "dim": self.dim,
            "encoded": encoded,
            "replaces": list(replaces),
            "digest": _digest(names, values),
        }
        line = json.dumps(head).encode()
        line += b" " * (-(len(MAGIC) + 8 + len(line)) % 64)  # vectors start aligned, so that they can be mapped
        path = self.folder / f"{self._next_number():06d}-{uuid.uuid4().hex[:8]}.vec"
        write_whole(path, MAGIC + len(line).to_bytes(8, "little") + line + names + values)
        found = _read_head(path, self.dim, check=True)
        if found is None:
            raise ProjectError(f"The vectors in {path.name} did not reach the disk.", hint="Is the disk full?")
        return found

    def _next_number(self) -> int:
        return max((int(name[:6]) for name in self._names), default=0) + 1

    def _join_small(self) -> None:
        """Put many small segments (single searches) into one; after a crash between, the old ones are passed over."""
        small = [i for i, segment in enumerate(self._segments) if segment.count < SMALL]
        if len(small) < MANY_SMALL:
            return
        hashes = [digest.hex() for i in small for digest in _read_hashes(self._segments[i])]
        distinct = list(dict.fromkeys(hashes))
        vectors = self.take(self.rows(distinct))
        encoded = sum(self._segments[i].encoded for i in small)
        old = [self._segments[i].path for i in small]
        self._write(distinct, vectors, encoded=encoded, replaces=[path.name for path in old])
        for path in old:
            with suppress(OSError):  # Windows keeps a file that another process has mapped; it is passed over anyway
                path.unlink()
        self.refresh()


def vector_stores(vectors: Path) -> list[StoreFacts]:
    """What lies below a project's `vectors/`, by key; reads no vector and changes nothing: the window may ask."""
    found = []
    for about in sorted(vectors.glob("*/store.json")):
        facts = json.loads(about.read_text(encoding="utf-8"))
        store = VectorStore(about.parent, int(facts["dim"]), check=False)
        found.append(StoreFacts(about.parent.name, facts["facts"], store.dim, store.distinct, store.encoded_total))
    return found


def _read_heads(folder: Path, dim: int, *, check: bool) -> list[_Segment]:
    """Complete segments by name, without those that a later one replaces."""
    paths = sorted(folder.glob("*.vec")) if folder.is_dir() else []
    segments = [head for path in paths if (head := _read_head(path, dim, check=check)) is not None]
    replaced = {name for segment in segments for name in segment.replaces}
    return [segment for segment in segments if segment.path.name not in replaced]


def _read_head(path: Path, dim: int, *, check: bool) -> _Segment | None:
    """A segment's head, None for a damaged file; with `check` its content is hashed and a damaged one put aside."""
    try:
        with path.open("rb") as file:
            magic, size = file.read(len(MAGIC)), int.from_bytes(file.read(8), "little")
            line = file.read(size) if magic == MAGIC and size < 1 << 20 else b""
            head = json.loads(line) if line else {}
            at = len(MAGIC) + 8 + size
            count, names_end = int(head.get("count", -1)), at + 16 * int(head.get("count", 0))
            whole = os.fstat(file.fileno()).st_size == names_end + 4 * dim * count
            if whole and head.get("dim") == dim and (not check or _digest_of(file) == head.get("digest")):
                return _Segment(path, count, head["encoded"], tuple(head["replaces"]), head["digest"], names_end)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    if check:
        with suppress(OSError):
            path.replace(path.with_suffix(".damaged"))
    return None


def _read_hashes(segment: _Segment) -> list[bytes]:
    with segment.path.open("rb") as file:
        file.seek(segment.vectors_at - 16 * segment.count)
        names = file.read(16 * segment.count)
    return [names[i : i + 16] for i in range(0, len(names), 16)]


def _digest(*parts: bytes) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _digest_of(file: Any) -> str:  # Any: a binary file at the end of its head
    digest = hashlib.blake2b(digest_size=16)
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()

"""Files beside the database, written whole or not at all: beside, fsync, checked, renamed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from engine.errors import ProjectError


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` under `path` so that after a crash either the old or the new file is there."""
    with writing_whole(path) as file:
        file.write(content)


@contextmanager
def writing_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write piece by piece; it takes the name `path` at the end, and only if all went well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_json(path: Path, content: Any) -> None:  # Any: whatever json can write
    write_whole(path, json.dumps(content, ensure_ascii=False, indent=1).encode())


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` durable; where the system cannot (Windows), do nothing."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def save_arrays(folder: Path, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any] | None = None) -> None:
    """Write each array as `NAME.npy` and a `manifest.json` (count, dtype, sha256, facts) into a new `folder`.

    The folder appears by one rename; one that stands under the name already is replaced.
    """
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    entries = {}
    for name, array in arrays.items():
        path = beside / f"{name}.npy"
        with path.open("wb") as file:
            np.save(file, array, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        entries[name] = {"shape": list(array.shape), "dtype": str(array.dtype), "sha256": sha256_of(path)}
    write_json(beside / "manifest.json", {"arrays": entries, "facts": dict(facts or {})})
    swap_folder(beside, folder)


def swap_folder(beside: Path, folder: Path) -> None:
    """Put the finished folder `beside` under the name `folder`, replacing what stands there."""
    sync_folder(beside)
    if folder.exists():
        old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
        shutil.rmtree(old, ignore_errors=True)
        folder.replace(old)
        try:
            beside.replace(folder)
        except OSError:
            old.replace(folder)
            raise
        shutil.rmtree(old, ignore_errors=True)
    else:
        beside.replace(folder)
    sync_folder(folder.parent)


def load_arrays(folder: Path, *, check: bool = False) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read what `save_arrays` wrote, memory-mapped; with `check` the hashes are compared first.

    Raises:
        ProjectError: the folder is absent, incomplete or was changed.
    """
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        arrays = {}
        for name, entry in manifest["arrays"].items():
            path = folder / f"{name}.npy"
            if check and sha256_of(path) != entry["sha256"]:
                raise ProjectError(f"The file {path.name} in {folder.name} was damaged.", hint="Run the stage again.")
            arrays[name] = _read_array(path)
            if list(arrays[name].shape) != entry["shape"]:
                raise ProjectError(f"The file {path.name} in {folder.name} was damaged.", hint="Run the stage again.")
    except (OSError, ValueError, KeyError) as error:
        raise ProjectError(f"The folder {folder.name} cannot be read: {error}.", hint="Run the stage again.") from error
    facts: dict[str, Any] = manifest["facts"]
    return arrays, facts


def _read_array(path: Path) -> np.ndarray:
    empty = path.stat().st_size <= 128  # an empty array cannot be mapped
    array: np.ndarray = np.load(path, mmap_mode=None if empty else "r", allow_pickle=False)
    return array


def clear_leftovers(folder: Path) -> None:
    """Remove what an interrupted write left beside its target; a folder moved aside for a new one goes back.

    What a living process is writing there now is left alone.
    """
    for path in (*folder.glob(".*.tmp"), *folder.glob(".*.old")):
        place = folder / path.name[1:].rsplit(".", 2)[0]
        if _is_being_written(path):
            continue
        if path.suffix == ".old" and not place.exists():
            path.replace(place)  # the process ended between moving it aside and putting the new one there
        elif path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _is_being_written(path: Path) -> bool:
    """Whether another process that lives has this place, by the number in its name: a search keeps its index so."""
    import psutil

    number = path.stem.rpartition(".")[2]
    return number.isdecimal() and int(number) != os.getpid() and psutil.pid_exists(int(number))

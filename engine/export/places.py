"""Where exports are written: beside their place first, then renamed; nothing of others is overwritten."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import UserError
from engine.store.files import swap_folder, sync_folder, write_json
from engine.store.jobs import was_exported
from engine.store.project import Project

MARK = "searchsmith.json"
_LEFT = ("Thumbs.db", "desktop.ini")


def check_folder(dest: Path) -> Path:
    """The absolute folder to export to: a new or empty one, or an earlier export of ours, which is replaced.

    Raises:
        UserError: it is a file, or holds something else, also beside an earlier export.
    """
    dest = dest.expanduser().absolute()
    if dest.is_file():
        raise UserError(f"{dest} is a file.", hint="Choose a new or empty folder.")
    if dest.is_dir() and any(dest.iterdir()) and not (dest / MARK).is_file():
        raise UserError(
            f"{dest} is not empty and was not exported by Searchsmith.", hint="Choose a new or empty folder."
        )
    if others := _others(dest):
        raise UserError(
            f"{dest} holds files that Searchsmith did not write there: {', '.join(others[:3])}.",
            hint="Move them, or choose a new or empty folder.",
        )
    return dest


def _others(dest: Path) -> list[str]:
    """Files in an earlier export that are not of it; what systems and Python leave in folders does not count."""
    try:
        written = json.loads((dest / MARK).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, LookupError, TypeError):
        return []  # nothing there yet, or exported by a version that did not say what it wrote
    names = {path.relative_to(dest).as_posix() for path in dest.rglob("*") if path.is_file()} - {MARK, *written}
    return sorted(
        name
        for name in names
        if name not in _LEFT and not any(part[0] == "." or part == "__pycache__" for part in name.split("/"))
    )


def check_file(dest: Path, default_name: str, is_ours: Callable[[str], bool]) -> Path:
    """The absolute file to export to; a folder gets `default_name` inside.

    Args:
        dest: a file or an existing folder.
        default_name: the file's name where `dest` is a folder.
        is_ours: whether an existing file's first line is of the format to be written, so that it may be replaced.

    Raises:
        UserError: something else stands there.
    """
    dest = dest.expanduser().absolute()
    if dest.is_dir():
        dest = dest / default_name
    if dest.is_dir():
        raise UserError(f"{dest} is a folder.", hint="Choose another name.")
    if dest.exists() and dest.stat().st_size and not is_ours(_first_line(dest)):
        raise UserError(f"{dest} exists and is no file of this format.", hint="Choose another name.")
    return dest


def check_own_file(project: Project, dest: Path, default_name: str, is_of_format: Callable[[str], bool]) -> Path:
    """As `check_file`, for formats that others write, too: what stands there was exported from the project.

    Raises:
        UserError: something else stands there, perhaps the very file that was imported.
    """
    path = check_file(dest, default_name, is_of_format)
    if path.exists() and path.stat().st_size and not was_exported(project, str(path)):
        raise UserError(
            f"{path} is there already and was not exported from this project.",
            hint="Choose another name, or move it away.",
        )
    return path


@contextmanager
def folder_beside(dest: Path, facts: dict[str, object]) -> Iterator[Path]:
    """A temporary folder that becomes `dest` at the end, marked as ours; nothing is left if anything fails."""
    beside = dest.with_name(f".{dest.name}.{os.getpid()}.tmp")
    with _writable(dest):
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        try:
            yield beside
            files = sorted(path.relative_to(beside).as_posix() for path in beside.rglob("*") if path.is_file())
            write_json(beside / MARK, {**facts, "files": files})
            for path in beside.rglob("*"):
                _sync(path)
            if dest.is_dir() and not any(dest.iterdir()):
                dest.rmdir()
            swap_folder(beside, dest)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def file_beside(dest: Path) -> Iterator[Path]:
    """A temporary file that becomes `dest` at the end; nothing is left if anything fails."""
    beside = dest.with_name(f".{dest.name}.{os.getpid()}.tmp")
    with _writable(dest):
        dest.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield beside
            _sync(beside)
            beside.replace(dest)
            sync_folder(dest.parent)
        finally:
            beside.unlink(missing_ok=True)


@contextmanager
def _writable(dest: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"{dest} cannot be written: {reason}.", hint="Choose another place, or make room.") from error


def _sync(path: Path) -> None:
    if path.is_dir():
        sync_folder(path)
        return
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _first_line(path: Path) -> str:
    with path.open("rb") as file:
        return file.readline(4096).decode("utf-8", "replace")

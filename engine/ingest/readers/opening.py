"""How foreign files are opened: regular files only, never a pipe or a device, never more than fits."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from engine.errors import FormatError, LimitError, UserError
from engine.ingest.limits import more, raised

MAX_TEXT_BYTES = 256 * 1024 * 1024
MAX_BYTES = 4 * 1024**3
HEAD_BYTES = 64 * 1024


def check_regular(path: Path) -> os.stat_result:
    """The facts about a regular file.

    Raises:
        UserError: there is no such file, or it may not be read.
        FormatError: a folder, pipe, socket or device; or an empty file.
    """
    try:
        facts = path.stat()
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror or error}.", hint="Check the path and the permissions."
        ) from error
    if not stat.S_ISREG(facts.st_mode):
        raise FormatError(f"{path.name} is no regular file.", hint="Name a file or a folder of files.")
    if facts.st_size == 0:
        raise FormatError(f"{path.name} is empty.", hint="Nothing can be imported from it.")
    return facts


def read_head(path: Path, count: int = HEAD_BYTES) -> bytes:
    """The first `count` bytes of a regular file."""
    check_regular(path)
    return _read(path, count)


def read_whole(path: Path) -> bytes:
    """All bytes of a text file.

    Raises:
        LimitError: larger than `MAX_TEXT_BYTES`.
    """
    return _read(path, check_size(path, text=True))


def check_size(path: Path, *, text: bool) -> int:
    """The size of a document that is small enough to be one, in bytes.

    Raises:
        LimitError: larger than `MAX_TEXT_BYTES` where it is text, than `MAX_BYTES` where it is anything else.
    """
    size, most = check_regular(path).st_size, raised(MAX_TEXT_BYTES if text else MAX_BYTES)
    if size > most:
        raise LimitError(
            f"{path.name} has {size / 1e6:,.0f} MB{' of text' if text else ''}; of one document at most "
            f"{most / 1e6:,.0f} are read.",
            hint=more("split it into smaller files, or import it as a labelled set, which is read line by line"),
        )
    return size


def _read(path: Path, count: int) -> bytes:
    # O_NONBLOCK: a pipe put in the place of the file after the check must not hold us up for ever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, flags)
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror or error}.", hint="Check the path and the permissions."
        ) from error
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise FormatError(f"{path.name} is no regular file.", hint="Name a file or a folder of files.")
        return file.read(count)

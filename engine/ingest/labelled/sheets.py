"""Excel sheets and Parquet files as JSON lines, made by a limited child, so that every reader takes them as lines."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

from engine.errors import FormatError
from engine.ingest.readers.opening import check_regular

SUFFIXES = (".xlsx", ".xlsm", ".parquet")
SECONDS = 600.0
SAMPLE_ROWS = 300
_SMALL = 1 << 22
_whole: set[tuple[Path, int, int]] = set()  # files that a sample holds whole
_ROOT = Path(__file__).resolve().parents[3]


def is_sheet(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def as_lines(path: Path, *, sample: bool = False) -> Path:
    """A file of JSON lines with the rows of `path`, or of its beginning; `path` itself where it is no sheet.

    It is made once for each state of the file and goes when the process ends.

    Raises:
        UserError: not there, or not to be read.
        FormatError: damaged, or it ended its reader.
    """
    if not is_sheet(path):
        return path
    check_regular(path)
    facts = path.stat()
    key = (path.absolute(), facts.st_mtime_ns, facts.st_size)
    if sample or key in _whole:
        made = _made(*key, SAMPLE_ROWS)
        if made.stat().st_size < _SMALL and made.read_bytes().count(b"\n") < SAMPLE_ROWS:
            _whole.add(key)
        if sample or key in _whole:
            return made
    return _made(*key, 0)


@lru_cache(maxsize=32)
def _made(path: Path, _changed: int, _size: int, most: int) -> Path:
    dest = Path(tempfile.mkdtemp(dir=_folder())) / f"{path.name}.jsonl"
    command = [*_child_command(), str(path), str(dest), str(most)]
    windows = sys.platform == "win32"
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=SECONDS,
            cwd=None if getattr(sys, "frozen", False) else _ROOT,
            start_new_session=not windows,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FormatError(f"{path.name} took too long to read.", hint="Save it as CSV, or in parts.") from error
    if done.returncode == 0:
        return dest
    shutil.rmtree(dest.parent, ignore_errors=True)
    if done.returncode == 3:
        reason = done.stderr.decode("utf-8", "replace").strip()
        raise FormatError(f"{path.name} cannot be read: {reason}.", hint="It may be damaged; save it anew or as CSV.")
    raise FormatError(f"{path.name} ended its reader (code {done.returncode}).", hint="Save it as CSV.")


def _child_command() -> list[str]:
    """A frozen build has no `-m`, so its own program does it."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "--sheet-child"]
    return [sys.executable, "-m", "engine.ingest.labelled.sheet_child"]


@lru_cache(maxsize=1)
def _folder() -> str:
    folder = tempfile.mkdtemp(prefix="searchsmith-tables-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder

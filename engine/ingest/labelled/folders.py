"""Which files of a folder hold which part of a labelled set, seen by their first lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.errors import UserError
from engine.ingest.readers.rows import Columns, sample_rows

LINES = (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".json.gz")
# A folder with more files than this is people's documents; looking into each would only take time.
MOST_FILES = 64
_SAMPLE = 5


def line_files(folder: Path) -> list[Path]:
    """The folder's files of JSON lines by name; none where there are too many to be the parts of one set."""
    found = sorted(
        path
        for path in folder.iterdir()
        if path.name.lower().endswith(LINES) and not path.name.startswith(".") and path.is_file()
    )
    return found if len(found) <= MOST_FILES else []


def files_with(folder: Path, test: Callable[[Columns], bool]) -> list[Path]:
    """Those whose first lines are mostly such as `test` takes."""
    return [path for path in line_files(folder) if mostly(path, test)]


def mostly(path: Path, test: Callable[[Columns], bool]) -> bool:
    """Whether more than half of a file's first lines pass `test`; a file that cannot be read does not."""
    try:
        rows = sample_rows(path, _SAMPLE)
    except UserError:
        return False
    return bool(rows) and sum(test(row.columns) for row in rows) > len(rows) / 2

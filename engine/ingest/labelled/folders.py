"""Which files of a folder hold which part of a labelled set, seen by their first lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.errors import UserError
from engine.ingest.labelled.sheets import as_lines
from engine.ingest.readers.rows import Columns, sample_rows

LINES = (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".json.gz")
# A folder with more files than this is people's documents; looking into each would only take time.
MOST_FILES = 64
MOST_PARQUET = 16  # each takes a child process
_SAMPLE = 5


def line_files(folder: Path) -> list[Path]:
    """The folder's files of JSON lines and Parquet by name; none where they are too many to be parts of one set."""
    parquet = ".parquet"
    found = sorted(
        path
        for path in folder.iterdir()
        if path.name.lower().endswith((*LINES, parquet)) and not path.name.startswith(".") and path.is_file()
    )
    if sum(path.suffix.lower() == parquet for path in found) > MOST_PARQUET:
        found = [path for path in found if path.suffix.lower() != parquet]
    return found if len(found) <= MOST_FILES else []


def files_with(folder: Path, test: Callable[[Columns], bool]) -> list[Path]:
    """Those whose first lines are mostly such as `test` takes."""
    return [path for path in line_files(folder) if mostly(path, test)]


def mostly(path: Path, test: Callable[[Columns], bool]) -> bool:
    """Whether more than half of a file's first lines pass `test`; a file that cannot be read does not."""
    try:
        rows = sample_rows(as_lines(path, sample=True), _SAMPLE)
    except UserError:
        return False
    return bool(rows) and sum(test(row.columns) for row in rows) > len(rows) / 2

"""The child process that turns an Excel sheet or a Parquet file into JSON lines; it may die at any moment."""

from __future__ import annotations

import datetime
import math
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

MEMORY_BYTES = 3 << 30  # of addresses: Arrow reserves far more than it fills
OUTPUT_BYTES = 4 << 30
_BLOCK = 2000


def main(arguments: list[str]) -> int:
    """`SOURCE DEST MOST_ROWS`: write DEST, line n of it for row n of the sheet; 0 rows means all of them."""
    source, dest, most = Path(arguments[0]), Path(arguments[1]), int(arguments[2])
    _limit_memory()
    encoder = msgspec.json.Encoder()
    written = 0
    try:
        rows = _sheet(source) if source.suffix.lower() in (".xlsx", ".xlsm") else _parquet(source)
        with dest.open("wb") as out:
            for row in islice(rows, most or None):
                written += out.write((encoder.encode(row) if row else b"") + b"\n")
                if written > OUTPUT_BYTES:
                    raise ValueError(f"more than {OUTPUT_BYTES >> 30} GB of text")
    except MemoryError:
        return 137
    except Exception as error:  # the border of the child: any library fault is an answer about this file
        sys.stderr.write(f"{type(error).__name__}: {error}"[:300])
        return 3
    return 0


def _sheet(path: Path) -> Iterator[dict[str, Any]]:
    """The first sheet with a header; the header's own line stays blank, so that numbers are the sheet's."""
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True, data_only=True)
    try:
        names: list[str] = []
        for cells in book.worksheets[0].iter_rows(values_only=True):
            if not names:
                if any(cell is not None for cell in cells):
                    names = _names(cells)
                yield {}
                continue
            yield {name: _plain(cell) for name, cell in zip(names, cells, strict=False) if name and cell is not None}
    finally:
        book.close()


def _names(cells: tuple[Any, ...]) -> list[str]:
    seen: dict[str, int] = {}
    names = []
    for position, cell in enumerate(cells, 1):
        name = str(cell).strip() if cell is not None else f"column {position}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return names


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_BLOCK, use_threads=False):
            for row in batch.to_pylist():
                yield {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value if math.isfinite(value) else None
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, bytes):
        return None  # pictures and packed arrays
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _limit_memory() -> None:
    if sys.platform == "win32":
        return
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ValueError, OSError):
        sys.stderr.write("The memory limit cannot be set here.\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Workbooks and Parquet tables as documents: every row a section under its sheet."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.errors import FormatError, LimitError
from engine.ingest.document import Outline, ReadDocument
from engine.ingest.limits import more, raised
from engine.ingest.readers.rows import Row
from engine.ingest.readers.tables import fill_rows
from engine.ingest.readers.zipped import check_archive
from engine.records import ImportProblem

MAX_ROWS = 1_000_000
_BEAT_EVERY = 500


def read_xlsx(path: Path, beat: Callable[[], None] = lambda: None) -> ReadDocument:
    """Sheets in their order; the first row of a sheet names its columns where it holds nothing but words.

    Raises:
        FormatError: damaged, with a password, made to exhaust a reader, or without text.
    """
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    check_archive(path, doctype_of="XLSX")
    outline, problems = Outline(), list[ImportProblem]()
    try:
        book = load_workbook(path, read_only=True, data_only=True)
        try:
            for sheet in book.worksheets:
                rows = list(_sheet_rows(path, sheet.iter_rows(values_only=True), beat))
                if rows:
                    outline.heading(1, str(sheet.title))
                    fill_rows(outline, path, rows, problems)
        finally:
            book.close()
    except (
        InvalidFileException,
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        AttributeError,
        IndexError,
        TypeError,
        OSError,
        SyntaxError,
    ) as error:
        raise FormatError(f"{path.name} is a damaged XLSX file.", hint="Open it in Excel and save it again.") from error
    if outline.is_empty:
        raise FormatError(f"{path.name} holds no text.", hint="Nothing can be imported from it.")
    return outline.build(path.stem, "xlsx", tuple(problems))


def read_parquet(path: Path, beat: Callable[[], None] = lambda: None) -> ReadDocument:
    """Rows of a Parquet table as those of a CSV file.

    Raises:
        FormatError: damaged, larger than a document may be, or without text.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    outline, problems, rows = Outline(), list[ImportProblem](), list[Row]()
    try:
        with pq.ParquetFile(path) as table:
            if table.metadata.num_rows > raised(MAX_ROWS):
                raise _too_long(path)
            for batch in table.iter_batches(batch_size=_BEAT_EVERY):
                beat()
                rows += [Row(len(rows) + 1 + place, cells) for place, cells in enumerate(batch.to_pylist())]
    except (pa.ArrowException, OSError, ValueError) as error:
        raise FormatError(f"{path.name} is a damaged Parquet file.", hint="Write it again.") from error
    if rows:
        fill_rows(outline, path, rows, problems)
    if outline.is_empty:
        raise FormatError(f"{path.name} holds no text.", hint="Nothing can be imported from it.")
    return outline.build(path.stem, "parquet", tuple(problems))


def _sheet_rows(path: Path, rows: Iterator[Sequence[Any]], beat: Callable[[], None]) -> Iterator[Row]:
    """Rows that hold anything, by column name."""
    names: list[str] | None = None
    for number, cells in enumerate(rows, start=1):
        if number > raised(MAX_ROWS):
            raise _too_long(path)
        if number % _BEAT_EVERY == 0:
            beat()
        if all(cell is None or str(cell).strip() == "" for cell in cells):
            continue
        if names is None:
            named = sum(cell is not None for cell in cells) > 1 and all(isinstance(c, str | None) for c in cells)
            names = _unique(cells) if named else [f"column {place}" for place in range(1, len(cells) + 1)]
            if named:
                continue
        yield Row(number, {name: cell for name, cell in zip(names, cells, strict=False) if cell is not None})


def _unique(cells: Sequence[Any]) -> list[str]:
    names: list[str] = []
    for place, cell in enumerate(cells, start=1):
        name = " ".join(str(cell or f"column {place}").split())
        names.append(name if name not in names else f"{name} ({place})")
    return names


def _too_long(path: Path) -> FormatError:
    return LimitError(f"{path.name} has more than {raised(MAX_ROWS):,} rows.", hint=more("save it as CSV"))

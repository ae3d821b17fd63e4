"""Rows of tables and JSON lines, one at a time, with their line numbers; a bad row is said and the next one read."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from engine.errors import FormatError
from engine.ingest.readers.encodings import detect
from engine.ingest.readers.opening import HEAD_BYTES, check_regular, read_whole
from engine.records import ImportProblem

MAX_LINE = 32 * 1024 * 1024
_MAX_PASSED = 8 * MAX_LINE
_MOST_SWALLOWED = 100_000  # lines after a quotation mark that is never closed; fewer are read again without it
MAX_COLUMNS = 16_384  # of a worksheet in Excel
_WIDE = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
_DELIMITERS = ",;\t|"

# Columns by name, in their order in the file. Any: JSON values; every reader checks those it takes.
Columns = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One object of a file; `line` counts from 1 (in a JSON array: the element)."""

    line: int
    columns: Columns


def read_rows(path: Path) -> Iterator[Row | ImportProblem]:
    """The rows of a CSV, TSV, JSON lines or JSON array file, plain or gzipped; blank lines are passed over.

    Raises:
        UserError: not there, or not to be read.
        FormatError: empty, damaged or no text.
    """
    name = path.name.lower().removesuffix(".gz")
    check_regular(path)
    table = name.endswith((".csv", ".tsv", ".tab"))
    try:
        yield from _csv_rows(path, tabs=not name.endswith(".csv")) if table else _json_rows(path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FormatError(f"{path.name} is a damaged gzip file: {error}.", hint="Get the file again.") from error


def sample_rows(path: Path, count: int = 20) -> list[Row]:
    """The good rows among the first `count`, for telling formats apart."""
    return [row for row in islice(read_rows(path), count) if isinstance(row, Row)]


def count_lines(paths: Iterable[Path]) -> int:
    """Lines in files together, for showing how far a job is; 0 where one of them is packed."""
    total = 0
    for path in paths:
        with path.open("rb") as stream:
            if stream.read(2) == b"\x1f\x8b":
                return 0
            stream.seek(0)
            while block := stream.read(1 << 20):
                total += block.count(b"\n")
    return total


def head_of(path: Path) -> bytes:
    """The first bytes of the file, unpacked where it is gzipped."""
    with open_plain(path) as stream:
        return stream.read(HEAD_BYTES)


def open_plain(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked on the way where it is gzipped."""
    stream = path.open("rb")
    packed = stream.read(2) == b"\x1f\x8b"
    stream.seek(0)
    return cast(IO[bytes], gzip.open(stream)) if packed else stream


def _json_rows(path: Path) -> Iterator[Row | ImportProblem]:
    head = head_of(path)
    encoding = _json_encoding(head)
    if not encoding:
        raise FormatError(f"{path.name} is no text.", hint="JSON lines are UTF-8 text.")
    if head.decode(encoding, "replace").lstrip("\ufeff \t\r\n").startswith("["):
        yield from _array_rows(path, encoding)
        return
    for number, line in _lines(path, encoding):
        if line is None:
            yield ImportProblem(path.name, number, "too_long", f"longer than {MAX_LINE // 1024**2} MB")
            continue
        if not line.strip():
            continue
        try:
            columns = msgspec.json.decode(line)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            yield ImportProblem(path.name, number, "json", f"not JSON: {error}"[:200])
            continue
        yield _checked(path, number, columns)


def _json_encoding(head: bytes) -> str:
    """JSON is UTF-8 (RFC 8259): a few lines that are not are bad lines; only a file without good ones is read anew."""
    return ("" if b"\0" in head else _most_lines(head)) or detect(head)


def _most_lines(head: bytes) -> str:
    """UTF-8 where more than half of the lines are that, else nothing."""
    lines = [line for line in head.split(b"\n")[:-1] or [head] if line.strip()]
    good = 0
    for line in lines:
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            continue
        good += 1
    return "utf-8" if good > len(lines) / 2 else ""


def _array_rows(path: Path, encoding: str) -> Iterator[Row | ImportProblem]:
    content = read_whole(path).decode(encoding, "replace").lstrip("\ufeff")
    try:
        elements = msgspec.json.decode(content, type=list[Any])
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise FormatError(f"{path.name} is not JSON: {error}.", hint="Use one JSON object a line.") from error
    for number, columns in enumerate(elements, 1):
        yield _checked(path, number, columns)


def _checked(path: Path, number: int, columns: object) -> Row | ImportProblem:
    if isinstance(columns, dict):
        return Row(number, columns)
    return ImportProblem(path.name, number, "wrong_type", "not a JSON object with named fields")


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, bytes | str | None]]:
    """Lines with their numbers; None for one that is too long to be read."""
    with open_plain(path) as stream:
        if encoding in _WIDE:
            # newline: a lone carriage return or U+2028 within a value ends no line.
            text = io.TextIOWrapper(stream, encoding, errors="replace", newline="\n")
            yield from enumerate(bounded_lines(path, text), 1)
            return
        number = 0
        while line := stream.readline(MAX_LINE):
            number += 1
            if len(line) == MAX_LINE and not line.endswith(b"\n"):
                _pass_over(path, number, stream)
                yield number, None
            elif encoding in ("utf-8", "utf-8-sig"):
                yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            else:
                yield number, line.decode(encoding, "replace")


def _pass_over(path: Path, number: int, stream: IO[bytes]) -> None:
    """Go to the end of a line that is too long; one that does not end makes the file no table."""
    passed = MAX_LINE
    while (rest := stream.readline(MAX_LINE)) and not rest.endswith(b"\n"):
        passed += len(rest)
        if passed > _MAX_PASSED:
            raise _endless(path, number)


def bounded_lines(path: Path, stream: IO[str]) -> Iterator[str]:
    """Lines of a text file.

    Raises:
        FormatError: one is longer than `MAX_LINE`.
    """
    number = 0
    while line := stream.readline(MAX_LINE):
        number += 1
        if len(line) == MAX_LINE and not line.endswith(("\n", "\r")):
            raise _endless(path, number)
        yield line


def _endless(path: Path, number: int) -> FormatError:
    return FormatError(
        f"{path.name}, line {number} does not end within {MAX_LINE // 1024**2} MB.",
        hint="It is no table or JSON lines, or damaged: get it again.",
    )


def _csv_rows(path: Path, *, tabs: bool) -> Iterator[Row | ImportProblem]:
    head = head_of(path)
    found = detect(head)
    encoding = found or _most_lines(head)
    if not encoding:
        raise FormatError(f"{path.name} is no text.", hint="Save the table as CSV in UTF-8.")
    csv.field_size_limit(MAX_LINE)
    delimiter = "\t" if tabs else _delimiter(head.decode(encoding, "replace"))
    with open_plain(path) as stream:
        lines = _Lines(bounded_lines(path, io.TextIOWrapper(stream, encoding, errors="replace", newline="")))
        names: list[str] = []
        for number, cells in _records(path, lines, delimiter):
            if isinstance(cells, ImportProblem):
                yield cells
            elif not found and any("\ufffd" in cell for cell in cells):
                yield ImportProblem(path.name, number, "encoding", "bytes that are no UTF-8, as the lines around are")
            elif any(cell.strip() for cell in cells):
                if names:
                    yield _csv_row(path, number, names, cells)
                    continue
                if len(cells) > MAX_COLUMNS:
                    reason = f"{path.name} has {len(cells):,} columns; at most {MAX_COLUMNS:,} are read."
                    raise FormatError(reason, hint="Keep the columns with the texts, and save it anew.")
                names = _unique([cell.strip().lstrip("\ufeff") for cell in cells])


class _Lines:
    """Lines of a table, those of the record that is being read kept: it may turn out to swallow the file."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.number = 0
        self.record: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        self.record.append(line)
        return line.replace("\0", "")


def _records(path: Path, lines: _Lines, delimiter: str) -> Iterator[tuple[int, list[str] | ImportProblem]]:
    """(line, cells) of each record; a quotation mark that is never closed costs its own line, not the rest."""
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        lines.record.clear()
        number = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, ImportProblem(path.name, number, "csv", str(error))
            continue
        if len(lines.record) > 1 and '"' not in lines.record[-1]:  # ended by the file's end, not by a mark
            reason = "a quotation mark opens a cell and none closes it"
            if len(lines.record) > _MOST_SWALLOWED:
                raise FormatError(f"{path.name}, line {number}: {reason} to the file's end.", hint="Take it out.")
            yield number, ImportProblem(path.name, number, "csv", reason)
            rest = _Lines(lines.record[1:])
            rest.number = number
            yield from _records(path, rest, delimiter)
            return
        yield number, cells


def _csv_row(path: Path, line: int, names: list[str], cells: list[str]) -> Row | ImportProblem:
    if any(cell.strip() for cell in cells[len(names) :]):
        reason = f"{len(cells)} columns where the first line names {len(names)} (a stray delimiter?)"
        return ImportProblem(path.name, line, "columns", reason)
    cells = cells + [""] * (len(names) - len(cells))
    return Row(line, dict(zip(names, cells, strict=False)))


def _unique(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    unique = []
    for position, name in enumerate(names, 1):
        name = name or f"column {position}"
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return unique


def _delimiter(head: str) -> str:
    """The one that cuts the first lines into the most columns, the same number each (csv.Sniffer takes letters)."""
    best = (0.0, ",")
    for delimiter in _DELIMITERS:
        try:
            rows = islice(csv.reader(io.StringIO(head[:8192]), delimiter=delimiter), 20)
            widths = [len(cells) for cells in rows if cells]
        except csv.Error:
            continue
        if widths and widths[0] > 1:
            share = sum(width == widths[0] for width in widths) / len(widths)
            best = max(best, (share * min(widths[0], 50), delimiter), key=lambda entry: entry[0])
    return best[1]

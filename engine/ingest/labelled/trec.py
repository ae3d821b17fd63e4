"""TREC: topics, documents, judgements and runs, as a folder or each by itself for what the project holds already."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from urllib.parse import unquote

from engine.errors import UserError
from engine.ingest.labelled.fields import RowError, grade_of, number_of, split_of
from engine.ingest.labelled.folders import MOST_FILES
from engine.ingest.labelled.units import JudgementUnit, PassageUnit, QueryUnit, RunUnit, SkippedUnit, Unit
from engine.ingest.readers.encodings import detect
from engine.ingest.readers.rows import bounded_lines, head_of, open_plain
from engine.records import ImportProblem, Split

_SUFFIXES = (
    "",
    ".txt",
    ".qrels",
    ".qrel",
    ".run",
    ".trec",
    ".xml",
    ".sgml",
    ".tsv",
    ".topics",
    ".res",
    ".test",
    ".dev",
)
_SAMPLE = 20
_MOST_LINES = 100_000  # of one topic or document; a file that never closes one is not read into memory
_TOPIC = re.compile(r"<top>|<topic\b", re.IGNORECASE)
_NUMBER = re.compile(r"<num>\s*(?:number:)?\s*([^\s<]+)", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"<topic\b[^>]*\bnumber\s*=\s*[\"']([^\"']+)", re.IGNORECASE)
_FIELDS = (
    re.compile(r"<query>(.*?)(?=<(?!br)/?[a-z]|\Z)", re.IGNORECASE | re.DOTALL),
    re.compile(r"<title>(?:\s*topic:)?(.*?)(?=<(?!br)/?[a-z]|\Z)", re.IGNORECASE | re.DOTALL),
)
_DOCNO = re.compile(r"<DOCNO>\s*(.*?)\s*</DOCNO>", re.IGNORECASE | re.DOTALL)
_HEAD = re.compile(r"<(?:TITLE|HEADLINE)>(.*?)</(?:TITLE|HEADLINE)>", re.IGNORECASE | re.DOTALL)
_BODY = re.compile(r"<TEXT>(.*?)</TEXT>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>")


def part_of(path: Path) -> tuple[str, int, int]:
    """(qrels, run, topics, documents or "", lines that say so, lines looked at)."""
    if path.suffix.lower() not in _SUFFIXES and not path.name.lower().endswith(".gz"):
        return "", 0, 0
    try:
        head = [line for line in islice(_lines(path), 4 * _SAMPLE) if line.strip()]
    except UserError:
        return "", 0, 0
    text = "\n".join(head)
    if re.search(r"<DOC>", text) and re.search(r"<DOCNO>", text, re.IGNORECASE):
        return "documents", 1, 1
    if _TOPIC.search(text):
        return "topics", 1, 1
    head = head[:_SAMPLE]
    for name, test in (("qrels", _is_qrel), ("run", _is_hit)):
        count = sum(test(line.split()) for line in head)
        if head and count > len(head) / 2:
            return name, count, len(head)
    return "", 0, len(head)


def _is_qrel(cells: list[str]) -> bool:
    return (
        len(cells) == 4 and cells[3].lstrip("-").isdecimal() and (cells[1] in ("0", "Q0", "q0") or cells[1].isdecimal())
    )


def _is_hit(cells: list[str]) -> bool:
    if len(cells) != 6 or not cells[3].isdecimal():
        return False
    try:
        float(cells[4])
    except ValueError:
        return False
    return True


def files_of(folder: Path) -> dict[str, list[Path]]:
    """The folder's files by part: documents, topics, qrels, run."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    below = folder / "qrels"
    files += sorted(path for path in below.iterdir() if path.is_file()) if below.is_dir() else []
    found: dict[str, list[Path]] = {"documents": [], "topics": [], "qrels": [], "run": []}
    if len(files) <= MOST_FILES:
        for path in files:
            part, _, _ = part_of(path)
            if part:
                found[part].append(path)
    return found


def is_trec(folder: Path) -> bool:
    """A collection: topics with judgements, runs or documents beside them."""
    found = files_of(folder)
    return bool(found["topics"] and (found["qrels"] or found["run"] or found["documents"]))


def read_trec(path: Path) -> Iterator[Unit]:
    """Documents, topics, judgements, runs, in this order, so that each finds what it names."""
    parts = files_of(path) if path.is_dir() else {part_of(path)[0] or "qrels": [path]}
    root = path if path.is_dir() else path.parent
    splits: dict[str, Split] = {}
    for file in parts.get("qrels", []):
        split = split_of(file.name)
        for cells in (line.split() for line in _lines(file)) if split else ():
            if len(cells) == 4:
                splits[_name(cells[0])] = split or Split.TRAIN
    for file in parts.get("documents", []):
        yield from _documents(file)
    for file in parts.get("topics", []):
        yield from _topics(file, splits)
    for file in parts.get("qrels", []):
        yield from _numbered(file, file.relative_to(root).as_posix(), _judgement)
    for file in parts.get("run", []):
        yield from _numbered(file, file.name, _hit)


def _numbered(path: Path, file: str, convert: Callable[[str, int, list[str]], Unit]) -> Iterator[Unit]:
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        try:
            yield convert(file, number, line.split())
        except RowError as error:
            yield SkippedUnit(ImportProblem(file, number, error.code, error.reason))


def _judgement(file: str, number: int, cells: list[str]) -> JudgementUnit:
    if len(cells) != 4:
        raise RowError("columns", f"{len(cells)} columns; expected query, 0, passage, grade between blanks")
    return JudgementUnit(file, number, _name(cells[0]), _name(cells[2]), grade_of(cells[3]))


def _hit(file: str, number: int, cells: list[str]) -> RunUnit:
    if len(cells) != 6:
        raise RowError("columns", f"{len(cells)} columns; expected query, Q0, passage, rank, score, tag between blanks")
    return RunUnit(file, number, cells[5], _name(cells[0]), _name(cells[2]), number_of(cells[4]))


def _name(cell: str) -> str:
    """An id; one with blanks, which would end its column, is written as in web addresses."""
    plain = unquote(cell)
    return plain if any(character.isspace() for character in plain) else cell


def _documents(path: Path) -> Iterator[Unit]:
    for number, block in _blocks(path, re.compile(r"<DOC>"), re.compile(r"</DOC>")):
        name = _DOCNO.search(block)
        bodies = [_plain(body) for body in _BODY.findall(block)]
        text = "\n".join(body for body in bodies if body.strip())
        if name is None or not text.strip():
            reason = "a document without a <DOCNO>" if name is None else "a document without a text"
            yield SkippedUnit(ImportProblem(path.name, number, "missing_field", reason))
            continue
        head = _HEAD.search(block)
        heading = _plain(head.group(1).replace("\n", " ")).strip() if head else ""
        yield PassageUnit(path.name, number, text, heading=heading, external_id=html.unescape(name.group(1)))


def _plain(markup: str) -> str:
    """A field without its tags and the line ends around it; entities stand for their characters."""
    return html.unescape(_TAG.sub(" ", markup).strip("\r\n"))


def _topics(path: Path, splits: dict[str, Split]) -> Iterator[Unit]:
    begin, end = _TOPIC, re.compile(r"</top>|</topic>", re.IGNORECASE)
    for number, block in _blocks(path, begin, end):
        name = _ATTRIBUTE.search(block) or _NUMBER.search(block)
        fields = [field.group(1) for pattern in _FIELDS if (field := pattern.search(block))]
        text = html.unescape(next((field.strip() for field in fields if field.strip()), ""))
        if name is None or not text.strip():
            reason = "a topic without a number" if name is None else "a topic without a title"
            yield SkippedUnit(ImportProblem(path.name, number, "missing_field", reason))
            continue
        query_id = html.unescape(name.group(1))
        yield QueryUnit(
            path.name, number, text, external_id=query_id, split=splits.get(query_id) or split_of(path.name)
        )


def _blocks(path: Path, begin: re.Pattern[str], end: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """(line, text) of each stretch from `begin` to `end`."""
    held: list[str] = []
    first = 0
    for number, line in enumerate(_lines(path), 1):
        if not held and not begin.search(line):
            continue
        first = first if held else number
        held.append(line)
        if end.search(line) or len(held) > _MOST_LINES:
            yield first, "\n".join(held)
            held = []


def _lines(path: Path) -> Iterator[str]:
    encoding = detect(head_of(path)) or "utf-8"
    with open_plain(path) as stream:
        for line in bounded_lines(path, io.TextIOWrapper(stream, encoding, errors="replace", newline="\n")):
            yield line.rstrip("\r\n").lstrip("\ufeff")

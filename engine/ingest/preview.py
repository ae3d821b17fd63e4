"""What an import would bring, told before anything is stored: kinds, formats with their reasons, tables with roles."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.errors import UserError
from engine.formats import (
    LABELLED,
    ImportPreview,
    PreviewCounts,
    PreviewFile,
    PreviewKind,
    PreviewTable,
    Role,
)
from engine.ingest.choosing import columns_of, header_of, is_table, names_of, remembered, settle
from engine.ingest.finding import Found, scan
from engine.ingest.labelled import detect, read_units, reading_of
from engine.ingest.labelled.detecting import FOLDERS_ONLY, SUFFIXES
from engine.ingest.labelled.fields import RowError
from engine.ingest.labelled.roles import guess_roles
from engine.ingest.labelled.sheets import as_lines
from engine.ingest.labelled.table import check_mapping, example_of, scale_of_scores
from engine.ingest.labelled.units import (
    ExampleUnit,
    JudgementUnit,
    NegativeUnit,
    PassageUnit,
    QueryUnit,
    RunUnit,
    SkippedUnit,
)
from engine.ingest.readers.rows import read_rows
from engine.params import FileChoice, ImportParams
from engine.records import ImportProblem, text_hash
from engine.store import outside, scores
from engine.store.project import Project

MOST_LOOKED_INTO = 4000  # files; beyond it kinds are told by names, which takes a second for a hundred thousand
MOST_SHOWN, MOST_LEFT_OUT = 200, 50
SECONDS_A_FILE, SECONDS = 1.5, 6.0
_CELL = 160
_BLOCK = 1000


def preview(project: Project, params: ImportParams) -> ImportPreview:
    """Look at the paths without storing anything, in some seconds at most.

    Raises:
        UserError: as `engine.ingest.finding.scan`.
    """
    found, complete = _found(project, params)
    deadline = time.monotonic() + SECONDS
    told = [one for one in found if one.kind == "labelled" or (one.kind == "documents" and is_table(one))]
    left = [one for one in found if one.kind == "skipped"]
    files = [_told(project, one, params, deadline) for one in told[:MOST_SHOWN]]
    files += [_told(project, one, params, deadline) for one in left[:MOST_LEFT_OUT]]
    seen = ImportPreview(_kinds(found), tuple(files), complete)
    mappings = {str(one.path): dict(one.mapping) for one in told}
    sentences = {
        one.path: f"{sentence_of(one)}{_reading(one, mappings[one.path])}"
        for one in seen.files
        if one.kind == "labelled"
    }
    return replace(seen, sentences=sentences)


def preview_file(project: Project, params: ImportParams, path: str) -> PreviewFile:
    """One file or folder again, under another choice.

    Raises:
        UserError: it is not there any more.
    """
    choice = params.choices.get(path, FileChoice())
    found = settle(project, scan([path], replace(params, paths=(path,), mapping={})), replace(params, mapping={}))
    one = next((one for one in found if str(one.path) == path), found[0])
    if choice.format == "table" and one.format != "table":
        one = replace(one, kind="labelled", format="table", mapping=tuple(choice.mapping.items()))
    return _told(project, one, params, time.monotonic() + SECONDS)


def _found(project: Project, params: ImportParams) -> tuple[list[Found], bool]:
    count = 0
    for path in params.paths:
        for _ in _walk(Path(path).expanduser()):
            count += 1
            if count > MOST_LOOKED_INTO:
                return settle(project, list(_by_names(params)), replace(params, mapping={})), False
    return settle(project, scan(params.paths, params), params), True


def _walk(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))


def _by_names(params: ImportParams) -> Iterator[Found]:
    """Files by their names alone; only the first that could be labelled sets are looked into."""
    looked = 0
    for named in params.paths:
        root = Path(named).expanduser().absolute()
        for path in _walk(root):
            shown = path.relative_to(root).as_posix() if path != root else path.name
            kind = path.suffix.lower().lstrip(".") or "txt"
            if path.name.lower().endswith(SUFFIXES) and looked < MOST_SHOWN:
                looked += 1
                seen = detect(path)
                if seen.format and not seen.pool and not seen.root:
                    yield Found(path, shown, "labelled", seen.format, seen.reason)
                    continue
            yield Found(path, shown, "documents", kind, "")


def _kinds(found: Iterable[Found]) -> tuple[PreviewKind, ...]:
    files: Counter[tuple[str, str]] = Counter()
    sizes: Counter[tuple[str, str]] = Counter()
    for one in found:
        key = (one.kind, one.code if one.kind == "skipped" else one.format)
        files[key] += 1
        sizes[key] += _size(one.path)
    order = ("labelled", "documents", "skipped")
    ranked = sorted(files, key=lambda key: (order.index(key[0]), -files[key], key[1]))
    return tuple(PreviewKind(kind, name, files[kind, name], sizes[kind, name]) for kind, name in ranked)  # type: ignore[arg-type]


def _size(path: Path) -> int:
    try:
        if path.is_dir():
            return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        return path.stat().st_size
    except OSError:
        return 0


def _told(project: Project, one: Found, params: ImportParams, deadline: float) -> PreviewFile:
    until = min(deadline, time.monotonic() + SECONDS_A_FILE)
    told = PreviewFile(
        str(one.path), one.shown, one.kind, one.format, one.reason, one.code, _size(one.path), _choices(one)
    )
    try:
        if one.kind == "labelled" and one.format == "table":
            return replace(told, table=_table(project, one, until))
        if one.kind == "labelled":
            return replace(told, counts=_counts(project, one, until))
        if is_table(one):
            return replace(told, table=_table(project, one, until))
    except (UserError, OSError) as error:
        return replace(told, kind="skipped", code="unreadable", reason=getattr(error, "message", str(error)))
    return told


def _choices(one: Found) -> tuple[str, ...]:
    """Formats a person can choose: for a folder what it is, or nothing; for a file all that are files."""
    if one.path.is_dir():
        return (one.format, "skip")
    if not (one.kind == "labelled" or is_table(one)):
        return ()
    return (*(name for name in LABELLED if name not in FOLDERS_ONLY), "documents", "skip")


def _counts(project: Project, one: Found, until: float) -> PreviewCounts:
    counts: Counter[str] = Counter()
    asked: list[str] = []
    existing = 0
    seen: tuple[str, int] = ("", 0)
    complete = True
    for number, unit in enumerate(read_units(one.path, one.format, dict(one.mapping))):
        if number and number % 200 == 0 and time.monotonic() > until:
            complete = False
            break
        match unit:
            case ExampleUnit():
                counts["queries"] += bool(unit.query)
                counts["judgements"] += len(unit.judged) + len(unit.judged_ids)
                counts["negatives"] += (len(unit.negatives) + len(unit.negative_ids)) * bool(unit.query)
                counts["passages"] += len(set(unit.texts))
                asked += [unit.query] if unit.query else []
            case PassageUnit():
                counts["passages"] += 1
            case QueryUnit():
                counts["queries"] += 1
                asked.append(unit.text)
            case JudgementUnit():
                counts["judgements"] += 1
            case NegativeUnit():
                counts["negatives"] += 1
            case RunUnit():
                counts["hits"] += 1
            case SkippedUnit():
                counts["skipped"] += 1
        place = (unit.problem.file, unit.problem.line) if hasattr(unit, "problem") else (unit.file, unit.line)
        counts["lines"] += place != seen
        seen = place
        if len(asked) >= _BLOCK:
            existing += _existing(project, asked)
            asked = []
    existing += _existing(project, asked)
    return PreviewCounts(**counts, existing=existing, complete=complete)


def _existing(project: Project, texts: Sequence[str]) -> int:
    """How many of the texts are queries of the project already."""
    hashes = [text_hash(text.strip()) for text in texts]
    known = scores.ids_by_text(project, "queries", hashes)
    return sum(digest in known for digest in hashes)


def _table(project: Project, one: Found, until: float) -> PreviewTable:
    rows = columns_of(one)
    names = names_of(rows)
    known = remembered(project).get(header_of(names))
    roles: dict[str, Any] = dict(one.mapping) or guess_roles(rows, known)
    table = PreviewTable(
        tuple(names),
        {name: roles.get(name, "ignore") for name in names},
        guessed=not one.mapping and known is None,
        remembered=known is not None and all(roles.get(name, "ignore") == known.get(name, "ignore") for name in names),
        rows=tuple(tuple(_cell(columns.get(name)) for name in names) for columns in rows),
    )
    try:
        checked = check_mapping(table.roles, names, one.path.name)
    except UserError as error:
        return replace(table, fault=error.message)
    return _count_rows(project, one, table, checked, until)


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else " · ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"


def _count_rows(
    project: Project, one: Found, table: PreviewTable, roles: Mapping[str, Role], until: float
) -> PreviewTable:
    lines = as_lines(one.path)
    scale = scale_of_scores(lines, roles)
    block: list[ExampleUnit] = []
    counted = skipped = usable = unmatched = existing = text_only = 0
    why, complete = "", True

    def settle_block() -> None:
        nonlocal usable, unmatched, existing, text_only
        named = {name for unit in block for name, _ in unit.judged_ids}
        found = outside.passages_named(project, named)
        good = [u for u in block if not u.judged_ids or u.texts or any(name in found for name, _ in u.judged_ids)]
        usable += len(good)
        unmatched += len(block) - len(good)
        text_only += sum(bool(u.texts) and any(name not in found for name, _ in u.judged_ids) for u in good)
        existing += _existing(project, [unit.query for unit in good])
        block.clear()

    for row in read_rows(lines):
        if counted and counted % 200 == 0 and time.monotonic() > until:
            complete = False
            break
        counted += 1
        try:
            if isinstance(row, ImportProblem):
                raise RowError(row.code, row.reason)
            block.append(example_of(one.path.name, row, roles, scale))
        except RowError as error:
            skipped += 1
            why = why or error.reason
        if len(block) >= _BLOCK:
            settle_block()
    settle_block()
    return replace(
        table, usable=usable, unmatched=unmatched, skipped=skipped, why=why, existing=existing,
        counted=counted, complete=complete, text_only=text_only,
    )  # fmt: skip


def sentence_of(one: PreviewFile) -> str:
    """What a labelled file would bring, in one sentence, for the command line."""
    if one.table is not None:
        return _table_sentence(one.table)
    counts = one.counts or PreviewCounts()
    parts = [
        f"{number:,} {word}"
        for number, word in (
            (counts.queries, "queries"),
            (counts.passages, "passages"),
            (counts.judgements, "judgements"),
            (counts.negatives, "negatives"),
            (counts.hits, "hits of a run"),
            (counts.skipped, "bad lines"),
        )
        if number
    ]
    return ("" if counts.complete else "At least ") + (", ".join(parts) or "nothing") + "."


def _reading(one: PreviewFile, mapping: Mapping[str, str]) -> str:
    """How its scores are read, where that could be meant otherwise."""
    with suppress(UserError, OSError):
        said = reading_of(Path(one.path), one.format, mapping)
        return f" {said}." if said else ""
    return ""


def _table_sentence(table: PreviewTable) -> str:
    if table.fault:
        return table.fault
    of = {role: [name for name, has in table.roles.items() if has == role] for role in set(table.roles.values())}
    answered = [f"answered by the text in {', '.join(of['positive'])}"] if "positive" in of else []
    answered += [f"answered by the passage whose id is in {', '.join(of['passage_id'])}"] if "passage_id" in of else []
    answered += [f"not answered by {', '.join(of['negative'])}"] if "negative" in of else []
    what = ", ".join([f"a query from {of['query'][0]}", *answered])
    text = f"Each row: {what}; {table.usable:,} rows usable"
    text += f", {table.unmatched:,} without a matching passage" if table.unmatched else ""
    text += f", {table.text_only:,} of them by their text alone (no passage has their id)" if table.text_only else ""
    text += f", {table.skipped:,} that cannot be taken ({table.why})" if table.skipped else ""
    return text + ("." if table.complete else f", of the first {table.counted:,} rows.")

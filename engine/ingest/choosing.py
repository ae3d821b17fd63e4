"""What a person chose for single files and tables, laid over what was found; mappings are remembered by header."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from engine.errors import UserError
from engine.formats import Role
from engine.ingest.finding import Found, scan
from engine.ingest.labelled import NAMES
from engine.ingest.labelled.detecting import FOLDERS_ONLY, LINES, TABLES
from engine.ingest.labelled.roles import asked_and_answered, guess_roles
from engine.ingest.labelled.sheets import as_lines, is_sheet
from engine.ingest.readers.rows import Columns, sample_rows
from engine.params import FileChoice, ImportParams
from engine.store.project import Project
from engine.task import Task

_META = "table_mappings"
_MOST_HEADERS = 200
SAMPLE = 100
_MOST_NAMED, _MOST_LOOKED_INTO = 5, 50


def settle(project: Project, found: Sequence[Found], params: ImportParams) -> list[Found]:
    """The files as they will be read: a person's choice first, then a mapping given or remembered, then what was seen.

    Raises:
        UserError: a mapping was given and no file has its columns.
    """
    known = remembered(project)
    settled = [_settled(one, params, known) for one in found]
    if params.mapping and not any(one.mapping for one in settled):
        columns = ", ".join(params.mapping)
        raise UserError(
            f"No table among these files has the columns {columns}.", hint="Columns are named as in the file."
        )
    return settled


def _settled(one: Found, params: ImportParams, known: Mapping[str, Mapping[str, Role]]) -> Found:
    choice = params.choices.get(str(one.path), FileChoice())
    if choice.format == "skip":
        return replace(one, kind="skipped", code="left_out", reason="left out by choice")
    if choice.format == "documents" and one.kind == "labelled" and one.path.is_file():
        again = scan([str(one.path)], replace(params, kind="documents", format="auto", mapping={}, choices={}))
        return replace(again[0], shown=one.shown)
    if choice.format in NAMES and (choice.format not in FOLDERS_ONLY or one.path.is_dir()):
        mapping: tuple[tuple[str, str], ...] = ()
        if choice.format == "table":
            before = known.get(header_of(names_of(columns_of(one)))) if known and not choice.mapping else None
            mapping = tuple(choice.mapping.items()) or tuple((before or {}).items())
        reason = one.reason if choice.format == one.format else f"read as {NAMES[choice.format]}, as chosen"
        return replace(one, kind="labelled", format=choice.format, reason=reason, code="", mapping=mapping)
    if choice.format != "documents" and params.kind != "documents" and is_table(one):
        return _mapped(one, params, known)
    return one


def is_table(one: Found) -> bool:
    """Whether the file has rows with named columns."""
    return one.code != "unreadable" and one.path.name.lower().endswith((*TABLES, *LINES)) and one.path.is_file()


def _mapped(one: Found, params: ImportParams, known: Mapping[str, Mapping[str, Role]]) -> Found:
    if params.mapping:
        names = names_of(columns_of(one))
        if set(params.mapping) <= set(names):
            reason = "its columns are mapped as asked"
            return replace(
                one, kind="labelled", format="table", reason=reason, code="", mapping=tuple(params.mapping.items())
            )
        return one
    if (one.kind == "labelled" and one.format != "table") or not known or params.format not in ("auto", "table"):
        return one
    mapping = known.get(header_of(names_of(columns_of(one))))
    if mapping is None:
        return one
    reason = "a table with this header was mapped before"
    return replace(one, kind="labelled", format="table", reason=reason, code="", mapping=tuple(mapping.items()))


def tell_of_pairs(found: Iterable[Found], params: ImportParams, task: Task) -> None:
    """Say of tables that become documents, and look like questions and answers, how they become a labelled set."""
    if params.kind != "auto" or params.format != "auto" or params.mapping:
        return
    tables = (one for one in found if one.kind == "documents" and is_table(one) and not is_sheet(one.path))
    told = 0
    for one in islice(tables, _MOST_LOOKED_INTO):
        if str(one.path) in params.choices:
            continue
        pair = asked_and_answered(names_of(columns_of(one)))
        if pair is not None:
            asked, answered = pair
            task.warn(
                f"{one.shown} is taken as documents, a row each. Its columns look like queries ({asked}) and answers "
                f"({answered}): to use them so, import it with --map query={asked},positive={answered}, or give "
                "its columns roles in the import window."
            )
            told += 1
        if told == _MOST_NAMED:
            return


def columns_of(one: Found) -> list[Columns]:
    """The first rows of a table; none where it cannot be read, which the import then tells."""
    try:
        return [row.columns for row in sample_rows(as_lines(one.path, sample=True), SAMPLE)]
    except (UserError, OSError):
        return []


def names_of(rows: Iterable[Columns]) -> list[str]:
    return list(dict.fromkeys(name for columns in rows for name in columns))


def header_of(names: Iterable[str]) -> str:
    """What a table is known by."""
    return "\t".join(sorted(names))


def remembered(project: Project) -> dict[str, dict[str, Role]]:
    """Roles by column, by header."""
    known = project.meta_json(_META)
    return known if isinstance(known, dict) else {}


def remember(project: Project, one: Found) -> None:
    """Keep how a table was mapped, for the next one with its header."""
    if one.format != "table":
        return
    rows = columns_of(one)
    mapping: dict[str, str] = dict(one.mapping) or dict(guess_roles(rows))
    known: dict[str, Mapping[str, str]] = {**remembered(project)}
    key = header_of(names_of(rows))
    if known.get(key) != mapping:
        known.pop(key, None)
        known[key] = mapping
        project.set_meta_json(_META, dict(list(known.items())[-_MOST_HEADERS:]))

"""Tables with columns of any name: each row becomes what the roles of its columns say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from engine.errors import UserError
from engine.formats import ROLES, Role
from engine.ingest.labelled.fields import (
    GRADES,
    SENTENCES,
    RowError,
    graded,
    number_of,
    scale_in_words,
    scale_of,
    split_of,
    units_of,
)
from engine.ingest.labelled.units import ExampleUnit, Unit
from engine.ingest.readers.rows import Columns, Row, sample_rows


def check_mapping(mapping: Mapping[str, str], names: list[str], file: str) -> dict[str, Role]:
    """The roles of a file's columns; columns that the mapping does not name are ignored.

    Without a column of passages the rows are queries alone.

    Raises:
        UserError: an unknown role or column, or no query.
    """
    for name, role in mapping.items():
        if role not in ROLES:
            raise UserError(f"There is no role '{role}'.", hint=f"Roles: {', '.join(ROLES)}.")
        if name not in names:
            raise UserError(f"{file} has no column '{name}'.", hint=f"Its columns: {', '.join(names[:20])}.")
    roles: dict[str, Role] = {name: role for name in names for role in ROLES if mapping.get(name, "ignore") == role}
    has: list[str] = list(roles.values())
    if has.count("query") != 1:
        raise UserError(f"One column of {file} must be the query.", hint="For example: --map query=NAME,positive=NAME")
    for role in ("score", "group", "split"):
        if has.count(role) > 1:
            raise UserError(f"Only one column of {file} can be the {role}.", hint="Ignore the others.")
    return roles


def read_table(path: Path, roles: Mapping[str, Role]) -> Iterator[Unit]:
    """The rows of a table as examples; a row without query or passage is told and left out."""
    split = split_of(path.name)
    scale = scale_of_scores(path, roles)

    def convert(row: Row) -> Iterator[Unit]:
        yield example_of(path.name, row, roles, scale, split)

    return units_of(path, path.name, convert)


def example_of(file: str, row: Row, roles: Mapping[str, Role], scale: float, split: object = None) -> ExampleUnit:
    """One row as an example.

    Raises:
        RowError: no query, no passage, or a score that is no number.
    """
    queries = _texts(row.columns, roles, "query")
    if not queries:
        raise RowError("empty_text", "the query is empty")
    passages = _texts(row.columns, roles, "positive")
    names = _ids(row.columns, roles)
    wrong = _texts(row.columns, roles, "negative")
    answered = any(role in ("positive", "passage_id", "negative") for role in roles.values())
    if answered and not passages and not names and not wrong:
        raise RowError("no_positive", "neither a passage nor its id")
    grade, score = _grade(row.columns, roles, scale)
    scored = tuple((text, score) for text in passages) if score is not None else ()
    refused = tuple(passages) if grade == 0 else ()
    own = next((split_of(f"{row.columns[name]}.x") for name, role in roles.items() if role == "split"), None)
    return ExampleUnit(
        file,
        row.line,
        queries[0],
        tuple((text, grade) for text in passages),
        (*wrong, *refused),
        own or split,  # type: ignore[arg-type]
        scored,
        judged_ids=tuple((name, grade) for name in names),
        negative_ids=tuple(names) if grade == 0 else (),
        group=next(iter(_texts(row.columns, roles, "group")), ""),
    )


def scale_of_scores(path: Path, roles: Mapping[str, Role]) -> float:
    """What scores go up to, by the first rows: 0 for grades, which whole numbers up to 3 always are, else 1, 5, ..."""
    values = _first_scores(path, roles)
    if not values or (max(values) <= GRADES and all(value.is_integer() for value in values)):
        return 0.0
    asked = next((name for name, role in roles.items() if role == "query"), "")
    return scale_of(values, alike=asked.lower() in SENTENCES)


def reading_of(path: Path, roles: Mapping[str, Role]) -> str:
    """How a table's column of scores is read, in words; "" where there is none, or nothing but 0 and 1 in it."""
    if set(_first_scores(path, roles)) <= {0.0, 1.0}:
        return ""
    column = next(name for name, role in roles.items() if role == "score")
    return scale_in_words(column, scale_of_scores(path, roles))


def _first_scores(path: Path, roles: Mapping[str, Role]) -> list[float]:
    column = next((name for name, role in roles.items() if role == "score"), "")
    values = []
    for row in sample_rows(path, 200) if column else ():
        with suppress(RowError):
            values.append(number_of(row.columns.get(column)))
    return values


def _grade(columns: Columns, roles: Mapping[str, Role], scale: float) -> tuple[int, float | None]:
    column = next((name for name, role in roles.items() if role == "score"), "")
    value = columns.get(column) if column else None
    if value is None or value == "":
        return 1, None
    number = float(value) if isinstance(value, bool) else number_of(value)
    return graded(number, scale), number if scale else None


def _texts(columns: Columns, roles: Mapping[str, Role], role: Role) -> list[str]:
    """Texts in the columns of a role; numbers count as texts, blank ones are left out."""
    found = []
    for name, has in roles.items():
        value = columns.get(name)
        for part in value if isinstance(value, list) else [value]:
            if has == role and part is not None and not isinstance(part, dict) and str(part).strip():
                found.append(str(part))
    return found


def _ids(columns: Columns, roles: Mapping[str, Role]) -> list[str]:
    """Passage ids; a number that a spreadsheet made of one (17.0) is the whole number."""
    found = _texts(columns, roles, "passage_id")
    return [name[:-2] if name.endswith(".0") and name[:-2].isdecimal() else name.strip() for name in found]

"""Fields of a line, checked: their absence or wrong type is a reason a person can act on."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from engine.ingest.labelled.sheets import as_lines
from engine.ingest.labelled.units import SkippedUnit, Unit
from engine.ingest.readers.rows import Columns, Row, read_rows
from engine.records import ImportProblem, Split

_SPLIT_WORDS = {
    "train": Split.TRAIN,
    "training": Split.TRAIN,
    "dev": Split.DEV,
    "val": Split.DEV,
    "valid": Split.DEV,
    "validation": Split.DEV,
    "test": Split.TEST,
}


# A score of at least this share of its scale says that a passage answers (STS: 3 of 5 "roughly equivalent").
RELEVANT_SHARE = 0.6
GRADES = 3
# Names of a first column whose rows are two sentences, neither of them a query.
SENTENCES = ("sentence1", "sentence_a", "premise", "text1", "sentence")


class RowError(Exception):
    """A line cannot be taken; `code` and `reason` go into the import report."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def units_of(path: Path, file: str, convert: Callable[[Row], Iterator[Unit]]) -> Iterator[Unit]:
    """Convert every row of a file; bad ones become skipped units and nothing else stops."""
    for row in read_rows(as_lines(path)):
        if isinstance(row, ImportProblem):
            yield SkippedUnit(ImportProblem(file, row.line, row.code, row.reason))
            continue
        try:
            units = list(convert(row))
        except RowError as error:
            yield SkippedUnit(ImportProblem(file, row.line, error.code, error.reason))
            continue
        yield from units


def text_field(columns: Columns, name: str) -> str:
    """A text that is there and not blank, kept as it stands (published figures are on whole passages).

    Raises:
        RowError: absent, no text, or blank.
    """
    if name not in columns:
        raise RowError("missing_field", f"no '{name}' field (fields: {', '.join(list(columns)[:8]) or 'none'})")
    value = columns[name]
    if not isinstance(value, str):
        raise RowError("wrong_type", f"'{name}' is {_kind(value)}, not a text")
    if not value.strip():
        raise RowError("empty_text", f"'{name}' is empty")
    return value


def id_field(columns: Columns, name: str) -> str:
    """An id: a text, or a whole number as a text.

    Raises:
        RowError: absent, blank or something else.
    """
    value = columns.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text_field(columns, name)


def texts_field(columns: Columns, name: str) -> list[str]:
    """The texts of a list, blank ones left out; a single text counts as a list of one.

    A string where a list is due is legal in PaddleNLP's training files, and what FlagEmbedding would read as
    one-letter passages. An absent field or null is an empty list.

    Raises:
        RowError: neither text nor list, or something in the list is no text.
    """
    value = columns.get(name)
    if value is None:
        return []
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        raise RowError("wrong_type", f"'{name}' is {_kind(value)}, not a list of texts")
    odd = next((part for part in value if not isinstance(part, str)), None)
    if odd is not None:
        raise RowError("wrong_type", f"'{name}' holds {_kind(odd)}, not only texts")
    return [part for part in value if part.strip()]


def grade_of(value: object) -> int:
    """A judgement as 0 to 3: below 0 counts as 0, above 3 as 3.

    Raises:
        RowError: no number.
    """
    try:
        return max(0, min(3, int(float(str(value)))))
    except (ValueError, OverflowError) as error:
        raise RowError("wrong_type", f"the score '{value}' is no number") from error


def scale_of(values: Sequence[float], *, alike: bool) -> float:
    """What the scores of a column go up to: 0 for grades of relevance, else 1, 5, 10, 100, or the highest of them.

    Numbers up to 3 beside a query and a passage are grades, also where annotators' means make fractions of them. Beside
    two sentences (`alike`) they say how alike those are, mostly from 0 to 5 (STS), and the first may all be low.
    """
    highest = max(values, default=1.0)
    if 1 < highest <= GRADES and not alike:
        return 0.0
    return next((scale for scale in (1.0, 5.0, 10.0, 100.0) if highest <= scale), highest)


def graded(value: float, scale: float) -> int:
    """A score as a grade, by what its column goes up to."""
    return grade_of(value) if not scale else int(value >= RELEVANT_SHARE * scale)


def scale_in_words(column: str, scale: float) -> str:
    """How the scores of a column are read."""
    if not scale:
        return f"{column} is read as grades, 0 to {GRADES}: from 1 on a passage is an answer"
    return f"{column} is read as scores up to {scale:g}: from {RELEVANT_SHARE * scale:g} on a passage is an answer"


def number_of(value: object) -> float:
    """A finite number, also one written as a text.

    Raises:
        RowError: something else.
    """
    try:
        number = float(str(value))
    except ValueError:
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise RowError("wrong_type", f"the score '{value}' is no number")
    return number


def ids_field(columns: Columns, name: str) -> list[str]:
    """The ids of a list: texts, whole numbers, or objects with an `id`; absent or null is an empty list.

    Raises:
        RowError: something else.
    """
    value = columns.get(name)
    if value is None:
        return []
    found = []
    for part in value if isinstance(value, list) else [value]:
        part = part.get("id") if isinstance(part, dict) else part
        if isinstance(part, bool) or not isinstance(part, str | int) or not str(part).strip():
            raise RowError("wrong_type", f"'{name}' holds {_kind(part)}, not only ids")
        found.append(str(part))
    return found


def heading_field(columns: Columns, name: str = "title") -> str:
    """A title, "" where there is none."""
    value = columns.get(name)
    return value.strip() if isinstance(value, str) else ""


def split_of(name: str) -> Split | None:
    """The official split that a file's name says: `toy_dev.json`, `qrels.dev.tsv` → dev. Two different words say
    nothing."""
    words = re.split(r"[\s_.-]+", name.lower())
    found = {_SPLIT_WORDS[word] for word in words if word in _SPLIT_WORDS}
    return found.pop() if len(found) == 1 else None


def _kind(value: object) -> str:
    names: dict[type, str] = {
        dict: "an object",
        list: "a list",
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
    }
    return names.get(type(value), "null" if value is None else type(value).__name__)

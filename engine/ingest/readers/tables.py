"""Tables as documents: every row of a CSV, TSV or JSON lines file becomes a section, its title the heading."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from engine.errors import FormatError
from engine.ingest.document import Outline, ReadDocument, check_chars
from engine.ingest.readers.rows import Columns, Row, read_rows
from engine.records import ImportProblem

TEXT_NAMES = (
    *("text", "content", "contents", "body", "passage", "document", "article", "answer", "abstract", "description"),
    *("正文", "内容", "文本", "答案", "回答", "本文"),
)
TITLE_NAMES = (
    *("title", "name", "headline", "subject", "question", "heading"),
    *("标题", "问题", "题目", "タイトル"),
)
# Without a column of a known name, the longest one is the text if its values are sentences rather than labels: long,
# and in several words (a path or a checksum is one; Chinese and Japanese write none apart).
SENTENCE_CHARS = 40
_SENTENCE_WORDS = 5
_WORD = re.compile(r"[^\W\u3040-\u30ff\u3400-\u9fff]+(?:[^\s\w]+\w+)*|[\u3040-\u30ff\u3400-\u9fff]")


def read_table(path: Path, kind: str) -> ReadDocument:
    """One section a row: the text column under the row's title; without a text column all cells as `column: value`.

    Raises:
        FormatError: no rows, or neither JSON lines nor an array of objects.
    """
    rows: list[Row] = []
    problems: list[ImportProblem] = []
    for row in read_rows(path):
        if isinstance(row, ImportProblem):
            problems.append(row)
        else:
            rows.append(row)
    if not rows:
        reason = f" ({problems[0].reason})" if problems else ""
        hint = "JSON lines: one object a line." if kind in ("json", "jsonl") else "Its first line names the columns."
        raise FormatError(f"{path.name} holds no rows of a table{reason}.", hint=hint)
    outline = Outline()
    fill_rows(outline, path, rows, problems)
    if outline.is_empty:
        raise FormatError(f"{path.name} has no text in its rows.", hint="Nothing can be imported from it.")
    return outline.build(path.stem, kind, tuple(problems))


def find_text_column(rows: Sequence[Row]) -> str:
    """The column that holds the text: by its name, else the longest one if it holds sentences, else ""."""
    if named := _named(rows, TEXT_NAMES):
        return named
    sample = rows[:200]
    values = {name: [_as_text(row.columns.get(name)) for row in sample] for name in sample[0].columns}
    lengths = {name: sum(map(len, texts)) for name, texts in values.items() if _in_words(texts)}
    longest = max(lengths, key=lambda name: lengths[name], default="")
    return longest if longest and lengths[longest] >= SENTENCE_CHARS * len(sample) else ""


def fill_rows(outline: Outline, path: Path, rows: Sequence[Row], problems: list[ImportProblem]) -> None:
    """Put rows into `outline`, each a section; those without text go to `problems`."""
    text_column = find_text_column(rows)
    title_column = _named(rows, TITLE_NAMES, other_than=text_column) if text_column else ""
    chars = 0
    for row in rows:
        text = _as_text(row.columns.get(text_column)) if text_column else _all_cells(row.columns)
        if not text.strip():
            problems.append(ImportProblem(path.name, row.line, "empty_text", f"no text in '{text_column}'"))
            continue
        chars += len(text)
        check_chars(path.name, chars)
        outline.row(_as_text(row.columns.get(title_column)) if title_column else "", text)


def _named(rows: Sequence[Row], names: Sequence[str], *, other_than: str = "") -> str:
    columns = {name.strip().casefold(): name for name in rows[0].columns if name != other_than}
    return next((columns[name] for name in names if name in columns), "")


def _in_words(texts: Sequence[str]) -> bool:
    """Whether the values are on average as many words as a sentence has."""
    return sum(len(_WORD.findall(text[:1000])) for text in texts) >= _SENTENCE_WORDS * len(texts)


def _all_cells(columns: Columns) -> str:
    cells = ((name, _as_text(value).strip()) for name, value in columns.items())
    return "; ".join(f"{name}: {value}" for name, value in cells if value)


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(_as_text(part) for part in value)
    return str(value)

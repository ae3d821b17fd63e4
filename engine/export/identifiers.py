"""The names that queries and passages go by outside: the imported ones, each once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from engine.store import documents, queries
from engine.store.project import Project

_BLANK = re.compile(r"\s")
_BREAK = re.compile(r"[\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")  # would end a column or a line


def passage_names(project: Project) -> dict[int, str]:
    """External name by passage id: the imported one, else our own number."""
    return unique_names((passage.id, passage.external_id) for passage in documents.all_passages(project))


def query_names(project: Project) -> dict[int, str]:
    """External name by id of every query that stands for itself."""
    return unique_names((query.id, query.external_id) for query in queries.representatives(project))


def unique_names(rows: Iterable[tuple[int, str]]) -> dict[int, str]:
    """Give each id its external name, or its number where it has none; a name that several bear gets the number added.

    >>> unique_names([(1, "d1"), (2, ""), (3, "d1"), (4, "2")])
    {1: 'd1#1', 2: '2#2', 3: 'd1#3', 4: '2#4'}
    """
    named = {row_id: _BREAK.sub(" ", external) or str(row_id) for row_id, external in rows}
    bearers = Counter(named.values())
    return {row_id: name if bearers[name] == 1 else f"{name}#{row_id}" for row_id, name in named.items()}


def without_blanks(names: Mapping[int, str]) -> dict[int, str]:
    """The same names for TREC files, whose columns end at blanks: a name with one is written as in web addresses."""
    return {row_id: quote(name, safe="") if _BLANK.search(name) else name for row_id, name in names.items()}

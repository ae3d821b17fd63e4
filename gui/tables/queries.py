"""The table of queries: what is asked, which passage answers it, which split it is in, what says the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject

from engine.records import Query, Split
from engine.store import browse, queries
from engine.store.browse import QueryDetail
from engine.store.made import PREFIX, source_of
from engine.store.project import Project
from gui import words
from gui.tables.documents import is_code
from gui.tables.paged import Column, PagedModel
from gui.tables.reader import Reader
from gui.widgets.tables import Role

SPLIT_TAGS = {Split.TRAIN: "plain", Split.DEV: "dashed", Split.TEST: "accent"}


@dataclass(frozen=True, slots=True)
class QueryFilter:
    """What the table shows; `split` "" for all, "none" for queries that have none."""

    split: str = ""
    contains: str = ""
    duplicates: bool | None = None
    judged: bool | None = None


@dataclass(frozen=True, slots=True)
class QueryRow:
    query: Query
    detail: QueryDetail


def split_tag(query: Query) -> str | None:
    """How a query's split is outlined; merged queries and those without a split are not."""
    return SPLIT_TAGS[query.split] if query.split and not query.duplicate_of else None


class QueriesModel(PagedModel[QueryRow]):
    """Queries by pages, in the order they came."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__((), "queries", parent)
        self._filter = QueryFilter()
        self.set_columns(self._make_columns())

    def show_queries(self, reader: Reader | None, filter_: QueryFilter) -> None:
        """Read the queries that pass `filter_`."""
        self._filter = filter_

        def count(project: Project) -> int:
            return queries.count_queries(
                project,
                split=filter_.split,
                contains=filter_.contains,
                duplicates=filter_.duplicates,
                judged=filter_.judged,
            )

        def fetch(project: Project, offset: int, limit: int) -> Sequence[QueryRow]:
            page = queries.page_of_queries(
                project,
                offset=offset,
                limit=limit,
                split=filter_.split,
                contains=filter_.contains,
                duplicates=filter_.duplicates,
                judged=filter_.judged,
            )
            details = browse.query_details(project, [query.id for query in page])
            return [QueryRow(query, details.get(query.id, QueryDetail())) for query in page]

        self.read(reader, count, fetch)

    def _make_columns(self) -> list[Column[QueryRow]]:
        quiet: dict[int, Callable[[QueryRow], object]] = {Role.TONE: lambda _row: "text2"}
        return [
            Column(
                self.tr("Query"),
                lambda row: words.plain(row.query.text, 400),
                roles={Role.TONE: lambda row: "text3" if row.query.duplicate_of else "text"},
            ),
            Column(
                self.tr("Right passage"),
                lambda row: words.plain(row.detail.answer, 200) or self.tr("none known"),
                roles={
                    Role.TONE: lambda row: "text2" if row.detail.answer else "warn",
                    Role.MARK: lambda row: "" if row.detail.answer else "stale",
                    Role.MONO: lambda row: is_code(row.detail.answer),
                },
            ),
            Column(self.tr("Answers"), lambda row: words.count(row.detail.answers), right=True),
            Column(
                self.tr("Split"),
                lambda row: self._split_words(row.query),
                roles={
                    Role.TAG: lambda row: split_tag(row.query),
                    Role.TONE: lambda _row: "text3",
                },
            ),
            Column(self.tr("Group"), self._group_words, roles=quiet),
            Column(self.tr("From"), lambda row: source_words(row.query.source, self), roles=quiet),
        ]

    def _split_words(self, query: Query) -> str:
        if query.duplicate_of:
            return self.tr("merged")
        return query.split.value if query.split else "–"

    def _group_words(self, row: QueryRow) -> str:
        if row.detail.group < 2:
            return "–"
        head = row.query.duplicate_of or row.query.id
        return self.tr("G %1 · %2").replace("%1", str(head)).replace("%2", str(row.detail.group))


def source_words(source: str, words_of: QObject) -> str:
    """Where a query came from, in a word; one that was made, from what."""
    known = {
        "imported": words_of.tr("Import"),
        "hand": words_of.tr("By hand"),
        "sample": words_of.tr("Sample"),
        "heading": words_of.tr("Heading"),
        "search": words_of.tr("Search"),
        source_of("headings"): words_of.tr("Headings"),
        source_of("questions"): words_of.tr("Questions"),
        source_of("phrases"): words_of.tr("Phrases"),
        source_of("cloze"): words_of.tr("Sentences"),
        source_of("endpoint"): words_of.tr("A model"),
    }
    return known.get(source, source.removeprefix(PREFIX) or "–")

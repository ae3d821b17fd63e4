"""A table model that holds only the pages in view: rows are read in the background, a million scroll like ten."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from engine.store.project import Project
from gui.tables.reader import Reader

PAGE = 100
KEPT_PAGES = 60
Index = QModelIndex | QPersistentModelIndex
RECORD = int(Qt.ItemDataRole.UserRole) + 50
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Column(Generic[R]):
    """A column: its head, what it shows of a row, and how.

    Attributes:
        order: the word the store sorts by, "" where the column cannot be sorted.
        roles: further data of the cell by role (tone, mark, chip: see the table's delegate).
    """

    head: str
    text: Callable[[R], str]
    right: bool = False
    order: str = ""
    roles: dict[int, Callable[[R], Any]] | None = None  # Any: what Qt's data() returns


@dataclass(frozen=True, slots=True)
class Rows(Generic[R]):
    """How many rows there are, and the first page of them."""

    total: int
    first: Sequence[R]


class PagedModel(QAbstractTableModel, Generic[R]):
    """Rows of type R by pages of 100; the least recently seen pages are dropped.

    Args:
        count: how many rows the filter of now leaves.
        fetch: rows `offset .. offset + limit`.
    Signals: `loaded(total)` when a new filter's first page stands.
    """

    loaded = Signal(int)

    def __init__(self, columns: Sequence[Column[R]], topic: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns: list[Column[R]] = []
        self._cells: list[dict[int, Callable[[R], Any] | int]] = []
        self.set_columns(columns)
        self._topic = topic
        self._reader: Reader | None = None
        self._count: Callable[[Project], int] = lambda _project: 0
        self._fetch: Callable[[Project, int, int], Sequence[R]] = lambda _project, _offset, _limit: []
        self._total = 0
        self._pages: OrderedDict[int, Sequence[R]] = OrderedDict()
        self._asked: dict[int, int] = {}
        self._generation = 0
        self._fresh = True

    def set_columns(self, columns: Sequence[Column[R]]) -> None:
        """Give the columns; before the model is shown."""
        self.columns = list(columns)
        self._cells = [
            {
                int(Qt.ItemDataRole.DisplayRole): column.text,
                int(Qt.ItemDataRole.AccessibleTextRole): column.text,
                int(Qt.ItemDataRole.TextAlignmentRole): _RIGHT if column.right else _LEFT,
                RECORD: _itself,
                **{int(role): say for role, say in (column.roles or {}).items()},
            }
            for column in columns
        ]

    def read(
        self,
        reader: Reader | None,
        count: Callable[[Project], int],
        fetch: Callable[[Project, int, int], Sequence[R]],
    ) -> None:
        """Show what `count` and `fetch` say from now on; the old rows stay until the new ones are there."""
        self._reader, self._count, self._fetch = reader, count, fetch
        self._fresh = True
        self.reload()

    def reload(self) -> None:
        """Read again with the same filter; where the number of rows stays, so do selection and place."""
        self._generation += 1
        if self._reader is None:
            self._show(Rows(0, ()))
            return
        count, fetch = self._count, self._fetch
        self._reader.ask(self._topic, lambda project: Rows(count(project), fetch(project, 0, PAGE)), self._show)

    def total(self) -> int:
        return self._total

    def record(self, row: int) -> R | None:
        """The row's record, None while its page is still being read."""
        if not 0 <= row < self._total:
            return None
        number, position = divmod(row, PAGE)
        page = self._pages.get(number)
        if page is None:
            self._ask_page(number)
            return None
        self._pages.move_to_end(number)
        return page[position] if position < len(page) else None

    def row_where(self, test: Callable[[R], bool]) -> int:
        """The first loaded row whose record passes `test`, -1 where none does."""
        for number in sorted(self._pages):
            for position, record in enumerate(self._pages[number]):
                if test(record):
                    return number * PAGE + position
        return -1

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else self._total

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.head
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column.right else _LEFT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        # A repaint asks some two thousand times: what a cell does not know is answered by one look-up.
        cell = self._cells[index.column()].get(role)
        if cell is None:
            return None
        if isinstance(cell, int):
            return cell
        record = self.record(index.row())
        return None if record is None else cell(record)

    def _ask_page(self, number: int) -> None:
        slot = number % 4  # dragging the scroll bar asks for many pages: only the newest few are read
        if self._reader is None or self._asked.get(slot) == number:
            return
        self._asked[slot] = number
        fetch, generation = self._fetch, self._generation
        self._reader.ask(
            f"{self._topic}/{slot}",
            lambda project: fetch(project, number * PAGE, PAGE),
            partial(self._take_page, number, generation),
        )

    def _take_page(self, number: int, generation: int, rows: Sequence[R]) -> None:
        if generation != self._generation:
            return
        if self._asked.get(number % 4) == number:
            del self._asked[number % 4]
        self._pages[number] = rows
        while len(self._pages) > KEPT_PAGES:
            self._pages.popitem(last=False)
        last = min((number + 1) * PAGE, self._total) - 1
        if last >= number * PAGE:
            self.dataChanged.emit(self.index(number * PAGE, 0), self.index(last, len(self.columns) - 1))

    def _show(self, rows: Rows[R]) -> None:
        self._asked.clear()
        if self._fresh or rows.total != self._total:
            self.beginResetModel()
            self._total = rows.total
            self._pages = OrderedDict({0: rows.first})
            self.endResetModel()
        else:
            self._pages = OrderedDict({0: rows.first})
            self.dataChanged.emit(self.index(0, 0), self.index(self._total - 1, len(self.columns) - 1))
        self._fresh = False
        self.loaded.emit(rows.total)


def _itself(record: R) -> R:
    return record

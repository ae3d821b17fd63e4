"""Find or run: type a few letters of any page, action or project, and press Enter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QFrame, QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from gui import icons, theme, words
from gui.widgets.cards import column, row, rule
from gui.widgets.labels import Icon, label
from gui.widgets.tables import Role, RowList

Index = QModelIndex | QPersistentModelIndex
WIDTH, ROW_HEIGHT, SHOWN = 560, 36, 9


@dataclass(frozen=True, slots=True)
class Command:
    """Something to go to or to do. `group` says where it belongs, `keys` how to do it without the palette."""

    text: str
    icon: str
    run: Callable[[], object]
    group: str = ""
    keys: str = ""


def matching(commands: Sequence[Command], typed: str) -> list[Command]:
    """Commands that hold every typed word; those that begin with the text first, then where words begin with it."""
    wanted = typed.casefold().split()
    if not wanted:
        return list(commands)
    found = []
    for position, command in enumerate(commands):
        text = f"{command.text} {command.group}".casefold()
        if all(word in text for word in wanted):
            starts = text.startswith(wanted[0])
            words_start = all(any(part.startswith(word) for part in text.split()) for word in wanted)
            found.append((not starts, not words_start, position, command))
    return [command for *_rank, command in sorted(found, key=lambda entry: entry[:3])]


class _CommandsModel(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.commands: list[Command] = []

    def show(self, commands: list[Command]) -> None:
        self.beginResetModel()
        self.commands = commands
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.commands)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # Any: what Qt asks for
        command = self.commands[index.row()]
        return {
            int(Qt.ItemDataRole.DisplayRole): command.text,
            int(Qt.ItemDataRole.AccessibleTextRole): f"{command.text}, {command.group}",
            int(Role.ICON): command.icon,
            int(Role.SECOND): command.keys or command.group,
        }.get(role)


class _CommandDelegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(100, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(option.rect).adjusted(8, 1, -8, -1)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        if selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("select"))
            painter.drawRoundedRect(rect, 6, 6)
        icon = QRectF(rect.x() + 8, rect.center().y() - 8, 16, 16)
        icons.draw(painter, icon, index.data(Role.ICON), "accent-ink" if selected else "text2")
        painter.setFont(theme.font("body", "medium" if selected else "regular"))
        painter.setPen(theme.color("text"))
        place = rect.adjusted(34, 0, -12, 0)
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, str(index.data()))
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.color("text3"))
        second = str(index.data(Role.SECOND) or "")
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, second)
        painter.restore()


class CommandPalette(QFrame):
    """Lies over the window; Escape, a click beside it or another focus closes it."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("palette")
        self.setAccessibleName(self.tr("Find or run"))
        self._commands: list[Command] = []
        self._search: Callable[[str], Command] | None = None
        stack = column(self, margins=(1, 1, 1, 1))
        top = row(margins=(16, 8, 16, 8))
        top.addWidget(Icon("search", "text3"))
        self.field = QLineEdit()
        self.field.setFont(theme.font("heading", "regular"))
        self.field.setPlaceholderText(self.tr("Find a page, an action, a project…"))
        self.field.setAccessibleName(self.tr("Find or run"))
        self.field.textChanged.connect(self._narrow)
        self.field.returnPressed.connect(self._run_current)
        self.field.installEventFilter(self)
        top.addWidget(self.field, 1)
        stack.addLayout(top)
        stack.addWidget(rule())
        self._model = _CommandsModel(self)
        self.list = RowList(self.tr("What fits"))
        self.list.setModel(self._model)
        self.list.setItemDelegate(_CommandDelegate(self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.clicked.connect(lambda _index: self._run_current())
        self.list.setStyleSheet("background: transparent")
        stack.addSpacing(6)
        stack.addWidget(self.list, 1)
        self.nothing = label(self.tr("Nothing fits."), "body", "text3")
        self.nothing.setContentsMargins(24, 8, 0, 16)
        stack.addWidget(self.nothing)
        stack.addSpacing(6)
        self.hide()

    def ask(self, commands: Sequence[Command], search: Callable[[str], Command] | None = None) -> None:
        """Open with these commands; `search` makes one more of whatever is typed."""
        self._commands, self._search = list(commands), search
        self.field.clear()
        self._narrow("")
        self.show()
        self.raise_()
        self.field.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusOut:
            self.hide()
        elif isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: SHOWN, Qt.Key.Key_PageUp: -SHOWN}
            key = Qt.Key(event.key())
            if key in steps:
                at = self.list.currentIndex().row() + steps[key]
                self.list.setCurrentIndex(self._model.index(min(max(at, 0), self._model.rowCount() - 1), 0))
                return True
            if key == Qt.Key.Key_Escape:
                self._leave()
                return True
        return super().eventFilter(watched, event)

    def place(self) -> None:
        """Stand in the upper middle of the window."""
        parent = self.window()
        rows = min(max(self._model.rowCount(), 1), SHOWN)
        height = 66 + rows * ROW_HEIGHT
        width = min(WIDTH, parent.width() - 48)
        self.setGeometry((parent.width() - width) // 2, max(parent.height() // 8, 24), width, height)

    def _narrow(self, typed: str) -> None:
        found = matching(self._commands, typed)
        if typed.strip() and self._search is not None:
            found.append(self._search(words.plain(typed.strip(), 80)))
        self._model.show(found)
        self.list.setVisible(bool(found))
        self.nothing.setVisible(not found)
        self.list.setCurrentIndex(self._model.index(0, 0))
        self.place()

    def _run_current(self) -> None:
        at = self.list.currentIndex().row()
        if 0 <= at < len(self._model.commands):
            command = self._model.commands[at]
            self._leave()
            command.run()

    def _leave(self) -> None:
        self.hide()
        self.window().setFocus()

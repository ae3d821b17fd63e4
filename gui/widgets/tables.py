"""Tables and lists as we show them: rows without grid, hover, selection bar, chips and marks by one delegate."""

from __future__ import annotations

from enum import IntEnum

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from gui import icons, theme
from gui.widgets.labels import chip_width, paint_chip, paint_dashes

Index = QModelIndex | QPersistentModelIndex


class Role(IntEnum):
    """What a model can say of a cell beside its text; all optional."""

    CHIP = Qt.ItemDataRole.UserRole + 1  # a ChipState: the text is drawn as a chip
    MARK = Qt.ItemDataRole.UserRole + 2  # a MarkState, drawn before the text
    TONE = Qt.ItemDataRole.UserRole + 3  # a colour's name
    MONO = Qt.ItemDataRole.UserRole + 4  # True: names of functions, ids, code
    BOLD = Qt.ItemDataRole.UserRole + 5
    SECOND = Qt.ItemDataRole.UserRole + 6  # a second, quieter line (lists) or text behind (tables)
    ICON = Qt.ItemDataRole.UserRole + 7  # an icon's name, drawn before the text
    TAG = Qt.ItemDataRole.UserRole + 8  # plain, dashed or accent: the text is drawn as a tag
    KEY = Qt.ItemDataRole.UserRole + 9  # the id of the record behind the row


class TableDelegate(QStyledItemDelegate):
    """Draws cells: ground, selection bar, mark or icon, text, chip or tag; figures stand right as the model aligns."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, option, index)
        rect = QRectF(option.rect)
        last = index.column() == index.model().columnCount(index.parent()) - 1
        rect.adjust(16 if index.column() == 0 else 8, 0, -16 if last else -8, 0)
        rect = self._paint_check(painter, rect, index)
        rect = self._paint_sign(painter, rect, index)
        self._paint_text(painter, rect, option, index)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(super().sizeHint(option, index).width(), theme.ROW)

    def _paint_ground(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        rect = option.rect
        view = option.widget
        state = option.state
        hovered = (
            view.hovered_row() == index.row()
            if isinstance(view, TableView)
            else bool(state & QStyle.StateFlag.State_MouseOver)
        )
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, theme.color("select"))
            if index.column() == 0:
                painter.fillRect(rect.x(), rect.y(), 2, rect.height(), theme.color("accent"))
        elif hovered:
            painter.fillRect(rect, theme.color("hover"))
        ground = index.data(Qt.ItemDataRole.BackgroundRole)
        if isinstance(ground, str):
            painter.fillRect(rect, theme.color(ground))

    def _paint_check(self, painter: QPainter, rect: QRectF, index: Index) -> QRectF:
        checked = index.data(Qt.ItemDataRole.CheckStateRole)
        if checked is None:
            return rect
        box = QRectF(rect.x() + 0.5, rect.center().y() - 7.5, 15, 15)
        on = Qt.CheckState(checked) == Qt.CheckState.Checked
        painter.setPen(theme.color("accent" if on else "line2"))
        painter.setBrush(theme.color("accent" if on else "surface"))
        painter.drawRoundedRect(box, 4, 4)
        if on:
            icons.draw(painter, box.adjusted(1, 1, -1, -1), "check", "on-accent")
        return rect.adjusted(24, 0, 0, 0)

    def _paint_sign(self, painter: QPainter, rect: QRectF, index: Index) -> QRectF:
        mark, icon = index.data(Role.MARK), index.data(Role.ICON)
        if mark:
            icons.draw(painter, QRectF(rect.x(), rect.center().y() - 6, 12, 12), f"marks/{mark}")
            return rect.adjusted(20, 0, 0, 0)
        if icon:
            icons.draw(painter, QRectF(rect.x(), rect.center().y() - 8, 16, 16), icon, index.data(Role.TONE) or "text2")
            return rect.adjusted(24, 0, 0, 0)
        return rect

    def _paint_text(self, painter: QPainter, rect: QRectF, option: QStyleOptionViewItem, index: Index) -> None:
        text = index.data(Qt.ItemDataRole.DisplayRole)
        if text is None:
            return
        text, chip, outlined = str(text), index.data(Role.CHIP), index.data(Role.TAG)
        if chip:
            face = theme.font("caption", "bold")
            width = min(chip_width(text, face), rect.width())
            paint_chip(painter, QRectF(rect.x() - 2, rect.center().y() - 10, width, 20), text, chip, face)
            return
        if outlined:
            self._paint_tag(painter, rect, text, outlined)
            return
        mono, bold = bool(index.data(Role.MONO)), bool(index.data(Role.BOLD))
        painter.setFont(theme.font("mono" if mono else "body", "bold" if bold else "regular"))
        painter.setPen(theme.color(index.data(Role.TONE) or "text"))
        given = index.data(Qt.ItemDataRole.TextAlignmentRole)
        aligned = Qt.AlignmentFlag(int(given)) if given is not None else Qt.AlignmentFlag.AlignLeft
        mode = option.textElideMode
        metrics = QFontMetrics(painter.font())
        shown = metrics.elidedText(text.replace("\n", " "), mode, int(rect.width()) + 1)
        painter.drawText(rect, aligned | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, shown)
        second = index.data(Role.SECOND)
        if second and aligned & Qt.AlignmentFlag.AlignLeft:
            painter.setFont(theme.font("caption"))
            painter.setPen(theme.color("text3"))
            behind = rect.adjusted(metrics.horizontalAdvance(shown) + 8, 0, 0, 0)
            painter.drawText(behind, Qt.AlignmentFlag.AlignVCenter, str(second))

    def _paint_tag(self, painter: QPainter, rect: QRectF, text: str, kind: str) -> None:
        face = theme.font("caption", "regular")
        box = QRectF(rect.x() + 0.5, rect.center().y() - 9, QFontMetrics(face).horizontalAdvance(text) + 12, 18)
        if kind == "dashed":
            paint_dashes(painter, box, "text3", theme.RADIUS_TAG)
        else:
            painter.setPen(theme.color("accent-line" if kind == "accent" else "line2"))
            painter.setBrush(theme.color("accent-soft") if kind == "accent" else Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box, theme.RADIUS_TAG, theme.RADIUS_TAG)
        painter.setFont(face)
        painter.setPen(theme.color("accent-ink" if kind == "accent" else "text2"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


class RowDelegate(TableDelegate):
    """For lists: a line, below it `Role.SECOND` in small, at the right a chip from `Role.CHIP` as `(text, state)`."""

    def __init__(self, height: int = 52, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._height = height

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(120, self._height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, option, index)
        whole = QRectF(option.rect)
        painter.fillRect(QRectF(whole.x(), whole.bottom() - 1, whole.width(), 1), theme.color("line"))
        rect = self._paint_sign(painter, whole.adjusted(16, 0, -16, -1), index)
        chip = index.data(Role.CHIP)
        if isinstance(chip, tuple):
            text, state = chip
            face = theme.font("caption", "bold")
            width = chip_width(text, face)
            paint_chip(painter, QRectF(rect.right() - width, rect.center().y() - 10, width, 20), text, state, face)
            rect.adjust(0, 0, -width - 8, 0)
        second = index.data(Role.SECOND)
        first = QRectF(rect.x(), rect.center().y() - 19, rect.width(), 20) if second else rect
        text = str(index.data(Qt.ItemDataRole.DisplayRole) or "").replace("\n", " ")
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.setFont(theme.font("body", "medium" if selected or index.data(Role.BOLD) else "regular"))
        painter.setPen(theme.color(index.data(Role.TONE) or "text"))
        self._line(painter, first, text)
        if second:
            painter.setFont(theme.font("caption"))
            painter.setPen(theme.color("text3"))
            self._line(painter, first.translated(0, 19), str(second))
        painter.restore()

    def _line(self, painter: QPainter, rect: QRectF, text: str) -> None:
        shown = QFontMetrics(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, int(rect.width()))
        painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, shown)


class TableView(QTableView):
    """A table as the design wants it: whole rows, hover over the whole row, quiet head, no grid, elided cells."""

    def __init__(self, accessible: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hovered = -1
        self.setAccessibleName(accessible)
        self.setFont(theme.font("body"))
        self.setItemDelegate(TableDelegate(self))
        self.setShowGrid(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(theme.ROW)
        self.verticalHeader().setMinimumSectionSize(theme.ROW)
        head = self.horizontalHeader()
        head.setFixedHeight(theme.ROW_HEAD)
        head.setFont(theme.font("caption"))
        head.setHighlightSections(False)
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        head.setMinimumSectionSize(32)

    def set_widths(self, *widths: int) -> None:
        """Column widths in pixels; 0 takes what is left. Call after `setModel`."""
        head = self.horizontalHeader()
        for column, width in enumerate(widths):
            mode = QHeaderView.ResizeMode.Interactive if width else QHeaderView.ResizeMode.Stretch
            head.setSectionResizeMode(column, mode)
            if width:
                self.setColumnWidth(column, width)

    def hovered_row(self) -> int:
        return self._hovered

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._hover(self.rowAt(event.position().toPoint().y()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(-1)

    def _hover(self, row: int) -> None:
        if row != self._hovered:
            self._hovered = row
            self.viewport().update()


class RowList(QListView):
    """A list of rows of two lines."""

    def __init__(self, accessible: str = "", height: int = 52, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(accessible)
        self.setItemDelegate(RowDelegate(height, self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)

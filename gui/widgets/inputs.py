"""Fields to type and choose in: the filter box, the choice box, a setting's row."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QHelpEvent, QKeySequence, QPaintEvent, QShortcut, QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QLineEdit,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QToolTip,
    QWidget,
)

from gui import icons, theme, words
from gui.widgets.cards import column, row
from gui.widgets.labels import Link, key_cap, label


class FilterBox(QLineEdit):
    """A line with an icon and the keys that focus it; `settled` comes 150 ms after the last letter."""

    settled = Signal(str)

    def __init__(
        self, hint: str, *, keys: str = "", icon_name: str = "filter", big: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setPlaceholderText(hint)
        self.setAccessibleName(hint)
        self.setFont(theme.font("heading", "regular") if big else theme.font("body"))
        self.setProperty("big", big)
        self.addAction(icons.icon(icon_name, "text3"), QLineEdit.ActionPosition.LeadingPosition)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(150)
        self._pause.timeout.connect(lambda: self.settled.emit(self.text()))
        self.textChanged.connect(lambda _text: self._pause.start())
        self._cap: QWidget | None = None
        if keys:
            self._add_keys(keys)

    def _add_keys(self, keys: str) -> None:
        shortcut = QShortcut(QKeySequence(keys), self)
        shortcut.activated.connect(self._focus)
        cap = key_cap(keys.replace("+", " "), self)
        cap.adjustSize()
        self._cap = cap
        line = row(self, margins=(0, 0, 6, 0))
        line.addStretch(1)
        line.addWidget(cap)
        self.textChanged.connect(lambda text: cap.setVisible(not text))

    def _focus(self) -> None:
        self.setFocus()
        self.selectAll()


class ChoiceBox(QComboBox):
    """A choice among words, each with its own value; words too long for it end in …, the tooltip has them all."""

    picked = Signal(object)

    def __init__(
        self, choices: Sequence[tuple[str, object]] = (), *, accessible: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setFont(theme.font("body"))
        self.setAccessibleName(accessible)
        self.set_choices(choices)
        self.activated.connect(lambda _position: self.picked.emit(self.currentData()))

    def set_choices(self, choices: Sequence[tuple[str, object]]) -> None:
        """Give new choices; the value chosen stays where it is still there."""
        kept = self.currentData()
        self.blockSignals(True)
        self.clear()
        for text, value in choices:
            self.addItem(text, value)
        self.set_value(kept)
        self.blockSignals(False)

    def value(self) -> object:
        return self.currentData()

    def set_possible(self, value: object, reason: str) -> None:
        """Offer a choice, or grey it out and say why not (`reason`) when the mouse rests on it."""
        model, position = self.model(), self.findData(value)
        if position >= 0 and isinstance(model, QStandardItemModel):
            item = model.item(position)
            item.setEnabled(not reason)
            item.setToolTip(reason)
            item.setData(reason or None, Qt.ItemDataRole.AccessibleDescriptionRole)

    def is_possible(self, value: object) -> bool:
        """Whether a choice is offered and not greyed out."""
        model, position = self.model(), self.findData(value)
        return position >= 0 and isinstance(model, QStandardItemModel) and model.item(position).isEnabled()

    def shown_text(self) -> str:
        """The chosen words as they are drawn."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        part, place = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(part, option, place, self).width()
        return self.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideRight, room)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        option.currentText = self.shown_text()
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def event(self, event: QEvent) -> bool:
        is_tip = event.type() == QEvent.Type.ToolTip and self.shown_text() != self.currentText()
        if is_tip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), words.tip(self.currentText()), self)
            return True
        return super().event(event)

    def set_value(self, value: object) -> None:
        for position in range(self.count()):
            if self.itemData(position) == value:
                self.setCurrentIndex(position)
                return


class SettingRow(QWidget):
    """A setting: its name, one line on its effect, the field; a dot and Reset where it was changed."""

    reset = Signal()

    def __init__(
        self, name: str, effect: str, field: QWidget, *, field_width: int = 112, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._name = name
        line = row(self, gap=12)
        text = column(gap=0)
        self._label = label(name, "body")
        text.addWidget(self._label)
        self._effect = label(effect, "caption", "text3", wrap=True)
        text.addWidget(self._effect)
        line.addLayout(text, 1)
        self._reset = Link(self.tr("Reset"), "dense", accessible=self.tr("Reset %1").replace("%1", name))
        self._reset.clicked.connect(self.reset)
        line.addWidget(self._reset)
        if field_width:
            field.setFixedWidth(field_width)
        if not field.accessibleName():
            field.setAccessibleName(name)
        field.setAccessibleDescription(effect)
        line.addWidget(field)
        self.field = field
        self.set_changed(False)

    def set_changed(self, changed: bool) -> None:
        self._label.setText(f"{self._name} •" if changed else self._name)
        self._label.setFont(theme.font("body", "bold" if changed else "regular"))
        self._reset.setVisible(changed)

    def is_wrong(self) -> bool:
        """Whether the field is shown as a fault."""
        return bool(self.field.property("wrong"))

    def set_effect(self, effect: str, wrong: bool = False) -> None:
        """Change the line below the name; `wrong` shows it and the field as a fault."""
        self._effect.setText(effect)
        if self.is_wrong() == wrong:
            return
        self._effect.setProperty("tone", "bad" if wrong else "text3")
        self.field.setProperty("wrong", wrong)
        for widget in (self._effect, self.field):
            widget.style().unpolish(widget)
            widget.style().polish(widget)

"""The field of one setting: a number, a share, a rate, a choice or a text, read and written in one way."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QFileDialog, QLineEdit, QSpinBox, QWidget

from gui import icons, theme
from gui.pages.train.settings import Setting, Value
from gui.widgets.inputs import ChoiceBox

_MOST = 2**31 - 1  # that a spin box can show


class SettingField(QObject):
    """A setting's widget with one way to read and write it; `wrong` where what is typed is no such number.

    `fault` says in words what is wrong with what stands in the field, "" as long as it can be taken.

    What is put in stays as it is until it is edited, also where it could not be typed here: the command line knows no
    range.
    """

    edited = Signal()
    wrong = Signal()

    def __init__(self, setting: Setting, parent: QObject) -> None:
        super().__init__(parent)
        self._setting = setting
        self._last: Value = 0.0
        self._added: Value = None  # what was put and is not among the choices
        self._exact: Value = None  # what was put, as long as nobody edits it: a spin box rounds
        self.fault = ""
        makers: dict[str, Callable[[], QWidget]] = {
            "int": self._int, "float": self._float, "share": self._share, "rate": self._rate, "choice": self._choice,
            "text": self._text, "folder": self._folder,
        }  # fmt: skip
        self.widget = makers[setting.kind]()
        self.widget.installEventFilter(self)

    def value(self) -> Value:
        widget = self.widget
        if self._exact is not None:
            return self._exact
        if isinstance(widget, QSpinBox):
            return widget.value() / 100 if self._setting.kind == "share" else widget.value()
        if isinstance(widget, QDoubleSpinBox):
            return widget.value()
        return widget.value() if isinstance(widget, ChoiceBox) else self._last

    def put(self, value: Value) -> None:
        widget, self.fault = self.widget, ""
        widget.blockSignals(True)
        if isinstance(widget, QSpinBox | QDoubleSpinBox):
            self._put_number(widget, value)
        elif isinstance(widget, ChoiceBox):
            self._put_choice(widget, value)
        elif isinstance(widget, QLineEdit) and self._setting.kind in ("text", "folder"):
            self._last = str(value)
            widget.setText(self._last)
            self._look_for_project()
        elif isinstance(widget, QLineEdit):
            self._last = float(value)
            widget.setText(f"{value:g}".replace("e-0", "e-"))
        widget.blockSignals(False)

    def _put_number(self, widget: QSpinBox | QDoubleSpinBox, value: Value) -> None:
        """Show the value, in a range that is widened as far as it needs."""
        times = 100 if self._setting.kind == "share" else 1
        low, high = (limit * times for limit in (self._setting.low, self._setting.high))
        shown = min(max(value * times, -_MOST), _MOST)
        if isinstance(widget, QSpinBox):
            widget.setRange(int(min(low, shown)), math.ceil(max(high, shown)))
            widget.setValue(round(shown))
        else:
            widget.setRange(min(low, shown), max(high, shown))
            widget.setValue(shown)
        self._exact = value
        self._fit_unit()

    def _put_choice(self, widget: ChoiceBox, value: Value) -> None:
        """Offer what is not among the choices (cuda:1) as long as it is the one chosen."""
        if self._added is not None and self._added != value:
            widget.removeItem(widget.findData(self._added))
            self._added = None
        if widget.findData(value) < 0:
            widget.addItem(str(value), value)
            self._added = value
        widget.set_value(value)

    def set_choices(self, choices: Sequence[tuple[str, str]]) -> None:
        widget = self.widget
        if isinstance(widget, ChoiceBox):
            kept, self._added = self._added, None
            shown = widget.value()
            widget.set_choices([(text, value) for value, text in choices])
            if kept is not None and shown == kept:
                self.put(kept)

    def set_possible(self, value: str, reason: str) -> None:
        """Offer a choice, or show it with what keeps it from being chosen."""
        if isinstance(self.widget, ChoiceBox):
            self.widget.set_possible(value, reason)

    def set_hint(self, value: str, words: str) -> None:
        """Say more of a choice that can be chosen, when the mouse rests on it."""
        widget = self.widget
        if isinstance(widget, ChoiceBox) and widget.is_possible(value):
            widget.setItemData(widget.findData(value), words, Qt.ItemDataRole.ToolTipRole)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The wheel scrolls the page; it changes no value that is not being edited."""
        if event.type() == QEvent.Type.Wheel and not self.widget.hasFocus():
            event.ignore()
            return True
        return False

    def _int(self) -> QWidget:
        made = QSpinBox()
        made.setRange(int(self._setting.low), int(self._setting.high))
        made.setGroupSeparatorShown(self._setting.name != "seed")
        made.setSpecialValueText(self._setting.zero)
        made.setSuffix(_behind(self._setting.unit))
        made.valueChanged.connect(self._spun)
        return _dressed(made)

    def _share(self) -> QWidget:
        made = QSpinBox()
        made.setRange(int(self._setting.low * 100), int(self._setting.high * 100))
        made.setSuffix(" %")
        made.valueChanged.connect(self._spun)
        return _dressed(made)

    def _float(self) -> QWidget:
        made = _DecimalBox()
        made.setDecimals(6)
        made.setRange(self._setting.low, self._setting.high)
        made.setSpecialValueText(self._setting.zero)
        made.setSuffix(_behind(self._setting.unit))
        made.valueChanged.connect(self._spun)
        return _dressed(made)

    def _rate(self) -> QWidget:
        made = QLineEdit()
        made.textEdited.connect(self._typed)
        made.setFont(theme.font("body"))
        return made

    def _text(self) -> QWidget:
        made = QLineEdit()
        made.setAccessibleName(self._setting.title)
        made.setFont(theme.font("body"))
        made.textEdited.connect(self._written)
        return made

    def _folder(self) -> QWidget:
        """A line to type a folder's path into, with a button that chooses one."""
        made = self._text()
        assert isinstance(made, QLineEdit)  # for the type: the line above makes one
        made.setPlaceholderText(_tr("none"))
        place = QLineEdit.ActionPosition.TrailingPosition
        choose = made.addAction(icons.icon("folder", "text3"), place)
        choose.setToolTip(_tr("Choose a project's folder"))
        choose.triggered.connect(self._choose_folder)
        return made

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self.widget, _tr("The folder of a project"), str(self._last or ""))
        if chosen:
            self.put(chosen)
            self.edited.emit()

    def _spun(self, _value: float) -> None:
        self._exact = None
        self._fit_unit()
        self.edited.emit()

    def _fit_unit(self) -> None:
        """One step, two steps."""
        if self._setting.one and isinstance(self.widget, QSpinBox):
            unit = self._setting.one if self.widget.value() == 1 else self._setting.unit
            if self.widget.suffix() != _behind(unit):
                self.widget.setSuffix(_behind(unit))

    def _written(self, text: str) -> None:
        self._last = text
        self._look_for_project()
        self.edited.emit()

    def _look_for_project(self) -> None:
        """A folder is named for the project in it."""
        folder = str(self._last).strip()
        if self._setting.kind == "folder":
            missing = bool(folder) and not (Path(folder).expanduser() / "project.db").is_file()
            self.fault = _tr("No project in this folder") if missing else ""

    def _typed(self, text: str) -> None:
        try:
            value = float(text.replace(",", "."))
        except ValueError:
            value = math.nan
        wrong = not self._setting.low <= value <= self._setting.high
        self.fault = _tr("Not a number in reach") if wrong else ""
        if wrong:
            self.wrong.emit()
            return
        self._last = value
        self.edited.emit()

    def _choice(self) -> QWidget:
        made = ChoiceBox([(text, value) for value, text in self._setting.choices], accessible=self._setting.title)
        made.currentIndexChanged.connect(lambda _place: self.edited.emit())
        return made


class _DecimalBox(QDoubleSpinBox):
    """Takes small numbers as they are (0.001), and shows two decimals where those suffice."""

    def textFromValue(self, value: float) -> str:
        whole, point, rest = super().textFromValue(value).partition(self.locale().decimalPoint())
        return f"{whole}{point}{rest.rstrip('0').ljust(2, '0')}"


def _behind(unit: str) -> str:
    return f" {unit}" if unit else ""


def _dressed(field: QAbstractSpinBox) -> QWidget:
    field.setFont(theme.font("body"))
    field.lineEdit().setTextMargins(8, 0, 0, 0)
    return field


def _tr(text: str) -> str:
    return QCoreApplication.translate("train_settings", text)

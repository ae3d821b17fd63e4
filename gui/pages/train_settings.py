"""The settings behind "Advanced": name, effect and field of each, and which were changed from the preset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Signal
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QGridLayout, QLineEdit, QSpinBox, QWidget

from engine.objectives import OBJECTIVES
from engine.params import TrainParams
from gui import theme
from gui.widgets.cards import column
from gui.widgets.inputs import ChoiceBox, SettingRow
from gui.widgets.labels import label

Group = Literal["learning", "model", "end", "batches", "objective", "forgetting", "machine"]
_LEFT: tuple[Group, ...] = ("learning", "end", "model")
_RIGHT: tuple[Group, ...] = ("batches", "objective", "forgetting", "machine")
Value = Any  # Any: a setting's value, int, float or str by its kind


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `kind`: int, float, rate (written as 5e-5), share (0..1 shown as per cent), choice or text.

    `zero` is the word shown for 0 (no limit), `unit` stands behind the number.
    """

    name: str
    group: Group
    title: str
    effect: str
    kind: Literal["int", "float", "rate", "share", "choice", "text"]
    low: float = 0.0
    high: float = 1.0
    zero: str = ""
    unit: str = ""
    choices: tuple[tuple[str, str], ...] = ()


def settings() -> list[Setting]:
    """All settings in the order they are shown."""
    tr = _tr
    automatic = ("auto", tr("automatic"))
    return [
        Setting("learning_rate", "learning", tr("Learning rate"), tr("Size of each step"), "rate", 1e-7, 1e-2),
        Setting("epochs", "learning", tr("Passes"), tr("Times through the queries"), "float", 0.1, 100),
        Setting("max_steps", "learning", tr("Steps at most"), tr("Ends a pass early"), "int", 0, 1e6, tr("no limit")),
        Setting("warmup_share", "learning", tr("Warm-up"), tr("A slow start, of all steps"), "share", 0, 0.9),
        Setting("weight_decay", "learning", tr("Weight decay"), tr("Pulls weights towards zero"), "float", 0, 1),
        Setting("eval_every", "end", tr("Measure every"), tr("Steps from look to look"), "int",
                0, 1e5, tr("at the end"), tr("steps")),
        Setting("patience", "end", tr("Stop early"), tr("After looks without gain"), "int", 0, 1000, tr("off")),
        Setting("minutes", "end", tr("Time limit"), tr("Keeps the best when it is up"), "float",
                0, 1e4, tr("off"), tr("min")),
        Setting("dev_queries", "end", tr("Dev queries"), tr("Asked at a look, at most"), "int", 10, 100_000),
        Setting("dev_passages", "end", tr("Dev passages"), tr("Searched at a look"), "int", 50, 1_000_000),
        Setting("base", "model", tr("Start from"), tr("The model that is tuned"), "choice"),
        Setting("lora_rank", "model", tr("LoRA rank"), tr("Trains small matrices only"), "int", 0, 1024, tr("off")),
        Setting("freeze_layers", "model", tr("Frozen layers"), tr("Lowest ones stay as they are"), "int",
                0, 200, tr("none")),
        Setting("gradient_checkpointing", "model", tr("Layers again"), tr("Half the memory, slower"),
                "choice", choices=(("off", tr("kept")), ("on", tr("computed again")))),
        Setting("matryoshka", "model", tr("Shorter vectors"), tr("Their first numbers suffice"),
                "choice", choices=(("off", tr("off")), ("on", tr("halves, quarters")))),
        Setting("query_prompt", "model", tr("Prompt of queries"), tr("auto: the model's own"), "text"),
        Setting("passage_prompt", "model", tr("Prompt of passages"), tr("auto: the model's own"), "text"),
        Setting("batch_size", "batches", tr("Queries a batch"), tr("Larger: more negatives"), "int", 2, 4096),
        Setting("num_negatives", "batches", tr("Negatives"), tr("Mined ones, for each query"), "int", 0, 16),
        Setting("max_length", "batches", tr("Longest text"), tr("What is longer is cut"), "int",
                16, 8192, unit=tr("tokens")),
        Setting("micro_batch_size", "batches", tr("Size of a part"), tr("Queries at once"), "int", 1, 1024),
        Setting("objective", "objective", tr("Objective"), tr("What a batch teaches"),
                "choice", choices=tuple((name, facts.title) for name, facts in OBJECTIVES.items())),
        Setting("scale", "objective", tr("Scale"), tr("How sharply near misses count"), "float", 1, 100),
        Setting("margin", "objective", tr("Margin"), tr("How far apart, for pairs"), "float", 0, 10),
        Setting("guide", "objective", tr("Guide"), tr("Guards guided ranking"), "choice"),
        Setting("noise", "objective", tr("Words left out"), tr("By objectives on texts"), "share", 0, 0.9),
        Setting("merge", "forgetting", tr("Mix with the base"), tr("Keeps what the base knew"),
                "choice", choices=(automatic, ("off", tr("off")))),
        Setting("guard", "forgetting", tr("Guard project"), tr("A folder measured beside"), "text"),
        Setting("replay", "forgetting", tr("Replay project"), tr("A folder trained on beside"), "text"),
        Setting("replay_share", "forgetting", tr("Share of replay"), tr("Of each batch"), "share", 0, 0.9),
        Setting("precision", "machine", tr("Numbers"), tr("bf16: half the memory"),
                "choice", choices=(automatic, ("fp32", "fp32"), ("bf16", "bf16"), ("fp16", "fp16"))),
        Setting("device", "machine", tr("Processor"), tr("Automatic: the GPU, if any"),
                "choice", choices=(automatic, ("cpu", "CPU"), ("cuda", "CUDA"), ("mps", "MPS"))),
        Setting("processes", "machine", tr("Processes"), tr("Share one batch; one a GPU"), "int",
                0, 64, tr("all GPUs")),
        Setting("seed", "machine", tr("Seed"), tr("Same seed, same run"), "int", 0, 2**31 - 1),
    ]  # fmt: skip


class SettingsForm(QWidget):
    """Settings in groups, two columns of them; `changed` comes with every valid change."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plain = TrainParams()
        self._filled = False
        self._rows: dict[str, tuple[Setting, SettingRow, _Field]] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(16, 8, 16, 12)
        grid.setHorizontalSpacing(32)
        self._captions: dict[Group, QWidget] = {}
        titles: dict[Group, str] = {
            "learning": self.tr("Learning"),
            "end": self.tr("Measuring and ending"),
            "model": self.tr("Model"),
            "batches": self.tr("Batches and length"),
            "objective": self.tr("Objective"),
            "forgetting": self.tr("Against forgetting"),
            "machine": self.tr("Machine"),
        }
        for place, groups in enumerate((_LEFT, _RIGHT)):
            stack = column(gap=4)
            for group in groups:
                self._captions[group] = label(titles[group], "caption", "text3", weight="bold")
                stack.addWidget(self._captions[group])
                for setting in settings():
                    if setting.group == group:
                        stack.addWidget(self._add(setting))
                stack.addSpacing(8)
            stack.addStretch(1)
            grid.addLayout(stack, 0, place)
            grid.setColumnStretch(place, 1)

    def _add(self, setting: Setting) -> SettingRow:
        field = _Field(setting, self)
        made = SettingRow(
            setting.title, setting.effect, field.widget, field_width=144 if setting.kind == "choice" else 112
        )
        made.setMinimumHeight(44)
        made.reset.connect(lambda: self._reset(setting.name))
        field.edited.connect(lambda: self._edited(setting.name))
        field.wrong.connect(lambda: made.set_effect(_tr("Not a number in reach"), wrong=True))
        self._rows[setting.name] = (setting, made, field)
        return made

    def set_bases(self, choices: Sequence[tuple[str, str]]) -> None:
        """The models to start from: (reference, name)."""
        for name in ("base", "guide"):
            self._rows[name][2].set_choices(choices)
        self._show_marks()

    def set_preset(self, params: TrainParams) -> None:
        """Show a preset's values; what was changed before stays changed."""
        kept = self.changes() if self._filled else {}
        self._plain, self._filled = params, True
        for name, (_setting, _row, field) in self._rows.items():
            if name not in kept:
                field.put(getattr(params, name))
        self._show_marks()

    def changes(self) -> dict[str, Value]:
        """Settings that differ from the preset, by name."""
        values = {name: field.value() for name, (_s, _r, field) in self._rows.items()}
        return {n: value for n, value in values.items() if value is not None and value != getattr(self._plain, n)}

    def put(self, values: dict[str, Value]) -> None:
        """Set some values, as if typed."""
        for name, value in values.items():
            if name in self._rows:
                self._rows[name][2].put(value)
        self._show_marks()
        self.changed.emit()

    def reset_all(self) -> None:
        self.put({field.name: getattr(self._plain, field.name) for field in fields(TrainParams)})

    def show_matching(self, text: str) -> None:
        """Show only settings whose name or effect holds `text`."""
        wanted = text.strip().lower()
        for setting, made, _field in self._rows.values():
            made.setVisible(wanted in f"{setting.title} {setting.effect}".lower())
        for group, caption in self._captions.items():
            shown = any(s.group == group and not made.isHidden() for s, made, _field in self._rows.values())
            caption.setVisible(shown)

    def row(self, name: str) -> SettingRow:
        return self._rows[name][1]

    def field(self, name: str) -> QWidget:
        return self._rows[name][2].widget

    def _reset(self, name: str) -> None:
        self._rows[name][2].put(getattr(self._plain, name))
        self._edited(name)

    def _edited(self, name: str) -> None:
        setting, made, _field = self._rows[name]
        made.set_effect(setting.effect)
        self._show_marks()
        self.changed.emit()

    def _show_marks(self) -> None:
        changed = self.changes()
        for name, (_setting, made, _field) in self._rows.items():
            made.set_changed(name in changed)


class _Field(QObject):
    """A setting's widget with one way to read and write it."""

    edited = Signal()
    wrong = Signal()

    def __init__(self, setting: Setting, parent: QObject) -> None:
        super().__init__(parent)
        self._setting = setting
        self._last: Value = 0.0
        makers: dict[str, Callable[[], QWidget]] = {
            "int": self._int, "float": self._float, "share": self._share, "rate": self._rate, "choice": self._choice,
            "text": self._text,
        }  # fmt: skip
        self.widget = makers[setting.kind]()
        self.widget.installEventFilter(self)

    def value(self) -> Value:
        widget = self.widget
        if isinstance(widget, QSpinBox):
            return widget.value() / 100 if self._setting.kind == "share" else widget.value()
        if isinstance(widget, QDoubleSpinBox):
            return widget.value()
        return widget.value() if isinstance(widget, ChoiceBox) else self._last

    def put(self, value: Value) -> None:
        widget = self.widget
        widget.blockSignals(True)
        if isinstance(widget, QSpinBox):
            widget.setValue(round(value * 100) if self._setting.kind == "share" else int(value))
        elif isinstance(widget, QDoubleSpinBox):
            widget.setValue(float(value))
        elif isinstance(widget, ChoiceBox):
            widget.set_value(value)
        elif isinstance(widget, QLineEdit) and self._setting.kind == "text":
            self._last = str(value)
            widget.setText(self._last)
        elif isinstance(widget, QLineEdit):
            self._last = float(value)
            widget.setText(f"{value:g}".replace("e-0", "e-"))
        widget.blockSignals(False)

    def set_choices(self, choices: Sequence[tuple[str, str]]) -> None:
        if isinstance(self.widget, ChoiceBox):
            self.widget.set_choices([(text, value) for value, text in choices])

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
        made.setSuffix(f" {self._setting.unit}" if self._setting.unit else "")
        made.valueChanged.connect(lambda _value: self.edited.emit())
        return _dressed(made)

    def _share(self) -> QWidget:
        made = QSpinBox()
        made.setRange(int(self._setting.low * 100), int(self._setting.high * 100))
        made.setSuffix(" %")
        made.valueChanged.connect(lambda _value: self.edited.emit())
        return _dressed(made)

    def _float(self) -> QWidget:
        made = QDoubleSpinBox()
        made.setDecimals(2)
        made.setRange(self._setting.low, self._setting.high)
        made.setSpecialValueText(self._setting.zero)
        made.setSuffix(f" {self._setting.unit}" if self._setting.unit else "")
        made.valueChanged.connect(lambda _value: self.edited.emit())
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

    def _written(self, text: str) -> None:
        self._last = text
        self.edited.emit()

    def _typed(self, text: str) -> None:
        try:
            value = float(text.replace(",", "."))
        except ValueError:
            self.wrong.emit()
            return
        if not self._setting.low <= value <= self._setting.high:
            self.wrong.emit()
            return
        self._last = value
        self.edited.emit()

    def _choice(self) -> QWidget:
        made = ChoiceBox([(text, value) for value, text in self._setting.choices], accessible=self._setting.title)
        made.currentIndexChanged.connect(lambda _place: self.edited.emit())
        return made


def _dressed(field: QAbstractSpinBox) -> QWidget:
    field.setFont(theme.font("body"))
    field.lineEdit().setTextMargins(8, 0, 0, 0)
    return field


def _tr(text: str) -> str:
    return QCoreApplication.translate("train_settings", text)

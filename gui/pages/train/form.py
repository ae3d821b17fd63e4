"""The settings behind "Advanced": a row for each, which of them were changed, and what the objective makes of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from engine.objectives import OBJECTIVES, OWN_SETTINGS, Objective
from engine.params import RerankerParams, TrainParams, static_params
from gui.pages.train.field import SettingField
from gui.pages.train.needs import ON_LAYERS, no_layers
from gui.pages.train.settings import LEFT, RIGHT, Group, Setting, Value, settings
from gui.phrases import fill
from gui.widgets.cards import column
from gui.widgets.inputs import SettingRow
from gui.widgets.labels import label

_WIDTHS = {"choice": 168, "folder": 168}
_WIDTH = 112
_NEEDS = {"adapter": "lora_rank", "replay_share": "replay"}  # settings that say nothing where another one is empty
# What says nothing to a table of vectors, which has no layers and reads the whole of a text; and what says nothing
# where it is trained in its own way, on the processor and in whole batches (`engine.train.static_work`).
_OF_LAYERS = ("lora_rank", "adapter", "freeze_layers", "gradient_checkpointing", "max_length")
_OF_PARTS = ("micro_batch_size", "precision", "device")


class SettingsForm(QWidget):
    """Settings in groups, two columns of them; `changed` comes with every change, also to what is no value (`fault`).

    Args:
        known: the settings; `plain` has their usual values.
    """

    changed = Signal()

    def __init__(
        self, known: Sequence[Setting], plain: TrainParams | RerankerParams, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._plain = plain
        self._rows: dict[str, tuple[Setting, SettingRow, SettingField]] = {}
        self._sought = ""
        grid = QGridLayout(self)
        grid.setContentsMargins(16, 8, 16, 12)
        grid.setHorizontalSpacing(32)
        self._captions: dict[Group, QWidget] = {}
        titles = self._titles()
        for place, groups in enumerate((LEFT, RIGHT)):
            stack = column(gap=4)
            for group in groups:
                own = [setting for setting in known if setting.group == group]
                if not own:
                    continue
                self._captions[group] = label(titles[group], "caption", "text3", weight="bold")
                stack.addWidget(self._captions[group])
                for setting in own:
                    stack.addWidget(self._add(setting))
                stack.addSpacing(8)
            stack.addStretch(1)
            grid.addLayout(stack, 0, place)
            grid.setColumnStretch(place, 1)
        self.put_all(plain)

    def _titles(self) -> dict[Group, str]:
        return {
            "learning": self.tr("Learning"),
            "end": self.tr("Measuring and ending"),
            "model": self.tr("Model"),
            "batches": self.tr("Batches and length"),
            "objective": self.tr("Objective"),
            "forgetting": self.tr("Against forgetting"),
            "machine": self.tr("Machine"),
        }

    def _add(self, setting: Setting) -> SettingRow:
        field = SettingField(setting, self)
        made = SettingRow(setting.title, setting.effect, field.widget, field_width=_WIDTHS.get(setting.kind, _WIDTH))
        made.setMinimumHeight(44)
        made.reset.connect(lambda: self._reset(setting.name))
        field.edited.connect(lambda: self._edited(setting.name))
        field.wrong.connect(self._show_fault)
        self._rows[setting.name] = (setting, made, field)
        return made

    def set_choices(self, name: str, choices: Sequence[tuple[str, str]]) -> None:
        """What can be chosen for a setting: (value, words)."""
        self._rows[name][2].set_choices(choices)
        self._show_marks()

    def usual(self, name: str) -> Value:
        """A setting's value where nobody changed it."""
        return getattr(self._plain, name)

    def value(self, name: str) -> Value:
        return self._rows[name][2].value()

    def changes(self) -> dict[str, Value]:
        """Settings that are not as usual, by name."""
        values = {name: self.value(name) for name in self._rows}
        return {name: value for name, value in values.items() if value is not None and value != self.usual(name)}

    def fault(self) -> str:
        """What stands in a field and is no value, in words short enough for a button; "" where all are values."""
        wrong = (setting.title for setting, _row, field in self._rows.values() if field.fault)
        return next((fill(_tr("Mend first: %1"), title) for title in wrong), "")

    def put(self, values: Mapping[str, Value]) -> None:
        """Set some values, as if typed."""
        for name, value in values.items():
            if name in self._rows:
                self._rows[name][2].put(value)
        self._show_marks()
        self.changed.emit()

    def put_all(self, plain: TrainParams | RerankerParams) -> None:
        """Show these as the usual values, and nothing changed."""
        self._plain = plain
        for name in self._rows:
            self._rows[name][2].put(self.usual(name))
        self._show_marks()

    def reset_all(self) -> None:
        self.put_all(self._plain)
        self.changed.emit()

    def show_matching(self, text: str) -> None:
        """Show only settings whose name or effect holds `text`."""
        self._sought = text.strip().lower()
        for name, (setting, made, _field) in self._rows.items():
            found = self._sought in f"{setting.title} {setting.effect}".lower()
            made.setVisible(found and self.matters(name))
        for group, caption in self._captions.items():
            shown = any(s.group == group and not made.isHidden() for s, made, _field in self._rows.values())
            caption.setVisible(shown)

    def matters(self, name: str) -> bool:
        """Whether a setting does something together with the others."""
        return name in self._rows

    def row(self, name: str) -> SettingRow:
        return self._rows[name][1]

    def field(self, name: str) -> QWidget:
        return self._rows[name][2].widget

    def _reset(self, name: str) -> None:
        self._rows[name][2].put(self.usual(name))
        self._edited(name)

    def _edited(self, name: str) -> None:
        self._show_marks()
        self.changed.emit()

    def _show_fault(self) -> None:
        self._show_marks()
        self.changed.emit()

    def _show_marks(self) -> None:
        """Mark what was changed, and what is no value; both can be reset."""
        changed = self.changes()
        for name, (_setting, made, field) in self._rows.items():
            made.set_changed(name in changed or bool(field.fault))
            made.set_effect(field.fault or self._effect(name), bool(field.fault))

    def _effect(self, name: str) -> str:
        """The line below a setting's name."""
        return self._rows[name][0].effect


class TrainForm(SettingsForm):
    """The settings of `TrainParams`; usual values come from the preset and from the chosen objective.

    What is changed stays changed when another preset or objective is chosen; what is not follows them.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        self._objective: Objective = "mnrl"
        self._told: dict[str, str] = {}
        self._tables: frozenset[str] = frozenset()
        self._own_way = False  # a table of vectors would be trained in its own way
        self._lacking: dict[str, str] = {}
        super().__init__(settings(), TrainParams(), parent)
        self.tell("objective", OBJECTIVES["mnrl"].words)
        self._show_sources()
        self.show_matching("")

    def set_preset(self, params: TrainParams) -> None:
        """Show a preset's values, beside what was changed before."""
        kept = self.changes()
        self._plain = params
        self._follow(kept)

    def set_bases(self, choices: Sequence[tuple[str, str]], tables: Collection[str] = ()) -> None:
        """The models to start from: (reference, name); `tables` of them are tables of vectors, without layers."""
        self._tables = frozenset(tables)
        self._fit_way()
        for name in ("base", "guide"):
            self.set_choices(name, choices)
        self._offer()
        self.show_matching(self._sought)

    def set_unmet(self, unmet: Collection[str], reasons: Mapping[str, str]) -> None:
        """Offer only objectives that the data fit; `reasons` say by need what the others lack."""
        self._lacking = {
            name: reasons.get(facts.needs, "") for name, facts in OBJECTIVES.items() if facts.needs in unmet
        }
        self._offer()

    def _offer(self) -> None:
        """Grey out what the data or the model to start from do not fit."""
        field, table = self._rows["objective"][2], self.value("base") in self._tables
        for name in OBJECTIVES:
            layers = no_layers() if table and name in ON_LAYERS else ""
            field.set_possible(name, self._lacking.get(name, "") or layers)
        self._show_sources()

    def _show_sources(self) -> None:
        """Say of each objective, and of the chosen one, where it and its defaults come from."""
        field = self._rows["objective"][2]
        for name, facts in OBJECTIVES.items():
            field.set_hint(name, fill(_tr("%1. Source: %2"), facts.words, facts.source))
        self.row("objective").setToolTip(fill(_tr("Source: %1"), OBJECTIVES[self._objective].source))

    def tell(self, name: str, words: str) -> None:
        """Say something of what a setting is now, below its name, in place of its effect."""
        self._told[name] = words
        self.row(name).set_effect(self._effect(name))

    def _effect(self, name: str) -> str:
        return self._told.get(name) or super()._effect(name)

    def usual(self, name: str) -> Value:
        own = OBJECTIVES[self._objective].defaults
        if name in own:
            return own[name]
        if self._own_way and isinstance(self._plain, TrainParams):
            return getattr(static_params(self._plain), name)
        return super().usual(name)

    def changes(self) -> dict[str, Value]:
        """As for any form; settings that say nothing to the objective are left out."""
        return {name: value for name, value in super().changes().items() if self.matters(name)}

    def matters(self, name: str) -> bool:
        own = OBJECTIVES[self._objective].own
        if name in _NEEDS and not self.value(_NEEDS[name]):
            return False
        if (name in _OF_LAYERS and self.value("base") in self._tables) or (name in _OF_PARTS and self._own_way):
            return False
        return super().matters(name) and (name not in OWN_SETTINGS or name in own)

    def put(self, values: Mapping[str, Value]) -> None:
        if "objective" in values:
            self._choose(values["objective"])
        super().put(values)
        self._fit_way()
        self.show_matching(self._sought)

    def reset_all(self) -> None:
        self._objective = "mnrl"
        super().reset_all()
        self._fit_way()
        self._show_objective()

    def _edited(self, name: str) -> None:
        if name == "objective":
            self._choose(self.value(name))
        self._fit_way()
        super()._edited(name)
        if name == "base":
            self._offer()
        if name in ("base", *_NEEDS.values()):
            self.show_matching(self._sought)

    def _choose(self, objective: Objective) -> None:
        """Another objective: what is as usual becomes what is usual for it."""
        kept = {name: value for name, value in self.changes().items() if name != "objective"}
        self._objective = objective
        self._follow({**kept, "objective": objective})
        self._show_objective()

    def _fit_way(self) -> None:
        """A table of vectors has presets of its own: what is as usual becomes what is usual for it, and back."""
        alone = self.value("matryoshka") == "off" and self.value("processes") == 1
        own_way = self.value("base") in self._tables and self._objective in ("mnrl", "cached_mnrl") and alone
        if own_way != self._own_way:
            kept = self.changes()
            self._own_way = own_way
            self._follow(kept)
            self.show_matching(self._sought)

    def _show_objective(self) -> None:
        self.tell("objective", OBJECTIVES[self._objective].words)
        self._show_sources()
        self.show_matching(self._sought)

    def _follow(self, kept: Mapping[str, Value]) -> None:
        for name, (_setting, _row, field) in self._rows.items():
            field.put(kept.get(name, self.usual(name)))
        self._show_marks()


def _tr(text: str) -> str:
    return QCoreApplication.translate("train_settings", text)

"""Asks how to make queries from passages, and by which server where a language model is to write them."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QCheckBox, QDialog, QDoubleSpinBox, QLineEdit, QPlainTextEdit, QSpinBox, QWidget

from engine.params import MakeParams
from gui import theme, words
from gui.phrases import fill
from gui.widgets.buttons import Button
from gui.widgets.cards import column, row, rule
from gui.widgets.inputs import SettingRow
from gui.widgets.labels import label

_WIDTH, _NAME = 560, 176


class MakeQueries(QDialog):
    """What is chosen on it is `values()`, the settings of the job `make_queries`.

    Args:
        passages: how many there are.
    """

    def __init__(self, passages: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._usual = MakeParams()
        self.setWindowTitle(self.tr("Make queries"))
        self.setFixedWidth(_WIDTH)
        stack = column(self, margins=(24, 20, 24, 16), gap=8)
        stack.addWidget(label(self.tr("Make queries"), "heading"))
        why = self.tr(
            "Each query is answered by the passage it was made from. Made queries teach the model; once there are "
            "queries of people, only those measure it."
        )
        sentence = label(why, "body", "text2", wrap=True)
        sentence.setMinimumHeight(sentence.heightForWidth(_WIDTH - 48))
        stack.addWidget(sentence)
        stack.addSpacing(4)
        self.ways: dict[str, QCheckBox] = {}
        for way, name, effect in self._ways():
            stack.addWidget(self._way(way, name, effect))
        self._server = self._server_fields()
        stack.addWidget(self._server)
        stack.addWidget(rule())
        self.each = _count(1, 10, self._usual.per_passage)
        self.limit = _count(0, 10_000_000, 0)
        self.limit.setSpecialValueText(self.tr("all"))
        of = fill(self.tr("Drawn at random; there are %1"), words.count(passages))
        each = self.tr("At most, in each of these ways")
        stack.addWidget(SettingRow(self.tr("Queries for each passage"), each, self.each))
        stack.addWidget(SettingRow(self.tr("Passages to use"), of, self.limit))
        stack.addLayout(self._foot())
        self._follow()

    def values(self) -> dict[str, Any]:  # Any: settings of the job
        """The job's settings; what the server is named only where it is asked."""
        chosen: dict[str, Any] = {
            "sources": self._chosen(),
            "per_passage": self.each.value(),
            "limit": self.limit.value(),
        }
        if self.ways["endpoint"].isChecked():
            prompt = self.prompt.toPlainText().strip() or self._usual.prompt
            chosen |= {"url": self.url.text().strip(), "model": self.model.text().strip(), "prompt": prompt}
            chosen["price_per_million"] = self.price.value()
        return chosen

    def _ways(self) -> tuple[tuple[str, str, str], ...]:
        return (
            ("headings", self.tr("Headings"), self.tr("The title of a section, as somebody would look for it")),
            ("questions", self.tr("Questions in the text"), self.tr("Sentences that end with a question mark")),
            ("phrases", self.tr("Key phrases"), self.tr("Words that this passage has and the others lack")),
            ("cloze", self.tr("First sentences"), self.tr("Long, and easy for BM25: they copy the text")),
            (
                "endpoint",
                self.tr("A language model"),
                self.tr("Writes them on a server that you name"),
            ),
        )

    def _way(self, way: str, name: str, effect: str) -> QWidget:
        line = QWidget()
        content = row(line, gap=12)
        box = QCheckBox(name)
        box.setFont(theme.font("body"))
        box.setChecked(way in self._usual.sources)
        box.setAccessibleDescription(effect)
        box.toggled.connect(lambda _on: self._follow())
        self.ways[way] = box
        box.setFixedWidth(_NAME)
        content.addWidget(box)
        content.addWidget(label(effect, "caption", "text3"), 1)
        return line

    def _server_fields(self) -> QWidget:
        holder = QWidget()
        stack = column(holder, margins=(24, 0, 0, 4), gap=6)
        self.url = QLineEdit()
        self.url.setPlaceholderText("http://localhost:11434/v1")
        self.model = QLineEdit()
        self.model.setPlaceholderText("llama3.2")
        self.prompt = QPlainTextEdit(self._usual.prompt)
        self.prompt.setFixedHeight(122)
        self.prompt.setProperty("input", True)
        self.prompt.setTabChangesFocus(True)
        self.prompt.setAccessibleName(self.tr("What the model is asked"))
        for field in (self.url, self.model):
            field.textChanged.connect(lambda _text: self._follow())
        address = self.tr("Ollama, llama.cpp, vLLM, OpenAI, …")
        stack.addWidget(SettingRow(self.tr("Address"), address, self.url, field_width=240))
        stack.addWidget(SettingRow(self.tr("Model"), self.tr("Its name there"), self.model, field_width=240))
        self.price = QDoubleSpinBox()
        self.price.setRange(0, 10_000)
        self.price.setDecimals(2)
        self.price.setSpecialValueText(self.tr("not known"))
        self.price.setFont(theme.font("body"))
        self.price.lineEdit().setTextMargins(8, 0, 0, 0)
        cost = self.tr("Of a million tokens; shows what is spent")
        stack.addWidget(SettingRow(self.tr("Price"), cost, self.price, field_width=240))
        stack.addWidget(self.prompt)
        key = fill(
            self.tr("A key is read from the environment variable %1 and kept nowhere. The passages are sent there."),
            self._usual.key_variable,
        )
        said = label(key, "caption", "text3", wrap=True)
        said.setMinimumHeight(said.heightForWidth(_WIDTH - 72))
        stack.addWidget(said)
        return holder

    def _foot(self) -> Any:  # Any: a layout
        foot = row(margins=(0, 8, 0, 0))
        foot.addStretch(1)
        cancel = Button(self.tr("Cancel"), "plain")
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        self.ok = Button(self.tr("Make queries"), "primary")
        self.ok.setDefault(True)
        self.ok.clicked.connect(self.accept)
        foot.addWidget(cancel)
        foot.addWidget(self.ok)
        return foot

    def _chosen(self) -> list[str]:
        return [way for way, box in self.ways.items() if box.isChecked()]

    def _follow(self) -> None:
        asks = self.ways["endpoint"].isChecked()
        self._server.setVisible(asks)
        if not hasattr(self, "ok"):
            return
        missing = ""
        if not self._chosen():
            missing = self.tr("Choose at least one way")
        elif asks and not self.url.text().strip().startswith(("http://", "https://")):
            missing = self.tr("Name the server's address, beginning with http:// or https://")
        elif asks and not self.model.text().strip():
            missing = self.tr("Name the model")
        self.ok.set_possible(not missing, missing)
        self.adjustSize()


def _count(least: int, most: int, value: int) -> QSpinBox:
    made = QSpinBox()
    made.setRange(least, most)
    made.setValue(value)
    made.setGroupSeparatorShown(True)
    made.setFont(theme.font("body"))
    made.lineEdit().setTextMargins(8, 0, 0, 0)
    return made

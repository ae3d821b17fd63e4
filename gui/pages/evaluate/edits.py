"""Small changes by hand on the Evaluate page: judgements, negatives, pins, notes; each can be taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from gui.phrases import fill

if TYPE_CHECKING:
    from gui.session import Session, Values


class EvaluateEdits(QObject):
    """Asks for edits, says what was done and puts their undo on the stack."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session

    def unjudge(self, query_id: int, passage_id: int) -> None:
        """Take a judgement away: it is wrong."""
        values: Values = {"query_id": query_id, "passage_id": passage_id}
        said = self.tr("Judgement taken away; figures and verdict follow")
        back = ("restore_qrels", {**values, "removed": []})
        self._edit("unqrel", values, self.tr("call a judgement wrong"), back, said)

    def judge(self, query_id: int, passage_id: int) -> None:
        """Call a passage an answer."""
        values: Values = {"query_id": query_id, "passage_id": passage_id}
        said = self.tr("Marked as an answer; figures and verdict follow")
        words = self.tr("mark as an answer")
        self._edit("judge", {**values, "grade": 1}, words, ("unjudge", {**values, "before": {}}), said)

    def call_negative(self, query_id: int, passage_id: int) -> None:
        """Keep a passage as a wrong answer; training holds it apart where the query is a training query."""
        values: Values = {"query_id": query_id, "passage_id": passage_id}
        words = self.tr("send a passage to the negatives")
        said = self.tr("Kept as a wrong answer to this query")
        self._edit("review", {**values, "verdict": "negative"}, words, ("unreview", {**values, "before": ""}), said)

    def pin(self, query_id: int, k: int, before: int) -> None:
        """Pin a query to the first `k` hits, or unpin it with 0; it was pinned to the first `before`."""
        values: Values = {"query_id": query_id}
        back = ("pin_query", {**values, "k": before}) if before else ("unpin_query", values)
        if k:
            said = fill(self.tr("Pinned: its answer must stay in the first %1"), k)
            self._edit("pin_query", {**values, "k": k}, self.tr("pin a query"), back, said)
        else:
            self._edit("unpin_query", values, self.tr("unpin a query"), back, self.tr("Unpinned"))

    def note(self, model_id: int, text: str, before: str) -> None:
        """Keep a note on a model."""
        undo = ("note", {"model_id": model_id, "text": before})
        said = self.tr("Note kept")
        self._edit("note", {"model_id": model_id, "text": text}, self.tr("change a note"), undo, said)

    def _edit(self, kind: str, values: Values, words: str, back: tuple[str, Values], said: str) -> None:
        """Make an edit; what it says of the time before it goes into its undo."""
        from gui.session import Undo

        session = self._session
        undo = Undo(words, *back)

        def done(told: Values) -> None:
            undo.values.update({name: told[name] for name in ("before", "placed", "removed") if name in told})
            session.say(said, self.tr("Undo"), session.undo)

        session.edit(kind, values, done, undo=undo)

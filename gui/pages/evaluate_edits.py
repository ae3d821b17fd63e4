"""Small changes by hand on the Evaluate page: judgements, negatives, pins, notes; each can be taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from gui.pages.evaluate_facts import K
from gui.phrases import fill

if TYPE_CHECKING:
    from gui.session import Session, Values


class EvaluateEdits(QObject):
    """Asks for edits, says what was done and puts their undo on the stack."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session

    def unjudge(self, query_id: int, passage_id: int, grade: int) -> None:
        """Take a judgement away: it is wrong."""
        values: Values = {"query_id": query_id, "passage_id": passage_id}
        said = self.tr("Judgement taken away; figures and verdict follow")
        words = self.tr("call a judgement wrong")
        self._edit("unqrel", values, words, ("qrel", {**values, "grade": grade}), said)

    def judge(self, query_id: int, passage_id: int) -> None:
        """Call a passage an answer."""
        values: Values = {"query_id": query_id, "passage_id": passage_id}
        said = self.tr("Marked as an answer; figures and verdict follow")
        self._edit("qrel", {**values, "grade": 1}, self.tr("mark as an answer"), ("unqrel", values), said)

    def call_negative(self, query_id: int, passage_id: int) -> None:
        """Keep a passage as a wrong answer; training holds it apart where the query is a training query."""
        values: Values = {"query_id": query_id, "passage_id": passage_id}
        words = self.tr("send a passage to the negatives")
        said = self.tr("Kept as a wrong answer to this query")
        self._edit("review", {**values, "verdict": "negative"}, words, ("unreview", values), said)

    def pin(self, query_id: int, k: int) -> None:
        """Pin a query to the first `k` hits, or unpin it with 0."""
        values: Values = {"query_id": query_id}
        if k:
            said = fill(self.tr("Pinned: its answer must stay in the first %1"), k)
            self._edit("pin_query", {**values, "k": k}, self.tr("pin a query"), ("unpin_query", values), said)
        else:
            undo = ("pin_query", {**values, "k": K})
            self._edit("unpin_query", values, self.tr("unpin a query"), undo, self.tr("Unpinned"))

    def note(self, model_id: int, text: str, before: str) -> None:
        """Keep a note on a model."""
        undo = ("note", {"model_id": model_id, "text": before})
        said = self.tr("Note kept")
        self._edit("note", {"model_id": model_id, "text": text}, self.tr("change a note"), undo, said)

    def _edit(self, kind: str, values: Values, words: str, back: tuple[str, Values], said: str) -> None:
        from gui.session import Undo

        session = self._session
        session.edit(
            kind,
            values,
            lambda _said: session.say(said, self.tr("Undo"), session.undo),
            undo=Undo(words, *back),
        )

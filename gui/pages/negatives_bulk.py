"""What the negatives page asks for beside single words: a word on all doubtful ones, what carries a likeness."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from engine.params import params_to_dict
from gui import words
from gui.dialogs.question import Question
from gui.pages.negatives_compare import ComparePanel
from gui.phrases import fill
from gui.session import Session, Undo
from gui.tables.mined import Mined, Picture


def leave_out_doubtful(session: Session, mined: Mined, shown: Picture, parent: QWidget) -> None:
    """Ask, with the count, and leave out every doubtful candidate that has no word yet; one Undo takes all back."""
    count = int(np.count_nonzero(shown.selection.held & (mined.reviews == 0)))
    if not count:
        session.say(_tr("No candidate is doubtful under these rules"))
        return
    asked = Question(
        _tr("Leave out all doubtful candidates?"),
        fill(
            _tr(
                "%1 candidates are doubtful under these rules. They get your word “leave out” and are never used as "
                "negatives of their queries, whatever the rules. One Undo takes it back."
            ),
            words.count(count),
        ),
        fill(_tr("Leave out %1"), words.count(count)),
        _tr("Cancel"),
        parent,
    )
    if not asked.exec():
        return
    stamp = datetime.now(UTC).isoformat(timespec="microseconds")
    values = {
        "mining_id": mined.mining.id,
        "select": params_to_dict(shown.params),
        "state": "doubtful",
        "verdict": "left_out",
        "stamp": stamp,
    }
    said = fill(_tr("left out %1 doubtful candidates"), words.count(count))
    session.edit("review_all", values, undo=Undo(said, "unreview_all", {"stamp": stamp}))
    session.say(said[:1].upper() + said[1:], _tr("Undo"), session.undo)


def ask_likeness(session: Session, mined: Mined, compare: ComparePanel) -> None:
    """Ask which sentences of the candidate carry its similarity to the query, and shade them."""
    shown = compare.comparison()
    if shown is None:
        return
    compare.wait_for_likeness()
    values = {"query_id": shown.query_id, "passage_id": shown.right.passage.id, "model_id": mined.mining.model_id}

    def failed(message: str, hint: str) -> None:
        compare.clear_likeness()
        session.failed.emit(message, hint)

    def done(said: dict[str, Any]) -> None:  # Any: JSON values
        weights = [(int(a), int(b), float(w)) for a, b, w in said["sentences"]]
        compare.show_likeness(int(said["passage_id"]), weights, int(said["read"]))

    session.edit("likeness", values, done, on_failed=failed)


def _tr(text: str) -> str:
    return QCoreApplication.translate("NegativesPage", text)

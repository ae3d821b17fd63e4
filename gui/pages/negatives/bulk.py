"""One word on all doubtful candidates, after a question with their number."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from engine.params import params_to_dict
from gui import words
from gui.amounts import amount
from gui.dialogs.question import Question
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
                "%1 under these rules. They get your word “leave out” and are never used as negatives of their "
                "queries, whatever the rules. One Undo takes it back."
            ),
            amount(count, _tr("candidate is doubtful"), _tr("candidates are doubtful")),
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
    said = fill(_tr("left out %1"), amount(count, _tr("doubtful candidate"), _tr("doubtful candidates")))
    session.edit("review_all", values, undo=Undo(said, "unreview_all", {"stamp": stamp}))
    session.say(said[:1].upper() + said[1:], _tr("Undo"), session.undo)


def _tr(text: str) -> str:
    return QCoreApplication.translate("NegativesPage", text)

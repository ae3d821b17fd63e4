"""Asks before an import is taken back, with what would go and what would stay in numbers."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from engine.store.arrivals import ImportRow
from engine.store.undoing import Undone
from gui import words
from gui.amounts import amount
from gui.dialogs.question import Question
from gui.phrases import fill


def _tr(text: str) -> str:
    return QCoreApplication.translate("UndoImport", text)


class UndoImport(Question):
    """Accepted where the person wants the import out."""

    def __init__(self, row: ImportRow, foreseen: Undone, parent: QWidget | None = None) -> None:
        super().__init__(
            fill(_tr("Take back the import of %1?"), words.when(row.report.created_at)),
            undo_sentence(foreseen),
            _tr("Take it back"),
            _tr("Keep it"),
            parent,
        )


def undo_sentence(foreseen: Undone) -> str:
    """`83 documents with 1,204 passages and 61 queries with 61 judgements go. 2 documents stay: ...`"""
    parts = [gone_words(foreseen)]
    kept = [
        (foreseen.kept_documents, _tr("document"), _tr("documents")),
        (foreseen.kept_queries, _tr("query"), _tr("queries")),
    ]
    stays = [amount(number, one, many) for number, one, many in kept if number]
    if stays:
        parts.append(fill(_tr("%1 stay, because they were judged or pinned since."), _tr(" and ").join(stays)))
    if foreseen.changed_documents:
        changed = amount(foreseen.changed_documents, _tr("document"), _tr("documents"))
        parts.append(fill(_tr("%1 that it read anew stay as they are now."), changed))
    parts.append(_tr("Files on disk are not touched; they can be imported again."))
    return " ".join(parts)


def gone_words(foreseen: Undone) -> str:
    """What goes, in one sentence."""
    papers = amount(foreseen.documents, _tr("document"), _tr("documents"))
    if foreseen.passages:
        held = amount(foreseen.passages, _tr("passage"), _tr("passages"))
        papers = fill(_tr("%1 with %2"), papers, held)
    asked = [
        (foreseen.queries, _tr("query"), _tr("queries")),
        (foreseen.qrels, _tr("judgement"), _tr("judgements")),
        (foreseen.negatives, _tr("given negative"), _tr("given negatives")),
        (foreseen.rankings, _tr("ranking of another system"), _tr("rankings of other systems")),
    ]
    parts = [papers] if foreseen.documents else []
    parts += [amount(number, one, many) for number, one, many in asked if number]
    if not parts:
        return _tr("Nothing of it is left in the project; it is only marked as taken back.")
    listed = ", ".join(parts[:-1])
    return fill(_tr("%1 go."), fill(_tr("%1 and %2"), listed, parts[-1]) if listed else parts[-1])

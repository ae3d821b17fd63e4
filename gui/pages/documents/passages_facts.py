"""What the passages drawer shows: how the project is cut, a document's text, and what another cut would change."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from PySide6.QtCore import QCoreApplication

from engine.params import CutParams
from engine.store import cuts, documents, following, recuts
from engine.store.project import Project
from gui import words
from gui.amounts import amount
from gui.phrases import fill

MOST_SHOWN = 300_000  # characters of a text; laying out more takes the window too long
LIMIT_AT = 24  # of the bins, where what the model reads ends


@dataclass(frozen=True, slots=True)
class CutState:
    """How the project is cut. `undo`: a cutting can be taken back; `unfinished`: it was ended before its end."""

    params: CutParams
    cuttable: int
    documents: int
    aside: int
    undo: bool
    unfinished: bool


@dataclass(frozen=True, slots=True)
class ShownDocument:
    """A document as the preview shows it: the first `MOST_SHOWN` characters of its text."""

    id: int
    name: str
    text: str
    chars: int
    passages: int


@dataclass(slots=True)
class OutlookSum:
    """What a cut would change, added up over the parts that came so far; `next` is 0 when all did."""

    documents: int = 0
    cuttable: int = 0
    changed: int = 0
    before: int = 0
    after: int = 0
    over: int = 0
    moved: int = 0
    aside: int = 0
    mined: int = 0
    limit: int = 0
    next: int = 0
    bins: tuple[int, ...] = ()

    def add(self, part: dict[str, Any]) -> None:  # Any: the edit's JSON values
        for field in fields(self):
            if field.name not in ("limit", "next", "bins"):
                setattr(self, field.name, getattr(self, field.name) + int(part[field.name]))
        self.limit, self.next = int(part["limit"]), int(part["next"])
        bins = [int(value) for value in part["bins"]]
        self.bins = tuple(a + b for a, b in zip(self.bins, bins, strict=True)) if self.bins else tuple(bins)


def read_cut(project: Project) -> CutState:
    import pyqtgraph  # noqa: F401 - what draws the lengths takes longer to load than the window may wait

    last = recuts.newest_recut(project)
    return CutState(
        cuts.project_cut(project),
        cuts.count_cuttable(project),
        documents.count_documents(project),
        following.count_set_aside(project),
        last is not None,
        last is not None and last.state == "building",
    )


def read_text(project: Project, document_id: int) -> ShownDocument | None:
    found = documents.document(project, document_id)
    if found is None:
        return None
    text = documents.document_text(project, document_id)
    name = found.title or found.path
    return ShownDocument(found.id, words.plain(name, 80), text[:MOST_SHOWN], len(text), found.n_passages)


def cut_values(params: CutParams) -> dict[str, Any]:  # Any: JSON values
    return asdict(params)


def change_words(found: OutlookSum, total: int, *, looking: bool = False) -> str:
    """One sentence below the sliders: what would be other than it is; told of the first where there are very many."""
    if looking:
        return fill(_tr("Looked at %1 of %2 documents…"), words.count(found.documents), words.count(total))
    if found.next:
        return fill(
            _tr("Of the first %1 of %2 documents %3 would change: %4 passages now, %5 after."),
            words.count(found.documents),
            words.count(total),
            words.count(found.changed),
            words.count(found.before),
            words.count(found.after),
        )
    if not found.changed:
        return _tr("Nothing would change: every document is cut so.")
    documents_ = amount(found.changed, _tr("document"), _tr("documents"))
    return fill(
        _tr("%1 would change: %2 passages now, %3 after."),
        documents_,
        words.count(found.before),
        words.count(found.after),
    )


def said_words(found: OutlookSum) -> str:
    """What would become of judgements, "" where nothing was said of the passages that go."""
    parts = []
    if found.moved:
        parts.append(fill(_tr("%1 follow their text"), amount(found.moved, _tr("judgement"), _tr("judgements"))))
    if found.aside:
        parts.append(fill(_tr("%1 set aside"), words.count(found.aside)))
    if found.mined:
        parts.append(fill(_tr("%1 to mine again"), amount(found.mined, _tr("negative"), _tr("negatives"))))
    return " · ".join(parts)


def question_words(found: OutlookSum, total: int) -> str:
    """All that a person should know before cutting again."""
    sentences = []
    if found.next:
        sentences.append(
            fill(_tr("So far %1 of %2 documents were looked at."), words.count(found.documents), words.count(total))
        )
    documents_ = amount(
        found.changed,
        _tr(
            "document gets",
        ),
        _tr("documents get"),
    )
    sentences.append(
        fill(
            _tr("%1 other passages: %2 before, %3 after."),
            documents_,
            words.count(found.before),
            words.count(found.after),
        )
    )
    if found.moved:
        sentences.append(
            fill(
                _tr("%1 go with their text to another passage."),
                amount(found.moved, _tr("judgement or vote"), _tr("judgements and votes")),
            )
        )
    if found.aside:
        sentences.append(
            fill(
                _tr(
                    "For %1 no passage holds most of the text: they are set aside, listed, and come back when one does."
                ),
                words.count(found.aside),
            )
        )
    if found.mined:
        sentences.append(
            fill(
                _tr("%1 on passages that go must be mined again."),
                amount(found.mined, _tr("negative"), _tr("negatives")),
            )
        )
    sentences.append(_tr("Only new passages are encoded again. You can take it back."))
    return " ".join(sentences)


def over_words(found: OutlookSum) -> str:
    """How many passages are longer than the model reads."""
    if not found.after:
        return ""
    reads = fill(_tr("the model reads %1 tokens"), words.count(found.limit))
    if not found.over:
        return fill(_tr("None is cut off: %1."), reads)
    return fill(
        _tr("%1 (%2) are longer and cut off: %3."),
        words.share(found.over / found.after, 1),
        words.count(found.over),
        reads,
    )


def _tr(text: str) -> str:
    return QCoreApplication.translate("PassagesDrawer", text)

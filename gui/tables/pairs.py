"""Pairs of queries that are alike: read from the kept pairs at any threshold, shown as rows of two lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyleOptionViewItem

from engine.records import Query
from engine.store import grouping, queries
from engine.store.edges import SCALE, Edges, read_edges
from engine.store.project import Project
from gui import theme, words
from gui.compared_words import differing_spans
from gui.widgets.labels import chip_width, paint_chip
from gui.widgets.marked_text import paint_marked_line
from gui.widgets.tables import Index, TableDelegate

BINS = 40
NEAR = 24
PAIR = Qt.ItemDataRole.UserRole + 60


@dataclass(frozen=True, slots=True)
class Pair:
    """Two queries and how alike they are.

    Attributes:
        merged: one of them stands for the other now.
        merging: they would be merged at the threshold looked at.
        apart: they differ in a name or a number only, which keeps them apart at any threshold.
        parted: a person keeps them apart.
    """

    score: float
    left: Query
    right: Query
    merged: bool
    merging: bool
    apart: bool
    parted: bool = False


@dataclass(frozen=True, slots=True)
class DuplicatesView:
    """What the kept pairs say at one threshold; `compared` False where nothing was compared yet."""

    compared: bool
    threshold: float
    histogram: Sequence[int] = ()
    groups: int = 0
    duplicates: int = 0
    pairs: Sequence[Pair] = ()
    merged: int = 0
    merged_at: float = 0.0
    stale: bool = False


def read_duplicates(project: Project, threshold: float) -> DuplicatesView:
    """Count groups at `threshold` and bring the pairs nearest to it, the most alike first."""
    merged = queries.count_duplicates(project)
    kept = project.meta_json("dedup") or {}
    merged_at = float(kept.get("threshold", 0.0))
    edges = read_edges(project)
    if edges is None:
        return DuplicatesView(False, threshold, merged=merged, merged_at=merged_at)
    groups = edges.groups(threshold)
    _, sizes = np.unique(groups, return_counts=True)
    return DuplicatesView(
        compared=True,
        threshold=threshold,
        histogram=edges.histogram(BINS).tolist(),
        groups=int((sizes > 1).sum()),
        duplicates=int((sizes - 1).sum()),
        pairs=_nearest_pairs(project, edges, threshold),
        merged=merged,
        merged_at=merged_at,
        stale=len(edges.query_id) != queries.count_queries(project),
    )


def _nearest_pairs(project: Project, edges: Edges, threshold: float) -> list[Pair]:
    distance = np.abs(edges.score.astype(np.int64) - round(threshold * SCALE))
    near = np.argsort(distance, kind="stable")[:NEAR]
    near = near[np.argsort(-edges.score[near].astype(np.int64), kind="stable")]
    first = {int(text): int(query) for query, text in zip(edges.query_id[::-1], edges.text[::-1], strict=True)}
    ids = {first[int(text)] for row in near for text in (edges.a[row], edges.b[row])}
    known = queries.queries(project, ids)
    merging, parted = edges.merging(threshold), grouping.kept_apart(project)
    pairs = []
    for row in near:
        left, right = known.get(first[int(edges.a[row])]), known.get(first[int(edges.b[row])])
        if left is None or right is None:
            continue
        same = (left.duplicate_of or left.id) == (right.duplicate_of or right.id)
        score = float(edges.score[row]) / SCALE
        by_hand = (min(left.id, right.id), max(left.id, right.id)) in parted
        pairs.append(Pair(score, left, right, same, bool(merging[row]), bool(edges.apart[row]), by_hand))
    return pairs


class PairsModel(QAbstractListModel):
    """The pairs of one `DuplicatesView`; a threshold that moves keeps the row that is chosen."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pairs: list[Pair] = []

    def set_pairs(self, pairs: Sequence[Pair]) -> None:
        self.beginResetModel()
        self._pairs = list(pairs)
        self.endResetModel()

    def pair(self, row: int) -> Pair | None:
        return self._pairs[row] if 0 <= row < len(self._pairs) else None

    def row_of(self, pair: Pair | None) -> int:
        """Where the same two queries stand now, -1 where they are gone."""
        ids = (pair.left.id, pair.right.id) if pair else None
        return next((row for row, p in enumerate(self._pairs) if (p.left.id, p.right.id) == ids), -1)

    def state_words(self, pair: Pair) -> tuple[str, str]:
        """A pair's chip: words and state."""
        if pair.merged:
            return self.tr("merged"), "good"
        if pair.parted:
            return self.tr("kept apart"), "warn"
        if pair.apart:
            return self.tr("other name"), "none"
        return (self.tr("merge"), "accent") if pair.merging else (self.tr("keep both"), "none")

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._pairs)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        pair = self.pair(index.row())
        if pair is None:
            return None
        if role == PAIR:
            return pair
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{pair.score:.3f}: {pair.left.text} / {pair.right.text}, {self.state_words(pair)[0]}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return "".join(f"<p>{escape(words.plain(query.text, 400))}</p>" for query in (pair.left, pair.right))
        return None


class PairDelegate(TableDelegate):
    """Score, both texts one below the other with the words that differ marked, and the state at the right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(200, 52)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        pair, model = index.data(PAIR), index.model()
        if not isinstance(pair, Pair) or not isinstance(model, PairsModel):
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, option, index)
        whole = QRectF(option.rect)
        painter.fillRect(QRectF(whole.x(), whole.bottom() - 1, whole.width(), 1), theme.color("line"))
        painter.setFont(theme.font("body"))
        painter.setPen(theme.color("text2"))
        score = QRectF(whole.x() + 16, whole.y(), 44, whole.height())
        painter.drawText(score, Qt.AlignmentFlag.AlignVCenter, f"{pair.score:.3f}")
        text, state = model.state_words(pair)
        face = theme.font("caption", "bold")
        width = chip_width(text, face)
        paint_chip(painter, QRectF(whole.right() - 16 - width, whole.center().y() - 10, width, 20), text, state, face)
        room = QRectF(score.right() + 8, whole.y() + 6, whole.width() - 68 - width - 32, 20)
        left, right = without_same_start(words.plain(pair.left.text, 400), words.plain(pair.right.text, 400))
        marks = differing_spans(left, right)
        for line, spans in zip((left, right), marks, strict=True):
            paint_marked_line(painter, room, line, spans, face=theme.font("body", "regular"))
            room = room.translated(0, 20)
        painter.restore()


def without_same_start(left: str, right: str, *, kept: int = 12) -> tuple[str, str]:
    """Two texts that begin alike, cut before the last words they share, so that the difference is seen."""
    same = next((place for place, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), 0)
    cut = left.rfind(" ", 0, max(same - kept, 0))
    return (f"…{left[cut:]}", f"…{right[cut:]}") if cut > 8 else (left, right)

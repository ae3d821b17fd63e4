"""The table of a query's candidates: both ranks, both scores, margin, and what selection made of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from engine.records import Review, Source
from engine.store.candidates import REVIEW_CODES, Flag
from engine.store.selection import HELD, SOURCES, STATES, CandidateState
from gui import words
from gui.tables.documents import is_code
from gui.tables.mined import Mined, Picture
from gui.widgets.tables import Index, Role

_CHIPS = {
    CandidateState.ANSWER: "good",
    CandidateState.CHOSEN: "accent",
    CandidateState.DOUBTFUL: "warn",
    CandidateState.GATED: "warn",
}
_REVIEWS = {code: review for review, code in REVIEW_CODES.items()}
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
PASSAGE, BM25, BM25_SCORE, MODEL, SCORE, MARGIN, STATE = range(7)


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """One candidate as the page speaks of it; `place` is where it lies among all of the mining.

    `reranked`: what a reranker gave it, None where it did not read it. `source`: whose share it was taken for, None
    where it is not chosen.
    """

    place: int
    passage_id: int
    name: str
    bm25_rank: int
    bm25_score: float
    dense_rank: int
    score: float
    margin: float
    state: CandidateState
    review: Review | None
    random: bool
    reranked: float | None = None
    source: Source | None = None
    doubt: float = 0.0


class CandidatesModel(QAbstractTableModel):
    """All candidates of one query in memory (a few hundred at most)."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[CandidateRow] = []
        self._per_query = 0
        self._model_head = self.tr("Base")
        self._states = {
            CandidateState.ANSWER: self.tr("answer"),
            CandidateState.SAME_AS_ANSWER: self.tr("same text"),
            CandidateState.JUDGED: self.tr("left out"),
            CandidateState.SAME_DOCUMENT: self.tr("same document"),
            CandidateState.OUT_OF_RANKS: self.tr("outside ranks"),
            CandidateState.DOUBTFUL: self.tr("doubtful"),
            CandidateState.GATED: self.tr("doubtful"),
            CandidateState.TOO_CLOSE: self.tr("too close"),
            CandidateState.TOO_HIGH: self.tr("score too high"),
            CandidateState.TOO_EASY: self.tr("too easy"),
            CandidateState.CHOSEN: self.tr("chosen"),
        }

    def show_candidates(
        self, mined: Mined, shown: Picture, rows: NDArray[np.int64], names: Mapping[int, str], model_head: str
    ) -> None:
        """Show the candidates at `rows`; where they are the same passages as before, the chosen row stays."""
        made = [candidate_row(mined, shown, int(row), names) for row in rows]
        self._per_query, self._model_head = shown.params.num_negatives, model_head
        if [row.passage_id for row in made] == [row.passage_id for row in self._rows]:
            self._rows = made
            if made:
                self.dataChanged.emit(self.index(0, 0), self.index(len(made) - 1, STATE))
            return
        self.beginResetModel()
        self._rows = made
        self.endResetModel()

    def clear(self) -> None:
        self.beginResetModel()
        self._rows = []
        self.endResetModel()

    def row(self, place: int) -> CandidateRow | None:
        return self._rows[place] if 0 <= place < len(self._rows) else None

    def rows(self) -> list[CandidateRow]:
        return list(self._rows)

    def row_of(self, passage_id: int) -> int:
        """Where a passage stands, -1 where it does not."""
        return next((place for place, row in enumerate(self._rows) if row.passage_id == passage_id), -1)

    def state_words(self, row: CandidateRow) -> str:
        """What is said of a candidate, in a word or two."""
        if row.review is Review.NEGATIVE and row.state is CandidateState.CHOSEN:
            return self.tr("negative")
        if row.state is CandidateState.OVER_COUNT:
            if row.random:
                return self.tr("random")
            return self.tr("over %1").replace("%1", str(self._per_query))
        return self._states[row.state]

    def chip_of(self, row: CandidateRow) -> str:
        return "none" if row.state is CandidateState.JUDGED else _CHIPS.get(row.state, "")

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else 7

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            heads = (
                self.tr("Passage"),
                "BM25",
                self.tr("Score"),
                self._model_head,
                self.tr("Score"),
                self.tr("Margin %"),
                self.tr("State"),
            )
            return heads[section] if 0 <= section < len(heads) else None
        return _alignment(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.row(index.row())
        if row is None:
            return None
        column = index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._text(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.ToolTipRole and column == PASSAGE:
            return f"<p>{escape(row.name)}</p>"
        if role == Role.TONE:
            return self._tone(row, column)
        if role == Role.CHIP and column == STATE:
            return self.chip_of(row) or None
        if column == PASSAGE:
            return {
                Role.MARK: "done" if row.state is CandidateState.ANSWER else None,
                Role.MONO: is_code(row.name),
                Role.BOLD: row.state in (CandidateState.ANSWER, CandidateState.CHOSEN),
            }.get(role)  # type: ignore[call-overload]
        return None

    def _text(self, row: CandidateRow, column: int) -> str:
        if column == PASSAGE:
            return row.name
        if column == BM25_SCORE:
            return words.decimal(row.bm25_score, 1) if row.bm25_rank else "–"
        if column == SCORE:
            return short_score(row.score)
        if column == MARGIN:
            return "–" if row.state is CandidateState.ANSWER else words.signed(100 * row.margin, 1)
        if column == STATE:
            return self.state_words(row)
        rank = row.bm25_rank if column == BM25 else row.dense_rank
        return str(rank) if rank else "–"

    def _tone(self, row: CandidateRow, column: int) -> str:
        if column == MARGIN and row.state in HELD:
            return "warn"
        if column == STATE:
            return "text3"
        return "text" if column in (PASSAGE, BM25_SCORE, SCORE) else "text2"


def candidate_row(mined: Mined, shown: Picture, place: int, names: Mapping[int, str]) -> CandidateRow:
    """One candidate with its name and its state."""
    all_ = mined.candidates
    passage_id = int(all_.passage_id[place])
    return CandidateRow(
        place,
        passage_id,
        words.plain(names.get(passage_id, f"#{passage_id}"), 200),
        int(all_.bm25_rank[place]),
        float(all_.bm25_score[place]),
        int(all_.dense_rank[place]),
        float(all_.dense_score[place]),
        float(all_.margin[place]),
        STATES[shown.selection.states[place]],
        _REVIEWS.get(int(mined.reviews[place])),
        bool(all_.flags[place] & Flag.RANDOM) and not all_.bm25_rank[place] and not all_.dense_rank[place],
        None if all_.reranked is None or np.isnan(all_.reranked[place]) else float(all_.reranked[place]),
        SOURCES[source] if (source := int(shown.selection.sources[place])) < len(SOURCES) else None,
        float(all_.doubt[place]),
    )


def short_score(score: float) -> str:
    """A cosine without its nought: .729, 1.000, −.041."""
    text = words.decimal(score)
    return text.replace("0.", ".", 1) if abs(score) < 0.9995 else text


def _alignment(column: int) -> int:
    return _LEFT if column in (PASSAGE, STATE) else _RIGHT

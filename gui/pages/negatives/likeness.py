"""Ask which sentences make a candidate alike; the model that answers is loaded while a person still looks around."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QTimer

from gui.pages.negatives.compare import ComparePanel
from gui.session import Session
from gui.tables.mined import Mined

IDLE = 1_500  # ms that the bench stands open before the model is loaded


class LikenessAsker(QObject):
    """Asks the engine for the shades of the comparison's candidate; `warm_soon` lets it load the model before.

    Args:
        is_open: whether the bench can be seen now.
    """

    def __init__(self, session: Session, compare: ComparePanel, is_open: Callable[[], bool], parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._compare, self._is_open = session, compare, is_open
        self._model = 0
        self._warm: set[tuple[str, int]] = set()
        self._asked: set[tuple[str, int]] = set()
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.setInterval(IDLE)
        self._idle.timeout.connect(self._warm_now)

    def ask(self, mined: Mined) -> None:
        """Shade what carries the similarity; says at once that the engine is at work."""
        shown = self._compare.comparison()
        if shown is None or self._compare.is_waiting:
            return
        key = (str(self._session.path), mined.mining.model_id)
        self._compare.wait_for_likeness(loading=key not in self._warm)
        values = {"query_id": shown.query_id, "passage_id": shown.right.passage.id, "model_id": mined.mining.model_id}

        def failed(message: str, hint: str) -> None:
            self._compare.clear_likeness()
            self._session.failed.emit(message, hint)

        def done(said: dict[str, Any]) -> None:  # Any: JSON values
            self._warm.add(key)
            weights = [(int(a), int(b), float(w)) for a, b, w in said["sentences"]]
            self._compare.show_likeness(int(said["passage_id"]), weights, int(said["read"]))

        self._session.edit("likeness", values, done, on_failed=failed)

    def warm_soon(self, mined: Mined) -> None:
        """The bench shows this mining: load its model once nothing else is going on."""
        self._model = mined.mining.model_id
        self._idle.start()

    def _warm_now(self) -> None:
        key = (str(self._session.path), self._model)
        if not self._is_open() or key in self._asked | self._warm:
            return
        if self._session.queue.running is not None or self._session.resident.is_busy:
            self._idle.start()
            return
        self._asked.add(key)
        self._session.warm_model(self._model, lambda: self._warm.add(key))

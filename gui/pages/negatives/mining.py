"""What the negatives page starts: a mining, with a model and a way to search; a reranker that reads the candidates."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QPoint
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from engine.params import GateParams, MineParams, SelectParams, params_to_dict
from gui import words
from gui.pages.negatives.facts import BM25_NAMES
from gui.phrases import fill
from gui.session import Session
from gui.tables.mined import Ground, Mined


def start_mining(
    session: Session, params: SelectParams, model: str = "base", index: str = "auto", bm25: str = "plus"
) -> None:
    """Mine with these rules; random candidates are asked for where the rules take some."""
    sources = (*MineParams().sources, "random") if params.share_random > 0 else MineParams().sources
    values = params_to_dict(MineParams(sources=sources, model=model, select=params))
    session.run_job("mine", {**values, "index": index, "bm25": bm25})


def choose_mining(session: Session, ground: Ground, params: SelectParams, below: QWidget) -> QMenu:
    """Offer each model: the base one, and the newest tuned one for another round; also through an index."""
    menu = QMenu(below)
    near = words.about(ground.seconds)
    for choice in ground.choices:
        text = fill(_tr("With %1 (%2)"), choice.name.replace("&", "&&"), near)
        menu.addAction(text).triggered.connect(
            lambda _on=False, model=choice.reference: start_mining(session, params, model)
        )
    menu.addSeparator()
    for choice in ground.choices:
        text = fill(_tr("With %1, through an index"), choice.name.replace("&", "&&"))
        action = menu.addAction(text)
        action.setToolTip(
            _tr("Faster among millions of passages; the share of the exact ones that it finds is stated.")
        )
        action.triggered.connect(
            lambda _on=False, model=choice.reference: start_mining(session, params, model, index="ivf")
        )
    _offer_variants(session, ground, params, menu.addMenu(_tr("With another BM25")))
    menu.setToolTipsVisible(True)
    menu.popup(below.mapToGlobal(QPoint(0, below.height() + 4)))
    return menu


def _offer_variants(session: Session, ground: Ground, params: SelectParams, menu: QMenu) -> None:
    """The variants of BM25 that are not the default, beside each model."""
    for choice in ground.choices:
        for variant, name in BM25_NAMES.items():
            if variant != MineParams().bm25:
                text = fill(_tr("%1 and %2"), name, choice.name.replace("&", "&&"))
                menu.addAction(text).triggered.connect(
                    lambda _on=False, model=choice.reference, bm25=variant: start_mining(
                        session, params, model, bm25=bm25
                    )
                )
    menu.setToolTipsVisible(True)
    menu.menuAction().setToolTip(
        fill(_tr("%1 is measured to serve best; others count words as other programs do."), BM25_NAMES["plus"])
    )


def choose_reranker(session: Session, ground: Ground, mined: Mined, params: SelectParams, below: QWidget) -> QMenu:
    """Offer the project's reranker, or a folder; it reads the candidates near the cut, and its gate is put on."""

    def read(reranker: str) -> None:
        gate = params.gate if params.gate != "off" else "score"
        values = GateParams(reranker=reranker, mining=mined.mining.id, gate=gate, gate_at=params.gate_at)
        session.run_job("gate", params_to_dict(values))

    def choose_folder() -> None:
        chosen = QFileDialog.getExistingDirectory(below, _tr("A cross-encoder's folder"))
        if chosen:
            read(chosen)

    menu = QMenu(below)
    if ground.reranker is not None:
        named = ground.reranker
        text = fill(_tr("With %1"), named.name.replace("&", "&&"))
        menu.addAction(text).triggered.connect(lambda: read(named.reference))
    else:
        menu.addAction(_tr("Train a reranker first")).triggered.connect(lambda: session.show_page("train"))
    menu.addAction(_tr("With a folder…")).triggered.connect(choose_folder)
    menu.popup(below.mapToGlobal(QPoint(0, below.height() + 4)))
    return menu


def _tr(text: str) -> str:
    return QCoreApplication.translate("NegativesPage", text)

"""What making queries brought, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QCoreApplication

from gui import words
from gui.amounts import amount
from gui.phrases import fill


def made_words(summary: Mapping[str, Any]) -> str:  # Any: the job's JSON values
    """How many queries were made in which way, what gave none, and what a language model took."""
    ways = {
        "headings": _tr("headings"),
        "questions": _tr("questions"),
        "phrases": _tr("key phrases"),
        "cloze": _tr("first sentences"),
        "endpoint": _tr("the language model"),
    }
    by_source = {name: int(count) for name, count in summary.get("by_source", {}).items() if count}
    parts = [fill(_tr("%1 from %2"), words.count(count), ways.get(name, name)) for name, count in by_source.items()]
    total = fill(_tr("%1 made"), amount(int(summary.get("queries", 0)), _tr("query"), _tr("queries")))
    said = [f"{total}: {', '.join(parts)}." if parts else f"{total}."]
    if known := int(summary.get("known", 0)):
        said.append(fill(_tr("%1 there already."), amount(known, _tr("was"), _tr("were"))))
    if failed := int(summary.get("failed", 0)):
        said.append(fill(_tr("The model wrote none for %1."), amount(failed, _tr("passage"), _tr("passages"))))
    if tokens := int(summary.get("tokens", 0)):
        spent = fill(_tr("%1 tokens"), words.count(tokens))
        cost = float(summary.get("cost", 0.0))
        said.append(fill(_tr("%1, cost %2."), spent, f"{cost:,.4f}") if cost else f"{spent}.")
    return " ".join(said)


def _tr(text: str) -> str:
    return QCoreApplication.translate("QueriesPage", text)

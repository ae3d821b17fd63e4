"""What objectives need of the data, and what a model to start from is, in words for the Train page."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from engine.objectives import OBJECTIVES
from engine.params import TrainParams
from gui import words
from gui.pages.train.facts import TrainFacts, is_table
from gui.phrases import fill


def needs_in_words() -> dict[str, str]:
    """By what an objective needs: why it cannot be chosen where the data lack it."""
    return {
        "answers": _tr("No query of the train split has an answer yet."),
        "negatives": _tr("No query has a negative yet: mine some first."),
        "scores": _tr("All training pairs have the same score or grade."),
        "order": _tr("No query has two passages of different scores or grades."),
        "classes": _tr("All training pairs have the same label or grade."),
        "teacher": _tr("No reranker has scored the training pairs yet."),
        "texts": _tr("There are fewer than 8 passages."),
    }


# Objectives that write or guess words with the layers of a model; a table of vectors has none.
ON_LAYERS = frozenset({"tsdae", "mlm"})


def no_layers() -> str:
    """Why such an objective cannot be chosen."""
    return _tr("The model to start from is a table of words; this needs a transformer.")


def why_not(facts: TrainFacts, params: TrainParams, busy: str = "") -> str:
    """Why a run with these settings cannot start, in words short enough for its button; "" where it can."""
    if busy:
        return busy
    needs = OBJECTIVES[params.objective].needs
    if params.objective in ON_LAYERS and is_table(params.base, facts):
        return _tr("Choose another objective")
    if needs == "texts":
        return _tr("Import documents first") if needs in facts.unmet else ""
    if not facts.questions:
        return _tr("No query has an answer") if facts.dev or facts.test else _tr("Split the queries first")
    if not facts.dev:
        return _tr("Split off dev queries first")
    short = {
        "negatives": _tr("Mine negatives first"),
        "scores": _tr("All scores are the same"),
        "order": _tr("No query has two scores"),
        "classes": _tr("All labels are the same"),
        "teacher": _tr("Score the pairs first"),
    }
    return short.get(needs, "") if needs in facts.unmet else ""


def why_no_rounds(facts: TrainFacts, params: TrainParams, busy: str = "") -> str:
    """Why no rounds can be started with these settings; "" where they can. They mine, and so they need labels."""
    return why_not(facts, params, busy) or (
        _tr("Choose an objective on labels") if OBJECTIVES[params.objective].needs == "texts" else ""
    )


def why_no_reranker(facts: TrainFacts, busy: str = "") -> str:
    """Why no reranker can be trained now; "" where one can."""
    if busy:
        return busy
    if not facts.questions:
        return _tr("No query has an answer") if facts.dev or facts.test else _tr("Split the queries first")
    return _tr("Mine negatives first") if "negatives" in facts.unmet else ""


def model_in_words(facts: TrainFacts, reference: str) -> str:
    """How a model makes a vector: pooling, length, size, and the prompts it wants."""
    wanted = facts.base_id if reference == "base" else int(reference) if reference.isdecimal() else 0
    found = next((model for model in facts.models if model.id == wanted), None)
    if found is None:
        return ""
    told = {**found.params, **found.summary}
    pooling = {
        "mean": _tr("mean of the tokens"),
        "cls": _tr("first token"),
        "lasttoken": _tr("last token"),
        "max": _tr("largest of the tokens"),
    }.get(str(told.get("pooling", "")), str(told.get("pooling", "")))
    parts = [
        pooling,
        fill(_tr("%1 tokens"), words.count(found.max_length)) if found.max_length else "",
        fill(_tr("%1 numbers"), words.count(found.dim)) if found.dim else "",
    ]
    prompts = dict(told.get("prompts") or {})
    asked = [words.plain(str(prompts.get(kind, "")), 40) for kind in ("query", "passage")]
    if any(asked):
        parts.append(fill(_tr("prompts “%1” and “%2”"), *asked))
    return ", ".join(part for part in parts if part)


def _tr(text: str) -> str:
    return QCoreApplication.translate("train_needs", text)

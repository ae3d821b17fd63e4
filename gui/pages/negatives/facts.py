"""What the negatives page says of a mining: its outcome, its round and its sources."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QCoreApplication

from engine.params import MineParams
from engine.records import Mining, Review, Source
from engine.store.selection import CandidateState
from gui import words
from gui.amounts import amount
from gui.phrases import fill
from gui.tables.candidates import CandidateRow
from gui.tables.mined import Ground, Mined, Picture

# The names that the variants have where they come from.
BM25_NAMES = {"okapi": "Okapi", "l": "BM25L", "plus": "BM25+", "lucene": "Lucene"}


def ground_words(ground: Ground) -> str:
    """What mining would bring for the training queries there are, or what comes first."""
    if not ground.training:
        return _tr("Mining looks for near misses of training queries. There are none yet: split the queries first.")
    return fill(
        _tr("Mining finds passages that look like answers and are none, for %1. Takes %2."),
        amount(ground.training, _tr("training query"), _tr("training queries")),
        words.about(ground.seconds),
    )


def outcome_words(mined: Mined, shown: Picture) -> str:
    """How many negatives for how many queries, by which model; in a later mining, its round and how many are new."""
    asked = int(np.count_nonzero(shown.chosen))
    said = fill(
        _tr("%1 for %2, mined by %3"),
        words.count(shown.total),
        amount(asked, _tr("query"), _tr("queries")),
        mined.model_name or _tr("the model"),
    )
    if mined.mining.round > 1:
        said += " · " + fill(_tr("round %1"), str(mined.mining.round))
    if mined.new is not None and len(mined.kept):
        said += " · " + fill(_tr("%1 of those kept are new"), words.share(mined.new / len(mined.kept)))
    return said


def source_words(mining: Mining | None) -> str:
    """Where the candidates are from."""
    kept = mining.params.get("sources") if mining else None
    names = {"bm25": bm25_name(mining), "dense": _tr("the model"), "random": _tr("at random")}
    said = _tr(" and ").join(names.get(str(source), str(source)) for source in kept or ("bm25", "dense"))
    recall = mining.counts.get("recall") if mining else None
    if recall is not None:
        said += " · " + fill(_tr("by an index that finds %1 of the exact ones"), words.share(float(recall)))
    return said


def provenance_words(mined: Mined, found: CandidateRow) -> tuple[str, str]:
    """Where a candidate is from, briefly and whole: source, rank, score, margin, round, model, weights, your word."""
    if found.state is CandidateState.ANSWER:
        return "", ""
    sources = {
        Source.BM25: "BM25",
        Source.DENSE: _tr("the model"),
        Source.RANDOM: _tr("chance"),
        Source.IMPORTED: _tr("the imported set"),
    }
    short = {**sources, Source.DENSE: _tr("model"), Source.IMPORTED: _tr("imported")}
    taken = fill(_tr("by %1"), short[found.source]) if found.source is not None else ""
    round_, digest = fill(_tr("round %1"), str(mined.mining.round)), mined.digest[:8]
    brief = " · ".join(part for part in (taken, round_, digest) if part)
    verdicts = {
        Review.NEGATIVE: _tr("Your word: a negative."),
        Review.LEFT_OUT: _tr("Your word: leave out."),
        Review.RELEVANT: _tr("Your word: an answer."),
    }
    whole = [
        fill(_tr("Taken from %1."), sources[found.source]) if found.source is not None else _tr("Not chosen."),
        fill(
            _tr("Rank %1 of %2, %3 of the model; score %4, margin %5, doubt %6."),
            str(found.bm25_rank or "–"),
            bm25_name(mined.mining),
            str(found.dense_rank or "–"),
            words.decimal(found.score),
            words.share(found.margin, 1),
            words.decimal(found.doubt, 2),
        ),
        fill(_tr("Mined in round %1 by %2, weights %3."), str(mined.mining.round), mined.model_name, mined.digest[:12]),
        verdicts[found.review] if found.review is not None else "",
    ]
    return brief, " ".join(part for part in whole if part)


def bm25_name(mining: Mining | None) -> str:
    """BM25, with its variant where another one than the default was asked for."""
    variant = str(mining.params.get("bm25", "")) if mining else ""
    return f"BM25 ({BM25_NAMES[variant]})" if variant in BM25_NAMES and variant != MineParams().bm25 else "BM25"


def _tr(text: str) -> str:
    return QCoreApplication.translate("NegativesPage", text)

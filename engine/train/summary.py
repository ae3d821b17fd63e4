"""What a run brought, as its model's row and its card keep it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.evaluate.statistics import compare_paired
from engine.train.saving import CardFacts

if TYPE_CHECKING:
    from engine.train.running import Run


@dataclass(frozen=True, slots=True)
class TrainSummary:
    """What a run brought. Dev figures are nDCG@10 in the run's dev pool, None without dev queries.

    Attributes:
        model: the tuned model's id.
        dev: of the model that was kept, after mixing.
        best_step: the step it was at its best.
        base_share: share of the base model's weights in it.
        stopped: why it ended before its last step: "", "patience", "time" or "asked".
        guard: nDCG@10 of the kept model on the guard set, guard_base of the base model; None without one.
        gain: mean dev nDCG@10 of the kept model less the base model's; gain_low and gain_high bound its 95 % interval.
        kind: tuned or reranker.
        warnings: what went wrong on its way, in words.
        data: digest of the training set; runs of one digest learnt from the same.
        peak_bytes: the most memory it held: of the GPU where it ran on one, else of the process.
    """

    model: int
    name: str
    steps: int
    seconds: float
    dev: float | None
    dev_base: float | None
    dev_bm25: float | None
    best_step: int
    base_share: float
    queries: int
    negatives: int
    stopped: str = ""
    guard: float | None = None
    guard_base: float | None = None
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    kind: str = "tuned"
    warnings: tuple[str, ...] = ()
    peak_bytes: int = 0
    data: str = ""


def summarise(run: Run, dev: float | None, share: float, guard: float | None) -> TrainSummary:
    """The summary of a run whose weights are final: `dev` and `guard` are theirs, `share` of them the base's."""
    progress, source = run.progress, run.work.source
    kept, base = progress.best_values, progress.base_values
    gain = compare_paired(np.array(kept), np.array(base)) if kept and len(kept) == len(base) else None
    return TrainSummary(
        model=run.row.id,
        name=run.row.name,
        steps=progress.step,
        seconds=round(progress.seconds, 2),
        dev=dev,
        dev_base=progress.base_dev,
        dev_bm25=progress.bm25_dev,
        best_step=progress.best_step,
        base_share=share,
        queries=source.n_queries,
        negatives=source.n_negatives,
        stopped=progress.stopped,
        guard=guard,
        guard_base=progress.guard_base,
        gain=gain.delta if gain else None,
        gain_low=gain.low if gain else None,
        gain_high=gain.high if gain else None,
        kind=run.row.kind,
        data=progress.data,
        warnings=tuple(run.watcher.said.values()),
        peak_bytes=run.peak.bytes(),
    )


def card_of(run: Run, dev: float | None, share: float) -> CardFacts:
    """What the card beside the weights says."""
    return CardFacts(
        name=run.row.name,
        base=run.base.name,
        queries=run.work.source.n_queries,
        negatives=run.work.source.n_negatives,
        steps=run.progress.best_step,
        base_share=share,
        dev=dev,
        dev_base=run.progress.base_dev,
        dev_bm25=run.progress.bm25_dev,
        params=run.params,
    )

"""One piece of heavy work as the window follows it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication

from engine.records import Probe


class Phase(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


# Jobs that bring documents in, file by file.
IMPORTS = ("import", "reimport", "retry")
OVER = frozenset({Phase.DONE, Phase.FAILED, Phase.CANCELLED})

_KINDS = {
    "new": QT_TRANSLATE_NOOP("jobs", "Make the project"),
    "sample": QT_TRANSLATE_NOOP("jobs", "Make the sample"),
    "import": QT_TRANSLATE_NOOP("jobs", "Import"),
    "dedup": QT_TRANSLATE_NOOP("jobs", "Find duplicate queries"),
    "split": QT_TRANSLATE_NOOP("jobs", "Split the queries"),
    "make_base": QT_TRANSLATE_NOOP("jobs", "Build a base model"),
    "mine": QT_TRANSLATE_NOOP("jobs", "Mine negatives"),
    "gate": QT_TRANSLATE_NOOP("jobs", "Let the reranker read candidates"),
    "train": QT_TRANSLATE_NOOP("jobs", "Train"),
    "evaluate": QT_TRANSLATE_NOOP("jobs", "Evaluate"),
    "reimport": QT_TRANSLATE_NOOP("jobs", "Read again"),
    "retry": QT_TRANSLATE_NOOP("jobs", "Read files again"),
    "cut": QT_TRANSLATE_NOOP("jobs", "Cut passages again"),
    "uncut": QT_TRANSLATE_NOOP("jobs", "Take the cutting back"),
    "make_queries": QT_TRANSLATE_NOOP("jobs", "Make queries"),
    "forecast": QT_TRANSLATE_NOOP("jobs", "Foretell the training"),
    "autopilot": QT_TRANSLATE_NOOP("jobs", "Mine and train in rounds"),
    "merge": QT_TRANSLATE_NOOP("jobs", "Mix models"),
    "scores": QT_TRANSLATE_NOOP("jobs", "Score pairs"),
    "reranker": QT_TRANSLATE_NOOP("jobs", "Train a reranker"),
    "mteb": QT_TRANSLATE_NOOP("jobs", "Export for MTEB"),
    "report": QT_TRANSLATE_NOOP("jobs", "Write the report"),
    "tasks": QT_TRANSLATE_NOOP("jobs", "Measure other tasks"),
    "export": QT_TRANSLATE_NOOP("jobs", "Export"),
}
_PAST = {
    "new": QT_TRANSLATE_NOOP("jobs", "Made the project"),
    "sample": QT_TRANSLATE_NOOP("jobs", "Made the sample"),
    "import": QT_TRANSLATE_NOOP("jobs", "Imported"),
    "dedup": QT_TRANSLATE_NOOP("jobs", "Found duplicate queries"),
    "split": QT_TRANSLATE_NOOP("jobs", "Split the queries"),
    "make_base": QT_TRANSLATE_NOOP("jobs", "Built a base model"),
    "mine": QT_TRANSLATE_NOOP("jobs", "Mined negatives"),
    "gate": QT_TRANSLATE_NOOP("jobs", "Read candidates with the reranker"),
    "train": QT_TRANSLATE_NOOP("jobs", "Trained"),
    "evaluate": QT_TRANSLATE_NOOP("jobs", "Evaluated"),
    "reimport": QT_TRANSLATE_NOOP("jobs", "Read again"),
    "retry": QT_TRANSLATE_NOOP("jobs", "Read files again"),
    "cut": QT_TRANSLATE_NOOP("jobs", "Cut passages again"),
    "uncut": QT_TRANSLATE_NOOP("jobs", "Took the cutting back"),
    "make_queries": QT_TRANSLATE_NOOP("jobs", "Made queries"),
    "forecast": QT_TRANSLATE_NOOP("jobs", "Foretold the training"),
    "autopilot": QT_TRANSLATE_NOOP("jobs", "Mined and trained in rounds"),
    "merge": QT_TRANSLATE_NOOP("jobs", "Mixed models"),
    "scores": QT_TRANSLATE_NOOP("jobs", "Scored pairs"),
    "reranker": QT_TRANSLATE_NOOP("jobs", "Trained a reranker"),
    "mteb": QT_TRANSLATE_NOOP("jobs", "Exported for MTEB"),
    "report": QT_TRANSLATE_NOOP("jobs", "Wrote the report"),
    "tasks": QT_TRANSLATE_NOOP("jobs", "Measured other tasks"),
    "export": QT_TRANSLATE_NOOP("jobs", "Exported"),
}
PAGES = {
    "new": "home", "sample": "documents", "import": "documents", "dedup": "queries", "split": "queries",
    "make_base": "train", "mine": "negatives", "train": "train", "evaluate": "evaluate", "export": "export",
    "reimport": "documents", "retry": "documents", "make_queries": "queries", "forecast": "train", "autopilot": "train",
    "merge": "train", "scores": "train", "reranker": "train", "mteb": "export",
    "report": "evaluate",
    "tasks": "evaluate", "gate": "negatives", "cut": "documents", "uncut": "documents",
}  # fmt: skip


def job_name(kind: str) -> str:
    """What a job is called while it is to be done: "Mine negatives"."""
    return QCoreApplication.translate("jobs", str(_KINDS.get(kind, kind)))


def job_past(kind: str) -> str:
    """What a job is called in the history: "Mined negatives"."""
    return QCoreApplication.translate("jobs", str(_PAST.get(kind, kind)))


@dataclass(slots=True)
class Job:
    """A job and everything heard of it; changed by the queue only.

    Attributes:
        record: its row in the project's history, 0 until it has one.
        metrics: curves by name as `(step, value)`, growing while it runs.
        probes: watched queries at each look, growing while it runs.
        heard: monotonic time of its last sign of life.
        finishing: asked to end early with the best so far.
    """

    id: int
    kind: str
    project: Path
    params: dict[str, Any]  # Any: JSON values
    phase: Phase = Phase.WAITING
    record: int = 0
    stage: str = ""
    done: int = 0
    total: int = 0
    rate: float = 0.0
    note: str = ""
    finishing: bool = False
    started: float = 0.0
    ended: float = 0.0
    heard: float = 0.0
    metrics: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    probes: list[Probe] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)  # Any: JSON values
    code: str = ""
    message: str = ""
    hint: str = ""
    traceback: str = ""

    @property
    def is_over(self) -> bool:
        return self.phase in OVER

    @property
    def is_surprise(self) -> bool:
        """Whether it failed in a way nobody foresaw, so that its traceback helps; the rest is said in words."""
        return self.code in ("bug", "crash", "system", "memory", "error")

    @property
    def details(self) -> str:
        """Its traceback, where it helps."""
        return self.traceback if self.is_surprise else ""

    @property
    def share(self) -> float:
        """How much of the stage is done, 0..1; 0 where its length is unknown."""
        return min(self.done / self.total, 1.0) if self.total else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time left in the stage by the rate of the last seconds; None where it cannot be told."""
        if self.rate <= 0 or not self.total or self.phase is not Phase.RUNNING:
            return None
        return (self.total - self.done) / self.rate

    def seconds(self, now: float | None = None) -> float:
        """How long it has been running, or ran."""
        if not self.started:
            return 0.0
        return (self.ended or now or time.monotonic()) - self.started

    def silence(self, now: float | None = None) -> float:
        """Seconds since its last sign of life, 0 unless it runs."""
        if self.phase not in (Phase.RUNNING, Phase.CANCELLING) or not self.heard:
            return 0.0
        return (now or time.monotonic()) - self.heard

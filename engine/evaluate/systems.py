"""The systems that can be measured: BM25, models and both joined; each ranks the same texts for the same queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import UserError
from engine.evaluate.ranking import DistinctTexts, Ranked, fuse
from engine.records import Model
from engine.store import models
from engine.store.project import Project
from engine.task import Task

if TYPE_CHECKING:
    from engine.mine.bm25 import BM25Index

BASELINES = ("bm25", "base")


@dataclass(frozen=True, slots=True)
class System:
    """What ranks: `label` as it was asked for, `name` as its runs are stored, and its model if it has one."""

    label: str
    name: str
    model: Model | None

    @property
    def content(self) -> str:
        """What its ranking depends on beside corpus and queries."""
        if self.model is None:
            return self.name
        return f"{self.name}:{self.model.id}:{self.model.weights_digest}:{self.model.max_length}"


def resolve_systems(project: Project, labels: Sequence[str], task: Task) -> list[System]:
    """The systems to measure, BM25 and the base model always first, each once.

    A tuned model that is not there yet is left out with a warning, so that the starting point can be measured.

    Raises:
        UserError: a system that does not exist.
    """
    ordered = dict.fromkeys([*BASELINES, *(label.strip().lower() for label in labels)])
    systems = []
    for label in ordered:
        if label == "tuned" and models.newest_tuned(project) is None:
            task.warn("There is no tuned model yet; only the starting point is measured.")
            continue
        systems.append(_resolve(project, label))
    return systems


class Rankers:
    """Ranks distinct texts for one set of queries; indexes words and encodes queries once however many systems ask."""

    def __init__(
        self, project: Project, distinct: DistinctTexts, queries: Sequence[str], depth: int, task: Task
    ) -> None:
        self._project = project
        self._distinct = distinct
        self._queries = list(queries)
        self._depth = min(depth, len(distinct))
        self._task = task
        self._dense: dict[int, Ranked] = {}

    def rank(self, system: System) -> Ranked:
        """Rows of the distinct texts for every query, best first, ties by row."""
        if system.model is None:
            return self._bm25_ranked
        if system.name == "hybrid":
            return fuse([self._bm25_ranked, self._dense_ranked(system.model)], self._depth)
        return self._dense_ranked(system.model)

    @cached_property
    def _bm25(self) -> BM25Index:
        from engine.mine.bm25 import BM25Index

        return BM25Index.build(self._distinct.texts, task=self._task)

    @cached_property
    def _bm25_ranked(self) -> Ranked:
        rows, scores = self._bm25.top_k(self._queries, self._depth, task=self._task)
        return Ranked(rows.astype(np.int64), scores)

    def _dense_ranked(self, model: Model) -> Ranked:
        if model.id not in self._dense:
            self._dense[model.id] = self._rank_dense(model)
        return self._dense[model.id]

    def _rank_dense(self, model: Model) -> Ranked:
        from engine.encode.models import open_encoder
        from engine.encode.vectors import encode_texts
        from engine.mine.dense import top_k

        encoder = open_encoder(self._project, model)
        passages = encode_texts(
            self._project, encoder, self._distinct.texts, kind="passage", task=self._task, stage="encode passages"
        )
        queries = encode_texts(
            self._project, encoder, self._queries, kind="query", task=self._task, stage="encode queries"
        )
        rows, scores = top_k(queries, passages, self._depth, task=self._task)
        return Ranked(rows.astype(np.int64), scores)


def _resolve(project: Project, label: str) -> System:
    if label == "bm25":
        return System(label, label, None)
    if label == "hybrid":
        best = models.newest_tuned(project) or models.resolve_model(project, "base")
        return System(label, label, best)
    if label not in ("base", "tuned") and not label.isdecimal():
        raise UserError(
            f"There is no system '{label}'.", hint="Systems: bm25, base, tuned, hybrid, or the id of a model."
        )
    model = models.resolve_model(project, label)
    return System(label, _stored_name(project, model) if label.isdecimal() else label, model)


def _stored_name(project: Project, model: Model) -> str:
    """Runs of a model asked for by id count as the base's or a tuned one's where it is that."""
    base = models.base_model(project)
    if base and base.id == model.id:
        return "base"
    return "tuned" if model.kind == "tuned" else str(model.id)

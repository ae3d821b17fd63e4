"""The systems that can be measured: BM25, models, both joined, with a reranker, and rankings of other programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import UserError
from engine.evaluate.foreign_runs import ForeignRun, find_foreign_run, rank_foreign
from engine.evaluate.ranking import JOINED, DistinctTexts, Ranked, fuse
from engine.records import Model
from engine.store import models
from engine.store.project import Project
from engine.store.shares import HALF, mark_of, share_of
from engine.task import Task

if TYPE_CHECKING:
    from engine.mine.bm25 import BM25Index

BASELINES = ("bm25", "base")
RERANKED = "+reranker"
_RERANK_DEPTH = 30  # first hits that a reranker reads again: as many as its own training measures
_WORDS = ("bm25", "base", "tuned", "hybrid")


@dataclass(frozen=True, slots=True)
class System:
    """What ranks: `label` as it was asked for, `name` as its runs are stored, and what it ranks with.

    `reranker` sorts the first hits of `kind` again; `foreign` is a ranking made elsewhere; `share`: how much the model
    counts beside BM25 where both are joined.
    """

    label: str
    name: str
    model: Model | None
    kind: str = ""
    reranker: Model | None = None
    foreign: ForeignRun | None = None
    share: float = HALF

    @property
    def content(self) -> str:
        """What its ranking depends on beside corpus and queries."""
        if self.foreign is not None:
            return f"{self.name}:{self.foreign.content}"
        parts = [self.name, JOINED] if self.kind == "hybrid" else [self.name]
        parts += [mark_of(self.share)] if self.share != HALF else []
        for model in (self.model, self.reranker):
            if model is not None:
                parts += [str(model.id), model.weights_digest, str(model.max_length)]
        return ":".join(parts)


def resolve_systems(project: Project, labels: Sequence[str], task: Task) -> list[System]:
    """The systems to measure, BM25 and the base model always first, each once.

    A tuned model that is not there yet is left out with a warning, so that the starting point can be measured.

    Raises:
        UserError: a system that does not exist.
    """
    ordered = dict.fromkeys([*BASELINES, *(_plain(label) for label in labels)])
    systems = []
    for label in ordered:
        if label.removesuffix(RERANKED) == "tuned" and models.newest_tuned(project) is None:
            task.warn("There is no tuned model yet; only the starting point is measured.")
            continue
        systems.append(_resolve(project, label))
    return systems


class Rankers:
    """Ranks distinct texts for one set of queries; indexes words and encodes queries once however many systems ask."""

    def __init__(
        self, project: Project, distinct: DistinctTexts, queries: Mapping[int, str], depth: int, task: Task
    ) -> None:
        self._project = project
        self.distinct = distinct
        self._query_ids, self._queries = list(queries), list(queries.values())
        self._depth = min(depth, len(distinct))
        self._task = task
        self._words = _Words(distinct, task)
        self._dense: dict[int, Ranked] = {}

    def asking(self, queries: Mapping[int, str], depth: int) -> Rankers:
        """Rankers of the same texts for other queries; they share the index of words."""
        other = Rankers(self._project, self.distinct, queries, depth, self._task)
        other._words = self._words
        return other

    def both(self, model: Model) -> tuple[Ranked, Ranked]:
        """What BM25 and a model find, to be joined."""
        return self._bm25_ranked, self._dense_ranked(model)

    def rank(self, system: System) -> Ranked:
        """Rows of the distinct texts for every query, best first, ties by row."""
        if system.foreign is not None:
            return rank_foreign(system.foreign, self.distinct, self._query_ids, self._depth, self._task)
        first = self._first(system)
        return self._sorted_again(first, system.reranker) if system.reranker else first

    def _first(self, system: System) -> Ranked:
        if system.model is None:
            return self._bm25_ranked
        if system.kind == "hybrid":
            return fuse(self.both(system.model), self._depth, (1 - system.share, system.share))
        return self._dense_ranked(system.model)

    def _sorted_again(self, first: Ranked, reranker: Model) -> Ranked:
        """The first hits in the order of a cross-encoder; those behind keep their order below them."""
        from engine.encode.encoder import pick_device, pick_precision
        from engine.encode.models import folder_of
        from engine.encode.rerankers import CrossEncoder

        device = pick_device("auto")
        precision = pick_precision(device, "auto")
        scorer = CrossEncoder.open(folder_of(self._project, reranker), device=device, precision=precision)
        ids, scores = first.ids.copy(), first.scores.copy()
        for place, query in enumerate(self._queries):
            self._task.check_cancelled()
            self._task.progress("rerank", place, len(self._queries))
            rows = first.ids[place, :_RERANK_DEPTH]
            rows = rows[rows >= 0]
            if not len(rows):
                continue
            found = scorer.scores([(query, self.distinct.texts[row]) for row in rows], self._task.check_cancelled)
            best = np.lexsort((rows, -found))
            ids[place, : len(rows)] = rows[best]
            scores[place, : len(rows)] = found[best]
            behind = np.arange(1, scores.shape[1] - len(rows) + 1, dtype=np.float32)
            scores[place, len(rows) :] = np.where(ids[place, len(rows) :] >= 0, found.min() - behind, 0.0)
        self._task.progress("rerank", len(self._queries), len(self._queries))
        return Ranked(ids, scores)

    @cached_property
    def _bm25_ranked(self) -> Ranked:
        rows, scores = self._words.index.top_k(self._queries, self._depth, task=self._task)
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
            self._project, encoder, self.distinct.texts, kind="passage", task=self._task, stage="encode passages"
        )
        queries = encode_texts(
            self._project, encoder, self._queries, kind="query", task=self._task, stage="encode queries"
        )
        rows, scores = top_k(queries, passages, self._depth, task=self._task)
        return Ranked(rows.astype(np.int64), scores)


class _Words:
    """The index of a corpus' words, made when it is first asked for."""

    def __init__(self, distinct: DistinctTexts, task: Task) -> None:
        self._distinct = distinct
        self._task = task

    @cached_property
    def index(self) -> BM25Index:
        from engine.mine.bm25 import BM25Index

        return BM25Index.build(self._distinct.texts, task=self._task)


def _plain(label: str) -> str:
    """Known words in small letters; paths and names of runs as they are."""
    stripped = label.strip()
    small = stripped.lower()
    return small if small.removesuffix(RERANKED) in _WORDS else stripped


def _resolve(project: Project, label: str) -> System:
    kind = label.removesuffix(RERANKED)
    if kind != label:
        return replace(_resolve(project, kind), label=label, name=label, reranker=_reranker(project))
    if label == "bm25":
        return System(label, label, None, label)
    if label == "hybrid":
        best = models.newest_tuned(project) or models.resolve_model(project, "base")
        return System(label, label, best, label, share=share_of(project, best))
    if label in _WORDS or label.isdecimal():
        return _of_model(project, label, models.resolve_model(project, label))
    if Path(label).expanduser().is_dir():
        return _of_model(project, label, _from_folder(project, Path(label).expanduser()))
    foreign = find_foreign_run(project, label)
    if foreign is None:
        raise UserError(
            f"There is no system '{label}'.",
            hint="Systems: bm25, base, tuned, hybrid, a model's id or folder, an imported run or a TREC run file; "
            f"each of the first four also as NAME{RERANKED}.",
        )
    if foreign.name in _WORDS or foreign.name.isdecimal():
        foreign = replace(foreign, name=f"run {foreign.name}")
    return System(label, foreign.name, None, "foreign", foreign=foreign)


def _of_model(project: Project, label: str, model: Model) -> System:
    if model.kind == "reranker":
        raise UserError(
            f"{model.name} is a reranker; it sorts the hits of another system.", hint=f"Name it so: hybrid{RERANKED}."
        )
    return System(label, label if label in _WORDS else _stored_name(project, model), model, "dense")


def _reranker(project: Project) -> Model:
    return models.resolve_model(project, "reranker")


def _from_folder(project: Project, folder: Path) -> Model:
    from engine.encode.models import add_model_folder

    base = models.base_model(project)
    if base is not None:  # another model is measured, not started from
        project.set_meta("base_model_id", str(base.id))
    return models.resolve_model(project, str(add_model_folder(project, str(folder))))


def _stored_name(project: Project, model: Model) -> str:
    """Runs of a model asked for by id count as the base's or a tuned one's where it is that."""
    base = models.base_model(project)
    if base and base.id == model.id:
        return "base"
    return "tuned" if model.kind == "tuned" else str(model.id)

"""Which data a run learns from, by its objective, and which objectives the data at hand fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from engine.errors import UserError
from engine.objectives import OBJECTIVES, Objective
from engine.params import TrainParams
from engine.store.documents import Corpus
from engine.store.kept import NOTHING_KEPT, Kept
from engine.store.models import resolve_model
from engine.store.project import Project
from engine.store.scores import FEWEST_TEXTS, unmet
from engine.task import Task
from engine.train.examples import Batch, TrainingSet, batches, load_training_set, steps_per_epoch
from engine.train.plain_texts import TextSource
from engine.train.scored import ScoredSource, load_scored_set


class Source(Protocol):
    """Where batches come from; the same seed and data give the same batches, whatever step they start at.

    Attributes:
        digest: names the content.
        n_queries: texts or queries it has.
        n_negatives: hard negatives, or scored pairs.
        classes: how many classes pairs have, 0 where they have none.
    """

    digest: str
    n_queries: int
    n_negatives: int
    classes: int
    corpus: Corpus

    def steps_per_epoch(self) -> int: ...

    def batches(self, start: int = 0) -> Iterator[Batch]: ...


def open_source(project: Project, params: TrainParams, task: Task, *, kept: Kept = NOTHING_KEPT) -> Source:
    """The data that the objective of `params` learns from; `kept`: of a run, which goes on with what it began with.

    Raises:
        UserError: the data does not fit the objective; the sentence says what is missing.
    """
    needs = OBJECTIVES[params.objective].needs
    if params.replay and not params.resume and needs not in ("answers", "negatives"):
        title = OBJECTIVES[params.objective].title
        raise UserError(f"'{title}' cannot replay another project's queries.", hint="Leave out replay, or use mnrl.")
    if needs == "texts":
        return TextSource(project, params, kept=kept)
    if needs in ("scores", "order", "classes", "teacher"):
        return ScoredSource(load_scored_set(project, params, kept=kept), params)
    return AnswerSource(project, params, task, kept=kept)


_OBSTACLES = {
    "answers": "No training query has an answer yet.",
    "negatives": "No training query has a hard negative yet: mine first.",
    "scores": "The training pairs all have the same score or grade.",
    "order": "No training query has two passages of different scores or grades.",
    "classes": "The training pairs all have the same label or grade.",
    "teacher": "No reranker has scored the training pairs yet.",
    "texts": f"The corpus has fewer than {FEWEST_TEXTS} passages.",
}


def fitting(project: Project) -> dict[Objective, str]:
    """Every objective with what keeps it from this project's data, "" where it fits."""
    missing = unmet(project)
    return {name: _OBSTACLES[facts.needs] if facts.needs in missing else "" for name, facts in OBJECTIVES.items()}


class AnswerSource:
    """Training queries with their answers and hard negatives."""

    def __init__(self, project: Project, params: TrainParams, task: Task, *, kept: Kept = NOTHING_KEPT) -> None:
        self._params = params
        data = load_training_set(project, params, kept=kept)
        if OBJECTIVES[params.objective].needs == "negatives":
            data = _only_with_negatives(data, params)
        self.data = data
        self.digest, self.corpus, self.classes = data.digest, data.corpus, 0
        self.n_queries, self.n_negatives = len(data.examples), data.count_negatives
        self._replay = self._open_replay(params, kept) if params.replay else None
        self._guide = _Guide.of(project, data, params, task, kept) if params.objective == "gist" else None

    def _open_replay(self, params: TrainParams, kept: Kept) -> TrainingSet:
        """Training queries of another project; its path takes part in the digest through their texts."""
        if params.objective == "gist":
            raise UserError("A guide knows no other project's texts.", hint="Leave out replay, or use mnrl.")
        with Project.open(Path(params.replay).expanduser(), readonly=True) as other:
            found = load_training_set(other, params, kept=replace(kept, mining_id=None), name="replay")
        self.digest = f"{self.digest}+{found.digest}"
        return found

    def steps_per_epoch(self) -> int:
        return steps_per_epoch(self.data, self._own())

    def _own(self) -> TrainParams:
        """What is left of the batch beside the replayed queries."""
        if not self._replay:
            return self._params
        return replace(self._params, batch_size=max(2, self._params.batch_size - self._replayed()))

    def _replayed(self) -> int:
        return max(1, round(self._params.batch_size * self._params.replay_share))

    def batches(self, start: int = 0) -> Iterator[Batch]:
        own = batches(self.data, self._own(), start=start)
        if self._replay:
            others = batches(self._replay, replace(self._params, batch_size=self._replayed()), start=start)
            yield from (joined(batch, other) for batch, other in zip(own, others, strict=False))
        for batch in own:
            yield self._guide.guarded(batch) if self._guide else batch


def joined(one: Batch, other: Batch) -> Batch:
    """Two batches as one: all queries, all answers, then all negatives; a text stands for itself once.

    A passage of `other` whose text `one` has too counts as nothing for every query but the one it answers, and that one
    of `one` as nothing for the queries that it answers.
    """
    n, k, m = len(one.queries), len(other.queries), len(one.passages)
    passages = [*one.passages[:n], *other.passages[:k], *one.passages[n:], *other.passages[k:]]
    own = np.concatenate([np.arange(n), n + k + np.arange(m - n)])
    theirs = np.concatenate([n + np.arange(k), k + m + np.arange(len(other.passages) - k)])
    blocked = np.zeros((n + k, len(passages)), np.bool_)
    blocked[:n, own] = one.blocked
    blocked[n:, theirs] = other.blocked
    known = dict(zip(one.passages, own.tolist(), strict=True))
    answers = other.blocked | (np.arange(len(other.passages)) == np.arange(k)[:, None])
    for place, text in enumerate(other.passages):
        if text in known:
            blocked[n:, known[text]] = answers[:, place]
            blocked[:, theirs[place]] = True
    blocked[np.arange(n + k), np.arange(n + k)] = False
    rows = np.concatenate([_moved(one, 0, own), _moved(other, n, theirs)])
    return Batch([*one.queries, *other.queries], passages, blocked, rows)


def _moved(batch: Batch, first_query: int, places: np.ndarray) -> np.ndarray:
    """Rows (query, passage) of a batch at their places in the joined one."""
    if batch.rows is None or not len(batch.rows):
        return np.empty((0, 2), np.int64)
    return np.column_stack([batch.rows[:, 0] + first_query, places[batch.rows[:, 1]]])


def _only_with_negatives(data: TrainingSet, params: TrainParams) -> TrainingSet:
    kept = tuple(example for example in data.examples if example.negatives)
    title = OBJECTIVES[params.objective].title
    if not params.num_negatives:
        raise UserError(f"'{title}' needs negatives.", hint="Set num_negatives to 1 or more.")
    if not kept:
        raise UserError(
            f"'{title}' needs hard negatives, and no training query has one.",
            hint="Mine first: searchsmith mine PROJECT. Or choose the objective mnrl.",
        )
    return replace(data, examples=kept)


class _Guide:
    """Another model's vectors, which say which passages of a batch are answers that nobody marked."""

    def __init__(self, asked: dict[int, np.ndarray], read: np.ndarray, row_of: dict[int, int]) -> None:
        self._asked, self._read, self._row_of = asked, read, row_of

    @classmethod
    def of(cls, project: Project, data: TrainingSet, params: TrainParams, task: Task, kept: Kept) -> _Guide:
        from engine.encode.models import open_encoder
        from engine.encode.vectors import encode_texts

        model = resolve_model(project, str(kept.value("guide") or params.guide))
        kept.keep("guide", model.id)
        encoder = open_encoder(project, model, device=params.device)
        rows = sorted({row for e in data.examples for row in (*e.positives, *e.negatives)})
        texts, asked_texts = data.texts(rows), [e.text for e in data.examples]
        read = encode_texts(project, encoder, texts, kind="passage", task=task, stage="read passages for the guide")
        asked = encode_texts(project, encoder, asked_texts, kind="query", task=task, stage="read queries for the guide")
        by_id = {e.query_id: vector for e, vector in zip(data.examples, asked, strict=True)}
        return cls(by_id, read, {row: place for place, row in enumerate(rows)})

    def guarded(self, batch: Batch) -> Batch:
        """Block passages that are nearer to a query than its own answer, as the guide sees it (GISTEmbed)."""
        query_ids, rows = batch.ids
        asked = np.stack([self._asked[query_id] for query_id in query_ids])
        read = self._read[[self._row_of[row] for row in rows]]
        near = asked @ read.T
        own = near[np.arange(len(asked)), np.arange(len(asked))]
        blocked = batch.blocked | (near > own[:, None])
        blocked[np.arange(len(asked)), np.arange(len(asked))] = False
        return replace(batch, blocked=blocked)

"""What is watched beside the dev score: single queries, the shape of the space, signs of trouble."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.encode.encoder import Reader
from engine.params import TrainParams
from engine.records import MetricPoint, Probe, Query
from engine.store import documents, models, pins, probes, queries
from engine.store.documents import Corpus
from engine.store.project import Project
from engine.task import Task
from engine.train.dev import DevMeasure
from engine.train.signs import Shape, collapsed, dev_falls_while_loss_falls, shape_of, stuck

MOST = 12
"""Watched queries at most; where none is pinned, `DRAWN` dev queries are watched."""
DRAWN = 6
_TOP = 3
_SHAPE_PASSAGES = 400


@dataclass(slots=True)
class Watch:
    """Watched queries and the space of a model, both from the vectors of the last look at dev.

    Attributes:
        ids: of the watched queries.
        answers: for each, where its answers stand among the pool's passages and then the extra ones.
        passage_ids: of those passages.
        asked, extra: the watched queries as tokens, and answers outside of the dev pool; None where there is none.
    """

    measure: DevMeasure
    ids: tuple[int, ...]
    answers: tuple[tuple[int, ...], ...]
    passage_ids: npt.NDArray[np.int64]
    asked: Reader
    extra: Reader | None

    @classmethod
    def of(cls, model: Any, project: Project, corpus: Corpus | None, measure: DevMeasure, params: TrainParams,
           prompts: dict[str, str]) -> Watch:  # fmt: skip # Any: a SentenceTransformer
        corpus = corpus or documents.corpus(project)
        row_of = {int(passage_id): row for row, passage_id in enumerate(corpus.ids)}
        known = queries.positives(project)
        right = {q: [row_of[p] for p in grades if p in row_of] for q, grades in known.items()}
        chosen = [query for query in choose_watched(project, measure.pool.queries, params.seed) if right.get(query.id)]
        rows = measure.pool.rows
        place = {int(row): number for number, row in enumerate(rows)}
        outside = dict.fromkeys(row for query in chosen for row in right[query.id] if row not in place)
        place |= {row: len(rows) + number for number, row in enumerate(outside)}
        before, within = prompts.get("query", ""), prompts.get("passage", "")
        return cls(
            measure,
            tuple(query.id for query in chosen),
            tuple(tuple(place[row] for row in right[query.id]) for query in chosen),
            np.array([int(corpus.ids[row]) for row in (*rows.tolist(), *outside)], np.int64),
            Reader.of(model, [before + query.text for query in chosen], before),
            Reader.of(model, [within + corpus.texts[row] for row in outside], within) if outside else None,
        )

    def look(self, model: Any, step: int) -> list[Probe]:  # Any: a SentenceTransformer
        """Where the watched queries' answers stand; call after dev was measured."""
        if not self.ids or not len(self.measure.read):
            return []
        read = self.measure.read
        if self.extra is not None:
            read = np.concatenate([read, self.measure.encode(model, self.extra)])
        order = np.argsort(-(self.measure.encode(model, self.asked) @ read.T), axis=1, kind="stable")
        return [
            Probe(
                query_id,
                step,
                1 + int(np.flatnonzero(np.isin(places, right))[0]),
                tuple(int(self.passage_ids[place]) for place in places[:_TOP]),
            )
            for query_id, right, places in zip(self.ids, self.answers, order, strict=True)
        ]

    def shape(self) -> Shape | None:
        """How the pool's passages spread, and how near its queries are to their answers; after dev was measured."""
        pool, asked, read = self.measure.pool, self.measure.asked, self.measure.read
        if len(read) < 2:
            return None
        place = {int(row): number for number, row in enumerate(pool.rows)}
        answers = [place[min(pool.answers[query.id])] for query in pool.queries]
        some = np.linspace(0, len(read) - 1, min(len(read), _SHAPE_PASSAGES)).astype(int)
        return shape_of(asked, read[answers], read[np.unique(some)])


def choose_watched(project: Project, pool: Sequence[Query], seed: int) -> list[Query]:
    """Queries that a person pinned, or else some of the dev pool drawn by the run's seed."""
    pinned = [queries.query(project, pin.query_id) for pin in pins.pins(project)]
    standing = [query for query in pinned if query is not None and query.duplicate_of is None]
    if standing:
        return standing[:MOST]
    picks = np.sort(np.random.default_rng([seed, 7]).permutation(len(pool))[:DRAWN])
    return [pool[int(pick)] for pick in picks]


@dataclass(slots=True)
class Watcher:
    """Follows one run: records what is watched, and says once each what goes wrong.

    Attributes:
        watch: None where nothing can be watched (no dev queries, a reranker).
        total: steps that are planned.
        point: records a point of a curve.
        said: what went wrong so far, in words, by its kind.
    """

    project: Project
    model_id: int
    watch: Watch | None
    total: int
    task: Task
    point: Callable[[str, int, float], None]
    said: dict[str, str] = field(default_factory=dict)
    _first: Shape | None = None
    _losses: list[MetricPoint] = field(default_factory=list)
    _looks: list[MetricPoint] = field(default_factory=list)
    _unsaved: list[Probe] = field(default_factory=list)

    def go_on(self, step: int, said: dict[str, str]) -> None:
        """Read what was recorded of an interrupted run up to `step`, and forget what came after it."""
        self.said = dict(said)
        probes.drop_probes_after(self.project, self.model_id, step)
        self._losses = models.curve(self.project, self.model_id, "loss")
        self._looks = models.curve(self.project, self.model_id, "dev_ndcg@10")
        kept = {name: models.curve(self.project, self.model_id, name) for name in ("uniformity", "alignment", "spread")}
        if all(points and points[0].step == 0 for points in kept.values()):
            self._first = Shape(**{name: points[0].value for name, points in kept.items()})

    def add_loss(self, step: int, loss: float) -> None:
        self._losses.append(MetricPoint(step, loss))

    def look(self, model: Any, step: int, dev: float | None) -> None:  # Any: a SentenceTransformer
        """After dev was measured at `step`: record watched queries and the space's shape, and say what is wrong."""
        if dev is not None:
            self._looks.append(MetricPoint(step, dev))
        shape = None
        if self.watch is not None:
            found = self.watch.look(model, step)
            if found:
                self._unsaved += found
                self.task.probes(found)
            shape = self.watch.shape()
        if shape is not None:
            for name in ("uniformity", "alignment", "spread"):
                self.point(name, step, getattr(shape, name))
            self._first = self._first or shape
        self._warn(step, shape)

    def store(self) -> None:
        """Write what was found since the last time."""
        probes.add_probes(self.project, self.model_id, self._unsaved)
        self._unsaved.clear()

    def _warn(self, step: int, shape: Shape | None) -> None:
        signs = {
            "collapse": collapsed(shape, self._first) if shape and self._first else "",
            "stuck": stuck(self._losses, self._looks, self.total),
            "by heart": dev_falls_while_loss_falls(self._looks, self._losses),
        }
        for name, sentence in signs.items():
            if sentence and name not in self.said:
                self.said[name] = f"Step {step}: {sentence}"
                self.task.warn(self.said[name])

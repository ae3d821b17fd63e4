"""Pairs with scores as training data: a teacher's, an annotator's, or the grades of judgements."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.errors import UserError
from engine.objectives import OBJECTIVES
from engine.params import TrainParams
from engine.records import Split
from engine.store import queries, scores
from engine.store.documents import Corpus, corpus
from engine.store.kept import NOTHING_KEPT, Kept, names_of, rows_named
from engine.store.project import Project
from engine.train.examples import Batch

_SURE = 1e-4  # probabilities nearer to 0 or 1 than this become logits of ±9.2


@dataclass(frozen=True, slots=True)
class Scored:
    """A training query with scored passages, as (row of the corpus, score), best first."""

    query_id: int
    text: str
    passages: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class ScoredSet:
    """Training queries with scored passages.

    Attributes:
        examples: in order of query id.
        source: who gave the scores: a source of `engine.store.scores`, or "grades".
        levels: distinct scores, ascending.
    """

    examples: tuple[Scored, ...]
    corpus: Corpus
    source: str
    levels: tuple[float, ...]

    @property
    def pairs(self) -> int:
        return sum(len(example.passages) for example in self.examples)

    @property
    def digest(self) -> str:
        digest = hashlib.blake2b(digest_size=16)
        for example in self.examples:
            pairs = " ".join(f"{self.corpus.hashes[row]}:{score!r}" for row, score in example.passages)
            digest.update(f"{example.text}\n{pairs}\n".encode())
        return digest.hexdigest()

    def as_values(self) -> dict[str, Any]:  # Any: JSON values
        """All of it in numbers and texts; the inverse of `of_values`."""
        rows = sorted({row for example in self.examples for row, _ in example.passages})
        place = {row: number for number, row in enumerate(rows)}
        return {
            "source": self.source,
            "passages": names_of(self.corpus, rows),
            "examples": [[e.query_id, e.text, [(place[row], s) for row, s in e.passages]] for e in self.examples],
        }

    @classmethod
    def of_values(cls, values: dict[str, Any], corpus: Corpus) -> ScoredSet | None:
        """The same set in a corpus that may have changed since; None where a passage of it is gone."""
        rows = rows_named(corpus, values["passages"])
        if rows is None:
            return None
        examples = tuple(
            Scored(query_id, text, tuple((rows[k], float(score)) for k, score in pairs))
            for query_id, text, pairs in values["examples"]
        )
        return cls(examples, corpus, values["source"], _levels(examples))


def load_scored_set(project: Project, params: TrainParams, *, kept: Kept = NOTHING_KEPT) -> ScoredSet:
    """Scored pairs of the train split: the newest stored scores, else grades (not for objectives that need a teacher).

    Args:
        kept: of a run, which learns from what it began with as long as those passages are there.

    Raises:
        UserError: there are no such pairs, or too few different scores for the objective.
    """
    found, values = corpus(project), kept.value("train")
    if values and (known := ScoredSet.of_values(values, found)):
        return known
    made = _read(project, params, found)
    kept.keep("train", made.as_values())
    return made


def _read(project: Project, params: TrainParams, found: Corpus) -> ScoredSet:
    """As the project has it now."""
    facts = OBJECTIVES[params.objective]
    row_of = {int(passage_id): row for row, passage_id in enumerate(found.ids)}
    asked = queries.representatives(project, Split.TRAIN)
    known = scores.sources(project)[:1] if facts.needs != "classes" else []
    scored = scores.scores(project, known[0][0]) if known else {}
    by_grade = not any(query.id in scored for query in asked)
    if by_grade and facts.needs == "teacher":
        raise UserError(
            f"'{facts.title}' learns from a reranker's scores, and there are none.",
            hint="Train a reranker (searchsmith reranker PROJECT) and let it score them (searchsmith scores PROJECT).",
        )
    given = queries.judgements(project) if by_grade else scored
    values = {q: {p: float(s) for p, s in pairs.items() if p in row_of} for q, pairs in given.items()}
    examples = tuple(
        Scored(query.id, query.text, _best_first(values[query.id], row_of)) for query in asked if values.get(query.id)
    )
    kept = _usable(examples, params)
    levels = _levels(kept)
    if not kept or len(levels) < 2:
        raise UserError(
            f"'{facts.title}' needs {_NEEDED[facts.needs]}, and the train split has none.",
            hint="Import scored or graded pairs, or choose the objective mnrl.",
        )
    return ScoredSet(kept, found, "grades" if by_grade else known[0][0], levels)


def _levels(examples: Sequence[Scored]) -> tuple[float, ...]:
    return tuple(sorted({score for example in examples for _, score in example.passages}))


_NEEDED = {
    "scores": "pairs of at least two different scores or grades",
    "order": "queries with two passages of different scores or grades",
    "classes": "pairs of at least two different labels or grades",
    "teacher": "queries with two passages of different scores",
}


def _best_first(values: Mapping[int, float], row_of: Mapping[int, int]) -> tuple[tuple[int, float], ...]:
    ordered = sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple((row_of[passage_id], score) for passage_id, score in ordered)


def _usable(examples: Sequence[Scored], params: TrainParams) -> tuple[Scored, ...]:
    """For objectives that compare passages of one query: queries with two different scores."""
    if not _compares(params):
        return tuple(examples)
    return tuple(e for e in examples if len(e.passages) > 1 and e.passages[0][1] > e.passages[-1][1])


def _compares(params: TrainParams) -> bool:
    return params.objective in ("margin_ranking", "margin_mse", "kl_distill")


class ScoredSource:
    """Batches of scored pairs, or of queries with several scored passages each."""

    def __init__(self, data: ScoredSet, params: TrainParams) -> None:
        self._data, self._params = data, params
        self.digest = data.digest
        self.n_queries, self.n_negatives = len(data.examples), data.pairs
        self.corpus = data.corpus
        self.classes = len(data.levels) if OBJECTIVES[params.objective].needs == "classes" else 0
        self._scale = _Scale.of(data)
        self._flat = [(example, row, score) for example in data.examples for row, score in example.passages]
        self._count = self.n_queries if _compares(params) else data.pairs

    def steps_per_epoch(self) -> int:
        return max(1, self._count // self._params.batch_size)

    def batches(self, start: int = 0) -> Iterator[Batch]:
        """From step `start` for ever; the last, smaller part of a pass is left out where there is a whole batch."""
        steps, size = self.steps_per_epoch(), self._params.batch_size
        while True:
            epoch, step = divmod(start, steps)
            order = np.random.default_rng([self._params.seed, epoch, 5]).permutation(self._count)
            picks = order[step * size : (step + 1) * size]
            yield self._lists(picks, epoch) if _compares(self._params) else self._pairs(picks)
            start += 1

    def _pairs(self, picks: np.ndarray) -> Batch:
        chosen = [self._flat[int(i)] for i in picks]
        texts = dict.fromkeys(example.text for example, _, _ in chosen)
        rows = dict.fromkeys(row for _, row, _ in chosen)
        asked = {text: place for place, text in enumerate(texts)}
        read = {row: place for place, row in enumerate(rows)}
        columns = np.array([(asked[e.text], read[row]) for e, row, _ in chosen], np.int64)
        targets = np.array([self._target(score) for _, _, score in chosen], np.float32)
        return self._batch(list(texts), list(rows), columns, targets)

    def _lists(self, picks: np.ndarray, epoch: int) -> Batch:
        """Each query with its best passage and others drawn by the seed; the same number for all."""
        examples = [self._data.examples[int(i)] for i in picks]
        width = min(1 + max(1, self._params.num_negatives), *(len(e.passages) for e in examples))
        if self._params.objective == "margin_ranking":
            width = 2
        rng = np.random.default_rng([self._params.seed, epoch, int(picks[0]), 6])
        rows: dict[int, int] = {}
        columns, targets = [], []
        for place, example in enumerate(examples):
            worse = [pair for pair in example.passages if pair[1] < example.passages[0][1]]
            others = [worse[int(i)] for i in np.sort(rng.permutation(len(worse))[: width - 1])]
            while len(others) < width - 1:  # fewer worse ones than places: the first stands again
                others.append(others[0])
            chosen = [example.passages[0], *others]
            columns.append([place, *(rows.setdefault(row, len(rows)) for row, _ in chosen)])
            targets.append([self._target(score) for _, score in chosen])
        texts = [example.text for example in examples]
        return self._batch(texts, list(rows), np.array(columns, np.int64), np.array(targets, np.float32))

    def _batch(self, texts: list[str], rows: list[int], columns: np.ndarray, targets: np.ndarray) -> Batch:
        blocked = np.zeros((len(texts), len(rows)), np.bool_)
        passages = [self.corpus.texts[row] for row in rows]
        return Batch(texts, passages, blocked, columns, targets)

    def _target(self, score: float) -> float:
        if self.classes:
            return float(self._data.levels.index(score))
        return self._scale.logit(score) if self._params.objective == "kl_distill" else self._scale.share(score)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Reads scores of any range: −1..1 as they are, others from 0 up as a share of the highest, logits by a sigmoid.

    Logits are what a reranker of the project gives, and what others give as soon as one is below −1 and none a grade.
    A grade below 0 (TREC's −1 and −2: junk) counts as 0.
    """

    low: float
    high: float
    logits: bool

    @classmethod
    def of(cls, data: ScoredSet) -> _Scale:
        if data.source == "grades":
            return cls(0.0, data.levels[-1], False)
        low, high = data.levels[0], data.levels[-1]
        similarities = low >= -1 and high <= 1
        return cls(low, high, data.source.startswith("reranker ") or (low < 0 and not similarities))

    def share(self, score: float) -> float:
        if self.logits:
            return float(1 / (1 + np.exp(-score)))
        return max(score, self.low) / max(self.high, 1.0)

    def logit(self, score: float) -> float:
        if self.logits:
            return score
        sure = min(max(self.share(score), _SURE), 1 - _SURE)
        return float(np.log(sure / (1 - sure)))

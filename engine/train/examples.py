"""What a model learns from: training queries with their positives and negatives, and the batches made of them."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from engine.errors import UserError
from engine.params import TrainParams
from engine.records import Mining, Query, Review, Split
from engine.store import negatives, queries
from engine.store.documents import Corpus, corpus
from engine.store.kept import NOTHING_KEPT, Kept, names_of, rows_named
from engine.store.project import Project


@dataclass(frozen=True, slots=True)
class Example:
    """A query with rows of the corpus that answer it, and rows that do not, hardest first."""

    query_id: int
    text: str
    positives: tuple[int, ...]
    negatives: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Everything a run learns from.

    Attributes:
        examples: in order of query id.
        corpus: where rows point.
        mining: whose negatives are in use, None where there is none.
    """

    examples: tuple[Example, ...]
    corpus: Corpus
    mining: Mining | None

    def texts(self, rows: Iterable[int]) -> list[str]:
        return [self.corpus.texts[row] for row in rows]

    @property
    def count_negatives(self) -> int:
        return sum(len(example.negatives) for example in self.examples)

    @property
    def digest(self) -> str:
        """Names the content, so that a resumed run knows whether it goes on with the same."""
        digest = hashlib.blake2b(digest_size=16)
        for example in self.examples:
            hashes = [self.corpus.hashes[row] for row in (*example.positives, *example.negatives)]
            digest.update(f"{example.text}\n{len(example.positives)} {' '.join(hashes)}\n".encode())
        return digest.hexdigest()

    def as_values(self) -> dict[str, Any]:  # Any: JSON values
        """All of it in numbers and texts; the inverse of `of_values`."""
        rows = sorted({row for example in self.examples for row in (*example.positives, *example.negatives)})
        place = {row: number for number, row in enumerate(rows)}
        return {
            "mining": self.mining.id if self.mining else 0,
            "passages": names_of(self.corpus, rows),
            "examples": [
                [e.query_id, e.text, [place[row] for row in e.positives], [place[row] for row in e.negatives]]
                for e in self.examples
            ],
        }

    @classmethod
    def of_values(cls, values: dict[str, Any], corpus: Corpus, mining: Mining | None) -> TrainingSet | None:
        """The same set in a corpus that may have changed since; None where a passage of it is gone."""
        rows = rows_named(corpus, values["passages"])
        if rows is None:
            return None
        examples = tuple(
            Example(query_id, text, tuple(rows[k] for k in right), tuple(rows[k] for k in wrong))
            for query_id, text, right, wrong in values["examples"]
        )
        return cls(examples, corpus, mining)


@dataclass(frozen=True, slots=True)
class Batch:
    """Queries and the passages they are told apart from; the first `len(queries)` passages are the queries' positives.

    Attributes:
        queries: n texts.
        passages: m ≥ n texts, all distinct.
        blocked: (n, m) bool, True where a passage answers the query beside its own positive: it is no negative.
        rows: (r, c) int64, what objectives on single pairs take: a place among the queries, then places among the
            passages. For training queries with answers: each query beside each of its own negatives.
        targets: float32, (r,) or (r, c − 1): scores or classes of the rows.
        originals: texts that are to be rebuilt from the queries' vectors.
        asked: whether `queries` are read as queries or, like the passages, as passages.
        ids: query ids, and rows of the corpus of the passages; what a guide's vectors are looked up by.
    """

    queries: list[str]
    passages: list[str]
    blocked: npt.NDArray[np.bool_]
    rows: npt.NDArray[np.int64] | None = None
    targets: npt.NDArray[np.float32] | None = None
    originals: tuple[str, ...] = ()
    asked: Literal["query", "passage"] = "query"
    ids: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())


def load_training_set(
    project: Project, params: TrainParams, *, kept: Kept = NOTHING_KEPT, name: str = "train"
) -> TrainingSet:
    """Training queries that stand for themselves, with all positives of their duplicates, and their negatives.

    Negatives: those a person confirmed, then a mining's, then imported ones; never a text equal to a positive, never
    one that a person left out or called relevant.

    Args:
        kept: of a run, which learns from what it began with as long as those passages are there.
        name: under which it is kept.

    Raises:
        UserError: no training query has a positive, or the mining that the run began with is gone.
    """
    found, values = corpus(project), kept.value(name)
    if values and (known := TrainingSet.of_values(values, found, negatives.mining(project, values["mining"]))):
        return known
    made = _read(project, params, found, kept.mining_id)
    kept.keep(name, made.as_values())
    return made


def _read(project: Project, params: TrainParams, found: Corpus, mining_id: int | None) -> TrainingSet:
    """As the project has it now; negatives of a mining: None: the newest one, 0: none."""
    row_of = {int(passage_id): row for row, passage_id in enumerate(found.ids)}
    answers = queries.positives(project)
    mining = negatives.newest_mining(project) if mining_id is None else negatives.mining(project, mining_id)
    if mining_id and mining is None and not params.finish:
        raise UserError(
            f"The negatives of mining {mining_id}, with which this run was begun, were removed.",
            hint="Keep the best so far (with --finish in the terminal), or train anew with the negatives there are.",
        )
    wrong = _negatives(project, mining) if params.num_negatives else {}
    examples = []
    for query in queries.representatives(project, Split.TRAIN):
        example = _example(query, answers.get(query.id, {}), wrong.get(query.id, ()), row_of, found.hashes)
        if example:
            examples.append(example)
    if not examples:
        if not queries.representatives(project, Split.TRAIN):
            raise UserError(
                "No query is in the train split.", hint="Split the queries first: searchsmith split PROJECT"
            )
        raise UserError("No training query has an answer.", hint="Import judgements, or judge some answers by hand.")
    return TrainingSet(tuple(examples), found, mining if wrong else None)


def _negatives(project: Project, mining: Mining | None) -> dict[int, list[int]]:
    """Passage ids by query, in the order of trust: a person's, mined, imported."""
    words = queries.reviews(project)
    wrong: dict[int, list[int]] = {}
    for (query_id, passage_id), verdict in sorted(words.items()):
        if verdict is Review.NEGATIVE:
            wrong.setdefault(query_id, []).append(passage_id)
    for negative in negatives.negatives(project, mining.id) if mining else ():
        wrong.setdefault(negative.query_id, []).append(negative.passage_id)
    for query_id, passage_ids in queries.imported_negatives(project).items():
        wrong.setdefault(query_id, []).extend(passage_ids)
    unwanted = {pair for pair, verdict in words.items() if verdict is not Review.NEGATIVE}
    return {
        query_id: [passage_id for passage_id in dict.fromkeys(ids) if (query_id, passage_id) not in unwanted]
        for query_id, ids in wrong.items()
    }


def _example(
    query: Query, grades: Mapping[int, int], wrong: Sequence[int], row_of: Mapping[int, int], hashes: Sequence[str]
) -> Example | None:
    positives = [row_of[passage_id] for passage_id in grades if passage_id in row_of]
    if not positives:
        return None
    answers = {hashes[row] for row in positives}
    rows = [row_of[passage_id] for passage_id in wrong if passage_id in row_of]
    return Example(query.id, query.text, tuple(positives), tuple(row for row in rows if hashes[row] not in answers))


def plan_epoch(training: TrainingSet, epoch: int, params: TrainParams) -> list[list[tuple[Example, int]]]:
    """One pass over all examples in seeded order: batches of (example, row of the positive it uses this time).

    No batch holds the same positive text twice. What cannot be placed otherwise forms smaller batches at the end; those
    under a quarter of the size are left out of this pass, except where there is no other.
    """
    order = np.random.default_rng([params.seed, epoch]).permutation(len(training.examples))
    waiting: dict[str, deque[tuple[int, Example, int]]] = {}
    for place, i in enumerate(order):
        example, row = _with_positive(training.examples[int(i)], epoch)
        waiting.setdefault(training.corpus.hashes[row], deque()).append((place, example, row))
    first = [(those[0][0], name) for name, those in waiting.items()]  # of each positive, a heap as places ascend
    least = min(max(2, params.batch_size // 4), params.batch_size)
    batches: list[list[tuple[Example, int]]] = []
    while first and (len(first) >= least or not batches):  # fewer positives are left from batch to batch
        names = [heappop(first)[1] for _ in range(min(params.batch_size, len(first)))]
        batches.append([waiting[name].popleft()[1:] for name in names])
        for name in names:
            if waiting[name]:
                heappush(first, (waiting[name][0][0], name))
    return [batch for batch in batches if len(batch) >= least] or batches[:1]


def _with_positive(example: Example, epoch: int) -> tuple[Example, int]:
    return example, example.positives[(epoch + example.query_id) % len(example.positives)]


def batches(training: TrainingSet, params: TrainParams, *, start: int = 0) -> Iterator[Batch]:
    """Batches from step `start` (0: the first) for ever, epoch after epoch; the same for the same seed and data."""
    epoch = 0
    while True:
        plan = plan_epoch(training, epoch, params)
        for picks in plan[start:]:
            yield make_batch(training, picks, epoch, params.num_negatives)
        start = max(0, start - len(plan))
        epoch += 1


def steps_per_epoch(training: TrainingSet, params: TrainParams) -> int:
    return len(plan_epoch(training, 0, params))


def make_batch(training: TrainingSet, picks: Sequence[tuple[Example, int]], epoch: int, num_negatives: int) -> Batch:
    """Put the positives first, then each example's next `num_negatives` negatives; a text stands once."""
    hashes = training.corpus.hashes
    rows = {hashes[row]: row for _, row in picks}
    own: list[tuple[int, str]] = []
    for place, (example, _) in enumerate(picks):
        count = len(example.negatives)
        for k in range(min(num_negatives, count)):
            row = example.negatives[(epoch * num_negatives + k) % count]
            rows.setdefault(hashes[row], row)
            own.append((place, hashes[row]))
    places = {name: place for place, name in enumerate(rows)}
    wrong = np.array([(place, places[name]) for place, name in own], np.int64).reshape(-1, 2)
    blocked = np.zeros((len(picks), len(rows)), np.bool_)
    for place, (example, _) in enumerate(picks):
        blocked[place, [places[hashes[row]] for row in example.positives if hashes[row] in places]] = True
        blocked[place, place] = False
    ids = (tuple(example.query_id for example, _ in picks), tuple(rows.values()))
    return Batch([example.text for example, _ in picks], training.texts(rows.values()), blocked, wrong, ids=ids)

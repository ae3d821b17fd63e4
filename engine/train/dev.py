"""The look at dev queries while training: a fixed pool of passages, small enough to be ranked every few steps."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.encode.encoder import Reader
from engine.evaluate.metrics import evaluate_rankings
from engine.mine.bm25 import BM25Index
from engine.params import TrainParams
from engine.records import Query, Split
from engine.store import documents, queries
from engine.store.documents import Corpus
from engine.store.kept import NOTHING_KEPT, Kept, names_of, rows_named
from engine.store.project import Project
from engine.task import Task
from engine.train.steps import encode_fixed

_HARD_PER_QUERY = 10
_K = 10
_KEPT_AS = "dev"
POOL_CHANGED = "Passages of the dev pool were changed or removed since; from here on dev is measured in another."


@dataclass(frozen=True, slots=True)
class DevPool:
    """Dev queries, the passages they are looked up in, and what BM25 makes of the same.

    Attributes:
        queries: at most `dev_queries`, each with a positive.
        rows: rows of the corpus in the pool, ascending: all positives, what BM25 ranks highest, and passages at random.
        answers: grades by query id and row.
        texts: of `rows`.
        bm25: nDCG@10 of BM25 (words weighed by the whole corpus) in the pool.
        whole: whether the pool is the whole corpus.
    """

    queries: tuple[Query, ...]
    rows: npt.NDArray[np.int64]
    answers: dict[int, dict[int, int]]
    texts: tuple[str, ...]
    bm25: float
    whole: bool

    @property
    def digest(self) -> str:
        """Names what is asked and read, so that figures of two pools are never compared."""
        return digest_of([*(query.text for query in self.queries), "", *self.texts])


def digest_of(texts: Iterable[str]) -> str:
    """Texts in their order, in 32 hexadecimal digits."""
    found = hashlib.blake2b(digest_size=16)
    for text in texts:
        found.update(f"{text}\0".encode())
    return found.hexdigest()


def choose_pool(
    project: Project,
    corpus: Corpus | None,
    params: TrainParams,
    task: Task,
    split: Split = Split.DEV,
    *,
    kept: Kept = NOTHING_KEPT,
) -> DevPool | None:
    """Choose a run's pool by its seed; None where no query of the split has a positive.

    Args:
        corpus: of the project; read where None.
        kept: of a run, which is measured on what it began with as long as those passages are there.
    """
    corpus, values = corpus or documents.corpus(project), kept.value(_KEPT_AS)
    if values:
        if known := _pool_of_values(values, corpus):
            return known
        task.warn(POOL_CHANGED)
    pool = _choose(project, corpus, params, task, split)
    if pool is not None:
        kept.keep(_KEPT_AS, _values_of_pool(pool, corpus))
    return pool


def _values_of_pool(pool: DevPool, corpus: Corpus) -> dict[str, Any]:  # Any: JSON values
    place = {int(row): number for number, row in enumerate(pool.rows)}
    return {
        "passages": names_of(corpus, pool.rows.tolist()),
        "queries": [
            [query.id, query.text, [(place[row], grade) for row, grade in pool.answers[query.id].items()]]
            for query in pool.queries
        ],
        "bm25": pool.bm25,
    }


def _pool_of_values(values: dict[str, Any], corpus: Corpus) -> DevPool | None:  # Any: JSON values
    """The same pool in a corpus that may have changed since; None where a passage of it is gone."""
    rows = rows_named(corpus, values["passages"])
    if rows is None:
        return None
    asked = tuple(Query(query_id, "", text, "") for query_id, text, _ in values["queries"])
    answers = {query_id: {rows[k]: grade for k, grade in grades} for query_id, _, grades in values["queries"]}
    texts = tuple(corpus.texts[row] for row in rows)
    return DevPool(asked, np.array(rows, np.int64), answers, texts, values["bm25"], len(rows) == len(corpus.texts))


def _choose(project: Project, corpus: Corpus, params: TrainParams, task: Task, split: Split) -> DevPool | None:
    row_of = {int(passage_id): row for row, passage_id in enumerate(corpus.ids)}
    answers = {
        query_id: {row_of[passage_id]: grade for passage_id, grade in grades.items() if passage_id in row_of}
        for query_id, grades in queries.positives(project).items()
    }
    known = [query for query in queries.representatives(project, split) if answers.get(query.id)]
    if not known:
        return None
    rng = np.random.default_rng([params.seed, 1])
    picks = np.sort(rng.permutation(len(known))[: params.dev_queries])
    chosen = tuple(known[int(i)] for i in picks)
    index = BM25Index.build(corpus.texts, task=task)
    rows = _pool_rows([answers[query.id] for query in chosen], chosen, index, len(corpus.texts), params, rng)
    kept = {query.id: answers[query.id] for query in chosen}
    rankings = {}
    for query in chosen:
        scores = index.scores_of_tokens(index.query_words(query.text))[rows]
        rankings[query.id] = rows[np.argsort(-scores, kind="stable")[:_K]].tolist()
    texts = tuple(corpus.texts[row] for row in rows)
    return DevPool(chosen, rows, kept, texts, mean_ndcg(rankings, kept), len(rows) == len(corpus.texts))


def _pool_rows(
    answers: list[dict[int, int]],
    chosen: tuple[Query, ...],
    index: BM25Index,
    n_passages: int,
    params: TrainParams,
    rng: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """All positives always; then the hardest by BM25, rank by rank, up to half of what is left; then random ones."""
    if n_passages <= params.dev_passages:
        return np.arange(n_passages)
    rows = dict.fromkeys(row for grades in answers for row in grades)
    places, _ = index.top_k([query.text for query in chosen], _HARD_PER_QUERY)
    hard = len(rows) + max(params.dev_passages - len(rows), 0) // 2
    for row in places.T.ravel().tolist():
        if len(rows) >= hard:
            break
        if row >= 0:
            rows.setdefault(row)
    for row in rng.permutation(n_passages).tolist():
        if len(rows) >= params.dev_passages:
            break
        rows.setdefault(row)
    return np.array(sorted(rows), np.int64)


def mean_ndcg(rankings: Mapping[int, list[int]], answers: Mapping[int, Mapping[int, int]]) -> float:
    """Mean nDCG@10 as trec_eval counts it."""
    return float(np.mean(evaluate_rankings(rankings, answers, ks=(_K,))[f"ndcg@{_K}"]))


@dataclass(slots=True)
class DevMeasure:
    """Measures a model on a pool; texts are tokenised once.

    Attributes:
        values: nDCG@10 of each query at the last measurement, in the pool's order.
        asked, read: vectors of the pool's queries and passages then.
    """

    pool: DevPool
    queries: Reader
    passages: Reader
    dim: int
    device: str
    precision: str
    budget: int
    check: Callable[[], None]
    values: tuple[float, ...] = ()
    asked: npt.NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    read: npt.NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))

    @classmethod
    def of(
        cls,
        model: Any,  # Any: a SentenceTransformer
        pool: DevPool,
        prompts: Mapping[str, str],
        *,
        dim: int,
        device: str,
        precision: str,
        budget: int,
        check: Callable[[], None],
    ) -> DevMeasure:
        asked, read = prompts.get("query", ""), prompts.get("passage", "")
        queries = Reader.of(model, [asked + query.text for query in pool.queries], asked)
        passages = Reader.of(model, [read + text for text in pool.texts], read)
        return cls(pool, queries, passages, dim, device, precision, budget, check)

    def ndcg(self, model: Any) -> float:  # Any: a SentenceTransformer
        """Mean nDCG@10 of the model as it is now; ties by the passages' order."""
        self.asked, self.read = self.encode(model, self.queries), self.encode(model, self.passages)
        order = np.argsort(-(self.asked @ self.read.T), axis=1, kind="stable")[:, :_K]
        rankings = {
            query.id: self.pool.rows[places].tolist() for query, places in zip(self.pool.queries, order, strict=True)
        }
        values = evaluate_rankings(rankings, self.pool.answers, ks=(_K,))[f"ndcg@{_K}"]
        self.values = tuple(float(value) for value in values)
        return float(np.mean(values))

    def encode(self, model: Any, reader: Reader) -> npt.NDArray[np.float32]:  # Any: a SentenceTransformer
        """Vectors of tokenised texts by the model as it is now."""
        return encode_fixed(
            model,
            reader,
            dim=self.dim,
            device=self.device,
            precision=self.precision,
            budget=self.budget,
            check=self.check,
        )

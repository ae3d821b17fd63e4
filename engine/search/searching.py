"""Searches a project's passages by words, by vectors or by both, with everything that is slow to load kept warm."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from engine.errors import UserError
from engine.evaluate.ranking import FUSED_DEPTH, DistinctTexts, Ranked, fuse, to_all_passages
from engine.params import SearchParams
from engine.records import Hit, Model
from engine.search.explain import Explanation, explain
from engine.search.indexes import ExactIndex, Index, Kind, Vectors, choose_kind
from engine.search.stored import open_or_build
from engine.store import documents, imports, models, queries
from engine.store.corpus_marks import corpus_mark
from engine.store.project import Project
from engine.store.shares import HALF, share_of
from engine.task import Task

if TYPE_CHECKING:
    from engine.encode.encoder import Encoder
    from engine.mine.bm25 import BM25Index
    from engine.search.reranking import Reranker

INDEX_SETTING = "search_index"  # the project's choice: auto, exact, hnsw, sq8 or ivfpq
MAX_K = 1_000
_MAX_CHARS = 10_000
_WARM_MODELS = 3
_PROBES = 256
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What was found; `milliseconds` is the ranking alone, without loading a model or an index."""

    hits: tuple[Hit, ...]
    milliseconds: float
    mode: str
    model: str


@dataclass(frozen=True, slots=True)
class Warm:
    """What is loaded for a model: how many passages can be found, by which index, and what it misses.

    `recall` is the measured share (0..1) of the exact first ten hits that the index finds.
    """

    model: str
    passages: int
    index: str
    recall: float


@dataclass(frozen=True, slots=True)
class _Opened:
    """An index with its measured recall."""

    index: Index
    recall: float


class SearchEngine:
    """Search over one open project; sees passages and models that came since at the next search.

    Args:
        project: the open project; a read-only one keeps no index on disk.
        task: told about loading and indexing.
    """

    def __init__(self, project: Project, task: Task | None = None) -> None:
        self._project = project
        self._task = task or Task()
        self._stamp: object = None
        self._distinct: DistinctTexts | None = None
        self._bm25: BM25Index | None = None
        self._encoders: OrderedDict[int, Encoder] = OrderedDict()
        self._indexes: dict[int, tuple[str, _Opened]] = {}
        self._again: Reranker | None = None
        self._query_vector = lru_cache(maxsize=256)(self._encode)

    def warm(self, model_ref: str = "tuned") -> Warm:
        """Load the model and its index, so that the next search answers at once.

        Raises:
            UserError: no passages, or no such model.
        """
        texts = self._current_texts()
        opened = self._index(models.resolve_model(self._project, model_ref), texts)
        return Warm(model_ref, len(texts.passage_ids), opened.index.kind, opened.recall)

    def search(self, params: SearchParams) -> SearchResult:
        """Rank passages for a text; a text without a word gives no hits.

        Scores are BM25's, cosines or means of both brought to 0..1, weighed as the evaluation chose for the model, by
        mode; with `rerank` the reranker's, 0..1. Passages of equal text are each a hit.

        Raises:
            UserError: no passages, no such model or mode, or `k` out of range.
        """
        _check(params)
        text, texts = clean_query(params.text), self._current_texts()
        words = self._words(texts) if params.mode != "dense" else None
        model = models.resolve_model(self._project, params.model) if params.mode != "bm25" else None
        index = self._index(model, texts).index if model else None
        again = self._reranker() if params.rerank else None
        wanted = max(params.k, params.rerank)
        begin = time.perf_counter()
        lists = []
        share = share_of(self._project, model) if model else HALF
        depth = max(wanted, FUSED_DEPTH) if words and index else wanted
        if text and words:
            lists.append(_ranked(words.top_k([text], depth)))
        if text and index and model:
            lists.append(_ranked(index.top_k(self._query_vector(model.id, text), depth)))
        named = to_all_passages(_joined(lists, wanted, share), texts, wanted)
        hits = tuple(
            Hit(rank, passage_id, score)
            for rank, (passage_id, score) in enumerate(
                zip(named.ids[0].tolist(), named.scores[0].tolist(), strict=True), start=1
            )
            if passage_id >= 0
        )
        if again:
            hits = again.sorted_hits(text, hits)
        hits = hits[: params.k]
        milliseconds = 1000 * (time.perf_counter() - begin)
        return SearchResult(hits, milliseconds, params.mode, params.model if model else "")

    def _reranker(self) -> Reranker:
        """The newest reranker, kept warm."""
        from engine.search.reranking import Reranker

        model = models.resolve_model(self._project, "reranker")
        if self._again is None or self._again.model_id != model.id:
            self._again = Reranker.open(self._project, model)
        return self._again

    def why(self, text: str, passage_id: int, *, model_ref: str = "") -> Explanation:
        """Why a passage ranks where it does: words shared with their weights, and the model's cosine if it is asked.

        Raises:
            UserError: the passage is not in the project.
        """
        texts, text = self._current_texts(), clean_query(text)
        found = documents.passages(self._project, [passage_id]).get(passage_id)
        places = np.flatnonzero(texts.passage_ids == passage_id)
        if found is None or not len(places):
            raise UserError(f"There is no passage {passage_id}.", hint="Search again.")
        row = int(np.searchsorted(texts.starts, places[0], side="right")) - 1
        cosine = None
        if model_ref and text:
            model = models.resolve_model(self._project, model_ref)
            passage = self._encoder(model).encode([found.search_text], "passage")[0]
            cosine = float(self._query_vector(model.id, text) @ passage)
        return explain(self._words(texts), row, text, found.search_text, cosine=cosine)

    def _current_texts(self) -> DistinctTexts:
        """The corpus as it is now; when it changed, what was made from the old one is dropped."""
        stamp = self._corpus_stamp()
        if self._distinct is None or stamp != self._stamp:
            self._distinct = DistinctTexts.of(documents.corpus(self._project))
            self._bm25 = None
            self._indexes.clear()
            self._stamp = stamp
        if not len(self._distinct):
            raise UserError("There are no passages to search in.", hint="Import documents first: searchsmith import")
        return self._distinct

    def _corpus_stamp(self) -> object:
        """Changes whenever passages did: they come with imports, go with documents, and are cut in other ways."""
        return (
            corpus_mark(self._project),
            documents.count_passages(self._project),
            documents.count_documents(self._project),
            imports.import_reports(self._project, limit=1),
        )

    def _words(self, texts: DistinctTexts) -> BM25Index:
        if self._bm25 is None:
            from engine.mine.bm25 import BM25Index

            self._bm25 = BM25Index.build(texts.texts, task=self._task)
        return self._bm25

    def _encoder(self, model: Model) -> Encoder:
        if model.id not in self._encoders:
            from engine.encode.warm import warm_encoder

            self._encoders[model.id] = warm_encoder(self._project, model)
            while len(self._encoders) > _WARM_MODELS:
                dropped, _ = self._encoders.popitem(last=False)
                self._indexes.pop(dropped, None)
        self._encoders.move_to_end(model.id)
        return self._encoders[model.id]

    def _encode(self, model_id: int, text: str) -> Vectors:
        vector: Vectors = self._encoders[model_id].encode([text], "query")[0]
        return vector

    def _index(self, model: Model, texts: DistinctTexts) -> _Opened:
        encoder = self._encoder(model)
        setting = self._project.meta(INDEX_SETTING) or "auto"
        known = self._indexes.get(model.id)
        if known is None or known[0] != setting:
            known = (setting, self._open_index(encoder, texts, choose_kind(len(texts), setting)))
            self._indexes[model.id] = known
        return known[1]

    def _open_index(self, encoder: Encoder, texts: DistinctTexts, kind: Kind) -> _Opened:
        from engine.encode.vectors import encode_texts

        def vectors() -> Vectors:
            return encode_texts(
                self._project, encoder, texts.texts, kind="passage", task=self._task, stage="encode passages"
            )

        if kind == "exact":
            return _Opened(ExactIndex(vectors()), 1.0)
        index, recall = open_or_build(
            self._project,
            kind,
            encoder=encoder.key,
            hashes=texts.hashes,
            dim=encoder.dim,
            vectors=vectors,
            probes=lambda: encoder.encode(self._probes(texts), "query"),
            task=self._task,
        )
        return _Opened(index, recall)

    def _probes(self, texts: DistinctTexts) -> list[str]:
        """What an index's recall is measured with: the project's queries, else its passages; evenly spread."""
        asked = [query.text for query in queries.representatives(self._project)] or texts.texts
        return asked[:: max(1, len(asked) // _PROBES)][:_PROBES]


def clean_query(text: str) -> str:
    """A query as systems can read it: no control characters or lone surrogates, at most 10,000 characters, stripped."""
    cut = text[:_MAX_CHARS].encode("utf-8", "replace").decode("utf-8")
    return _CONTROLS.sub(" ", cut).strip()


def _check(params: SearchParams) -> None:
    if params.rerank < 0 or params.rerank > MAX_K:
        raise UserError(f"{params.rerank} hits cannot be reranked.", hint=f"Rerank 0 to {MAX_K:,}.")
    if not 1 <= params.k <= MAX_K:
        raise UserError(f"{params.k} hits cannot be asked for.", hint=f"Ask for 1 to {MAX_K:,}.")
    if params.mode not in ("bm25", "dense", "hybrid"):
        raise UserError(f"There is no search mode '{params.mode}'.", hint="Modes: bm25, dense, hybrid.")


def _ranked(found: tuple[npt.NDArray[Any], Vectors]) -> Ranked:
    """One query's rows and scores as a ranked list."""
    rows, scores = found
    return Ranked(np.atleast_2d(rows).astype(np.int64), np.atleast_2d(scores))


def _joined(lists: Sequence[Ranked], k: int, share: float) -> Ranked:
    """Words' and vectors' lists as one; `share`: how much the vectors count."""
    if not lists:
        return Ranked(np.empty((1, 0), np.int64), np.empty((1, 0), np.float32))
    return lists[0] if len(lists) == 1 else fuse(lists, k, (1 - share, share))

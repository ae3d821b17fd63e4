"""Tunes a static model: large batches, a fast rate, and pairs made from the documents beside the labelled ones."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from engine.encode.folders import read_modules
from engine.params import TrainParams
from engine.store.kept import NOTHING_KEPT, Kept, names_of, rows_named
from engine.store.project import Project
from engine.task import Task
from engine.train.bags import leave_out, make_bag, rank_loss, vectors
from engine.train.document_pairs import DocumentPairs
from engine.train.examples import Batch
from engine.train.pieces import Parts, count_tokens, token_names
from engine.train.work import EncoderWork

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_LEFT_OUT = 0.3  # share of tokens that a text loses each time it is read


def is_static(folder: Path) -> bool:
    """Whether the model in `folder` is a table of vectors by token."""
    return read_modules(folder)[0].kind == "StaticEmbedding"


def fits_static(params: TrainParams) -> bool:
    """Whether the run is one that static models have their own way for: queries told apart from passages."""
    return params.objective in ("mnrl", "cached_mnrl") and params.matryoshka == "off" and params.processes == 1


@dataclass(frozen=True, slots=True)
class CountedBatch:
    """Queries, their passages (the first n belong to the n queries), and pairs from documents, as tokens' counts."""

    asked: csr_array
    read: csr_array
    blocked: npt.NDArray[np.bool_]
    pieces: csr_array
    rests: csr_array


class _Whole:
    """Memory of a static model's step never runs short: it is the table and little more."""

    shortages = 0

    def shrink(self, shortages: int) -> None:
        """There is nothing to make smaller."""


class StaticWork(EncoderWork):
    """Tunes a static embedding on the CPU, where its steps are fastest."""

    def __init__(
        self, project: Project, base_folder: Path, params: TrainParams, task: Task, *, kept: Kept = NOTHING_KEPT
    ) -> None:
        super().__init__(project, base_folder, replace(params, device="cpu", precision="fp32"), task, kept=kept)
        module = self.model[0]
        self._tokenizer = module.tokenizer
        rows = module.embedding.weight.detach().numpy().copy()
        parts = Parts.of(token_names(self._tokenizer), 2 * len(rows))
        self.whole = make_bag(rows, parts.matrix)
        self.stepper: Any = _Whole()
        self._pairs = DocumentPairs(self._tokenizer, self._documents(kept), task)
        self._finished = False

    def _documents(self, kept: Kept) -> list[str]:
        """Texts to make pairs of: those that the run began with, as long as all are there."""
        found, rows = self.source.corpus, None
        if names := kept.value("documents"):
            rows = rows_named(found, names)
        if rows is None:
            rows = list(range(len(found.texts)))
            kept.keep("documents", names_of(found, rows))
        return [found.texts[row] for row in rows]

    def batches(self, start: int) -> Iterator[CountedBatch]:
        """Batches as counts from step `start`; the next one is read while the model learns."""
        texts = self.source.batches(start)
        with ThreadPoolExecutor(max_workers=1) as pool:
            following = pool.submit(self.ready, next(texts), start)
            while True:
                ready = following.result()
                start += 1
                following = pool.submit(self.ready, next(texts), start)
                yield ready

    def ready(self, batch: Batch, step: int) -> CountedBatch:
        """The batch as counts, some tokens left out, with as many pairs from documents."""
        rng, quiet = np.random.default_rng([self.params.seed, step, 22]), Task()
        asked, read = (
            leave_out(count_tokens(self._tokenizer, [prompt + text for text in texts], quiet, ""), _LEFT_OUT, rng)
            for prompt, texts in (
                (self.facts.prompts.get("query", ""), batch.queries),
                (self.facts.prompts.get("passage", ""), batch.passages),
            )
        )
        pieces, rests = (leave_out(drawn, _LEFT_OUT, rng) for drawn in self._pairs.draw(self.params.batch_size, rng))
        return CountedBatch(asked, read, batch.blocked, pieces, rests)

    def backward(self, batch: CountedBatch, seed: int, *, loss_scale: float) -> float:
        """Add the gradients of both kinds of pairs; returns the labelled ones' loss."""
        import torch
        from scipy.sparse import csr_array, vstack

        self.task.check_cancelled()
        # One product for all texts: each has a gradient as large as the whole table.
        kinds = (batch.asked, batch.read, batch.pieces, batch.rests)
        made = vectors(csr_array(vstack(kinds)), self.whole.rows())
        asked, read, pieces, rests = torch.split(made, [counts.shape[0] for counts in kinds])
        self.task.check_cancelled()
        loss = rank_loss(asked, read, batch.blocked, self.params.scale)
        told = float(loss.detach())
        if len(pieces) > 1:
            loss = loss + rank_loss(pieces, rests, np.zeros((len(pieces),) * 2, np.bool_), self.params.scale)
        (loss * loss_scale).backward()  # type: ignore[no-untyped-call]
        return told

    def measure(self) -> float | None:
        """nDCG@10 on the dev pool."""
        if not self._finished:
            self._put_rows()
        return super().measure()

    def finish_weights(self) -> None:
        """Leave the learnt rows in the model: the sum of each token's parts."""
        self._put_rows()
        self._finished = True

    def _put_rows(self) -> None:
        import torch

        with torch.no_grad():
            self.model[0].embedding.weight.copy_(self.whole.rows())

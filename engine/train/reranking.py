"""Trains a cross-encoder, which reads query and passage together, on a project's answers and hard negatives."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.encode.encoder import pick_device, pick_precision
from engine.encode.folders import ModelFacts
from engine.encode.models import folder_of
from engine.encode.rerankers import CrossEncoder, length_read, load_plain, reranker_facts
from engine.errors import TrainingError, UserError
from engine.evaluate.metrics import evaluate_rankings
from engine.mine.bm25 import BM25Index
from engine.params import RerankerParams, TrainParams
from engine.records import Query, Split, State
from engine.store import models, queries
from engine.store.documents import Corpus
from engine.store.files import swap_folder
from engine.store.kept import NOTHING_KEPT, Kept, names_of, rows_named
from engine.store.project import Project
from engine.task import Task
from engine.train.checkpoints import Checkpoints
from engine.train.dev import POOL_CHANGED, digest_of
from engine.train.examples import Example, TrainingSet, load_training_set
from engine.train.running import Run
from engine.train.saving import CardFacts, all_finite
from engine.train.steps import autocast, is_shortage
from engine.train.summary import TrainSummary
from engine.train.training import open_row, say_what_waits
from engine.train.watching import Watch

if TYPE_CHECKING:
    import torch

_K = 10
_MOST_SHORTAGES = 3
_TOKENS = {"cpu": 2048}
_TOKENS_GPU = 32_768


def train_reranker(project: Project, params: RerankerParams, task: Task) -> TrainSummary:
    """Train a reranker; its row (kind `reranker`) is `complete` last. It ends and goes on as a tuned model does.

    `dev_base` and `gain` are against BM25's order of the same candidates.

    Raises:
        UserError: no training query has an answer and a negative, or no such model.
        TrainingError: as `train`.
    """
    task.progress("read training queries", 0, 0)
    row, params = open_row(project, params, kind="reranker")
    checkpoints = Checkpoints(project.path / "models" / str(row.id) / "checkpoints")
    try:
        base = models.resolve_model(project, str(row.parent_id))
        if params.resume:
            say_what_waits(project, row, task)
        kept = Kept.of_run(project.path, row.id, row.mining_id, writable=True)
        work = RerankerWork(project, folder_of(project, base), params, task, kept=kept)
        return Run(project, row, base, common(params), checkpoints, work, task).finish()
    except BaseException:
        found = models.model(project, row.id)
        if found and found.state is State.BUILDING and checkpoints.newest() is None:
            models.drop_model(project, row.id)
        raise


def common(params: RerankerParams) -> TrainParams:
    """What the loop of a run needs to know of a reranker's settings."""
    return TrainParams(
        num_negatives=params.num_negatives,
        batch_size=params.batch_size,
        max_length=params.max_length,
        learning_rate=params.learning_rate,
        warmup_share=params.warmup_share,
        weight_decay=params.weight_decay,
        epochs=params.epochs,
        max_steps=params.max_steps,
        eval_every=params.eval_every,
        patience=params.patience,
        minutes=params.minutes,
        precision=params.precision,
        device=params.device,
        seed=params.seed,
        resume=params.resume,
        finish=params.finish,
        merge="off",
    )


@dataclass(frozen=True, slots=True)
class Lists:
    """Queries with passages to score: `pairs` (query, passage) texts; `starts` where each query's pairs begin.

    Attributes:
        labels: 1 for an answer, 0 for a negative, one a pair.
    """

    pairs: list[tuple[str, str]]
    starts: tuple[int, ...]
    labels: tuple[float, ...]


class PairSource:
    """Training queries, each with one answer and some of its negatives."""

    def __init__(self, project: Project, params: RerankerParams, *, kept: Kept = NOTHING_KEPT) -> None:
        if not params.num_negatives:
            raise UserError("A reranker learns from hard negatives.", hint="Set num_negatives to 1 or more.")
        data = load_training_set(project, common(params), kept=kept)
        usable = tuple(example for example in data.examples if example.negatives)
        if not usable:
            raise UserError(
                "No training query has a hard negative; a reranker learns from them.",
                hint="Mine first: searchsmith mine PROJECT",
            )
        self.data: TrainingSet = replace(data, examples=usable)
        self._params = params
        self.corpus, self.digest, self.classes = data.corpus, self.data.digest, 0
        self.n_queries, self.n_negatives = len(usable), self.data.count_negatives

    def steps_per_epoch(self) -> int:
        return max(1, len(self.data.examples) // self._params.batch_size)

    def batches(self, start: int = 0) -> Iterator[Lists]:
        steps, size = self.steps_per_epoch(), self._params.batch_size
        while True:
            epoch, step = divmod(start, steps)
            order = np.random.default_rng([self._params.seed, epoch, 9]).permutation(len(self.data.examples))
            yield self._lists([self.data.examples[int(i)] for i in order[step * size : (step + 1) * size]], epoch)
            start += 1

    def _lists(self, examples: Sequence[Example], epoch: int) -> Lists:
        pairs: list[tuple[str, str]] = []
        starts: list[int] = []
        labels: list[float] = []
        for example in examples:
            starts.append(len(pairs))
            right = example.positives[(epoch + example.query_id) % len(example.positives)]
            count = len(example.negatives)
            first = epoch * self._params.num_negatives
            wrong = [example.negatives[(first + k) % count] for k in range(min(self._params.num_negatives, count))]
            pairs += [(example.text, self.corpus.texts[row]) for row in (right, *wrong)]
            labels += [1.0, *[0.0] * len(wrong)]
        return Lists(pairs, tuple(starts), tuple(labels))


@dataclass(slots=True)
class RerankDev:
    """Dev queries with BM25's first hits, which the model puts in another order."""

    pool: Any  # Any: an object with the pool's facts for the summary
    model: CrossEncoder
    asked: tuple[Query, ...]
    candidates: dict[int, list[int]]
    answers: dict[int, dict[int, int]]
    texts: Sequence[str]
    check: Any  # Any: a function
    values: tuple[float, ...] = ()

    def ndcg(self, model: Any = None) -> float:  # Any: not needed, as the reranker is known
        rankings = {}
        for query in self.asked:
            rows = self.candidates[query.id]
            scores = self.model.scores([(query.text, self.texts[row]) for row in rows], self.check)
            order = np.argsort(-scores, kind="stable")
            rankings[query.id] = [rows[int(i)] for i in order[:_K]]
        return self.kept(rankings)

    def kept(self, rankings: dict[int, list[int]]) -> float:
        found = evaluate_rankings(rankings, self.answers, ks=(_K,))[f"ndcg@{_K}"]
        self.values = tuple(float(value) for value in found)
        return float(np.mean(found))


@dataclass(frozen=True, slots=True)
class _Pool:
    """The facts of the dev pool that a summary tells."""

    queries: tuple[Query, ...]
    rows: tuple[int, ...]
    bm25: float
    digest: str
    whole: bool = True


def part_budget(device: str) -> int:
    """Tokens a part of a batch, padding included."""
    return _TOKENS.get(device, _TOKENS_GPU)


_DevSet = tuple[tuple[Query, ...], dict[int, list[int]], dict[int, dict[int, int]]]
"""Queries, rows of their candidates, grades of their answers by row."""


def _values_of_dev(asked: Sequence[Query], found: dict[int, list[int]], answers: dict[int, dict[int, int]],
                   corpus: Corpus) -> dict[str, Any]:  # fmt: skip # Any: JSON values
    rows = sorted({row for query in asked for row in (*found[query.id], *answers[query.id])})
    place = {row: number for number, row in enumerate(rows)}
    listed = [
        [q.id, q.text, [place[row] for row in found[q.id]], [(place[r], g) for r, g in answers[q.id].items()]]
        for q in asked
    ]
    return {"passages": names_of(corpus, rows), "queries": listed}


def _dev_of_values(values: dict[str, Any] | None, corpus: Corpus) -> _DevSet | None:  # Any: JSON values
    """The same in a corpus that may have changed since; None where nothing was kept or a passage of it is gone."""
    rows = rows_named(corpus, values["passages"]) if values else None
    if rows is None or values is None:
        return None
    asked = tuple(Query(query_id, "", text, "") for query_id, text, _, _ in values["queries"])
    found = {query_id: [rows[k] for k in candidates] for query_id, _, candidates, _ in values["queries"]}
    return asked, found, {query_id: {rows[k]: g for k, g in right} for query_id, _, _, right in values["queries"]}


class RerankerWork:
    """Trains a cross-encoder; the same face as `engine.train.work.EncoderWork`."""

    can_mix = False
    rival = "BM25's order"
    watch: Watch | None = None

    def __init__(
        self, project: Project, base_folder: Path, params: RerankerParams, task: Task, *, kept: Kept = NOTHING_KEPT
    ) -> None:
        self.params, self.task = params, task
        self.source = PairSource(project, params, kept=kept)
        self.device = pick_device(params.device)
        self.precision = pick_precision(self.device, params.precision)
        task.progress("load the model", 0, 0)
        self.whole, self.tokenizer = load_plain(base_folder, seed=params.seed)
        self.whole.to(self.device).train()
        self.model = self.whole
        length = length_read(self.whole, params.max_length)
        self.scorer = CrossEncoder(self.whole, self.tokenizer, length, self.device, self.precision, length)
        self.stepper = self
        self.shortages = 0
        self._budget = part_budget(self.device)
        self.dev = self._dev(project, self.source.corpus, kept)
        if self.dev is None:
            task.warn("No dev query has an answer: training cannot tell which step is best and keeps the last.")

    def _dev(self, project: Project, corpus: Corpus, kept: Kept) -> RerankDev | None:
        values = kept.value("dev")
        known = _dev_of_values(values, corpus)
        if values and not known:
            self.task.warn(POOL_CHANGED)
        asked, found, answers = known or self._choose_dev(project, corpus)
        if not asked:
            return None
        if not known:
            kept.keep("dev", _values_of_dev(asked, found, answers, corpus))
        dev = RerankDev(None, self.scorer, asked, found, answers, corpus.texts, self.task.check_cancelled)
        bm25 = dev.kept({query_id: rows[:_K] for query_id, rows in found.items()})
        read = (text for query in asked for text in (query.text, *(corpus.texts[row] for row in found[query.id]), ""))
        dev.pool = _Pool(asked, tuple(range(len(corpus.texts))), bm25, digest_of(read))
        return dev

    def _choose_dev(self, project: Project, corpus: Corpus) -> _DevSet:
        """Dev queries drawn by the seed, BM25's first hits of each, and the grades of its answers."""
        row_of = {int(passage_id): row for row, passage_id in enumerate(corpus.ids)}
        answers = {
            query_id: {row_of[p]: grade for p, grade in grades.items() if p in row_of}
            for query_id, grades in queries.positives(project).items()
        }
        known = [query for query in queries.representatives(project, Split.DEV) if answers.get(query.id)]
        if not known:
            return (), {}, {}
        picks = np.sort(np.random.default_rng([self.params.seed, 1]).permutation(len(known))[: self.params.dev_queries])
        asked = tuple(known[int(i)] for i in picks)
        index = BM25Index.build(corpus.texts, task=self.task)
        places, _ = index.top_k([query.text for query in asked], self.params.candidates)
        found = {q.id: [int(row) for row in rows if row >= 0] for q, rows in zip(asked, places, strict=True)}
        return asked, found, {query.id: answers[query.id] for query in asked}

    def steps_per_epoch(self) -> int:
        return self.source.steps_per_epoch()

    def batches(self, start: int) -> Iterator[Lists]:
        lists = self.source.batches(start)
        with ThreadPoolExecutor(max_workers=1) as pool:
            following = pool.submit(next, lists)
            while True:
                ready = following.result()
                following = pool.submit(next, lists)
                yield ready

    def shrink(self, shortages: int) -> None:
        self.shortages, self._budget = shortages, max(1, self._budget >> shortages)

    def backward(self, batch: Lists, seed: int, *, loss_scale: float) -> float:
        """The loss of the whole batch, its gradient brought back in parts; smaller ones where memory runs short."""
        from engine.train.on_cpu import on_cpu

        while True:
            try:
                with on_cpu(self.device, self.precision):
                    return self._backward(batch, seed, loss_scale)
            except (RuntimeError, MemoryError) as error:
                if not is_shortage(error):
                    raise
                self.whole.zero_grad(set_to_none=True)
                self.shortages += 1
                self._budget = max(1, self._budget // 2)
                if self.shortages > _MOST_SHORTAGES:
                    raise TrainingError(
                        f"The memory of {self.device} does not suffice for this model.",
                        hint="Use a shorter length or device cpu.",
                    ) from error
                self.task.warn("Memory ran short; the batch is computed in smaller parts, with the same result.")

    def _backward(self, batch: Lists, seed: int, loss_scale: float) -> float:
        import torch

        parts = self.scorer.parts(batch.pairs, self._budget)
        logits = torch.empty(len(batch.pairs), device=self.device)
        with torch.no_grad():
            for number, (rows, features) in enumerate(parts):
                logits[torch.from_numpy(rows)] = self._forward(features, seed + number)
        logits.requires_grad_()
        labels = torch.tensor(batch.labels, device=self.device)
        loss = list_loss(self.params.loss, logits, labels, batch.starts)
        (gradient,) = torch.autograd.grad(loss * loss_scale, logits)
        for number, (rows, features) in enumerate(parts):
            self.task.check_cancelled()
            torch.autograd.backward(self._forward(features, seed + number), gradient[torch.from_numpy(rows)])
        return float(loss.detach())

    def _forward(self, features: dict[str, torch.Tensor], seed: int) -> torch.Tensor:
        import torch

        torch.manual_seed(seed)
        with autocast(self.device, self.precision):
            logits: torch.Tensor = self.whole(**features).logits[:, 0]
        return logits.float()

    def measure(self) -> float | None:
        return self.dev.ndcg() if self.dev else None

    def measure_base(self) -> float | None:
        """BM25's order, which a reranker has to better."""
        if self.dev is None:
            return None
        return self.dev.kept({query_id: rows[:_K] for query_id, rows in self.dev.candidates.items()})

    def measure_guard(self) -> float | None:
        return None

    def finish_weights(self) -> None:
        """Nothing to do: the weights are plain."""

    def weights(self) -> dict[str, Any]:  # Any: tensors
        return dict(self.whole.state_dict())

    def base_weights(self) -> dict[str, Any]:  # Any: tensors
        return {}

    def mix(self, base: dict[str, Any], tuned: dict[str, Any], share: float) -> None:
        self.whole.load_state_dict(tuned)

    def save(self, folder: Path, card: CardFacts) -> ModelFacts:
        """A folder that `sentence_transformers.CrossEncoder` loads, whole or not at all."""
        from safetensors import SafetensorError

        if not all_finite(self.whole):
            raise TrainingError("A weight of the reranker is no number; it was not saved.", hint="Lower learning_rate.")
        beside = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
        shutil.rmtree(beside, ignore_errors=True)
        try:
            self.tokenizer.model_max_length = self.scorer.max_length
            self.whole.save_pretrained(beside, safe_serialization=True)
            self.tokenizer.save_pretrained(beside)
            told = f"A cross-encoder trained from {card.base} with Searchsmith on {card.queries:,} queries."
            text = f"# {card.name}\n\n{told}\n"
            (beside / "README.md").write_text(text, encoding="utf-8")
            for path in beside.rglob("*"):
                if path.is_file():
                    with path.open("rb+") as file:
                        os.fsync(file.fileno())
            facts = reranker_facts(beside)
            swap_folder(beside, folder)
        except (OSError, SafetensorError) as error:
            shutil.rmtree(beside, ignore_errors=True)
            reason = getattr(error, "strerror", None) or error
            raise TrainingError(
                f"The reranker cannot be written: {reason}.", hint="Free some disk space, then resume the run."
            ) from error
        return facts


def list_loss(kind: str, logits: torch.Tensor, labels: torch.Tensor, starts: Sequence[int]) -> torch.Tensor:
    """The loss of a batch of lists.

    binary: mean cross-entropy of each pair (right ones weighed as the wrong ones together). pairwise: RankNet, mean of
    log(1 + exp(wrong − right)) over pairs of one list. listwise: ListNet, cross-entropy of the list's softmax with
    all weight on the right passage.
    """
    import torch

    if kind == "binary":
        weight = (labels == 0).sum() / (labels == 1).sum().clamp(min=1)
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, labels, pos_weight=weight)
    ends = [*starts[1:], len(logits)]
    losses = []
    for start, end in zip(starts, ends, strict=True):
        right, wrong = logits[start], logits[start + 1 : end]
        if kind == "pairwise":
            losses.append(torch.nn.functional.softplus(wrong - right).mean())
        else:
            losses.append(torch.logsumexp(logits[start:end], 0) - right)
    return torch.stack(losses).mean()

"""Tunes a model on a project's training queries, looks at dev queries meanwhile, and keeps the best."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.encode.encoder import pick_device, pick_precision, token_budget
from engine.encode.folders import ModelFacts, read_facts
from engine.encode.models import add_model_folder, folder_of, load_checked
from engine.errors import TrainingError, UserError
from engine.params import TrainParams, params_from_dict, params_to_dict
from engine.records import Model, State
from engine.store import models
from engine.store.negatives import newest_mining
from engine.store.project import Project
from engine.task import Task
from engine.train.checkpoints import Checkpoints, Progress
from engine.train.dev import DevMeasure, DevPool, choose_pool
from engine.train.examples import TrainingSet, batches, load_training_set, steps_per_epoch
from engine.train.saving import CardFacts, all_finite, mix_weights, save_model
from engine.train.steps import Stepper, TokenBatch, parameter_groups, tokens_in_memory

if TYPE_CHECKING:
    import torch

_MOST_GRADIENT = 1.0
_BASE_SHARES = (0.25, 0.5)
_GPU_TOKENS = 65_536
_ANY_NUMBER = 1 << 62


@dataclass(frozen=True, slots=True)
class TrainSummary:
    """What a run brought. Dev figures are nDCG@10 in the run's dev pool, None without dev queries.

    Attributes:
        model: the tuned model's id.
        dev: of the model that was kept, after mixing.
        best_step: the step it was at its best.
        base_share: share of the base model's weights in it.
        stopped: why it ended before its last step: "", "patience" or "time".
    """

    model: int
    name: str
    steps: int
    seconds: float
    dev: float | None
    dev_base: float | None
    dev_bm25: float | None
    best_step: int
    base_share: float
    queries: int
    negatives: int
    stopped: str = ""


def train(project: Project, params: TrainParams, task: Task) -> TrainSummary:
    """Tune a model; its row is `complete` last.

    The same seed, data and params give the same model bit for bit on a CPU, except with `minutes`, where the learning
    rate follows the clock. A run that is cancelled, fails or is killed after its first checkpoint (one every
    `eval_every` steps) stays `building` and goes on from there with `resume`, on a CPU with the very same numbers;
    before that it leaves nothing.

    Raises:
        UserError: no training queries, no such model, or nothing to resume.
        TrainingError: the loss is no number (the best model so far is kept, complete), or memory does not suffice.
    """
    row, params = _open_row(project, params)
    checkpoints = Checkpoints(project.path / "models" / str(row.id) / "checkpoints")
    try:
        return _Run(project, row, params, checkpoints, task).finish()
    except BaseException:
        found = models.model(project, row.id)
        if found and found.state is State.BUILDING and checkpoints.newest() is None:
            models.drop_model(project, row.id)
        raise


def rate_at(step: float, total: int, warmup_share: float) -> float:
    """Share of the learning rate at `step` (from 0): linear up, then linear down to nearly 0 at the last step."""
    warm = max(1, round(total * warmup_share))
    if step < warm:
        return (step + 1) / warm
    return max(total - step, 0.0) / max(total - warm, 1)


def _open_row(project: Project, params: TrainParams) -> tuple[Model, TrainParams]:
    if params.resume:
        row = models.model(project, params.resume)
        if row is None or row.id not in {m.id for m in models.interrupted_models(project)}:
            raise UserError(f"There is no interrupted run {params.resume} to go on with.", hint="Train a new model.")
        return row, replace(params_from_dict(TrainParams, row.params), resume=row.id)
    base = _base(project, params.base)
    number = 1 + sum(model.kind == "tuned" for model in models.models(project))
    mining = newest_mining(project)
    row_id = models.add_model(
        project,
        name=f"tuned {number}",
        kind="tuned",
        path="",
        parent_id=base.id,
        mining_id=mining.id if mining else None,
        params=params_to_dict(params),
    )
    row = models.model(project, row_id)
    assert row is not None  # for the type: it was added a line above
    return row, params


def _base(project: Project, ref: str) -> Model:
    if ref in ("base", "tuned") or ref.isdecimal():
        return models.resolve_model(project, ref)
    return models.resolve_model(project, str(add_model_folder(project, ref)))


class _Run:
    """One run from its data to the finished model."""

    def __init__(self, project: Project, row: Model, params: TrainParams, checkpoints: Checkpoints, task: Task) -> None:
        task.progress("read training queries", 0, 0)
        self.project, self.row, self.params, self.task = project, row, params, task
        self.checkpoints = checkpoints
        self.data = load_training_set(project, params)
        self._say_what_is_missing(self.data)
        self.base = models.resolve_model(project, str(row.parent_id))
        self.base_folder = folder_of(project, self.base)
        self.facts = read_facts(self.base_folder)
        self.device = pick_device(params.device)
        self.precision = pick_precision(self.device, params.precision)
        task.progress("load the model", 0, 0)
        self.model = self._load()
        self.optimizer = _optimizer(self.model, params, self.device)
        self.scaler = _scaler(self.device, self.precision)
        self.stepper = self._stepper()
        self.dev = self._dev_measure()
        self.progress = Progress(data=self.data.digest)
        self.total = self._count_steps()
        self.points: list[tuple[str, int, float]] = []
        self.stopped = ""

    def finish(self) -> TrainSummary:
        """Train, keep the best, mix, save."""
        self._go_on_or_start()
        self._learn()
        if not self.progress.best_step:  # resumed at its end, after the best checkpoint was damaged
            self._look()
        if self.progress.best_step != self.progress.step:
            self.checkpoints.load_weights(self.progress.best_step, self.model)
        return self._save()

    def _say_what_is_missing(self, data: TrainingSet) -> None:
        if self.params.num_negatives and not data.count_negatives:
            self.task.warn(
                "There are no hard negatives yet: training tells answers apart from each other only. Mine first."
            )
        if len(data.examples) < self.params.batch_size:
            self.task.warn(f"Only {len(data.examples)} training queries have an answer; expect little.")

    def _load(self) -> Any:  # Any: a SentenceTransformer
        # On a CPU the backward of the fused attention costs more than the plain one saves.
        model = load_checked(self.base_folder, self.facts, attention="eager" if self.device == "cpu" else "sdpa")
        if hasattr(model[0], "auto_model"):
            model.max_seq_length = min(self.params.max_length, self.facts.max_length)
        return model.to(self.device).train()

    def _stepper(self) -> Stepper:
        cached, on_cpu = self.params.objective == "cached_mnrl", self.device == "cpu"
        length = min(self.params.max_length, self.facts.max_length)
        small = self.params.micro_batch_size * length
        kept = 0 if cached else tokens_in_memory(self.model, length) if on_cpu else _ANY_NUMBER
        return Stepper(
            model=self.model,
            device=self.device,
            precision=self.precision,
            scale=self.params.scale,
            budget=small if cached or on_cpu else max(small, _GPU_TOKENS),
            kept_tokens=kept,
            check=self.task.check_cancelled,
            warn=self.task.warn,
        )

    def _dev_measure(self) -> DevMeasure | None:
        pool = choose_pool(self.project, self.data.corpus, self.params, self.task)
        if pool is None:
            self.task.warn("No dev query has an answer: training cannot tell which step is best and keeps the last.")
            return None
        return DevMeasure.of(
            self.model,
            pool,
            self.facts.prompts,
            dim=self.facts.dim,
            device=self.device,
            precision=self.precision,
            budget=token_budget(self.device),
            check=self.task.check_cancelled,
        )

    def _count_steps(self) -> int:
        steps = math.ceil(self.params.epochs * steps_per_epoch(self.data, self.params))
        return max(1, min(steps, self.params.max_steps) if self.params.max_steps else steps)

    def _go_on_or_start(self) -> None:
        newest = self.checkpoints.newest() if self.params.resume else None
        if newest is None:
            return self._measure_baselines()
        data = self.progress.data
        self.progress = self.checkpoints.load(newest, self.model, self.optimizer)
        if not self.checkpoints.is_complete(self.progress.best_step):
            self.progress.best_step, self.progress.best_dev = 0, -1.0
        models.drop_metrics_after(self.project, self.row.id, newest)
        if self.progress.data != data:
            self.task.warn("The training data changed since the run was interrupted; it goes on with the new data.")
        return None

    def _measure_baselines(self) -> None:
        if self.dev is None:
            return
        self.task.progress("measure the starting point", 0, 0)
        self.progress.bm25_dev = self.dev.pool.bm25
        self.progress.base_dev = self.dev.ndcg(self.model)
        self._point("dev_bm25", 0, self.progress.bm25_dev)
        self._point("dev_base", 0, self.progress.base_dev)
        self._point("dev_ndcg@10", 0, self.progress.base_dev)

    def _learn(self) -> None:
        began, before = time.monotonic(), self.progress.seconds
        for tokens in self._token_batches():
            step = self.progress.step
            if step >= self.total:
                break
            self._step(tokens, self._rate(step))
            self.progress.step = step + 1
            self.progress.seconds = before + time.monotonic() - began
            self.task.progress("train", step + 1, self._expected_steps())
            if self._is_time_to_look():
                self._look()
                self.progress.seconds = before + time.monotonic() - began
            if self.stopped:
                break

    def _expected_steps(self) -> int:
        """How many steps there will be: all of them, or what the limit of time allows at the pace so far."""
        done, seconds = self.progress.step, self.progress.seconds
        if not self.params.minutes or not seconds:
            return self.total
        return min(self.total, max(done, round(done * 60 * self.params.minutes / seconds)))

    def _token_batches(self) -> Iterator[TokenBatch]:
        """Batches as tokens from where the run is; the next one is tokenised while the model computes."""
        texts = batches(self.data, self.params, start=self.progress.step)
        with ThreadPoolExecutor(max_workers=1) as pool:

            def read_next() -> TokenBatch:
                return TokenBatch.of(self.model, next(texts), self.facts.prompts)

            following = pool.submit(read_next)
            while True:
                ready = following.result()
                following = pool.submit(read_next)
                yield ready

    def _rate(self, step: int) -> float:
        """Learning rate of a step; a limit of time counts as an end, so that it goes down in time."""
        place = float(step)
        if self.params.minutes:
            place = max(place, self.total * self.progress.seconds / (60 * self.params.minutes))
        return self.params.learning_rate * rate_at(place, self.total, self.params.warmup_share)

    def _step(self, tokens: TokenBatch, rate: float) -> None:
        import torch

        step = self.progress.step
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss_scale = float(self.scaler.scale(torch.ones((), device=self.device))) if self.scaler else 1.0
        loss = self.stepper.backward(tokens, _seed(self.params.seed, step), loss_scale=loss_scale)
        if not math.isfinite(loss):
            self._rescue("The loss")
        if self.scaler:
            self.scaler.unscale_(self.optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), _MOST_GRADIENT)
        if self.scaler:
            self.scaler.step(self.optimizer)  # passes over a step whose gradients left fp16's range
            self.scaler.update()
        elif not math.isfinite(float(norm)):
            self._rescue("The gradient")
        else:
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self._point("loss", step + 1, loss)
        self._point("lr", step + 1, rate)

    def _is_time_to_look(self) -> bool:
        step, every = self.progress.step, self.params.eval_every
        if self.params.minutes and self.progress.seconds >= 60 * self.params.minutes:
            self.stopped = "time" if step < self.total else ""
        return bool(self.stopped) or step == self.total or (every > 0 and step % every == 0)

    def _look(self) -> None:
        """Measure dev, remember whether it is the best, and write a checkpoint."""
        step, progress = self.progress.step, self.progress
        if not all_finite(self.model):
            self._rescue("A weight")
        value = self.dev.ndcg(self.model) if self.dev else None
        if value is None:
            progress.best_step = step
        else:
            self._point("dev_ndcg@10", step, value)
            progress.stale += 1
            if value > progress.best_dev:
                progress.best_dev, progress.best_step, progress.stale = value, step, 0
            if self.params.patience and progress.stale >= self.params.patience and step < self.total:
                self.stopped = "patience"
        self._store_points()
        self.checkpoints.save(progress, self.model, self.optimizer)

    def _rescue(self, what: str) -> None:
        """Keep the best model so far as a finished one, then say what happened.

        Raises:
            TrainingError: always.
        """
        step, best = self.progress.step + 1, self.progress.best_step
        kept = "Nothing was kept."
        if best and self.checkpoints.is_complete(best):
            self.progress.step = best
            self.checkpoints.load_weights(best, self.model)
            self._save()
            kept = f"The best model so far, of step {best}, is kept as {self.row.name}."
        raise TrainingError(
            f"{what} was no number at step {step}; training stopped. {kept}", hint="Try a lower learning rate."
        )

    def _save(self) -> TrainSummary:
        dev, share = self._mix() if self.dev else (None, 0.0)
        folder = Path("models") / str(self.row.id) / "final"
        self.task.progress("save the model", 0, 0)
        facts = save_model(self.model, self.project.path / folder, self.facts, self._card(dev, share))
        summary = self._summary(dev, share)
        self._warn_if_no_gain(dev)
        self._finish_row(folder, facts, summary)
        self.checkpoints.clear()
        return summary

    def _mix(self) -> tuple[float, float]:
        """Try the best weights mixed with the base's and leave the better ones in the model; (dev, base share)."""
        best, chosen = self.progress.best_dev, 0.0
        if self.dev is None or self.params.merge == "off":
            return best, chosen
        tuned = {name: weight.detach().clone() for name, weight in self.model.state_dict().items()}
        base = load_checked(self.base_folder, self.facts).state_dict()
        for done, share in enumerate(_BASE_SHARES):
            self.task.progress("try mixing with the base model", done, len(_BASE_SHARES))
            self.model.load_state_dict(mix_weights(base, tuned, share))
            value = self.dev.ndcg(self.model)
            if value > best:
                best, chosen = value, share
        self.model.load_state_dict(mix_weights(base, tuned, chosen) if chosen else tuned)
        return best, chosen

    def _warn_if_no_gain(self, dev: float | None) -> None:
        base = self.progress.base_dev
        if dev is not None and base is not None and dev <= base:
            self.task.warn(
                f"On the dev queries the tuned model (nDCG@10 {dev:.3f}) is not better than the base model "
                f"({base:.3f}). More training queries, other negatives or a lower learning rate may help."
            )

    def _finish_row(self, folder: Path, facts: ModelFacts, summary: TrainSummary) -> None:
        self._store_points()
        details = {"device": self.device, "precision": self.precision, "total": self.total, "pool": self._pool_facts()}
        models.finish_model(
            self.project,
            self.row.id,
            path=folder.as_posix(),
            weights_digest=facts.weights_digest,
            dim=facts.dim,
            max_length=facts.max_length,
            summary={**{k: v for k, v in asdict(summary).items() if v is not None}, **details},
        )

    def _pool_facts(self) -> dict[str, object]:
        pool: DevPool | None = self.dev.pool if self.dev else None
        if pool is None:
            return {}
        return {"queries": len(pool.queries), "passages": len(pool.rows), "whole": pool.whole}

    def _card(self, dev: float | None, share: float) -> CardFacts:
        return CardFacts(
            name=self.row.name,
            base=self.base.name,
            queries=len(self.data.examples),
            negatives=self.data.count_negatives,
            steps=self.progress.best_step,
            base_share=share,
            dev=dev,
            dev_base=self.progress.base_dev,
            dev_bm25=self.progress.bm25_dev,
            params=self.params,
        )

    def _summary(self, dev: float | None, share: float) -> TrainSummary:
        return TrainSummary(
            model=self.row.id,
            name=self.row.name,
            steps=self.progress.step,
            seconds=round(self.progress.seconds, 2),
            dev=dev,
            dev_base=self.progress.base_dev,
            dev_bm25=self.progress.bm25_dev,
            best_step=self.progress.best_step,
            base_share=share,
            queries=len(self.data.examples),
            negatives=self.data.count_negatives,
            stopped=self.stopped,
        )

    def _point(self, name: str, step: int, value: float) -> None:
        self.task.metric(name, step, value)
        self.points.append((name, step, value))

    def _store_points(self) -> None:
        models.add_metrics(self.project, self.row.id, self.points)
        self.points.clear()


def _seed(seed: int, step: int) -> int:
    """The seed of a step's first part; steps are far enough apart for any number of parts."""
    return (seed * 1_000_003 + step) * 4096 % (1 << 62)


def _optimizer(model: Any, params: TrainParams, device: str) -> torch.optim.Optimizer:  # Any: a SentenceTransformer
    import torch

    groups = parameter_groups(model, params.weight_decay)
    return torch.optim.AdamW(groups, lr=params.learning_rate, fused=device.split(":")[0] in ("cpu", "cuda"))


def _scaler(device: str, precision: str) -> Any:  # Any: a torch.amp.GradScaler, None where gradients need no scaling
    import torch

    return torch.amp.GradScaler(device.split(":")[0]) if precision == "fp16" else None

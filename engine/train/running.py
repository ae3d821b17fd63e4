"""One training run, first step to finished model: learns, looks at dev, writes checkpoints, keeps the best."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

from engine.encode.folders import ModelFacts
from engine.errors import Cancelled, TrainingError
from engine.params import TrainParams
from engine.records import Model
from engine.store import models
from engine.store.project import Project
from engine.task import Task
from engine.train.checkpoints import Checkpoints, Progress
from engine.train.memory import Peak, watched
from engine.train.saving import CardFacts, all_finite
from engine.train.schedule import count_steps, make_optimizer, make_scaler, rate_at, seed_of
from engine.train.summary import TrainSummary, card_of, summarise
from engine.train.watching import Watch, Watcher

_MOST_GRADIENT = 1.0
_BASE_SHARES = (0.25, 0.5)
# Longer than this and so many times the usual, a step was interrupted by the machine's sleep or a stopped process.
_ASLEEP_SECONDS, _ASLEEP_TIMES = 60.0, 10.0
_LEAST_LEARNING = 5.0
SAVE_SECONDS = 60.0
"""At least so often a checkpoint is written, whatever `eval_every` is: a killed run loses no more."""


class Work(Protocol):
    """What a run teaches: `engine.train.work.EncoderWork` or `engine.train.reranking.RerankerWork`.

    Attributes:
        whole: everything whose weights are trained and kept in checkpoints.
        source: has `digest`, `n_queries`, `n_negatives` of the data.
        dev: has `pool` (`queries`, `rows`, `bm25`, `whole`, `digest`), `values` of the last measurement; or None.
        stepper: has `shortages` of memory and `shrink`.
        can_mix: whether weights may be mixed with the base's.
        rival: whose figure on dev `measure_base` gives, in words.
        watch: looks at single queries beside dev, or None.
        model: what encodes.
    """

    whole: Any  # Any: a torch module
    source: Any
    dev: Any
    stepper: Any
    device: str
    precision: str
    can_mix: bool
    rival: str
    watch: Watch | None
    model: Any  # Any: a torch module

    def steps_per_epoch(self) -> int: ...
    def batches(self, start: int) -> Iterator[Any]: ...
    def backward(self, batch: Any, seed: int, *, loss_scale: float) -> float: ...
    def measure(self) -> float | None: ...
    def measure_base(self) -> float | None: ...
    def measure_guard(self) -> float | None: ...
    def finish_weights(self) -> None: ...
    def weights(self) -> dict[str, Any]: ...
    def base_weights(self) -> dict[str, Any]: ...
    def mix(self, base: dict[str, Any], tuned: dict[str, Any], share: float) -> None: ...
    def save(self, folder: Path, card: CardFacts) -> ModelFacts: ...


class Run:
    """One run of `work`; `base` is the model it starts from."""

    def __init__(
        self,
        project: Project,
        row: Model,
        base: Model,
        params: TrainParams,
        checkpoints: Checkpoints,
        work: Work,
        task: Task,
    ) -> None:
        self.project, self.row, self.base, self.params, self.task = project, row, base, params, task
        self.checkpoints, self.work, self.device = checkpoints, work, work.device
        self.optimizer = make_optimizer(work.whole, params, work.device)
        self.scaler = make_scaler(work.device, work.precision)
        self.progress = Progress(data=work.source.digest, pool=work.dev.pool.digest if work.dev else "")
        self.total = count_steps(work.steps_per_epoch(), params)
        self.points: list[tuple[str, int, float]] = []
        self.watcher = Watcher(project, row.id, work.watch, self.total, task, self._point)
        self.peak = Peak(False)
        self._usual: dict[str, float] = {}
        self.foretold: dict[str, Any] = {}  # Any: a forecast's JSON, where trial steps made one
        self.all_in_since: float | None = None  # on the task's clock, where the limit of time is one for all of it
        self._look_seconds, self._end = 0.0, math.inf
        self._saved_at = time.monotonic()

    def finish(self) -> TrainSummary:
        """Train, keep the best, mix, save.

        Cancelled or ended by a lost window, it writes a checkpoint of the step it had come to.
        """
        self.checkpoints.check_space(self.work.whole)
        with watched(self.device) as self.peak:
            return self._run()

    def _run(self) -> TrainSummary:
        self._go_on_or_start()
        if self.all_in_since is not None:
            self._take_off_what_is_beside(self.all_in_since)
        try:
            if self.params.finish:
                self.progress.stopped = self.progress.stopped or "asked"
            self._learn()
            if not self.progress.best_step:  # finished before its first look, or the best checkpoint was damaged
                self._look()
        except Cancelled:
            self._save_where_it_is()
            raise
        if self.progress.best_step != self.progress.step:
            self.checkpoints.load_weights(self.progress.best_step, self.work.whole)
        return self._save()

    def _go_on_or_start(self) -> None:
        newest = self.checkpoints.newest() if self.params.resume else None
        if newest is None:
            if self.params.resume:
                self._begin_anew()
            return self._measure_baselines()
        data, began = self.progress.data, self.checkpoints.read(newest)
        known = began.pool or began.base_dev is None  # older versions measured dev without naming its pool
        anew = self._measure_anew(began) if known and began.pool != self.progress.pool else {}
        self.progress = replace(self.checkpoints.load(newest, self.work.whole, self.optimizer), **anew)
        if self.scaler and self.progress.scaler:
            self.scaler.load_state_dict(self.progress.scaler)
        self.work.stepper.shrink(self.progress.shortages)
        if self.progress.best_step and not self.checkpoints.is_complete(self.progress.best_step):
            self.task.warn(f"The checkpoint of the best step, {self.progress.best_step}, is damaged; it is left out.")
            self.progress.best_step, self.progress.best_dev = 0, -1.0
        models.drop_metrics_after(self.project, self.row.id, newest)
        self.watcher.go_on(newest, self.progress.signs)
        if self.progress.data != data:
            self.task.warn(
                "Passages that this run learnt from were changed or removed since it was interrupted; it goes on with "
                "what is there now."
            )
        return None

    def _begin_anew(self) -> None:
        """No checkpoint of a run that should go on is whole: forget what its lost steps left, or keep nothing.

        Raises:
            TrainingError: the best so far was to be kept.
        """
        if self.params.finish:
            raise TrainingError(
                f"No checkpoint of {self.row.name} is whole: there is no best model to keep.",
                hint="Train a new model.",
            )
        self.task.warn(f"No checkpoint of {self.row.name} is whole; it begins anew.")
        models.drop_metrics_after(self.project, self.row.id, -1)
        self.watcher.go_on(-1, {})

    def _measure_anew(self, began: Progress) -> dict[str, Any]:  # Any: values of `Progress`
        """The base, whose weights are in the model still, and the best step so far, in the dev pool of now."""
        self._measure_baselines()
        names = ("pool", "bm25_dev", "base_dev", "base_values", "guard_base")
        found = {name: getattr(self.progress, name) for name in names}
        if self.work.dev and began.best_step and self.checkpoints.is_complete(began.best_step):
            self.checkpoints.load_weights(began.best_step, self.work.whole)
            found["best_dev"] = self.work.measure()
            found["best_values"] = self.work.dev.values
            self._point("dev_ndcg@10", began.best_step, found["best_dev"])
        return found

    def _take_off_what_is_beside(self, began: float) -> None:
        """Leave for steps and looks what the time so far and the looks at the very end do not take of the limit."""
        self._end = began + 60 * self.params.minutes
        mixes = len(_BASE_SHARES) if self.work.dev and self.work.can_mix and self.params.merge != "off" else 0
        beside = self.task.clock() - began + (1 + mixes) * self._look_seconds
        left = max(60 * self.params.minutes - beside, _LEAST_LEARNING)
        self.params = replace(self.params, minutes=left / 60)

    def _measure_baselines(self) -> None:
        began = self.task.clock()
        self.task.progress("measure the starting point", 0, 0)
        if self.work.dev is not None:
            self.progress.bm25_dev = self.work.dev.pool.bm25
            self.progress.base_dev = self.work.measure_base()
            self.progress.base_values = self.work.dev.values
            self._point("dev_bm25", 0, self.progress.bm25_dev)
        if self.progress.base_dev is not None:
            self._point("dev_base", 0, self.progress.base_dev)
            self._point("dev_ndcg@10", 0, self.progress.base_dev)
            self.watcher.look(self.work.model, 0, self.progress.base_dev)
        self.progress.guard_base = self.work.measure_guard()
        if self.progress.guard_base is not None:
            self._point("guard_ndcg@10", 0, self.progress.guard_base)
        self._look_seconds = self.task.clock() - began

    def _learn(self) -> None:
        if self._is_due() and self.progress.looked != self.progress.step:
            self._look()  # interrupted between the step and its look
        if self.progress.stopped or self.progress.step >= self.total:
            return
        for tokens in self.work.batches(self.progress.step):
            began, paused = time.monotonic(), self.task.paused_seconds
            self._step(tokens, self._rate(self.progress.step))
            self.progress.step += 1
            seconds = self._count_seconds("step", began, paused)
            read = min(self.params.batch_size, max(self.work.source.n_queries, 1))
            self._point("speed", self.progress.step, read / max(seconds, 1e-6))
            self.task.progress("train", self.progress.step, self._expected_steps())
            self._check_end()
            began, paused = time.monotonic(), self.task.paused_seconds
            if self._is_due():
                self._look()
                self._count_seconds("look", began, paused)
            elif time.monotonic() - self._saved_at > SAVE_SECONDS:
                self._checkpoint()
            if self.progress.stopped or self.progress.step >= self.total:
                return

    def _count_seconds(self, kind: str, began: float, paused: float) -> float:
        """Add what a step or look took; a machine that was asleep meanwhile has not worked."""
        seconds = time.monotonic() - began - (self.task.paused_seconds - paused)
        usual = self._usual.get(kind, seconds)
        if seconds > max(_ASLEEP_SECONDS, _ASLEEP_TIMES * usual):
            seconds = usual
        self._usual[kind] = 0.8 * usual + 0.2 * seconds
        self.progress.seconds += seconds
        return seconds

    def _expected_steps(self) -> int:
        """How many steps there will be: all of them, or what the limit of time allows at the pace so far."""
        done, seconds = self.progress.step, self.progress.seconds
        if not self.params.minutes or not seconds:
            return self.total
        return min(self.total, max(done, round(done * 60 * self.params.minutes / seconds)))

    def _rate(self, step: int) -> float:
        """Learning rate of a step; a limit of time counts as an end, so that it goes down in time."""
        place = float(step)
        if self.params.minutes:
            place = max(place, self.total * self.progress.seconds / (60 * self.params.minutes))
        return self.params.learning_rate * rate_at(place, self.total, self.params.warmup_share)

    def _step(self, tokens: Any, rate: float) -> None:  # Any: a batch as the work makes it
        import torch

        step = self.progress.step
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss_scale = float(self.scaler.scale(torch.ones((), device=self.device))) if self.scaler else 1.0
        loss = self.work.backward(tokens, seed_of(self.params.seed, step), loss_scale=loss_scale)
        if not math.isfinite(loss):
            self._rescue("The loss")
        if self.scaler:
            self.scaler.unscale_(self.optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.work.whole.parameters(), _MOST_GRADIENT)
        if self.scaler:
            self.scaler.step(self.optimizer)  # passes over a step whose gradients left fp16's range
            self.scaler.update()
        elif not math.isfinite(float(norm)):
            self._rescue("The gradient")
        else:
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self._point("loss", step + 1, loss)
        self.watcher.add_loss(step + 1, loss)
        self._point("lr", step + 1, rate)

    def _check_end(self) -> None:
        """Whether this step was the last although more were planned."""
        if self.task.is_finishing:
            self.progress.stopped = "asked"
        elif self.params.minutes and self.progress.seconds >= 60 * self.params.minutes:
            self.progress.stopped = "time" if self.progress.step < self.total else ""

    def _is_due(self) -> bool:
        step, every = self.progress.step, self.params.eval_every
        last = bool(self.progress.stopped) or step == self.total
        return step > 0 and (last or (every > 0 and step % every == 0))

    def _look(self) -> None:
        """Measure dev, remember whether it is the best, and write a checkpoint."""
        step, progress = self.progress.step, self.progress
        if not all_finite(self.work.whole):
            self._rescue("A weight")
        # All that a person may cancel comes first: a look counts as a whole, or is made again when the run goes on.
        value = self.work.measure() if step else progress.base_dev
        guard = self.work.measure_guard()
        if value is None:
            progress.best_step = step
        else:
            self.watcher.look(self.work.model, step, value if step else None)
            self._point("dev_ndcg@10", step, value)
            progress.stale += 1
            if value > progress.best_dev:
                progress.stale = 0
            if value >= progress.best_dev:  # of equals the later: its rate has come further down
                progress.best_dev, progress.best_step = value, step
                progress.best_values = self.work.dev.values if self.work.dev else ()
            if self.params.patience and progress.stale >= self.params.patience and step < self.total:
                progress.stopped = progress.stopped or "patience"
        if guard is not None:
            self._point("guard_ndcg@10", step, guard)
        self._point("memory", step, float(self.peak.bytes()))
        progress.looked = step
        self._checkpoint()

    def _checkpoint(self) -> None:
        self.progress.shortages = self.work.stepper.shortages
        self.progress.scaler = dict(self.scaler.state_dict()) if self.scaler else {}
        self.progress.signs = dict(self.watcher.said)
        with self.task.saving():
            self._store_points()
            self.checkpoints.save(self.progress, self.work.whole, self.optimizer)
        self._saved_at = time.monotonic()

    def _save_where_it_is(self) -> None:
        """The weights are those of the last whole step: a step changes them at its very end."""
        step = self.progress.step
        if step and step > (self.checkpoints.newest() or 0) and all_finite(self.work.whole):
            self._checkpoint()

    def _rescue(self, what: str) -> None:
        """Keep the best model so far as a finished one, then say what happened.

        Raises:
            TrainingError: always.
        """
        step, best = self.progress.step + 1, self.progress.best_step
        kept = "Nothing was kept."
        if not best and (self.checkpoints.newest() or 0):
            best = self.checkpoints.newest() or 0  # saved between two looks
        if best and self.checkpoints.is_complete(best):
            self.checkpoints.load_weights(best, self.work.whole)
            self.progress.step = self.progress.best_step = best
            self._save()
            kept = f"The best model so far, of step {best}, is kept as {self.row.name}."
        raise TrainingError(
            f"{what} was no number at step {step}. {kept}",
            hint=f"Try a lower learning rate than {self.params.learning_rate:g}, a tenth of it for example.",
        )

    def _save(self) -> TrainSummary:
        self.work.finish_weights()
        dev, share = self._mix() if self.work.dev else (None, 0.0)
        guard = self.work.measure_guard()
        folder = Path("models") / str(self.row.id) / "final"
        self.task.progress("save the model", 0, 0)
        facts = self.work.save(self.project.path / folder, card_of(self, dev, share))
        summary = summarise(self, dev, share, guard)
        self._warn_if_no_gain(dev)
        self._finish_row(folder, facts, summary)
        self.checkpoints.clear()
        return summary

    def _mix(self) -> tuple[float | None, float]:
        """Try the best weights mixed with the base's and leave the better ones in the model; (dev, base share).

        The curve `merge_dev` keeps what each share of the base, in per cent, gave; 100 is the base itself.
        """
        if not self.progress.looked:
            return self.work.measure(), 0.0
        best, chosen = self.progress.best_dev, 0.0
        self._point("merge_dev", 0, best)
        if self.params.merge == "off" or not self.work.can_mix:
            return best, chosen
        tuned, base = self.work.weights(), self.work.base_weights()
        for done, share in enumerate(_BASE_SHARES):
            if self.task.clock() > self._end:
                break  # a machine that got slower than it was: nothing is begun after the time
            self.task.progress("try mixing with the base model", done, len(_BASE_SHARES))
            self.work.mix(base, tuned, share)
            value = self.work.measure() or 0.0
            self._point("merge_dev", round(100 * share), value)
            if value > best:
                best, chosen = value, share
                self.progress.best_values = self.work.dev.values if self.work.dev else ()
        if self.progress.base_dev is not None:
            self._point("merge_dev", 100, self.progress.base_dev)
        self.work.mix(base, tuned, chosen)
        return best, chosen

    def _warn_if_no_gain(self, dev: float | None) -> None:
        base = self.progress.base_dev
        if dev is not None and base is not None and dev <= base:
            self.task.warn(
                f"On the dev queries the tuned model (nDCG@10 {dev:.3f}) is not better than {self.work.rival} "
                f"({base:.3f}). More training queries, other negatives or a lower learning rate may help."
            )

    def _finish_row(self, folder: Path, facts: ModelFacts, summary: TrainSummary) -> None:
        self._store_points()
        details = {
            "device": self.device,
            "precision": self.work.precision,
            "total": self.total,
            "foretold": self.foretold,
            "pool": self._pool_facts(),
            "pooling": facts.pooling,
            "prompts": facts.prompts,
        }
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
        pool = self.work.dev.pool if self.work.dev else None
        if pool is None:
            return {}
        return {"queries": len(pool.queries), "passages": len(pool.rows), "whole": pool.whole}

    def _point(self, name: str, step: int, value: float) -> None:
        self.task.metric(name, step, value)
        self.points.append((name, step, value))

    def _store_points(self) -> None:
        models.add_metrics(self.project, self.row.id, self.points)
        self.points.clear()
        self.watcher.store()

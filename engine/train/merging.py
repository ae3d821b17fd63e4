"""A tuned model mixed with the one it came from, as a model of its own: what was learnt against what was known."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from engine.encode.encoder import pick_device, pick_precision, token_budget
from engine.encode.folders import read_facts
from engine.encode.models import folder_of, load_checked
from engine.errors import UserError
from engine.evaluate.statistics import compare_paired
from engine.params import MergeParams
from engine.store import models
from engine.store.kept import NOTHING_KEPT, Kept
from engine.store.project import Project
from engine.task import Task
from engine.train.dev import DevMeasure, DevPool, choose_pool
from engine.train.saving import CardFacts, base_in_all, in_per_cent, mix_weights, save_model
from engine.train.scripts import run_params, unmixed

# Of the tuned model alone: what was measured of it says nothing of the mixed one.
_OF_ITS_OWN = ("gain", "gain_low", "gain_high", "guard", "guard_base")
GRID = tuple(share / 10 for share in range(11))


@dataclass(frozen=True, slots=True)
class MergeSummary:
    """The mixed model; `curve` (share of the base, dev nDCG@10) is empty without dev queries or with a share given."""

    model: int
    name: str
    alpha: float
    dev: float | None
    curve: tuple[tuple[float, float], ...]


def merge(project: Project, params: MergeParams, task: Task) -> MergeSummary:
    """Mix; with `alpha` below 0 eleven shares are measured on dev and the best one is kept (WiSE-FT).

    Raises:
        UserError: the model has no parent of the same shape, the share is over 1, or there is nothing to choose by.
    """
    if params.alpha > 1:
        raise UserError("The share of the base's weights is 0 to 1.", hint="Set alpha between 0 and 1, or -1 for auto.")
    mixing = _Mixing(project, params, task)
    curve = mixing.curve() if params.alpha < 0 else []
    alpha = max(curve, key=lambda point: (point[1], -point[0]))[0] if curve else params.alpha
    return mixing.save(alpha, tuple(curve))


class _Mixing:
    """A tuned model beside its parent's weights."""

    def __init__(self, project: Project, params: MergeParams, task: Task) -> None:
        self.project, self.task = project, task
        self.tuned = models.resolve_model(project, params.model)
        parent = models.model(project, self.tuned.parent_id) if self.tuned.parent_id else None
        if parent is None or self.tuned.kind != "tuned":
            raise UserError(f"{self.tuned.name} was not tuned from another model.", hint="Choose a tuned model.")
        self.parent = parent
        self.facts = read_facts(folder_of(project, self.tuned))
        self.model = load_checked(folder_of(project, self.tuned), self.facts)
        self.own = {name: weight.detach().clone() for name, weight in self.model.state_dict().items()}
        base_folder = folder_of(project, parent)
        self.base = load_checked(base_folder, read_facts(base_folder)).state_dict()
        if any(name not in self.base or self.base[name].shape != weight.shape for name, weight in self.own.items()):
            raise UserError(
                f"{self.tuned.name} and {parent.name} have weights of other shapes.", hint="They cannot be mixed."
            )
        self.pool = self._pool(params)
        self.measure = self._measure() if self.pool else None

    def _pool(self, params: MergeParams) -> DevPool | None:
        """Of the run itself, so that its figures and these compare; another where a size is asked for."""
        run, _ = unmixed(self.project, self.tuned)
        settings = run_params(run)
        kept = Kept.of_run(self.project.path, run.id, run.mining_id)
        if params.dev_queries or params.dev_passages:
            kept = NOTHING_KEPT
            settings = replace(
                settings,
                dev_queries=params.dev_queries or settings.dev_queries,
                dev_passages=params.dev_passages or settings.dev_passages,
            )
        return choose_pool(self.project, None, settings, self.task, kept=kept)

    def _measure(self) -> DevMeasure:
        device = pick_device("auto")
        self.model.to(device)
        assert self.pool is not None  # for the type: asked for only where there is one
        return DevMeasure.of(
            self.model,
            self.pool,
            self.facts.prompts,
            dim=self.facts.dim,
            device=device,
            precision=pick_precision(device, "auto"),
            budget=token_budget(device),
            check=self.task.check_cancelled,
        )

    def curve(self) -> list[tuple[float, float]]:
        """Dev nDCG@10 by share of the base."""
        if self.measure is None:
            raise UserError("No dev query has an answer to choose a share by.", hint="Name one with --alpha.")
        found = []
        for done, share in enumerate(GRID):
            self.task.progress("try mixing with the base model", done, len(GRID))
            found.append((share, self._look(share)[0] or 0.0))
        return found

    def save(self, alpha: float, curve: tuple[tuple[float, float], ...]) -> MergeSummary:
        """Mix for good, as a new model beside the tuned one."""
        dev_base, of_base = self._look(1.0)
        dev, of_mixed = self._look(alpha)
        gain = compare_paired(np.array(of_mixed), np.array(of_base)) if of_mixed else None
        name = f"{self.tuned.name}, {in_per_cent(alpha)} of {self.parent.name}"
        row_id = models.add_model(
            self.project,
            name=name,
            kind="tuned",
            path="",
            parent_id=self.parent.id,
            mining_id=self.tuned.mining_id,
            params={**self.tuned.params, "merged_from": self.tuned.id, "alpha": alpha},
        )
        folder = Path("models") / str(row_id) / "final"
        before = unmixed(self.project, self.tuned)[1]
        in_all = base_in_all(alpha, before)
        card = self._card(name, in_all, dev, dev_base)
        saved = save_model(self.model.to("cpu"), self.project.path / folder, self.facts, card)
        points = [("merge_dev", round(100 * base_in_all(share, before)), value) for share, value in curve]
        models.add_metrics(self.project, row_id, points)
        summary = MergeSummary(row_id, name, alpha, dev, curve)
        models.finish_model(
            self.project,
            row_id,
            path=folder.as_posix(),
            weights_digest=saved.weights_digest,
            dim=saved.dim,
            max_length=saved.max_length,
            summary={
                **{name: value for name, value in self.tuned.summary.items() if name not in _OF_ITS_OWN},
                **({"gain": gain.delta, "gain_low": gain.low, "gain_high": gain.high} if gain else {}),
                **({"dev_base": dev_base, "dev_bm25": self.pool.bm25} if self.pool else {}),
                **asdict(summary),
                "base_share": alpha,
                "base_in_all": in_all,
            },
        )
        return summary

    def _look(self, share: float) -> tuple[float | None, tuple[float, ...]]:
        """Put `share` of the base's weights in; nDCG@10 on dev and that of each query, None without dev queries."""
        self.model.load_state_dict(mix_weights(self.base, self.own, share))
        return (self.measure.ndcg(self.model), self.measure.values) if self.measure else (None, ())

    def _card(self, name: str, in_all: float, dev: float | None, dev_base: float | None) -> CardFacts:
        summary = self.tuned.summary
        return CardFacts(
            name=name,
            base=self.parent.name,
            queries=int(summary.get("queries", 0)),
            negatives=int(summary.get("negatives", 0)),
            steps=int(summary.get("best_step", 0)),
            base_share=in_all,
            dev=dev,
            dev_base=dev_base,
            dev_bm25=self.pool.bm25 if self.pool else None,
            params=run_params(self.tuned),
        )

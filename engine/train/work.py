"""What a run teaches: an encoder with its data, its objective, its look at dev and its way of being saved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.encode.encoder import pick_device, pick_precision, token_budget
from engine.encode.folders import ModelFacts, read_facts
from engine.encode.models import load_checked
from engine.errors import UserError
from engine.objectives import OBJECTIVES
from engine.params import TrainParams
from engine.records import Split
from engine.store.kept import NOTHING_KEPT, Kept
from engine.store.project import Project
from engine.task import Task
from engine.train.dev import DevMeasure, choose_pool
from engine.train.examples import Batch
from engine.train.lighter import make_lighter, merge_adapters
from engine.train.objectives import build_loss
from engine.train.saving import CardFacts, mix_weights, save_model
from engine.train.sources import Source, open_source
from engine.train.steps import Stepper, TokenBatch, tokens_in_memory
from engine.train.team import Team
from engine.train.watching import Watch

_GPU_TOKENS = 65_536
_ANY_NUMBER = 1 << 62


class EncoderWork:
    """Tunes a bi-encoder.

    Attributes:
        whole: everything whose weights are trained and kept in checkpoints: the model, and the objective's head.
        source: where batches come from.
        dev: measures the model on dev queries, None where no dev query has an answer.
        guard: the same on another project, None where none is named.
        watch: looks at single queries and at the space beside dev, None without dev.
    """

    can_mix = True
    rival = "the base model"

    def __init__(
        self,
        project: Project,
        base_folder: Path,
        params: TrainParams,
        task: Task,
        *,
        team: Team | None = None,
        kept: Kept = NOTHING_KEPT,
    ) -> None:
        self.team, self.kept = team, kept
        self.project, self.params, self.task, self.base_folder = project, params, task, base_folder
        self.source: Source = open_source(project, params, task, kept=kept)
        self.device = team.device if team else pick_device(params.device)
        self.precision = pick_precision(self.device, params.precision)
        self.facts = with_prompts(read_facts(base_folder), params)
        task.progress("load the model", 0, 0)
        self.model = self._load()
        loss = build_loss(params, self.model, dim=self.facts.dim, classes=self.source.classes)
        self.whole = _joined(self.model, loss.head).to(self.device)
        self.stepper = self._stepper(loss.compute, loss.head)
        self.watch: Watch | None = None
        if team and team.rank:
            return  # a member computes batches only
        self.dev = self._dev_measure(project, Split.DEV)
        if self.dev is not None:
            self.watch = Watch.of(self.model, project, self.source.corpus, self.dev, params, dict(self.facts.prompts))
        self.guard = self._guard()
        if self.dev is None:
            task.warn("No dev query has an answer: training cannot tell which step is best and keeps the last.")
        self._say_what_is_missing()

    def _say_what_is_missing(self) -> None:
        needs, source = OBJECTIVES[self.params.objective].needs, self.source
        if needs == "answers" and self.params.num_negatives and not source.n_negatives:
            self.task.warn(
                "There are no hard negatives yet: training tells answers apart from each other only. Mine first."
            )
        if needs != "texts" and source.n_queries < self.params.batch_size:
            self.task.warn(f"Only {source.n_queries} training queries have an answer; expect little.")

    def _load(self) -> Any:  # Any: a SentenceTransformer
        model = load_checked(self.base_folder, self.facts)
        if hasattr(model[0], "auto_model"):
            model.max_seq_length = min(self.params.max_length, self.facts.max_length)
        give_prompts(model, self.facts, self.params)
        make_lighter(model, self.params)
        return model.to(self.device).train()

    def _stepper(self, loss: Any, head: Any) -> Stepper:  # Any: an objective's function and its module
        cached, on_cpu = self.params.objective == "cached_mnrl", self.device == "cpu"
        length = min(self.params.max_length, self.facts.max_length)
        kept = 0 if cached else tokens_in_memory(self.model, length, self.precision) if on_cpu else _ANY_NUMBER
        values: dict[str, Any] = {  # Any: a stepper's fields
            "model": self.model,
            "device": self.device,
            "precision": self.precision,
            "loss": loss,
            "budget": part_budget(self.params, self.facts, self.device),
            "kept_tokens": kept,
            "check": self.task.check_cancelled,
            "warn": self.task.warn,
            "head": head,
            "team": self.team,
        }
        if self.params.objective == "mlm":
            from engine.train.masked import MaskedStepper

            return MaskedStepper(**values, share=self.params.noise)
        return Stepper(**values)

    def _dev_measure(self, project: Project, split: Split) -> DevMeasure | None:
        own = project is self.project
        corpus, kept = (self.source.corpus, self.kept) if own else (None, NOTHING_KEPT)
        pool = choose_pool(project, corpus, self.params, self.task, split, kept=kept)
        if pool is None:
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

    def _guard(self) -> DevMeasure | None:
        """The test queries of another project, which say what tuning makes the model forget."""
        if not self.params.guard:
            return None
        with Project.open(Path(self.params.guard).expanduser(), readonly=True) as other:
            measure = self._dev_measure(other, Split.TEST) or self._dev_measure(other, Split.DEV)
        if measure is None:
            raise UserError(
                f"The guard project {self.params.guard} has no test query with an answer.",
                hint="Split its queries first, or name another project.",
            )
        return measure

    def steps_per_epoch(self) -> int:
        return self.source.steps_per_epoch()

    def batches(self, start: int) -> Iterator[Any]:  # Any: what `backward` takes, a TokenBatch here
        """Batches as tokens from step `start`; the next one is tokenised while the model computes."""
        if self.team and not self.team.rank:
            self.team.start_at(start)
        texts = self.source.batches(start)
        with ThreadPoolExecutor(max_workers=1) as pool:

            def read_next() -> TokenBatch:
                return TokenBatch.of(self.model, next(texts), self.facts.prompts)

            following = pool.submit(read_next)
            while True:
                ready = following.result()
                following = pool.submit(read_next)
                yield ready

    def ready(self, batch: Batch, step: int) -> Any:  # Any: what `backward` takes
        """The texts of a batch as the model reads them; `step` seeds what a kind of work draws beside them."""
        return TokenBatch.of(self.model, batch, self.facts.prompts)

    def backward(self, batch: Any, seed: int, *, loss_scale: float) -> float:  # Any: as `batches` gives
        """Add the batch's gradients to the weights'; returns the loss."""
        if self.team:
            self.team.begin(self.model, seed)
        return self.stepper.backward(batch, seed, loss_scale=loss_scale)

    def measure(self) -> float | None:
        """nDCG@10 on the dev pool."""
        return self.dev.ndcg(self.model) if self.dev else None

    def measure_base(self) -> float | None:
        """Of the model as it is before the first step."""
        return self.measure()

    def measure_guard(self) -> float | None:
        return self.guard.ndcg(self.model) if self.guard else None

    def finish_weights(self) -> None:
        """Leave plain weights in the model: adapters are added to what they adapt. Dev and mixing go on."""
        merge_adapters(self.model)

    def weights(self) -> dict[str, Any]:  # Any: tensors
        return {name: weight.detach().clone() for name, weight in self.model.state_dict().items()}

    def base_weights(self) -> dict[str, Any]:  # Any: tensors
        weights: dict[str, Any] = load_checked(self.base_folder, self.facts).state_dict()
        return weights

    def mix(self, base: dict[str, Any], tuned: dict[str, Any], share: float) -> None:
        """Put `share` of the base's weights and the rest of the tuned ones' into the model."""
        self.model.load_state_dict(mix_weights(base, tuned, share) if share else tuned)

    def save(self, folder: Path, card: CardFacts) -> ModelFacts:
        return save_model(self.model, folder, self.facts, card)


def part_budget(params: TrainParams, facts: ModelFacts, device: str) -> int:
    """Tokens a part of a batch, padding included: what fits the caches of a processor, or fills a GPU."""
    small = params.micro_batch_size * min(params.max_length, facts.max_length)
    return small if params.objective == "cached_mnrl" or device == "cpu" else max(small, _GPU_TOKENS)


def with_prompts(facts: ModelFacts, params: TrainParams) -> ModelFacts:
    """The model's own prompts, or what a person wrote instead."""
    prompts: Mapping[str, str] = {
        kind: own if given == "auto" else given
        for kind, given, own in (
            ("query", params.query_prompt, facts.prompts.get("query", "")),
            ("passage", params.passage_prompt, facts.prompts.get("passage", "")),
        )
    }
    return replace(facts, prompts=dict(prompts))


def give_prompts(model: Any, facts: ModelFacts, params: TrainParams) -> None:  # Any: a SentenceTransformer
    """Let the model keep the prompts it is trained with, where its folder does not hold the same."""
    given = (params.query_prompt, params.passage_prompt) != ("auto", "auto")
    if given or (any(facts.prompts.values()) and not any((model.prompts or {}).values())):
        model.prompts = {"query": facts.prompts["query"], "document": facts.prompts["passage"]}


def _joined(model: Any, head: Any) -> Any:  # Any: torch modules
    import torch

    return torch.nn.ModuleDict({"encoder": model, "head": head.train()}) if head is not None else model

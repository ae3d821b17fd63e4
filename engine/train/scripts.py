"""A run as others can repeat it: one command line, or a Python script for sentence-transformers beside its batches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from engine.encode.folders import ModelFacts, read_facts
from engine.encode.models import folder_of, load_checked
from engine.errors import UserError
from engine.objectives import OBJECTIVES
from engine.params import PRESETS, TrainParams, params_from_dict, params_to_dict, static_params
from engine.records import Model
from engine.store import models
from engine.store.files import write_whole
from engine.store.kept import Kept
from engine.store.project import Project
from engine.task import Task
from engine.train.lighter import adapter_config, frozen_names
from engine.train.masked import hide_words
from engine.train.objectives import matryoshka_dims
from engine.train.repeating import check_place, check_same_data, command_of, title_of, write_module
from engine.train.reranker_script import write_reranker
from engine.train.saving import base_in_all
from engine.train.schedule import seed_of
from engine.train.script_text import adapter_lines, body_of, freeze_lines, head_of, script_text
from engine.train.sources import Source, open_source
from engine.train.static_script import write_static
from engine.train.static_work import StaticWork, fits_static, is_static
from engine.train.steps import Part, TokenBatch
from engine.train.work import give_prompts, part_budget, with_prompts


def command_line(model: Model, project: str = "PROJECT", *, base: str = "") -> str:
    """The command that trains with the same settings; those of the preset are left out.

    Args:
        base: what names the model it starts from, where that is not what the run was told.
    """
    params = run_params(model)
    return command_of(["train", project, "--preset", params.preset], base or params.base, changes_of(params))


def changes_of(params: TrainParams) -> dict[str, Any]:  # Any: JSON values
    """Settings that neither the preset nor the objective brings, but the model to start from."""
    plain = params_to_dict(PRESETS[params.preset]) | OBJECTIVES[params.objective].defaults
    left_out = ("preset", "base", "resume", "finish", "chosen")
    values = {name: value for name, value in params_to_dict(params).items() if name not in left_out}
    return {name: value for name, value in values.items() if value != plain.get(name) or name in params.chosen}


def base_name(project: Project, model: Model) -> str:
    """What names the model that a run started from now: "base" may be another one by this time, and "tuned" is."""
    base = models.base_model(project)
    return "base" if base is not None and base.id == model.parent_id else str(model.parent_id)


def run_params(model: Model) -> TrainParams:
    """The settings a model was trained with; what was noted beside them is left out."""
    known = set(TrainParams.__dataclass_fields__)
    return params_from_dict(TrainParams, {name: value for name, value in model.params.items() if name in known})


def write_script(project: Project, model_id: int, dest: str) -> dict[str, Any]:  # Any: JSON values
    """Write `train.py` with `batches.jsonl` and `on_cpu.py` into the folder `dest`; returns paths and the command line.

    A table of vectors learns in a way of its own and has other files (`write_static`), a reranker too.

    Raises:
        UserError: the model was not trained here, its data changed since, or other files lie in the folder.
    """
    model = models.resolve_model(project, str(model_id))
    if model.kind not in ("tuned", "reranker") or not model.parent_id or "best_step" not in model.summary:
        raise UserError(f"{model.name} was not trained in this project.", hint="Choose a tuned model.")
    base = base_name(project, model)
    folder = folder_of(project, models.resolve_model(project, str(model.parent_id)))
    place = Path(dest).expanduser().absolute()
    check_place(place)
    if model.kind == "reranker":
        return write_reranker(project, model, folder, base, place)
    params = run_params(model)
    command = command_line(model, str(project.path), base=base)
    trained, share = unmixed(project, model)
    kept = Kept.of_run(project.path, trained.id, model.mining_id)
    if is_static(folder) and fits_static(params):
        rates = tuple(point.value for point in models.curve(project, trained.id, "lr"))
        work = StaticWork(project, folder, static_params(params), Task(), kept=kept)
        check_same_data(model, work.source.digest, command)
        return {"command": command, **write_static(work, model, rates, share, place)}
    source = open_source(project, params, Task(), kept=kept)
    check_same_data(model, source.digest, command)
    frame = _Frame.of(project, model, params, folder)
    write_whole(place / "batches.jsonl", ("\n".join(frame.lines(source)) + "\n").encode())
    write_module(place, "on_cpu.py")
    write_whole(place / "train.py", frame.text(source).encode())
    return {"command": command, "script": str(place / "train.py"), "batches": str(place / "batches.jsonl")}


@dataclass(frozen=True, slots=True)
class _Frame:
    """What a script needs to know of a run; `model` is the one it starts from, to count tokens with."""

    run: Model
    params: TrainParams
    folder: Path
    facts: ModelFacts
    model: Any  # Any: a SentenceTransformer
    rates: tuple[float, ...]
    device: str
    base_share: float

    @classmethod
    def of(cls, project: Project, run: Model, params: TrainParams, folder: Path) -> _Frame:
        facts = with_prompts(read_facts(folder), params)
        device = str(run.summary.get("device", "cpu"))
        model = load_checked(folder, facts)
        if hasattr(model[0], "auto_model"):
            model.max_seq_length = min(params.max_length, facts.max_length)
        give_prompts(model, facts, params)
        trained, share = unmixed(project, run)
        rates = tuple(point.value for point in models.curve(project, trained.id, "lr"))
        return cls(run, params, folder, facts, model, rates, device, share)

    def lines(self, source: Source) -> Iterator[str]:
        """A batch a line, with its parts and their seeds as the run had them."""
        budget, steps = part_budget(self.params, self.facts, self.device), int(self.run.summary["best_step"])
        for step, batch in enumerate(islice(source.batches(0), steps)):
            prompts = [self.facts.prompts.get(batch.asked, ""), self.facts.prompts.get("passage", "")]
            parts = list(TokenBatch.of(self.model, batch, self.facts.prompts).parts(budget))
            seed = seed_of(self.params.seed, step)
            yield json.dumps(
                {
                    "lr": self.rates[step],
                    "seed": seed,
                    "prompts": prompts,
                    "parts": [part.places.tolist() for part in parts],
                    "queries": batch.queries,
                    "passages": batch.passages,
                    "blocked": [[int(i), int(k)] for i, k in zip(*batch.blocked.nonzero(), strict=True)],
                    "rows": batch.rows.tolist() if batch.rows is not None else [],
                    "targets": batch.targets.tolist() if batch.targets is not None else [],
                    "originals": batch.originals,
                    "hidden": self._hidden(parts, seed),
                },
                ensure_ascii=False,
            )

    def _hidden(self, parts: list[Part], seed: int) -> list[list[list[list[int]]]]:
        """For masked language, each part's tokens with some hidden, and the true ones at those places."""
        if self.params.objective != "mlm":
            return []
        tokenizer, share = self.model.tokenizer, self.params.noise
        made = [hide_words(part, tokenizer, share, seed + number) for number, part in enumerate(parts)]
        return [[ids.tolist(), labels.tolist()] for ids, labels in made]

    def text(self, source: Source) -> str:
        params = self.params
        return script_text(
            name=title_of(self.run),
            more=" peft" if params.lora_rank else "",
            base=str(self.folder),
            device=self.device,
            precision=str(self.run.summary.get("precision", "fp32")),
            seed=params.seed,
            max_length=min(params.max_length, self.facts.max_length),
            scale=params.scale,
            margin=params.margin,
            weight_decay=params.weight_decay,
            dims=matryoshka_dims(self.facts.dim) if params.matryoshka == "on" else [self.facts.dim],
            base_share=self.base_share,
            classes=source.classes,
            again=params.objective == "cached_mnrl",
            body=body_of(params.objective),
            head=head_of(params.objective),
            lighter=self._lighter(),
            prompts=dict(self.model.prompts),
        )

    def _lighter(self) -> str:
        """Lines that freeze layers and put adapters in."""
        params, lines = self.params, ""
        if params.freeze_layers:
            lines += freeze_lines(frozen_names(self.model[0].auto_model, params.freeze_layers))
        if params.lora_rank:
            lines += adapter_lines(*adapter_config(self.model[0].auto_model, params))
        return lines


def unmixed(project: Project, run: Model) -> tuple[Model, float]:
    """The run that a model mixed by hand comes from, and the share of the base in it after all mixing."""
    share = float(run.summary.get("base_share", 0.0))
    mixed = models.model(project, int(run.params.get("merged_from", 0)))
    if mixed is None:
        return run, share
    trained, before = unmixed(project, mixed)
    return trained, base_in_all(share, before)

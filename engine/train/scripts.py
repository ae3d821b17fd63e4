"""A run as others can repeat it: one command line, or a Python script for sentence-transformers beside its batches."""

from __future__ import annotations

import json
import shlex
from itertools import islice
from pathlib import Path
from typing import Any

from engine.encode.folders import read_facts
from engine.encode.models import folder_of
from engine.errors import UserError
from engine.objectives import OBJECTIVES
from engine.params import PRESETS, TrainParams, params_from_dict, params_to_dict
from engine.records import Model
from engine.store import models
from engine.store.files import write_whole
from engine.store.project import Project
from engine.task import Task
from engine.train.examples import Batch
from engine.train.objectives import matryoshka_dims
from engine.train.sources import open_source
from engine.train.work import with_prompts

_WITH_HEAD = ("softmax", "tsdae", "mlm")

# The body of each loss: q and p are unit vectors of queries and passages, rows and targets as in batches.jsonl.
_LOSSES = {
    "ranking": "return torch.nn.functional.cross_entropy((q @ p.T * SCALE).masked_fill(blocked, -torch.inf), "
    "torch.arange(len(q)))",
    "symmetric_mnrl": "scores = (q @ p.T * SCALE).masked_fill(blocked, -torch.inf)\n"
    "    goal = torch.arange(len(q))\n"
    "    back = torch.nn.functional.cross_entropy(scores[:, : len(q)].T, goal)\n"
    "    return (torch.nn.functional.cross_entropy(scores, goal) + back) / 2",
    "triplet": "loss = losses.TripletLoss(None, losses.TripletDistanceMetric.COSINE, MARGIN)\n"
    "    return loss.compute_loss_from_embeddings([q[rows[:, 0]], p[rows[:, 0]], p[rows[:, 1]]], None)",
    "contrastive": "labels = torch.cat([torch.ones(len(q)), torch.zeros(len(rows))])\n"
    "    pairs = [torch.cat([q, q[rows[:, 0]]]), torch.cat([p[: len(q)], p[rows[:, 1]]])]\n"
    "    return losses.ContrastiveLoss(None, margin=MARGIN).compute_loss_from_embeddings(pairs, labels)",
    "online_contrastive": "labels = torch.cat([torch.ones(len(q)), torch.zeros(len(rows))])\n"
    "    pairs = [torch.cat([q, q[rows[:, 0]]]), torch.cat([p[: len(q)], p[rows[:, 1]]])]\n"
    "    return losses.OnlineContrastiveLoss(None, margin=MARGIN).compute_loss_from_embeddings(pairs, labels)",
    "margin_ranking": "better, worse = ((q[rows[:, 0]] * p[rows[:, k]]).sum(1) for k in (1, 2))\n"
    "    return torch.nn.functional.margin_ranking_loss(better, worse, torch.ones_like(better), margin=MARGIN)",
    "cosine_similarity": "return losses.CosineSimilarityLoss(None).compute_loss_from_embeddings("
    "[q[rows[:, 0]], p[rows[:, 1]]], targets)",
    "cosent": "return losses.CoSENTLoss(None, scale=SCALE).compute_loss_from_embeddings("
    "[q[rows[:, 0]], p[rows[:, 1]]], targets)",
    "angle": "return losses.AnglELoss(None, scale=SCALE).compute_loss_from_embeddings("
    "[q[rows[:, 0]], p[rows[:, 1]]], targets)",
    "margin_mse": "columns = [q[rows[:, 0]], *(p[rows[:, k]] for k in range(1, rows.shape[1]))]\n"
    "    return losses.MarginMSELoss(None).compute_loss_from_embeddings(columns, targets)",
    "kl_distill": "columns = [q[rows[:, 0]], *(p[rows[:, k]] for k in range(1, rows.shape[1]))]\n"
    "    loss = losses.DistillKLDivLoss(None, similarity_fct=lambda a, b: (a * b).sum(1) * SCALE)\n"
    "    return loss.compute_loss_from_embeddings(columns, targets)",
}

_SCRIPT = '''"""Repeats the run "{name}" with plain sentence-transformers: the same batches, learning rates and steps.

Needs: pip install sentence-transformers. Reads batches.jsonl beside it, writes the folder "model". In float32 without
dropout it gives the same vectors; dropout and bf16 make a run differ in the last digits of its loss.
"""

import json
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import losses  # noqa: F401 - some objectives need it

HERE = Path(__file__).parent
BASE = {base!r}
SCALE, MARGIN, WEIGHT_DECAY = {scale!r}, {margin!r}, {weight_decay!r}
DIMS = {dims!r}
BASE_SHARE = {base_share!r}


def compute(q, p, blocked, rows, targets):
    {body}


def encode(model, texts):
    features = {{name: v for name, v in model.preprocess(texts).items()}}
    return torch.nn.functional.normalize(model(features)["sentence_embedding"].float(), dim=1)


def groups(model):
    decays, stays = [], []
    for name, weight in model.named_parameters():
        (stays if weight.ndim < 2 or "norm" in name.lower() else decays).append(weight)
    return [{{"params": decays, "weight_decay": WEIGHT_DECAY}}, {{"params": stays, "weight_decay": 0.0}}]


def main():
    torch.manual_seed({seed!r})
    model = SentenceTransformer(BASE, device="cpu").train()
    whole_length, model.max_seq_length = model.max_seq_length, {max_length!r}
    before = {{name: weight.detach().clone() for name, weight in model.state_dict().items()}}
    optimizer = torch.optim.AdamW(groups(model), lr=1e-5)
    for step, line in enumerate((HERE / "batches.jsonl").open(encoding="utf-8"), 1):
        batch = json.loads(line)
        for group in optimizer.param_groups:
            group["lr"] = batch["lr"]
        q, p = encode(model, batch["queries"]), encode(model, batch["passages"])
        blocked = torch.zeros(len(q), len(p), dtype=torch.bool)
        for i, k in batch["blocked"]:
            blocked[i, k] = True
        rows, targets = torch.tensor(batch["rows"]), torch.tensor(batch["targets"])
        parts = []
        for dim in DIMS:
            cut = [torch.nn.functional.normalize(v[:, :dim], dim=1) for v in (q, p)]
            parts.append(compute(*cut, blocked, rows, targets))
        loss = torch.stack(parts).sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        print(f"step {{step}}: loss {{loss.item():.4f}}", flush=True)
    if BASE_SHARE:
        mixed = {{
            name: torch.lerp(weight, before[name], BASE_SHARE) if weight.is_floating_point() else weight
            for name, weight in model.state_dict().items()
        }}
        model.load_state_dict(mixed)
    model.max_seq_length = whole_length
    model.save(str(HERE / "model"))


if __name__ == "__main__":
    main()
'''


def command_line(model: Model, project: str = "PROJECT") -> str:
    """The command that trains with the same settings; those of the preset are left out."""
    params = run_params(model)
    plain = params_to_dict(PRESETS[params.preset])
    plain |= OBJECTIVES[params.objective].defaults
    own = params_to_dict(params)
    changed = {n: v for n, v in own.items() if v != plain.get(n) and n not in ("preset", "base", "resume", "finish")}
    words = ["searchsmith", "train", project, "--preset", params.preset]
    if params.base != "base":
        words += ["--base", params.base]
    for name, value in changed.items():
        words += ["--set", f"{name}={value}"]
    return shlex.join(words)


def run_params(model: Model) -> TrainParams:
    """The settings a model was trained with; what was noted beside them is left out."""
    known = set(TrainParams.__dataclass_fields__)
    return params_from_dict(TrainParams, {name: value for name, value in model.params.items() if name in known})


def write_script(project: Project, model_id: int, dest: str) -> dict[str, Any]:  # Any: JSON values
    """Write `train.py` and `batches.jsonl` into the folder `dest`; returns their paths and the command line.

    Raises:
        UserError: the model was not trained here, its data changed since, or its objective has weights of its own.
    """
    model = models.resolve_model(project, str(model_id))
    if model.kind != "tuned" or not model.parent_id or "best_step" not in model.summary:
        raise UserError(f"{model.name} was not trained in this project.", hint="Choose a tuned model.")
    params, command = run_params(model), command_line(model, str(project.path))
    if params.objective in _WITH_HEAD or params.lora_rank or params.freeze_layers:
        raise UserError(
            "A run with a head of its own, LoRA or frozen layers cannot be written as a script.",
            hint=f"Repeat it with the command: {command}",
        )
    base = models.resolve_model(project, str(model.parent_id))
    facts = with_prompts(read_facts(folder_of(project, base)), params)
    rates = [point.value for point in models.curve(project, model.id, "lr")]
    steps = int(model.summary["best_step"])
    source = open_source(project, params, Task())
    batches = [_line(b, facts.prompts, rates[i]) for i, b in enumerate(islice(source.batches(0), steps))]
    body = _LOSSES.get(params.objective, _LOSSES["ranking"])
    text = _SCRIPT.format(
        name=model.name.replace('"', "'"),
        base=str(folder_of(project, base)),
        scale=params.scale,
        margin=params.margin,
        weight_decay=params.weight_decay,
        dims=matryoshka_dims(facts.dim) if params.matryoshka == "on" else [facts.dim],
        base_share=float(model.summary.get("base_share", 0.0)),
        body=body,
        seed=params.seed,
        max_length=min(params.max_length, facts.max_length),
    )
    folder = Path(dest).expanduser().absolute()
    write_whole(folder / "batches.jsonl", ("\n".join(batches) + "\n").encode())
    write_whole(folder / "train.py", text.encode())
    return {"command": command, "script": str(folder / "train.py"), "batches": str(folder / "batches.jsonl")}


def _line(batch: Batch, prompts: dict[str, str], rate: float) -> str:
    asked, read = prompts.get(batch.asked, ""), prompts.get("passage", "")
    return json.dumps(
        {
            "lr": rate,
            "queries": [asked + text for text in batch.queries],
            "passages": [read + text for text in batch.passages],
            "blocked": [[int(i), int(k)] for i, k in zip(*batch.blocked.nonzero(), strict=True)],
            "rows": batch.rows.tolist() if batch.rows is not None else [],
            "targets": batch.targets.tolist() if batch.targets is not None else [],
        },
        ensure_ascii=False,
    )

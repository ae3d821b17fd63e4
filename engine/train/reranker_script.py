"""A reranker's run as a Python script: its batches with their parts and seeds, and the loop that repeats it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import Any

from engine.encode.rerankers import CrossEncoder, length_read, load_plain, plain_folder
from engine.params import RerankerParams, params_from_dict
from engine.records import Model
from engine.store import models
from engine.store.files import write_whole
from engine.store.kept import Kept
from engine.store.project import Project
from engine.train.repeating import check_same_data, command_of, title_of, write_module
from engine.train.reranking import Lists, PairSource, part_budget
from engine.train.schedule import seed_of

_LOSSES = {
    "binary": "weight = (labels == 0).sum() / (labels == 1).sum().clamp(min=1)\n"
    "    return torch.nn.functional.binary_cross_entropy_with_logits(logits, labels, pos_weight=weight)",
    "pairwise": "lists = zip(starts, [*starts[1:], len(logits)])\n"
    "    return torch.stack([F.softplus(logits[a + 1 : b] - logits[a]).mean() for a, b in lists]).mean()",
    "listwise": "lists = zip(starts, [*starts[1:], len(logits)])\n"
    "    return torch.stack([torch.logsumexp(logits[a:b], 0) - logits[a] for a, b in lists]).mean()",
}

_SCRIPT = '''"""Repeats the run "{name}", which trains a cross-encoder: same batches, parts, seeds and rates.

Needs: pip install sentence-transformers. Reads batches.jsonl beside it, writes the folder "model", which
sentence_transformers.CrossEncoder loads; on_cpu.py beside it makes training on a processor faster, with masks of its
own for dropout. With the same versions on the same processor it gives the same model, dropout included; elsewhere the
last digits differ.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from sentence_transformers import CrossEncoder
from transformers import AutoModelForSequenceClassification, AutoTokenizer

HERE = Path(__file__).parent
BASE = {base!r}
DEVICE = {device!r} if {device!r} == "cpu" or torch.cuda.is_available() else "cpu"
PRECISION = {precision!r} if DEVICE == {device!r} else "fp32"
SEED, MAX_LENGTH, WEIGHT_DECAY = {seed!r}, {max_length!r}, {weight_decay!r}


def compute(logits, labels, starts):
    """The loss of a batch of lists, in each of which the first passage is the right one."""
    {body}


def load():
    torch.manual_seed(SEED)  # where the base has no head of one number, it is drawn
    model = AutoModelForSequenceClassification.from_pretrained(
        BASE, num_labels=1, attn_implementation="sdpa", dtype=torch.float32
    )
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    if tokenizer.pad_token_id is not None:
        model.config.pad_token_id = tokenizer.pad_token_id
    return model.to(DEVICE).train(), tokenizer


def groups(model):
    decays, stays = [], []
    for name, weight in model.named_parameters():
        (stays if weight.ndim < 2 or "norm" in name.lower() else decays).append(weight)
    return [{{"params": decays, "weight_decay": WEIGHT_DECAY}}, {{"params": stays, "weight_decay": 0.0}}]


def forward(model, features, seed):
    torch.manual_seed(seed)
    kind = {{"bf16": torch.bfloat16, "fp16": torch.float16}}.get(PRECISION)
    with torch.autocast(torch.device(DEVICE).type, dtype=kind, enabled=kind is not None):
        logits = model(**features).logits[:, 0]
    return logits.float()


def step(model, tokenizer, batch, scaler):
    """The loss over the whole batch, then its gradient by score back through the model, part by part."""
    asked, read = zip(*batch["pairs"])
    made = tokenizer(list(asked), list(read), truncation="longest_first", max_length=MAX_LENGTH, padding=False)
    parts = []
    for rows in batch["parts"]:
        chosen = {{name: [values[row] for row in rows] for name, values in made.items()}}
        parts.append({{name: v.to(DEVICE) for name, v in tokenizer.pad(chosen, return_tensors="pt").items()}})
    logits = torch.empty(len(asked), device=DEVICE)
    with torch.no_grad():
        for number, (rows, features) in enumerate(zip(batch["parts"], parts)):
            logits[torch.tensor(rows)] = forward(model, features, batch["seed"] + number)
    logits.requires_grad_()
    loss = compute(logits, torch.tensor(batch["labels"], device=DEVICE), batch["starts"])
    (gradient,) = torch.autograd.grad(scaler.scale(loss), logits)
    for number, (rows, features) in enumerate(zip(batch["parts"], parts)):
        torch.autograd.backward(forward(model, features, batch["seed"] + number), gradient[torch.tensor(rows)])
    return loss.item()


def main():
    from on_cpu import on_cpu  # beside this file

    model, tokenizer = load()
    optimizer = torch.optim.AdamW(groups(model), lr=1e-5, fused=DEVICE != "mps")
    scaler = torch.amp.GradScaler(torch.device(DEVICE).type, enabled=PRECISION == "fp16")
    for number, line in enumerate((HERE / "batches.jsonl").open(encoding="utf-8"), 1):
        batch = json.loads(line)
        for group in optimizer.param_groups:
            group["lr"] = batch["lr"]
        with on_cpu(DEVICE, PRECISION):
            loss = step(model, tokenizer, batch, scaler)
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad(set_to_none=True)
        print(f"step {{number}}: loss {{loss:.4f}}", flush=True)
    tokenizer.model_max_length = MAX_LENGTH
    model.save_pretrained(HERE / "model")
    tokenizer.save_pretrained(HERE / "model")
    CrossEncoder(str(HERE / "model"), device="cpu")  # it can be loaded


if __name__ == "__main__":
    main()
'''


def reranker_params(model: Model) -> RerankerParams:
    """The settings a reranker was trained with; what was noted beside them is left out."""
    known = {field.name for field in fields(RerankerParams)}
    return params_from_dict(RerankerParams, {name: value for name, value in model.params.items() if name in known})


def reranker_command(params: RerankerParams, project: str, base: str) -> str:
    """The command that trains one with the same settings; usual ones are left out."""
    plain, left_out = RerankerParams(), ("base", "resume", "finish")
    values = {field.name: getattr(params, field.name) for field in fields(RerankerParams)}
    changes = {n: value for n, value in values.items() if n not in left_out and value != getattr(plain, n)}
    return command_of(["reranker", project], base, changes)


def write_reranker(project: Project, run: Model, folder: Path, base: str, place: Path) -> dict[str, Any]:
    """Write `train.py`, `batches.jsonl` and `on_cpu.py` into `place`; returns paths and the command line.

    Args:
        folder: of the model the run started from; `base` names it in a command.

    Raises:
        UserError: the data changed since.
    """
    params = reranker_params(run)
    command = reranker_command(params, str(project.path), base)
    source = PairSource(project, params, kept=Kept.of_run(project.path, run.id, run.mining_id))
    check_same_data(run, source.digest, command)
    model, tokenizer = load_plain(folder, seed=params.seed)
    length = length_read(model, params.max_length)
    text = _SCRIPT.format(
        name=title_of(run),
        base=str(plain_folder(folder)),
        device=str(run.summary.get("device", "cpu")),
        precision=str(run.summary.get("precision", "fp32")),
        seed=params.seed,
        max_length=length,
        weight_decay=params.weight_decay,
        body=_LOSSES[params.loss],
    )
    scorer = CrossEncoder(model, tokenizer, length, "cpu", "fp32", length)
    write_whole(place / "batches.jsonl", ("\n".join(_lines(project, run, params, source, scorer)) + "\n").encode())
    write_module(place, "on_cpu.py")
    write_whole(place / "train.py", text.encode())
    return {"command": command, "script": str(place / "train.py"), "batches": str(place / "batches.jsonl")}


def _lines(
    project: Project, run: Model, params: RerankerParams, source: PairSource, scorer: CrossEncoder
) -> Iterator[str]:
    """A batch a line, with its parts and their seed as the run had them."""
    device = str(run.summary.get("device", "cpu"))
    rates = [point.value for point in models.curve(project, run.id, "lr")]
    for step, batch in enumerate(islice(source.batches(0), int(run.summary["best_step"]))):
        parts = [rows.tolist() for rows, _ in scorer.parts(batch.pairs, part_budget(device))]
        yield _line(batch, parts, rates[step], seed_of(params.seed, step))


def _line(batch: Lists, parts: list[list[int]], rate: float, seed: int) -> str:
    found = {"lr": rate, "seed": seed, "parts": parts, "starts": batch.starts, "labels": batch.labels}
    return json.dumps({**found, "pairs": batch.pairs}, ensure_ascii=False)

"""The text of a script that repeats a run with plain sentence-transformers, and the body of each objective in it."""

from __future__ import annotations

from typing import Any

# The body of each loss: q and p are unit vectors of queries and passages, rows and targets as in batches.jsonl.
_LOSSES = {
    "ranking": "return torch.nn.functional.cross_entropy((q @ p.T * SCALE).masked_fill(blocked, -torch.inf), "
    "torch.arange(len(q), device=q.device))",
    "symmetric_mnrl": "goal = torch.arange(len(q), device=q.device)\n"
    "    scores = (q @ p.T * SCALE).masked_fill(blocked, -torch.inf)\n"
    "    back = (p[: len(q)] @ q.T * SCALE).masked_fill(blocked[:, : len(q)].T, -torch.inf)\n"
    "    return (torch.nn.functional.cross_entropy(scores, goal) + torch.nn.functional.cross_entropy(back, goal)) / 2",
    "triplet": "loss = losses.TripletLoss(Given(), losses.TripletDistanceMetric.COSINE, MARGIN)\n"
    "    return loss.compute_loss_from_embeddings([q[rows[:, 0]], p[rows[:, 0]], p[rows[:, 1]]], None)",
    "contrastive": "labels = torch.cat([torch.ones(len(q)), torch.zeros(len(rows))]).to(q.device)\n"
    "    pairs = [torch.cat([q, q[rows[:, 0]]]), torch.cat([p[: len(q)], p[rows[:, 1]]])]\n"
    "    return losses.ContrastiveLoss(Given(), margin=MARGIN).compute_loss_from_embeddings(pairs, labels)",
    "online_contrastive": "labels = torch.cat([torch.ones(len(q)), torch.zeros(len(rows))]).to(q.device)\n"
    "    pairs = [torch.cat([q, q[rows[:, 0]]]), torch.cat([p[: len(q)], p[rows[:, 1]]])]\n"
    "    return losses.OnlineContrastiveLoss(Given(), margin=MARGIN).compute_loss_from_embeddings(pairs, labels)",
    "margin_ranking": "better, worse = ((q[rows[:, 0]] * p[rows[:, k]]).sum(1) for k in (1, 2))\n"
    "    return torch.nn.functional.margin_ranking_loss(better, worse, torch.ones_like(better), margin=MARGIN)",
    "cosine_similarity": "return losses.CosineSimilarityLoss(Given()).compute_loss_from_embeddings("
    "[q[rows[:, 0]], p[rows[:, 1]]], targets)",
    "cosent": "return losses.CoSENTLoss(Given(), scale=SCALE).compute_loss_from_embeddings("
    "[q[rows[:, 0]], p[rows[:, 1]]], targets)",
    "angle": "return losses.AnglELoss(Given(), scale=SCALE).compute_loss_from_embeddings("
    "[q[rows[:, 0]], p[rows[:, 1]]], targets)",
    "margin_mse": "columns = [q[rows[:, 0]], *(p[rows[:, k]] for k in range(1, rows.shape[1]))]\n"
    "    return losses.MarginMSELoss(Given()).compute_loss_from_embeddings(columns, targets)",
    "kl_distill": "columns = [q[rows[:, 0]], *(p[rows[:, k]] for k in range(1, rows.shape[1]))]\n"
    "    loss = losses.DistillKLDivLoss(Given(), similarity_fct=lambda a, b: (a * b).sum(1) * SCALE)\n"
    "    return loss.compute_loss_from_embeddings(columns, targets)",
    "tsdae": "seen = torch.ones(len(q), 1, device=q.device)\n"
    "    made = HEAD(input_ids=ids[:, :-1], encoder_hidden_states=q[:, None], encoder_attention_mask=seen, "
    "use_cache=False)\n"
    "    logits = made[0].float().flatten(0, 1)\n"
    "    return torch.nn.functional.cross_entropy(logits, ids[:, 1:].flatten(), ignore_index=PAD)",
    "mlm": "raise NotImplementedError  # words are guessed in step_on_words",
    "softmax": "columns = [{'sentence_embedding': q[rows[:, 0]]}, {'sentence_embedding': p[rows[:, 1]]}]\n"
    "    return HEAD(columns, targets.long())",
}

# What is trained beside the model and thrown away at the end.
_HEADS = {
    "softmax": "return losses.SoftmaxLoss(Given(), embedding_dimension=model.get_embedding_dimension(), "
    "num_labels=CLASSES)",
    "tsdae": "global PAD\n"
    "    PAD = model.tokenizer.pad_token_id\n"
    "    decoder = losses.DenoisingAutoEncoderLoss(model, tie_encoder_decoder=True).decoder\n"
    "    decoder.config.use_cache = False\n"
    "    return decoder",
    "mlm": "words = model[0].auto_model.get_input_embeddings().weight\n"
    "    hidden, width = model[0].auto_model.config.hidden_size, words.shape[1]\n"
    "    last = torch.nn.Linear(width, len(words))\n"
    "    last.weight = words\n"
    "    torch.nn.init.zeros_(last.bias)\n"
    "    layers = (torch.nn.Linear(hidden, width), torch.nn.GELU(), torch.nn.LayerNorm(width), last)\n"
    "    return torch.nn.Sequential(*layers)",
}

_ADAPTER = """    from peft import {kind}, get_peft_model

    torch.manual_seed(SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model[0].model = get_peft_model(model[0].auto_model, {kind}(**{arguments!r}))
"""
_FREEZE = """    frozen = {names!r}
    for name, weight in model[0].auto_model.named_parameters():
        weight.requires_grad_(name not in frozen)
"""

_SCRIPT = '''"""Repeats the run "{name}" with plain sentence-transformers: same batches, parts, seeds and rates.

Needs: pip install sentence-transformers{more}. Reads batches.jsonl beside it, writes the folder "model"; on_cpu.py
beside it makes training on a processor faster, with masks of its own for dropout. With the same versions on the same
processor it gives the same model, dropout included; elsewhere the last digits differ.
"""

import json
import warnings
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import losses  # noqa: F401 - some objectives need it

HERE = Path(__file__).parent
BASE = {base!r}
DEVICE = {device!r} if {device!r} == "cpu" or torch.cuda.is_available() else "cpu"
PRECISION = {precision!r} if DEVICE == {device!r} else "fp32"
SEED, MAX_LENGTH = {seed!r}, {max_length!r}
SCALE, MARGIN, WEIGHT_DECAY = {scale!r}, {margin!r}, {weight_decay!r}
DIMS = {dims!r}
BASE_SHARE = {base_share!r}
CLASSES = {classes!r}
PROMPTS = {prompts!r}  # what the model keeps of them
AGAIN = {again!r}  # activations are computed again instead of kept


class Given(torch.nn.Module):
    """Stands for the model where vectors are there already."""

    device = "cpu"

    def forward(self, features):
        return features


HEAD, PAD = None, 0


def make_head(model):
    """Weights of the objective's own, trained beside the model; None for most."""
    torch.manual_seed(SEED)
    {head}


def compute(q, p, blocked, rows, targets, ids=None):
    {body}


def load():
    kind = {{"attn_implementation": "sdpa", "dtype": torch.float32}}
    modules = Path(BASE) / "modules.json"
    table = modules.exists() and "StaticEmbedding" in modules.read_text("utf-8")  # of vectors, without attention
    model = SentenceTransformer(BASE, device="cpu", model_kwargs=None if table else kind)
    before = {{name: weight.detach().clone().to(DEVICE) for name, weight in model.state_dict().items()}}
    whole_length = model.max_seq_length
    if not table:
        model.max_seq_length = MAX_LENGTH
{lighter}    return model.to(DEVICE).train(), before, whole_length


def groups(modules):
    decays, stays, seen = [], [], set()
    for module in modules:
        for name, weight in module.named_parameters():
            if weight.requires_grad and weight not in seen:
                seen.add(weight)
                (stays if weight.ndim < 2 or "norm" in name.lower() else decays).append(weight)
    return [{{"params": decays, "weight_decay": WEIGHT_DECAY}}, {{"params": stays, "weight_decay": 0.0}}]


def encode(model, batch, places, seed):
    """Unit vectors of one part of a batch: like lengths, so that little is padded."""
    torch.manual_seed(seed)
    count, texts = len(batch["queries"]), batch["queries"] + batch["passages"]
    prompt = batch["prompts"][places[0] >= count]
    features = model.preprocess([texts[place] for place in places], prompt=prompt or None)
    features = {{name: v.to(DEVICE) if hasattr(v, "to") else v for name, v in features.items()}}
    features = model[0](features)
    for name in ("token_embeddings", "sentence_embedding"):
        if name in features:
            features[name] = features[name].float()
    for module in list(model)[1:]:
        features = module(features)
    return torch.nn.functional.normalize(features["sentence_embedding"], dim=1)


def cast():
    kind = {{"bf16": torch.bfloat16, "fp16": torch.float16}}.get(PRECISION)
    return torch.autocast(torch.device(DEVICE).type, dtype=kind, enabled=kind is not None)


def step_on_words(model, batch, scaler):
    """The mean loss on the batch's hidden words, part by part."""
    count = max(1, sum(label != -100 for _, lines in batch["hidden"] for line in lines for label in line))
    total = 0.0
    for number, (places, (ids, labels)) in enumerate(zip(batch["parts"], batch["hidden"])):
        torch.manual_seed(batch["seed"] + number)
        features = model.preprocess([batch["queries"][place] for place in places], prompt=batch["prompts"][0] or None)
        features["input_ids"], labels = torch.tensor(ids), torch.tensor(labels, device=DEVICE)
        features = {{name: v.to(DEVICE) if hasattr(v, "to") else v for name, v in features.items()}}
        picked = labels != -100
        with cast():
            guesses = HEAD(model[0](features)["token_embeddings"][picked])
        loss = torch.nn.functional.cross_entropy(guesses.float(), labels[picked], reduction="sum") / count
        scaler.scale(loss).backward()
        total += loss.item()
    return total


def step(model, batch, scaler):
    """The loss over the whole batch, then its gradient by vector back through the model, part by part."""
    if batch["hidden"]:
        return step_on_words(model, batch, scaler)
    parts = [(places, batch["seed"] + number) for number, places in enumerate(batch["parts"])]

    with torch.set_grad_enabled(not AGAIN), cast():
        made = [encode(model, batch, *part) for part in parts]
    count = len(batch["queries"])
    vectors = torch.zeros(count + len(batch["passages"]), made[0].shape[1], device=DEVICE)
    for (places, _), vector in zip(parts, made):
        vectors[places] = vector.detach()
    vectors.requires_grad_()
    q, p = vectors[:count], vectors[count:]
    blocked = torch.zeros(len(q), len(p), dtype=torch.bool)
    for i, k in batch["blocked"]:
        blocked[i, k] = True
    rows, targets = (torch.tensor(batch[name], device=DEVICE) for name in ("rows", "targets"))
    ids = model.preprocess(batch["originals"])["input_ids"].to(DEVICE) if batch["originals"] else None
    torch.manual_seed(batch["seed"] + len(parts))
    if len(DIMS) > 1:
        found = []
        for dim in DIMS:
            cut = [torch.nn.functional.normalize(v[:, :dim], dim=1) for v in (q, p)]
            found.append(compute(*cut, blocked.to(DEVICE), rows, targets))
        loss = torch.stack(found).sum()
    else:
        loss = compute(q, p, blocked.to(DEVICE), rows, targets, ids)
    scaler.scale(loss).backward()
    for number, part in enumerate(parts):
        if AGAIN:
            with cast():
                made[number] = encode(model, batch, *part)
        torch.autograd.backward(made[number], vectors.grad[part[0]])
    return loss.item()


def main():
    from on_cpu import on_cpu  # beside this file

    global HEAD
    model, before, whole_length = load()
    HEAD = make_head(model)
    modules = [model, *([HEAD.to(DEVICE).train()] if HEAD is not None else [])]
    weights = list(torch.nn.ModuleList(modules).parameters())
    optimizer = torch.optim.AdamW(groups(modules), lr=1e-5, fused=DEVICE != "mps")
    scaler = torch.amp.GradScaler(torch.device(DEVICE).type, enabled=PRECISION == "fp16")
    for number, line in enumerate((HERE / "batches.jsonl").open(encoding="utf-8"), 1):
        batch = json.loads(line)
        for group in optimizer.param_groups:
            group["lr"] = batch["lr"]
        with on_cpu(DEVICE, PRECISION):
            loss = step(model, batch, scaler)
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad(set_to_none=True)
        print(f"step {{number}}: loss {{loss:.4f}}", flush=True)
    if hasattr(getattr(model[0], "auto_model", None), "merge_and_unload"):
        model[0].model = model[0].auto_model.merge_and_unload()
    if BASE_SHARE:
        mixed = {{
            name: torch.lerp(weight, before[name], BASE_SHARE) if weight.is_floating_point() else weight
            for name, weight in model.state_dict().items()
        }}
        model.load_state_dict(mixed)
    if hasattr(model[0], "auto_model"):
        model.max_seq_length = whole_length
    model.prompts = PROMPTS
    model.save(str(HERE / "model"))


if __name__ == "__main__":
    main()
'''


def body_of(objective: str) -> str:
    """The lines that compute an objective's loss."""
    return _LOSSES.get(objective, _LOSSES["ranking"])


def head_of(objective: str) -> str:
    """The lines that make what is trained beside the model."""
    return _HEADS.get(objective, "return None")


def adapter_lines(kind: str, arguments: dict[str, Any]) -> str:  # Any: what PEFT's config takes
    return _ADAPTER.format(kind=kind, arguments=arguments)


def freeze_lines(names: list[str]) -> str:
    return _FREEZE.format(names=names)


def script_text(**values: object) -> str:
    """The whole script; `values` are the names in its frame."""
    return _SCRIPT.format(**values)

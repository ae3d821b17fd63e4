"""The text of a script that repeats a run with plain sentence-transformers, and the body of each objective in it."""

from __future__ import annotations

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
    "softmax": "columns = [{'sentence_embedding': q[rows[:, 0]]}, {'sentence_embedding': p[rows[:, 1]]}]\n"
    "    return HEAD(columns, targets.long())",
}

_LORA = """    from peft import LoraConfig, get_peft_model

    torch.manual_seed(SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model[0].model = get_peft_model(model[0].auto_model, LoraConfig(
            r={rank}, lora_alpha={alpha}, lora_dropout=0.0, bias="none", target_modules={targets!r},
        ))
"""
_FREEZE = """    frozen = {names!r}
    for name, weight in model[0].auto_model.named_parameters():
        weight.requires_grad_(name not in frozen)
"""

_SCRIPT = '''"""Repeats the run "{name}" with plain sentence-transformers: same batches, parts, seeds and rates.

Needs: pip install sentence-transformers{more}. Reads batches.jsonl beside it, writes the folder "model". With the same
versions on the same processor it gives the same model, dropout included; elsewhere the last digits differ.
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
AGAIN = {again!r}  # activations are computed again instead of kept


class Given(torch.nn.Module):
    """Stands for the model where vectors are there already."""

    device = "cpu"

    def forward(self, features):
        return features


HEAD = None


def make_head(dim):
    torch.manual_seed(SEED)
    return losses.SoftmaxLoss(Given(), embedding_dimension=dim, num_labels=CLASSES)


def compute(q, p, blocked, rows, targets):
    {body}


def load():
    kind = {{"attn_implementation": "eager" if DEVICE == "cpu" else "sdpa", "dtype": torch.float32}}
    model = SentenceTransformer(BASE, device="cpu", model_kwargs=kind)
    before = {{name: weight.detach().clone().to(DEVICE) for name, weight in model.state_dict().items()}}
    whole_length, model.max_seq_length = model.max_seq_length, MAX_LENGTH
{lighter}    return model.to(DEVICE).train(), before, whole_length


def groups(modules):
    decays, stays = [], []
    for module in modules:
        for name, weight in module.named_parameters():
            if weight.requires_grad:
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


def step(model, batch, scaler):
    """The loss over the whole batch, then its gradient by vector back through the model, part by part."""
    kind = {{"bf16": torch.bfloat16, "fp16": torch.float16}}.get(PRECISION)
    parts = [(places, batch["seed"] + number) for number, places in enumerate(batch["parts"])]

    def cast():
        return torch.autocast(torch.device(DEVICE).type, dtype=kind, enabled=kind is not None)

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
    torch.manual_seed(batch["seed"] + len(parts))
    if len(DIMS) > 1:
        found = []
        for dim in DIMS:
            cut = [torch.nn.functional.normalize(v[:, :dim], dim=1) for v in (q, p)]
            found.append(compute(*cut, blocked.to(DEVICE), rows, targets))
        loss = torch.stack(found).sum()
    else:
        loss = compute(q, p, blocked.to(DEVICE), rows, targets)
    scaler.scale(loss).backward()
    for number, part in enumerate(parts):
        if AGAIN:
            with cast():
                made[number] = encode(model, batch, *part)
        torch.autograd.backward(made[number], vectors.grad[part[0]])
    return loss.item()


def main():
    global HEAD
    model, before, whole_length = load()
    if CLASSES:
        HEAD = make_head(model.get_embedding_dimension()).to(DEVICE).train()
    modules = [model, *([HEAD] if HEAD is not None else [])]
    weights = [weight for module in modules for weight in module.parameters()]
    optimizer = torch.optim.AdamW(groups(modules), lr=1e-5, fused=DEVICE != "mps")
    scaler = torch.amp.GradScaler(torch.device(DEVICE).type, enabled=PRECISION == "fp16")
    for number, line in enumerate((HERE / "batches.jsonl").open(encoding="utf-8"), 1):
        batch = json.loads(line)
        for group in optimizer.param_groups:
            group["lr"] = batch["lr"]
        loss = step(model, batch, scaler)
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad(set_to_none=True)
        print(f"step {{number}}: loss {{loss:.4f}}", flush=True)
    if hasattr(model[0].auto_model, "merge_and_unload"):
        model[0].model = model[0].auto_model.merge_and_unload()
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


def body_of(objective: str) -> str:
    """The lines that compute an objective's loss."""
    return _LOSSES.get(objective, _LOSSES["ranking"])


def lora_lines(rank: int, alpha: int, targets: str | list[str]) -> str:
    return _LORA.format(rank=rank, alpha=alpha, targets=targets)


def freeze_lines(names: list[str]) -> str:
    return _FREEZE.format(names=names)


def script_text(**values: object) -> str:
    """The whole script; `values` are the names in its frame."""
    return _SCRIPT.format(**values)

"""How a run goes: how many steps, the learning rate and the seed of each, and the optimiser that takes them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from engine.params import TrainParams
from engine.train.steps import parameter_groups

if TYPE_CHECKING:
    import torch


def count_steps(steps_per_epoch: int, params: TrainParams) -> int:
    """Steps of a run without a limit of time."""
    steps = math.ceil(params.epochs * steps_per_epoch)
    return max(1, min(steps, params.max_steps) if params.max_steps else steps)


def rate_at(step: float, total: int, warmup_share: float) -> float:
    """Share of the learning rate at `step` (from 0): linear up, then linear down to nearly 0 at the last step."""
    warm = max(1, round(total * warmup_share))
    if step < warm:
        return (step + 1) / warm
    return max(total - step, 0.0) / max(total - warm, 1)


def seed_of(seed: int, step: int) -> int:
    """The seed of a step's first part; steps are far enough apart for any number of parts."""
    return (seed * 1_000_003 + step) * 4096 % (1 << 62)


def make_optimizer(model: Any, params: TrainParams, device: str) -> torch.optim.Optimizer:  # Any: a torch module
    import torch

    groups = parameter_groups(model, params.weight_decay)
    return torch.optim.AdamW(groups, lr=params.learning_rate, fused=device.split(":")[0] in ("cpu", "cuda"))


def make_scaler(device: str, precision: str) -> Any:  # Any: a torch.amp.GradScaler
    """Scales gradients of fp16; None where they need no scaling."""
    import torch

    return torch.amp.GradScaler(device.split(":")[0]) if precision == "fp16" else None

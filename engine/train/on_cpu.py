"""What torch does slowly when it trains on a processor, done otherwise: dropout, attention, gradients of weights.

A script that repeats a run takes this file along, so it imports torch and numpy alone. Measured with MiniLM, 64
triplets of up to 128 tokens (`benchmarks/train_speed.py`): drawing dropout's masks one number at a time took 15 % of a
step, filling and adding up a gradient of the whole vocabulary for each part of a batch 4 %. The backward of the fused
attention costs more than that of plain products; scaling the queries in the place of the scores saves another 3 %.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_LEVELS = 1 << 16  # a mask's share is a multiple of 1 / 65,536


def on_cpu(device: str, precision: str) -> AbstractContextManager[Any]:  # Any: nothing is done with it
    """Within it, and for the backward of what was computed within it, a model trains faster; nothing for a GPU."""
    return _Swift(precision == "fp32") if device == "cpu" else nullcontext()


def same_again() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    """What `torch.utils.checkpoint` takes as `context_fn`: what is computed again is computed as the first time."""
    return nullcontext(), _Swift(_within.products[-1]) if _within.products else nullcontext()


class _Within(threading.local):
    def __init__(self) -> None:
        self.products: list[bool] = []


_within = _Within()


class _Swift(TorchFunctionMode):
    """Takes the place of four functions of torch.

    Args:
        products: of linear layers, too: for fp32, which no autocast has to turn into another type.
    """

    def __init__(self, products: bool) -> None:
        super().__init__()
        self._products = products

    def __enter__(self) -> _Swift:
        _within.products.append(self._products)
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        _within.products.pop()
        super().__exit__(*error)  # type: ignore[no-untyped-call]

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        # With or without gradient the same dropout: parts of a batch are computed first without, then again with.
        if function is functional.dropout:
            return _dropout(*args, **kwargs)
        if function is functional.scaled_dot_product_attention:
            return _attention(*args, **kwargs)
        if torch.is_grad_enabled():
            if function is functional.linear and self._products:
                return _linear(*args, **kwargs)
            if function is functional.embedding:
                return _embedding(*args, **kwargs)
        return function(*args, **kwargs)


def _linear(input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    known = (weight, bias) if bias is not None else (weight,)
    if any(_adds_itself(each) for each in known) and all(_adds_itself(w) or not w.requires_grad for w in known):
        return _Linear.apply(input, weight, bias)  # type: ignore[no-any-return, no-untyped-call]
    return functional.linear(input, weight, bias)


def _embedding(
    input: torch.Tensor,
    weight: torch.Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> torch.Tensor:
    if max_norm is not None or scale_grad_by_freq or sparse or not _adds_itself(weight):
        return functional.embedding(input, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
    padding = -1 if padding_idx is None else padding_idx % len(weight)
    return _Embedding.apply(input, weight, padding)  # type: ignore[no-any-return, no-untyped-call]


def _dropout(input: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> torch.Tensor:
    level = round(p * _LEVELS)
    if not training or inplace or not 0 < level < _LEVELS or not input.is_floating_point():
        return functional.dropout(input, p, training, inplace)
    return _Dropout.apply(input, level)  # type: ignore[no-any-return, no-untyped-call]


def _attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> torch.Tensor:
    """`functional.scaled_dot_product_attention`; query, key, value (batch, heads, length, dim)."""
    scale = scale if scale is not None else query.shape[-1] ** -0.5
    if enable_gqa:
        key, value = (each.repeat_interleave(query.shape[1] // each.shape[1], 1) for each in (key, value))
    scores = (query * scale) @ key.transpose(-2, -1)
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        attn_mask = torch.zeros(attn_mask.shape, dtype=scores.dtype).masked_fill_(
            ~attn_mask, torch.finfo(scores.dtype).min
        )
    if attn_mask is not None:
        scores = scores.add_(attn_mask)
    shares = functional.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    return _dropout(shares, dropout_p) @ value


def _adds_itself(weight: torch.Tensor) -> bool:
    """Whether a gradient may be added to `weight.grad` at once: a weight itself, and nobody else looks at its grad."""
    plain = weight.requires_grad and weight.is_leaf and weight.dtype == torch.float32
    return plain and not weight._backward_hooks and not getattr(weight, "_post_accumulate_grad_hooks", None)


class _Linear(torch.autograd.Function):
    """`functional.linear` whose weight's gradient is multiplied into place, with no copy to add up."""

    @staticmethod
    def forward(ctx: Any, input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        ctx.save_for_backward(input)
        ctx.weight, ctx.bias = weight, bias  # themselves: what is saved may come back as a copy
        return functional.linear(input, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        (input,), weight = ctx.saved_tensors, ctx.weight
        rows, inputs = gradient.reshape(-1, gradient.shape[-1]), input.reshape(-1, input.shape[-1])
        if weight.requires_grad:
            if weight.grad is None:
                weight.grad = rows.T @ inputs
            else:
                weight.grad.addmm_(rows.T, inputs)
        if ctx.bias is not None and ctx.bias.requires_grad:
            total = rows.sum(0)
            if ctx.bias.grad is None:
                ctx.bias.grad = total
            else:
                ctx.bias.grad.add_(total)
        back = (rows @ weight).view(input.shape) if ctx.needs_input_grad[0] else None
        return back, None, None


class _Embedding(torch.autograd.Function):
    """`functional.embedding` whose gradient touches only the rows that were looked up."""

    @staticmethod
    def forward(ctx: Any, input: torch.Tensor, weight: torch.Tensor, padding: int) -> torch.Tensor:
        ctx.save_for_backward(input)
        ctx.weight, ctx.padding = weight, padding
        return functional.embedding(input, weight)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        (input,), weight = ctx.saved_tensors, ctx.weight
        if weight.grad is None:
            weight.grad = torch.zeros_like(weight)
        places, rows = input.reshape(-1), gradient.reshape(-1, gradient.shape[-1])
        if ctx.padding >= 0:
            real = places != ctx.padding
            places, rows = places[real], rows[real]
        weight.grad.index_add_(0, places, rows)
        return None, None, None


class _Dropout(torch.autograd.Function):
    """Dropout whose mask is cut out of random bits; the seed comes from torch, so that the same seed gives the same."""

    @staticmethod
    def forward(ctx: Any, input: torch.Tensor, level: int) -> torch.Tensor:
        mask = _mask(input.numel(), level, input.dtype).view(input.shape)
        ctx.save_for_backward(mask)
        return input * mask

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        (mask,) = ctx.saved_tensors
        return gradient * mask, None


def _mask(count: int, level: int, dtype: torch.dtype) -> torch.Tensor:
    """Zeros with the probability `level` / 65,536, and what keeps the mean elsewhere, (count,)."""
    seed = int(torch.empty((), dtype=torch.int64).random_())
    bits = np.random.SFC64(seed).random_raw((count + 3) // 4).view(np.int16)[:count]
    kept = torch.empty(count, dtype=dtype)
    # As numbers at once, with no mask to turn into them.
    torch.ge(torch.from_numpy(bits), level - _LEVELS // 2, out=kept)
    return kept.mul_(_LEVELS / (_LEVELS - level))

"""Encoders of BERT's build with most of their products in int8, at three to four times the rate of fp32 with VNNI.

Scales are static: what a layer reads is scaled channel by channel, by ranges seen over sentences of our own, so that a
product, its bias and its GELU are one call of oneDNN and no other text decides about a vector. Weights are rounded one
channel after the other, each making good what the ones before did wrong on those sentences (GPTQ). The product after
GELU, a third of all, stays in fp32: its few channels of great values cost more than the rest together (lowest cosine
0.9989 with it in int8, 0.9991 without).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.encode.int8_texts import JUDGE, SCALE
from engine.errors import ModelError

if TYPE_CHECKING:
    import torch

    from engine.encode.encoder import Vectors

# Layers that compute alike: attention, sum, norm, GELU, sum, norm.
_KNOWN = ("BertLayer", "RobertaLayer", "XLMRobertaLayer", "CamembertLayer", "ElectraLayer")
# Ranges seen are widened by this, since other texts go beyond; what still does is cut off.
_MARGIN = 1.3
# How much of a channel's range moves into its weights, from 0 to 1. After a norm all of it; after attention less, whose
# small channels say little about how large they can be (lowest cosine with this product alone 0.9999, with 1 0.9993).
_AFTER_NORM, _AFTER_ATTENTION = 1.0, 0.7
# The least that an int8 vector may be like its fp32 one, on sentences that no scale was made by.
LEAST_COSINE = 0.999


def to_int8(model: Any, encode: Callable[[Sequence[str]], Vectors]) -> str:  # Any: a SentenceTransformer
    """Let a model compute in int8 where that changes next to nothing; else leave it and say why, in words.

    Args:
        encode: unit vectors of texts by `model` as it stands.
    """
    instead = why_not() or unfit(model)
    if instead:
        return instead
    transformer, exact = model[0].auto_model, encode(JUDGE)
    before = transformer.encoder
    try:
        quantise(model, lambda: encode(SCALE))
        least = float((encode(JUDGE) * exact).sum(axis=1).min())
    except (RuntimeError, ModelError):  # no number, or no inverse: weights far from any real model's
        least = 0.0
    if least >= LEAST_COSINE:
        return ""
    transformer.encoder = before
    return f"its vectors would change too much (lowest cosine {least:.4f}, at least {LEAST_COSINE} is asked for)"


def why_not() -> str:
    """Why this machine does not compute in int8, in words; "" where it does."""
    import torch

    if not (hasattr(torch.ops.onednn, "qlinear_pointwise") and hasattr(torch.ops.onednn, "qlinear_prepack")):
        return "this build of torch has no int8 products"
    if not getattr(torch.cpu, "_is_vnni_supported", lambda: False)():
        return "this processor has no int8 products (VNNI)"
    return ""


def unfit(model: Any) -> str:  # Any: a SentenceTransformer
    """Why a model cannot be computed in int8, in words; "" where it can."""
    import torch

    transformer = getattr(model[0], "auto_model", None)
    layers = getattr(getattr(transformer, "encoder", None), "layer", None)
    if transformer is None or not layers or any(type(layer).__name__ not in _KNOWN for layer in layers):
        return "int8 is made for encoders of BERT's build"
    config = transformer.config
    if getattr(config, "hidden_act", "") != "gelu" or getattr(config, "is_decoder", False):
        return "int8 is made for encoders with GELU"
    if any(type(part) is not torch.nn.Linear for layer in layers for part in _linears(layer).values()):
        return "the model's layers are not plain ones"
    return ""


def _linears(layer: Any) -> dict[str, Any]:  # Any: a layer of transformers; its linear parts
    attention = layer.attention
    return {
        "query": attention.self.query,
        "key": attention.self.key,
        "value": attention.self.value,
        "attended": attention.output.dense,
        "up": layer.intermediate.dense,
        "down": layer.output.dense,
    }


@dataclass(slots=True)
class _Seen:
    """What a linear layer read: each channel's least and greatest value, its sum, and the sums of products of two."""

    low: torch.Tensor
    high: torch.Tensor
    total: torch.Tensor
    products: torch.Tensor
    rows: int

    @classmethod
    def of(cls, rows: torch.Tensor) -> _Seen:
        return cls(rows.amin(0), rows.amax(0), rows.sum(0), rows.T @ rows, len(rows))

    def add(self, other: _Seen) -> None:
        self.low, self.high = self.low.minimum(other.low), self.high.maximum(other.high)
        self.total, self.products, self.rows = (
            self.total + other.total,
            self.products + other.products,
            self.rows + other.rows,
        )

    @property
    def mean(self) -> torch.Tensor:
        return self.total / self.rows

    def spread(self) -> torch.Tensor:
        """The sum of products of any two channels about their means."""
        return self.products - self.mean[:, None] * self.total


def quantise(model: Any, run: Callable[[], object]) -> None:  # Any: a SentenceTransformer
    """Put int8 layers in the place of a fit model's; `run` encodes the sentences to scale by, with it as it is."""
    import torch

    transformer = model[0].auto_model
    parts = [_linears(layer) for layer in transformer.encoder.layer]
    threads = torch.get_num_threads()
    # One thread: sums, and so the rounding, are then the same however many there are; and in thousands of small steps,
    # beside other programs, meeting after each costs more than it saves.
    torch.set_num_threads(1)
    try:
        seen = _watch([each[name] for each in parts for name in ("query", "attended", "up")], run)
        with torch.no_grad():
            layers = [_Layer(layer, seen) for layer in transformer.encoder.layer]
    finally:
        torch.set_num_threads(threads)
    transformer.encoder = _encoder(layers)


def _watch(parts: list[Any], run: Callable[[], object]) -> dict[Any, _Seen]:  # Any: linear layers
    """What each of the parts reads while `run` runs."""
    kept: dict[Any, _Seen] = {}

    def look(part: Any, given: tuple[torch.Tensor, ...]) -> None:
        seen = _Seen.of(given[0].reshape(-1, given[0].shape[-1]))
        if part in kept:
            kept[part].add(seen)
        else:
            kept[part] = seen

    hooks = [part.register_forward_pre_hook(look) for part in parts]
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
    return kept


class _Product:
    """x @ weight.T + bias for x given as bytes: byte = x / step + zero, by channel."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, seen: _Seen, share: float) -> None:
        """`share`: how much of a channel's range moves into its weights."""
        import torch

        middle = (seen.high + seen.low) / 2
        reach = ((seen.high - seen.low) / 2 * _MARGIN).clamp_min(1e-4)
        smooth = reach**share / weight.abs().amax(0).clamp_min(1e-6) ** (1 - share)
        step = smooth * (reach / smooth).max() / 127.5
        zero = 127.5 - middle / step
        scaled = weight * step
        self.scales = (scaled.abs().amax(1) / 127).clamp_min(1e-12)
        whole = _rounded(scaled / self.scales[:, None], seen.spread() / torch.outer(step, step))
        # What rounding the weights changes in the mean is put right in the bias.
        self.bias = bias + weight @ seen.mean - (whole * self.scales[:, None]) @ (seen.mean / step + zero)
        # oneDNN has a fast way for unsigned bytes times signed weights alone (signed bytes take 10,000 times as long).
        self.packed = torch.ops.onednn.qlinear_prepack(whole.to(torch.int8), None)
        self.no_zeros = torch.zeros(len(whole), dtype=torch.int32)
        self.inverse = 1 / step
        self.shift = zero + 0.5  # conversion cuts off

    def bytes_of(self, x: torch.Tensor) -> torch.Tensor:
        import torch

        return torch.addcmul(self.shift, x, self.inverse).clamp_(0, 255.5).to(torch.uint8)

    def __call__(self, x: torch.Tensor, then: str = "none") -> torch.Tensor:
        import torch

        how = "none" if then == "gelu" else ""
        made: torch.Tensor = torch.ops.onednn.qlinear_pointwise.default(
            self.bytes_of(x), 1.0, 0, self.packed, self.scales, self.no_zeros, self.bias, 1.0, 0, torch.float32,
            then, [], how,
        )  # fmt: skip
        return made


def _rounded(weights: torch.Tensor, spread: torch.Tensor) -> torch.Tensor:
    """Whole numbers for (out, in) weights, so that what they give over inputs of this spread changes least (GPTQ)."""
    import torch

    size, block = len(spread), 128
    spread = spread + torch.eye(size) * (0.01 * spread.diagonal().mean() + 1e-9)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(spread))
    after = torch.linalg.cholesky(inverse, upper=True)
    after = after / after.diagonal()[:, None]
    left = weights.T.contiguous()
    for start in range(0, size, block):
        end = min(start + block, size)
        errors = torch.empty(end - start, left.shape[1])
        for channel in range(start, end):
            whole = left[channel].round().clamp(-127, 127)
            errors[channel - start] = left[channel] - whole
            left[channel] = whole
            left[channel + 1 : end].addr_(after[channel, channel + 1 : end], errors[channel - start], alpha=-1)
        left[end:].addmm_(after[start:end, end:].T, errors, alpha=-1)
    return left.T.contiguous()


class _Layer:
    def __init__(self, layer: Any, seen: dict[Any, _Seen]) -> None:  # Any: a layer of transformers; its linear parts
        import torch

        parts = _linears(layer)
        three = [parts[name] for name in ("query", "key", "value")]
        weight, bias = torch.cat([each.weight for each in three]), torch.cat([each.bias for each in three])
        attended, up, self.down = parts["attended"], parts["up"], parts["down"]
        self.heads = layer.attention.self.num_attention_heads
        self.three = _Product(weight, bias, seen[parts["query"]], _AFTER_NORM)
        self.attended = _Product(attended.weight, attended.bias, seen[attended], _AFTER_ATTENTION)
        self.up = _Product(up.weight, up.bias, seen[up], _AFTER_NORM)
        self.norm, self.last_norm = layer.attention.output.LayerNorm, layer.output.LayerNorm

    def __call__(self, x: torch.Tensor, mask: torch.Tensor | None, texts: int) -> torch.Tensor:
        """One layer over the tokens of `texts` texts of one length, (tokens, dim)."""
        import torch
        from torch.nn import functional

        dim = x.shape[1]
        three = self.three(x).view(texts, -1, 3, self.heads, dim // self.heads)
        query, key, value = three.permute(2, 0, 3, 1, 4).unbind(0)
        read = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = self.norm(self.attended(read.transpose(1, 2).reshape(-1, dim)).add_(x))
        wide = self.up(x, then="gelu")
        made: torch.Tensor = self.last_norm(torch.addmm(x, wide, self.down.weight.T).add_(self.down.bias))
        return made


def _encoder(layers: list[_Layer]) -> Any:  # Any: a module that stands for BertEncoder
    import torch
    from transformers.modeling_outputs import BaseModelOutputWithPastAndCrossAttentions as Output

    class Int8Encoder(torch.nn.Module):
        def forward(self, x: torch.Tensor, attention_mask: torch.Tensor | None = None, **_: object) -> Output:
            texts, _length, dim = x.shape
            y = x.reshape(-1, dim)
            for layer in layers:
                y = layer(y, attention_mask, texts)
            return Output(last_hidden_state=y.view(x.shape))

    return Int8Encoder()

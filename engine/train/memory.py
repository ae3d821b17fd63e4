"""How much memory a batch's activations take, so that a run is made small enough before it starts."""

from __future__ import annotations

from typing import Any, Protocol

_SHARE = 0.6  # of the free memory; the rest is for weights, optimiser and everything else that runs


class Sizes(Protocol):
    """What a transformer's configuration says of its shape."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int


def activation_bytes(sizes: Sizes, *, texts: int, length: int, bytes_a_number: int = 4) -> int:
    """Bytes kept for the backward pass of `texts` of `length` tokens.

    Numbers kept a token and layer: 16 of the hidden size, 4 of the inner layer and 3 rows of attention a head. For
    MiniLM and 11,400 tokens of about 90 each that gives 4.2 GB; 4.1 GB were measured.
    """
    a_token = (
        16 * sizes.hidden_size + 4 * sizes.intermediate_size + 3 * sizes.num_attention_heads * length
    ) * sizes.num_hidden_layers
    return texts * length * a_token * bytes_a_number


def fits_memory(needed: int) -> bool:
    """Whether so many bytes leave enough of the memory that is free now."""
    import psutil

    return bool(needed <= _SHARE * psutil.virtual_memory().available)


def sizes_of(model: Any) -> Sizes | None:  # Any: a SentenceTransformer
    """The shape of the model's transformer, None where it has none (static embeddings)."""
    config = getattr(getattr(model[0], "auto_model", None), "config", None)
    names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    return config if config is not None and all(hasattr(config, name) for name in names) else None

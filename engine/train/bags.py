"""Static embeddings while they learn: a text is the sum of its tokens' vectors, a token's vector of its parts'."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch
    from scipy.sparse import csr_array

Floats = npt.NDArray[np.float32]


def idf_of(counts: csr_array) -> Floats:
    """How rare each token is among the texts: log((n + 1) / (df + 0.5)), never below 0; 0 for one that none holds."""
    df = np.bincount(counts.indices, minlength=counts.shape[1])
    weights = np.log((counts.shape[0] + 1) / (df + 0.5)).clip(0.0)
    return np.asarray(np.where(df > 0, weights, 0.0), np.float32)


def random_rows(idf: Floats, parts: csr_array, idf_parts: Floats, dim: int, seed: int) -> Floats:
    """Rows to start from: (n_tokens, dim) float32, each the sum of its parts' directions at random, times their idf.

    Cosines then stand near those of weighted word counts (Johnson and Lindenstrauss), which search about as well as
    BM25; what a truncated decomposition of the corpus leaves out is just what tells passages apart (docs/decisions).
    """
    rng = np.random.default_rng([seed, 21])
    directions = rng.standard_normal((parts.shape[1], dim), np.float32) * idf_parts[:, None]
    rows = np.asarray(parts @ directions, np.float32)
    size = float(np.linalg.norm(rows[idf > 0], axis=1).mean()) if (idf > 0).any() else 1.0
    return rows / np.float32(size or 1.0)


def make_bag(rows: Floats, parts: csr_array) -> Any:  # Any: a torch module
    """A module that learns from `rows`: a weight for each token, and for each part a change that its tokens share.

    Its `rows()` are (n_tokens, dim): e^weight · row + the changes of its parts. Untrained it gives `rows` themselves.
    """
    import torch

    class Bag(torch.nn.Module):
        start: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("start", torch.from_numpy(rows), persistent=False)
            self.weight = torch.nn.Parameter(torch.zeros(len(rows)))
            self.change = torch.nn.Parameter(torch.zeros(parts.shape[1], rows.shape[1]))

        def rows(self) -> torch.Tensor:
            changed: torch.Tensor = multiply(parts, self.change)
            return self.weight.exp()[:, None] * self.start + changed

    return Bag()


def multiply(counts: csr_array, dense: torch.Tensor) -> torch.Tensor:
    """`counts` @ `dense` with a gradient for `dense`; a sparse product of scipy, on the CPU."""
    import torch

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(_ctx: Any, values: torch.Tensor) -> torch.Tensor:  # Any: torch's context
            return torch.from_numpy(np.asarray(counts @ values.detach().numpy()))

        @staticmethod
        def backward(_ctx: Any, gradient: torch.Tensor) -> torch.Tensor:  # Any: torch's context
            return torch.from_numpy(np.asarray(counts.T @ gradient.contiguous().numpy()))

    product: torch.Tensor = Product.apply(dense)  # type: ignore[no-untyped-call]
    return product


def vectors(counts: csr_array, rows: torch.Tensor) -> torch.Tensor:
    """Unit vectors of texts given by their tokens' counts: (n_texts, dim)."""
    import torch

    return torch.nn.functional.normalize(multiply(counts, rows), dim=1)


def leave_out(counts: csr_array, share: float, rng: np.random.Generator) -> csr_array:
    """The same texts with a `share` of their tokens left out at random; a text keeps all where it would lose all."""
    from scipy.sparse import csr_array

    if not share:
        return counts
    kept = rng.random(len(counts.data)) >= share
    left = np.add.reduceat(np.append(kept, False), counts.indptr[:-1]) if len(kept) else np.zeros(counts.shape[0])
    lost = np.repeat(left == 0, np.diff(counts.indptr))
    data = np.where(kept | lost, counts.data, np.float32(0.0))
    return csr_array((data, counts.indices, counts.indptr), shape=counts.shape)


def rank_loss(asked: torch.Tensor, read: torch.Tensor, blocked: npt.NDArray[np.bool_], scale: float) -> torch.Tensor:
    """InfoNCE from both sides: query i and passage i belong together; `blocked` pairs are no negatives."""
    import torch

    n = len(asked)
    scores = (asked @ read.T * scale).masked_fill(torch.from_numpy(blocked), float("-inf"))
    places = torch.arange(n)
    forth = torch.nn.functional.cross_entropy(scores, places)
    back = torch.nn.functional.cross_entropy(scores[:, :n].T, places)
    return (forth + back) / 2


def stack(counts: csr_array, groups: Sequence[npt.NDArray[np.int64]]) -> csr_array:
    """One row a group: the sum of the rows of `counts` it names."""
    from scipy.sparse import csr_array

    ends = np.concatenate([[0], np.cumsum([len(group) for group in groups], dtype=np.int64)])
    flat = np.concatenate(groups) if groups else np.empty(0, np.int64)
    picks = csr_array((np.ones(len(flat), np.float32), flat, ends), shape=(len(groups), counts.shape[0]))
    return csr_array(picks @ counts)


def weighed(counts: csr_array, weights: Floats) -> csr_array:
    from scipy.sparse import csr_array, diags_array

    return csr_array(counts @ diags_array(weights))

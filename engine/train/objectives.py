"""How wrong a batch of vectors is: each query should be nearer to its positive than to every other passage."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def ranking_loss(queries: torch.Tensor, passages: torch.Tensor, blocked: torch.Tensor, *, scale: float) -> torch.Tensor:
    """Mean cross-entropy of picking passage i for query i among all passages (InfoNCE, arXiv:1807.03748).

    Equal to sentence-transformers' MultipleNegativesRankingLoss, except that `blocked` pairs do not count as negatives.

    Args:
        queries: (n, dim) float32, unit length.
        passages: (m, dim) float32, unit length, m ≥ n.
        blocked: (n, m) bool, False at (i, i).
        scale: what cosines are multiplied by (1 / temperature).
    """
    import torch

    scores = (queries @ passages.T * scale).masked_fill(blocked, float("-inf"))
    targets = torch.arange(len(queries), device=scores.device)
    return torch.nn.functional.cross_entropy(scores, targets)

import numpy as np
import pytest
import torch
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

from engine.train.objectives import ranking_loss


def unit(rows, dim=8, seed=0):
    torch.manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(rows, dim), dim=1)


def test_loss_equals_sentence_transformers():
    queries, positives, wrong = unit(5, seed=1), unit(5, seed=2), unit(5, seed=3)
    expected = MultipleNegativesRankingLoss(None, scale=20.0).compute_loss_from_embeddings(
        [queries, positives, wrong], None
    )
    passages = torch.cat([positives, wrong])
    blocked = torch.zeros(5, 10, dtype=torch.bool)
    assert float(ranking_loss(queries, passages, blocked, scale=20.0)) == pytest.approx(float(expected), abs=1e-6)


def test_loss_of_two_pairs_is_the_one_computed_by_hand():
    queries = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    passages = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    blocked = torch.zeros(2, 2, dtype=torch.bool)
    first = -np.log(np.exp(2.0) / (np.exp(2.0) + np.exp(1.2)))
    second = -np.log(np.exp(1.6) / (np.exp(0.0) + np.exp(1.6)))
    assert float(ranking_loss(queries, passages, blocked, scale=2.0)) == pytest.approx((first + second) / 2)


def test_a_blocked_passage_counts_for_nothing():
    queries, passages = unit(3, seed=1), unit(6, seed=2)
    blocked = torch.zeros(3, 6, dtype=torch.bool)
    blocked[:, 5] = True
    expected = ranking_loss(queries, passages[:5], blocked[:, :5], scale=20.0)
    assert float(ranking_loss(queries, passages, blocked, scale=20.0)) == pytest.approx(float(expected))

"""Training on a processor gives what torch gives: the same gradients, dropout with the right share and mean."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from engine.train.on_cpu import on_cpu

LENGTHS = (7, 3, 5)


def gradients(model: torch.nn.Module, within: bool) -> list[torch.Tensor]:
    """What two parts of a batch leave as gradients."""
    model.zero_grad()
    for seed in (1, 2):
        ids = torch.randint(0, 11, (3, 7), generator=torch.Generator().manual_seed(seed))
        with on_cpu("cpu" if within else "cuda", "fp32"):
            model(ids).square().sum().backward()
    return [weight.grad.clone() for weight in model.parameters() if weight.grad is not None]


class Small(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = torch.nn.Embedding(11, 8, padding_idx=0)
        self.into, self.out = torch.nn.Linear(8, 12), torch.nn.Linear(12, 4, bias=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.out(torch.tanh(self.into(self.words(ids))))


@pytest.fixture
def small() -> Small:
    torch.manual_seed(3)
    return Small()


def test_gradients_of_weights_are_those_of_torch_over_several_parts(small):
    for ours, theirs in zip(gradients(small, True), gradients(small, False), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_modules_of_torch_take_the_faster_way(small):
    ids = torch.tensor([[1, 2]])
    with on_cpu("cpu", "fp32"):
        words = small.words(ids)
        found = [words, small.into(words), torch.nn.Dropout(0.5)(words)]
    assert [type(each.grad_fn).__name__ for each in found] == [
        "_EmbeddingBackward",
        "_LinearBackward",
        "_DropoutBackward",
    ]


def test_frozen_weights_get_none_and_the_others_theirs(small):
    small.into.weight.requires_grad_(False)
    small.words.weight.requires_grad_(False)
    for ours, theirs in zip(gradients(small, True), gradients(small, False), strict=True):
        torch.testing.assert_close(ours, theirs)
    assert small.into.weight.grad is None
    assert small.words.weight.grad is None


def test_a_gradient_that_somebody_changes_on_its_way_is_still_changed(small):
    small.words.weight.register_hook(lambda gradient: gradient * 0)
    small.into.weight.register_hook(lambda gradient: gradient * 2)
    for ours, theirs in zip(gradients(small, True), gradients(small, False), strict=True):
        torch.testing.assert_close(ours, theirs)
    assert not small.words.weight.grad.any()


def test_one_weight_used_twice_gets_both_gradients(small):
    small.out = torch.nn.Linear(8, 11, bias=False)
    small.out.weight = small.words.weight
    small.into = torch.nn.Linear(8, 8)
    for ours, theirs in zip(gradients(small, True), gradients(small, False), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_dropout_drops_its_share_keeps_the_mean_and_hands_the_same_mask_back(p):
    x = torch.ones(400_000, requires_grad=True)
    with on_cpu("cpu", "fp32"):
        torch.manual_seed(5)
        dropped = functional.dropout(x, p)
        torch.manual_seed(5)
        again = functional.dropout(x, p)
        other = functional.dropout(x, p)
        assert functional.dropout(x, p, training=False) is x
        assert functional.dropout(x, 0.0) is x
    assert float((dropped == 0).float().mean()) == pytest.approx(p, abs=0.003)
    assert float(dropped.detach().mean()) == pytest.approx(1, abs=0.006)
    assert torch.equal(dropped, again)
    assert not torch.equal(dropped, other)
    dropped.sum().backward()
    assert torch.equal(x.grad, dropped)


def test_without_gradient_the_masks_are_those_with_it():
    x = torch.rand(50, 8)
    masks = []
    for grad in (True, False):
        torch.manual_seed(9)
        with on_cpu("cpu", "fp32"), torch.set_grad_enabled(grad):
            masks.append(functional.dropout(x, 0.3))
    assert torch.equal(*masks)


def padding(dtype: torch.dtype) -> torch.Tensor:
    real = torch.arange(7) < torch.tensor(LENGTHS)[:, None]
    mask = real[:, None, None].expand(3, 1, 7, 7)
    return mask if dtype == torch.bool else torch.where(mask, 0.0, -1e9)


@pytest.mark.parametrize(
    ("heads", "more"),
    [
        (4, {}),
        (4, {"attn_mask": padding(torch.bool)}),
        (4, {"attn_mask": padding(torch.float32)}),
        (4, {"is_causal": True}),
        (4, {"scale": 0.2}),
        (2, {"enable_gqa": True}),
    ],
    ids=["plain", "hidden", "added", "causal", "scale", "groups"],
)
def test_attention_and_its_gradients_are_those_of_torch(heads, more):
    torch.manual_seed(1)
    given = [torch.randn(3, count, 7, 8, requires_grad=True) for count in (4, heads, heads)]
    found = []
    for device in ("cpu", "cuda"):
        with on_cpu(device, "fp32"):
            out = functional.scaled_dot_product_attention(*given, **more)
        out.square().sum().backward()
        found.append([out.detach(), *(each.grad.clone() for each in given)])
        for each in given:
            each.grad = None
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_attention_drops_with_or_without_gradient_the_same():
    given = [torch.randn(2, 2, 5, 4) for _ in range(3)]
    found = []
    for grad in (True, False):
        torch.manual_seed(4)
        with on_cpu("cpu", "fp32"), torch.set_grad_enabled(grad):
            found.append(functional.scaled_dot_product_attention(*given, dropout_p=0.5))
    assert torch.equal(*found)

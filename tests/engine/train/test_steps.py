from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.encode.models import describe_folder, load_checked
from engine.errors import Cancelled, TrainingError
from engine.train.examples import Batch
from engine.train.objectives import ranking
from engine.train.steps import Stepper, TokenBatch, tokens_in_memory

QUERIES = ["how to find red", "what is blue", "where are the old round wheels of the engine"]
PASSAGES = ["the red apple", "the blue river and the sharp stone", "wheel", "soft cloud", "paper and ink and lamp"]


@pytest.fixture
def model(tiny_folder):
    model = load_checked(tiny_folder, describe_folder(tiny_folder), attention="eager").train()
    set_dropout(model, 0.0)
    return model


def set_dropout(model, share):
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share


def stepper(model, *, budget=10_000, kept=10_000, check=lambda: None, warn=lambda _: None):
    return Stepper(model, "cpu", "fp32", ranking(20.0), budget, kept, check, warn)


def tokens(model):
    return TokenBatch.of(model, Batch(QUERIES, PASSAGES, np.zeros((3, 5), np.bool_)), {})


def gradients(model):
    return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}


def computed(model, **how):
    model.zero_grad(set_to_none=True)
    loss = stepper(model, **how).backward(tokens(model), 3)
    return loss, gradients(model)


def assert_close(one, other):
    assert one.keys() == other.keys()
    assert all(torch.allclose(one[name], other[name], atol=1e-6) for name in one)


def test_gradients_equal_one_plain_graph(model):
    loss, found = computed(model, budget=20)
    model.zero_grad(set_to_none=True)
    features = [model.preprocess(texts) for texts in (QUERIES, PASSAGES)]
    queries, passages = (torch.nn.functional.normalize(model(f)["sentence_embedding"], dim=1) for f in features)
    plain = torch.nn.functional.cross_entropy(queries @ passages.T * 20, torch.arange(3))
    plain.backward()
    assert loss == pytest.approx(plain.item(), abs=1e-5)
    assert_close(found, gradients(model))


def test_computing_again_gives_the_same_gradients_with_dropout(model):
    set_dropout(model, 0.3)
    whole = computed(model, budget=20)
    for kept in (0, 40):
        again = computed(model, budget=20, kept=kept)
        assert whole[0] == again[0]
        assert all(torch.equal(whole[1][name], again[1][name]) for name in whole[1])


def test_bf16_gives_nearly_the_same_gradients_kept_or_computed_again(model):
    whole = computed(model, budget=20)
    for kept in (0, 40, 10_000):
        model.zero_grad(set_to_none=True)
        half = stepper(model, budget=20, kept=kept)
        half.precision = "bf16"
        assert half.backward(tokens(model), 3) == pytest.approx(whole[0], abs=0.05)
        found = torch.cat([gradient.ravel() for gradient in gradients(model).values()])
        expected = torch.cat([gradient.ravel() for gradient in whole[1].values()])
        assert float(torch.nn.functional.cosine_similarity(found, expected, dim=0)) > 0.99


def test_half_as_many_more_tokens_fit_into_memory_in_bf16(model, monkeypatch):
    free = SimpleNamespace(available=8_000_000_000)
    monkeypatch.setattr("psutil.virtual_memory", lambda: free)
    exact, half = (tokens_in_memory(model, 128, precision) for precision in ("fp32", "bf16"))
    assert half / exact == pytest.approx(4 / 2.6, rel=0.01)
    free.available //= 2
    assert tokens_in_memory(model, 128, "bf16") == pytest.approx(half / 2, rel=0.01)


def test_the_same_seed_gives_the_same_gradients_bit_for_bit(model):
    set_dropout(model, 0.3)
    one, other = computed(model, budget=20), computed(model, budget=20)
    assert all(torch.equal(one[1][name], other[1][name]) for name in one[1])


def test_work_stops_between_parts_of_the_way_back(model):
    calls = []

    def check():
        calls.append(1)
        if len(calls) > parts + 1:
            raise Cancelled

    parts = len(list(tokens(model).parts(20)))
    with pytest.raises(Cancelled):
        stepper(model, budget=20, check=check).backward(tokens(model), 3)


def short_of_memory(model, most):
    whole = model[0].auto_model.forward

    def forward(input_ids, **rest):
        if input_ids.numel() > most:
            raise torch.OutOfMemoryError
        return whole(input_ids=input_ids, **rest)

    model[0].auto_model.forward = forward


def test_short_memory_makes_parts_smaller_and_keeps_the_batch(model):
    expected = computed(model)
    short_of_memory(model, 12)
    said = []
    found = computed(model, budget=100, warn=said.append)
    assert found[0] == pytest.approx(expected[0], abs=1e-5)
    assert_close(found[1], expected[1])
    assert "smaller parts" in said[0]


def test_memory_that_never_suffices_is_one_sentence(model):
    short_of_memory(model, 0)
    with pytest.raises(TrainingError, match="does not suffice"):
        computed(model)

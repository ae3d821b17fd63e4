"""A run is made small enough for the memory that is free."""

from __future__ import annotations

from types import SimpleNamespace

import psutil
import pytest

from engine.train.memory import activation_bytes, fits_memory, sizes_of

MINILM = SimpleNamespace(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536)


def test_the_estimate_is_near_what_was_measured_with_minilm():
    needed = activation_bytes(MINILM, texts=126, length=90)
    assert needed == pytest.approx(4.1e9, rel=0.15)


def test_longer_texts_need_more_than_their_share():
    short, long = (activation_bytes(MINILM, texts=10, length=n) for n in (64, 128))
    assert long > 2 * short


def test_what_needs_most_of_the_free_memory_does_not_fit(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=8_000_000_000))
    assert fits_memory(4_000_000_000)
    assert not fits_memory(6_000_000_000)


def test_a_model_without_a_transformer_has_no_sizes():
    assert sizes_of([SimpleNamespace()]) is None
    assert sizes_of([SimpleNamespace(auto_model=SimpleNamespace(config=MINILM))]) is MINILM

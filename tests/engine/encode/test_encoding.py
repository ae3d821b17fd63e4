import hashlib

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from engine.encode import encoder as encoder_module
from engine.encode.encoder import batches_by_length, pick_precision
from engine.encode.models import add_model_folder, open_encoder
from engine.encode.vectors import encode_texts, open_store
from engine.errors import Cancelled, ModelError
from engine.store import models
from engine.task import Task
from tests.tiny_model import WORDS, build_tiny_model


def some_texts(n, seed=3):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, size=rng.integers(1, 90))) for _ in range(n)]


@pytest.fixture
def encoder(project, tiny_folder):
    return open_tiny(project, tiny_folder)


def open_tiny(project, folder):
    model = models.model(project, add_model_folder(project, str(folder)))
    return open_encoder(project, model, device="cpu", precision="fp32")


def test_vectors_equal_sentence_transformers(encoder, tiny_folder):
    texts = [*some_texts(60), "", " two  blanks ", "unknown Ünïcödé 日本"]
    reference = SentenceTransformer(str(tiny_folder), device="cpu").encode(texts, normalize_embeddings=True)
    assert np.abs(encoder.encode(texts, "query") - reference).max() < 1e-6


def test_prompts_are_put_in_front_by_kind(project, tmp_path):
    folder = build_tiny_model(tmp_path / "prompted", prompts={"query": "find ", "document": "read "})
    encoder = open_tiny(project, folder)
    reference = SentenceTransformer(str(folder), device="cpu")
    assert np.abs(encoder.encode(["red"], "query") - reference.encode_query(["red"])).max() < 1e-6
    assert np.abs(encoder.encode(["red"], "passage") - reference.encode_document(["red"])).max() < 1e-6


def test_every_distinct_text_is_encoded_once(project, encoder):
    texts = some_texts(20)
    first = encode_texts(project, encoder, [*texts, *texts[:5]], kind="passage", task=Task(), stage="encode")
    again = encode_texts(project, encoder, texts[::-1], kind="query", task=Task(), stage="encode")
    store = open_store(project, encoder)
    assert np.array_equal(first[:20], again[::-1])
    assert (store.distinct, store.encoded_total, encoder.encoded) == (20, 20, 20)


def test_kinds_with_different_prompts_have_different_vectors(project, tmp_path):
    encoder = open_tiny(project, build_tiny_model(tmp_path / "prompted", prompts={"query": "find ", "document": ""}))
    asked = encode_texts(project, encoder, ["red apple"], kind="query", task=Task(), stage="encode")
    read = encode_texts(project, encoder, ["red apple"], kind="passage", task=Task(), stage="encode")
    assert float((asked * read).sum()) < 0.9999
    assert open_store(project, encoder).distinct == 2


def test_stopped_work_goes_on_where_it_was(project, encoder, monkeypatch):
    monkeypatch.setattr("engine.encode.encoder.BLOCK", 8)
    texts = some_texts(40)

    class StopsLater(Task):
        def on_progress(self, stage, done, total, note):
            if done >= 20:
                self.cancel()

    with pytest.raises(Cancelled):
        encode_texts(project, encoder, texts, kind="passage", task=StopsLater(), stage="encode")
    kept = open_store(project, encoder).distinct
    assert kept in (16, 24)
    encode_texts(project, encoder, texts, kind="passage", task=Task(), stage="encode")
    store = open_store(project, encoder)
    assert (store.distinct, store.encoded_total) == (len(set(texts)), len(set(texts)))


def test_other_weights_or_precision_have_another_key(project, encoder, tmp_path):
    other = open_tiny(project, build_tiny_model(tmp_path / "other", seed=8))
    assert other.key != encoder.key


def test_a_folder_that_changed_since_it_was_added_is_refused(project, copied, tmp_path):
    model = models.model(project, add_model_folder(project, str(copied)))
    build_tiny_model(tmp_path / "other", seed=8)
    (copied / "model.safetensors").write_bytes((tmp_path / "other" / "model.safetensors").read_bytes())
    with pytest.raises(ModelError, match="not the ones this project knows"):
        open_encoder(project, model)


def test_batches_hold_like_lengths_within_the_budget():
    lengths = np.array([3, 9, 2, 9, 30, 4])
    batches = [batch.tolist() for batch in batches_by_length(lengths, 20)]  # a batch by itself costs one token
    assert batches == [[4], [1, 3], [5], [0], [2]]


def test_a_batch_ends_where_padding_would_cost_more_than_another_batch():
    lengths = np.array([50, 50, 4, 4, 4, 4])
    assert [batch.tolist() for batch in batches_by_length(lengths, 600)] == [[0, 1], [2, 3, 4, 5]]
    assert [batch.tolist() for batch in batches_by_length(lengths, 60)] == [[0], [1], [2, 3, 4, 5]]
    assert [batch.tolist() for batch in batches_by_length(np.array([10, 9, 8]), 600)] == [[0, 1, 2]]


def test_fp16_is_refused_on_a_processor():
    with pytest.raises(ModelError, match="fp16"):
        pick_precision("cpu", "fp16")


@pytest.mark.parametrize(("has_it", "precision"), [(True, "bf16"), (False, "fp32")])
def test_auto_takes_bf16_only_where_the_processor_has_it(monkeypatch, has_it, precision):
    monkeypatch.setattr(encoder_module, "cpu_has_bf16", lambda: has_it)
    assert pick_precision("cpu", "auto") == precision


def test_bf16_stays_close_to_fp32(project, tiny_folder, encoder):
    model = models.model(project, add_model_folder(project, str(tiny_folder)))
    half = open_encoder(project, model, device="cpu", precision="bf16")
    texts = some_texts(30)
    assert (half.encode(texts, "query") * encoder.encode(texts, "query")).sum(axis=1).min() > 0.999
    assert half.key != encoder.key


def test_a_device_that_is_not_there_is_one_sentence(project, tiny_folder):
    model = models.model(project, add_model_folder(project, str(tiny_folder)))
    with pytest.raises(ModelError, match="no device"):
        open_encoder(project, model, device="cuda:99")


def test_short_memory_halves_the_batch(encoder, monkeypatch):
    import torch

    import engine.encode.encoder as module

    whole = module.unit_vectors
    texts = some_texts(12)
    expected = encoder.encode(texts, "query")

    def short(model, features):
        if len(features["input_ids"]) > 3:
            raise torch.OutOfMemoryError
        return whole(model, features)

    monkeypatch.setattr(module, "unit_vectors", short)
    assert np.abs(encoder.encode(texts, "query") - expected).max() < 1e-6


def test_no_connection_is_made(project, tiny_folder, monkeypatch):
    import socket

    def refuse(*_):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert open_tiny(project, tiny_folder).encode(["red"], "query").shape == (1, 32)


def test_segments_name_texts_with_their_prompt(project, tmp_path):
    encoder = open_tiny(project, build_tiny_model(tmp_path / "prompted", prompts={"query": "find "}))
    encode_texts(project, encoder, ["red"], kind="query", task=Task(), stage="encode")
    expected = hashlib.blake2b(b"find red", digest_size=16).hexdigest()
    assert open_store(project, encoder).rows([expected]).tolist() == [0]

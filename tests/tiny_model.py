"""A very small BERT with its own tokenizer, made on the spot: real enough for every stage, loaded in a moment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_SENTENCE = (
    "red green blue round square sharp soft apple pear plum stone river cloud engine wheel lamp paper ink "
    "how what where which is are the a of in to and does it find cut make read write long short old new"
)
WORDS = _SENTENCE.split()


def build_tiny_model(
    folder: Path,
    *,
    words: Sequence[str] = WORDS,
    dim: int = 32,
    layers: int = 2,
    max_length: int = 64,
    seed: int = 7,
    prompts: dict[str, str] | None = None,
) -> Path:
    """Write a sentence-transformers folder (mean pooling, unit length) with seeded random weights; returns it."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, BertTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = [*"abcdefghijklmnopqrstuvwxyz0123456789.,?:"]
    vocabulary = list(dict.fromkeys([*special, *letters, *(f"##{c}" for c in letters), *words]))
    tokenizer = Tokenizer(models.WordPiece({w: i for i, w in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    plain = folder.with_name(f"{folder.name}-plain")
    BertTokenizerFast(tokenizer_object=tokenizer, model_max_length=max_length).save_pretrained(plain)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=dim,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=dim * 2,
        max_position_embeddings=max_length,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        BertModel(config).save_pretrained(plain)
    transformer = Transformer(str(plain), max_seq_length=max_length)
    modules = [transformer, Pooling(dim, pooling_mode="mean"), Normalize()]
    SentenceTransformer(modules=modules, device="cpu", prompts=prompts).save(str(folder), create_model_card=False)
    return folder

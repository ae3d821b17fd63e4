"""A static embedding model made from nothing but the project's own documents, in any script."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.params import MakeBaseParams
from engine.task import Task
from engine.train.bags import idf_of, random_rows
from engine.train.pieces import Parts, count_tokens, learn_tokenizer, token_names


def build_static(texts: list[str], params: MakeBaseParams, task: Task) -> Any:
    """A SentenceTransformer of one StaticEmbedding and unit length, whose tokenizer and rows come from `texts`.

    A token's row is random in direction and as long as the token is rare; rows that share a part lean towards each
    other. The same texts and seed give the same model bit for bit.
    """
    from scipy.sparse import csr_array

    tokenizer = learn_tokenizer(texts, params.tokens, task)
    counts = count_tokens(tokenizer, texts, task, "count tokens")
    parts = Parts.of(token_names(tokenizer), 2 * params.tokens)
    task.progress("give tokens their vectors", 0, 0)
    of_parts = idf_of(csr_array(counts @ parts.matrix))
    rows = random_rows(idf_of(counts), parts.matrix, of_parts, params.dim, params.seed)
    return as_model(tokenizer, rows)


def as_model(tokenizer: Any, rows: np.ndarray) -> Any:  # Any: a tokenizers.Tokenizer; a SentenceTransformer
    """Token vectors as the library's own modules."""
    from engine.encode.models import quiet_libraries

    quiet_libraries()
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding

    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=rows), Normalize()], device="cpu")

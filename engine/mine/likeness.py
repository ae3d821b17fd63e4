"""Tell which sentences of a passage carry its similarity to a query: by leaving out one after the other (occlusion)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from engine.encode.models import open_encoder
from engine.encode.vectors import encode_texts
from engine.errors import UserError
from engine.store import documents, models, queries
from engine.store.project import Project
from engine.task import Task

# A sentence ends at its mark and a blank, at a Chinese full stop, or at an empty line.
_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？；])|\n\s*\n")
_MOST = 40


@dataclass(frozen=True, slots=True)
class SentenceWeight:
    """A sentence at `start` to `end` of the passage's text; `fall`: how far the cosine falls without it."""

    start: int
    end: int
    fall: float


_warm: dict[tuple[str, int], Any] = {}  # the resident process keeps one encoder; Any: an Encoder


def likeness(project: Project, *, query_id: int, passage_id: int, model_id: int) -> list[SentenceWeight]:
    """Every sentence of a passage (the first 40) with what it adds to the similarity with the query.

    A passage of one sentence gets all its similarity. Texts are read as the model reads them, cut at its length.

    Raises:
        UserError: no such query, passage or model.
    """
    query, model = queries.query(project, query_id), models.model(project, model_id)
    passage = documents.passages(project, [passage_id]).get(passage_id)
    if query is None or passage is None or model is None:
        raise UserError("The query, the passage or the model is not there any more.", hint="Mine again.")
    spans = sentences(passage.text)[:_MOST]
    head = f"{passage.heading} " if passage.heading else ""
    left = [head + passage.text[:start] + passage.text[end:] for start, end in spans]
    encoder = _encoder(project, model_id)
    task = Task()
    asked = encode_texts(project, encoder, [query.text], kind="query", task=task, stage="encode")[0]
    vectors = encode_texts(project, encoder, [passage.search_text], kind="passage", task=task, stage="encode")
    whole = float(vectors[0] @ asked)
    if len(spans) < 2:
        return [SentenceWeight(start, end, whole) for start, end in spans]
    without = encoder.encode(left, "passage")
    falls = whole - np.asarray(without) @ asked
    return [SentenceWeight(*span, round(float(fall), 4)) for span, fall in zip(spans, falls, strict=True)]


def sentences(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a text lie, blanks around them left out."""
    cuts = [0, *(match.end() for match in _END.finditer(text)), len(text)]
    spans = []
    for start, end in pairwise(cuts):
        piece = text[start:end]
        if piece.strip():
            spans.append((start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())))
    return spans


def _encoder(project: Project, model_id: int) -> Any:  # Any: an Encoder
    model = models.model(project, model_id)
    if model is None:
        raise UserError(f"There is no model {model_id}.")
    key = (str(project.path), model_id)
    if key not in _warm:
        _warm.clear()
        _warm[key] = open_encoder(project, model)
    return _warm[key]

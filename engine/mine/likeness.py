"""Tell which sentences of a passage carry its similarity to a query: by leaving out one after the other (occlusion)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from engine.encode.models import folder_of
from engine.encode.tokens import open_tokenizer
from engine.encode.warm import warm_encoder
from engine.errors import UserError
from engine.store import documents, models, queries
from engine.store.project import Project

# A sentence ends at its mark (and a closing quotation mark) and a blank, at a Chinese full stop, or at an empty line.
_END = re.compile(
    r"(?<=[.!?…])\s+|(?<=[.!?…][\"'”’)\]])\s+|(?<=[。！？；])(?![”’」』）】。！？；])|(?<=[。！？；][”’」』）】])|\n\s*\n"
)
# What is longer is cut at commas or ends of lines, as lists and chats are written without a full stop.
_LONG, _PIECE = 240, 80
_COMMA = re.compile(r"(?<=[，、])|(?<=[,;:])\s+|\n")
_MOST = 40  # pieces: each is one text for the model to read


@dataclass(frozen=True, slots=True)
class SentenceWeight:
    """A sentence at `start` to `end` of the passage's text; `fall`: how far the cosine falls without it."""

    start: int
    end: int
    fall: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """What carries a passage's similarity to a query; the model reads its text up to `read` characters."""

    sentences: tuple[SentenceWeight, ...]
    read: int


def likeness(project: Project, *, query_id: int, passage_id: int, model_id: int) -> Likeness:
    """Every sentence that the model reads of a passage with what it adds to the similarity with the query.

    A passage of one sentence gets all its similarity. What lies behind the model's length is left out, so that no text
    moves up into the place of the sentence left out. Over 40 sentences, neighbours are left out together.

    Raises:
        UserError: no such query, passage or model.
    """
    query, model = queries.query(project, query_id), models.model(project, model_id)
    passage = documents.passages(project, [passage_id]).get(passage_id)
    if query is None or passage is None or model is None:
        raise UserError("The query, the passage or the model is not there any more.", hint="Mine again.")
    head = passage.search_text[: len(passage.search_text) - len(passage.text)]
    encoder = warm_encoder(project, model)
    prompt = encoder.prompted("", "passage")
    read = _read(folder_of(project, model), prompt + passage.search_text, encoder.max_length)
    text = passage.text[: max(0, read - len(prompt) - len(head))]
    spans = _together(sentences(text))
    left = [head + text[:start] + text[end:] for start, end in spans]
    asked = encoder.encode([query.text], "query")[0]
    similarities = np.asarray(encoder.encode([head + text, *left], "passage")) @ asked
    # A whole passage has nothing to be compared with.
    falls = similarities[0] - similarities[1:] if len(spans) > 1 else similarities[:1]
    weights = (SentenceWeight(*span, round(float(fall), 4)) for span, fall in zip(spans, falls, strict=False))
    return Likeness(tuple(weights), len(text))


def sentences(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a text lie, blanks around them left out; long ones in pieces."""
    found = []
    for start, end in _cut(text, 0, len(text), _END):
        if end - start <= _LONG:
            found.append((start, end))
            continue
        first = start
        for _, cut in _cut(text, start, end, _COMMA):
            if cut - first >= _PIECE and end - cut >= _PIECE:
                found.append((first, cut))
                first = cut + len(text[cut:end]) - len(text[cut:end].lstrip())
        found.append((first, end))
    return found


def _cut(text: str, start: int, end: int, at: re.Pattern[str]) -> list[tuple[int, int]]:
    """The parts of text[start:end] between the places that `at` finds, blanks around them left out."""
    piece = text[start:end]
    cuts = [0, *(match.end() for match in at.finditer(piece)), len(piece)]
    spans = []
    for first, last in pairwise(cuts):
        part = piece[first:last]
        if part.strip():
            spans.append(
                (start + first + len(part) - len(part.lstrip()), start + last - len(part) + len(part.rstrip()))
            )
    return spans


def _together(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """At most 40 spans: neighbours as one."""
    step = -(-len(spans) // _MOST) or 1
    return [(spans[i][0], spans[min(i + step, len(spans)) - 1][1]) for i in range(0, len(spans), step)]


def _read(folder: Path, text: str, limit: int) -> int:
    """How many characters of a text a model with so many tokens reads."""
    tokenizer = open_tokenizer(folder)
    offsets = tokenizer.encode(text, add_special_tokens=False).offsets
    room = limit - tokenizer.num_special_tokens_to_add(False)
    return len(text) if len(offsets) <= room else int(offsets[room - 1][1])

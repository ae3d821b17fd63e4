"""First hits in a new order: a cross-encoder reads the query with each passage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.encode.rerankers import CrossEncoder
from engine.records import Hit, Model
from engine.store.documents import passages
from engine.store.project import Project


@dataclass(frozen=True, slots=True)
class Reranker:
    """A project's reranker, loaded."""

    project: Project
    model_id: int
    encoder: CrossEncoder

    @classmethod
    def open(cls, project: Project, model: Model) -> Reranker:
        """Load it on the fastest device.

        Raises:
            ModelError: its folder is absent or damaged.
        """
        from engine.encode.encoder import pick_device, pick_precision
        from engine.encode.models import folder_of

        device = pick_device("auto")
        precision = pick_precision(device, "auto")
        return cls(project, model.id, CrossEncoder.open(folder_of(project, model), device=device, precision=precision))

    def sorted_hits(self, text: str, hits: Sequence[Hit]) -> tuple[Hit, ...]:
        """All `hits` by the reranker's score, a probability 0..1; ties keep their order."""
        found = passages(self.project, [hit.passage_id for hit in hits])
        logits = self.encoder.scores([(text, found[hit.passage_id].search_text) for hit in hits])
        chances = 1 / (1 + np.exp(-logits.astype(np.float64)))
        order = np.argsort(-logits, kind="stable")
        return tuple(Hit(rank, hits[int(i)].passage_id, float(chances[i])) for rank, i in enumerate(order, start=1))

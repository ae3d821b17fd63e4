"""A tuned model as a folder that sentence-transformers loads anywhere, with a card that says what it is."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.encode.folders import ModelFacts, read_facts
from engine.errors import TrainingError
from engine.objectives import OBJECTIVES
from engine.params import TrainParams
from engine.store.files import swap_folder

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What the card of a tuned model says; dev figures are nDCG@10, None without dev queries."""

    name: str
    base: str
    queries: int
    negatives: int
    steps: int
    base_share: float
    dev: float | None
    dev_base: float | None
    dev_bm25: float | None
    params: TrainParams


def save_model(model: Any, folder: Path, base: ModelFacts, card: CardFacts) -> ModelFacts:
    """Write the model whole or not at all, read it back, and return what is in it.

    Raises:
        TrainingError: a weight is no number, or the disk did not take it.
    """
    if hasattr(model[0], "auto_model"):
        model.max_seq_length = base.max_length
    return save_folder(model, folder, card_text(card, base))


def save_folder(model: Any, folder: Path, readme: str) -> ModelFacts:  # Any: a SentenceTransformer
    """As `save_model`, with the words of its card given."""
    from safetensors import SafetensorError

    if not all_finite(model):
        raise TrainingError("A weight of the tuned model is no number; it was not saved.", hint="Lower learning_rate.")
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        model.save(str(beside), create_model_card=False, safe_serialization=True)
        (beside / "README.md").write_text(readme, encoding="utf-8")
        for path in beside.rglob("*"):
            if path.is_file():
                with path.open("rb+") as file:
                    os.fsync(file.fileno())
        facts = read_facts(beside)
        swap_folder(beside, folder)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise TrainingError(
            f"The tuned model cannot be written: {getattr(error, 'strerror', None) or error}.",
            hint="Free some disk space, then resume the run.",
        ) from error
    return facts


def all_finite(model: Any) -> bool:  # Any: a SentenceTransformer
    return all(bool(weight.isfinite().all()) for weight in model.parameters())


def base_in_all(share: float, before: float) -> float:
    """How much of the base is in a model that held `before` of it, after `share` more."""
    return share + (1 - share) * before


def mix_weights(base: dict[str, torch.Tensor], tuned: dict[str, torch.Tensor], share: float) -> dict[str, torch.Tensor]:
    """Weights between two models: `share` of the base's, the rest of the tuned one's (WiSE-FT, arXiv:2109.01903)."""
    import torch

    return {
        name: torch.lerp(weight, base[name].to(weight.device), share) if weight.is_floating_point() else weight
        for name, weight in tuned.items()
    }


def in_per_cent(share: float) -> str:
    """A share as people read it, "30 %"."""
    return f"{share:.0%}".replace("%", " %")


def _learnt(card: CardFacts) -> str:
    """What it was trained on, in words."""
    needs = OBJECTIVES[card.params.objective].needs
    if needs == "texts":
        return f"{card.queries:,} texts without labels"
    pairs = "hard negatives" if needs in ("answers", "negatives") else "scored pairs"
    return f"{card.queries:,} queries and {card.negatives:,} {pairs}"


def card_text(card: CardFacts, base: ModelFacts) -> str:
    """The README.md of a tuned model, with the header that the Hugging Face hub reads."""
    figures = [("BM25", card.dev_bm25), (card.base, card.dev_base), ("this model", card.dev)]
    rows = [f"| {name} | {value:.3f} |" for name, value in figures if value is not None]
    table = ["| in the dev pool | nDCG@10 |", "| --- | ---: |", *rows, ""] if rows else []
    mixed = [f"Mixed with {in_per_cent(card.base_share)} of the base model's weights.", ""] if card.base_share else []
    objective = OBJECTIVES[card.params.objective]
    return "\n".join(
        [
            "---",
            "library_name: sentence-transformers",
            "pipeline_tag: sentence-similarity",
            "tags: [sentence-transformers, sentence-similarity, feature-extraction, searchsmith]",
            "---",
            "",
            f"# {card.name}",
            "",
            f"Tuned from {card.base} with Searchsmith on {_learnt(card)}, {card.steps} steps of "
            f"{card.params.batch_size}, learning rate {card.params.learning_rate:g}, "
            f"objective {objective.title} ({objective.source}).",
            "",
            *mixed,
            *table,
            f"Vectors of {base.dim} numbers, unit length after normalisation, texts up to {base.max_length} tokens.",
            "",
            "```python",
            "from sentence_transformers import SentenceTransformer",
            "",
            'model = SentenceTransformer("path/to/this/folder")',
            'vectors = model.encode_document(["a passage"], normalize_embeddings=True)',
            "```",
            "",
            f"The base model's licence applies to these weights too; see the card of {card.base}.",
            "",
        ]
    )

"""Loads a model folder that was looked over, and checks that what came is what the folder said."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from engine.encode.folders import ModelFacts, read_header
from engine.errors import ModelError

# Names that a checkpoint may have beside the encoder, or lack: heads of pre-training, the pooler that no vector uses,
# and position numbers that older versions stored.
_LEFT_OVER = re.compile(r"^(cls|lm_head|pooler|classifier|qa_outputs|vocab_|discriminator|decoder)|position_ids$")
_MAY_LACK = re.compile(r"(^|\.)pooler\.")
_TEST_SENTENCE = "The quick brown fox jumps over the lazy dog."


def load(folder: Path, facts: ModelFacts, *, attention: str) -> Any:  # Any: a SentenceTransformer
    """See `models.load_checked`."""
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        model = SentenceTransformer(
            str(folder),
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True, "attn_implementation": attention, "dtype": torch.float32},
        )
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, ImportError, AttributeError) as error:
        if attention == "sdpa" and "sdpa" in str(error):
            return load(folder, facts, attention="eager")
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"The model in {folder} cannot be loaded: {first}", hint="Choose another model.") from error
    model.float().eval()  # a table of vectors comes as its file has it
    _check_names(model, folder)
    _check_numbers(model, folder)
    _check_vector(model, folder, facts)
    return model


def _check_names(model: Any, folder: Path) -> None:  # Any: a SentenceTransformer
    """A file that holds none of the right weights loads without an error, with random numbers instead."""
    transformer = getattr(model[0], "auto_model", None)
    if transformer is None:
        return
    prefix = getattr(transformer, "base_model_prefix", "")
    stored = {_modern(name, prefix) for path in sorted(folder.glob("*.safetensors")) for name in read_header(path)}
    wanted = set(transformer.state_dict())
    missing = sorted(name for name in wanted - stored if not _MAY_LACK.search(name))
    tied = set(getattr(transformer, "_tied_weights_keys", None) or ())
    missing = [name for name in missing if name not in tied]
    extra = sorted(name for name in stored - wanted if not _LEFT_OVER.search(name))
    if missing or extra:
        what = f"lacks {_some(missing)}" if missing else f"holds {_some(extra)}, which the model does not have"
        raise ModelError(f"The weights in {folder} {what}.", hint="Download the model again, or choose another.")


def _modern(name: str, prefix: str) -> str:
    """A weight's name without the model's prefix and with today's names of a norm's numbers."""
    name = name.removeprefix(f"{prefix}.") if prefix else name
    return re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", name))


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _check_numbers(model: Any, folder: Path) -> None:  # Any: a SentenceTransformer
    for name, weight in model.named_parameters():
        if not weight.isfinite().all():
            raise ModelError(
                f"The weight {name} in {folder} holds something that is no number.", hint="Download the model again."
            )


def _check_vector(model: Any, folder: Path, facts: ModelFacts) -> None:  # Any: a SentenceTransformer
    vector = model.encode([_TEST_SENTENCE], show_progress_bar=False)[0]
    if vector.shape != (facts.dim,) or not bool((vector == vector).all()):
        raise ModelError(
            f"The model in {folder} gives a vector of {vector.shape[-1]} numbers for a test sentence; "
            f"{facts.dim} finite ones were expected.",
            hint="Choose another model.",
        )

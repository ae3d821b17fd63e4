"""Masked-language adaptation: hidden words are guessed from the rest, so that a model gets used to a corpus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from engine.train.steps import Part, Stepper, TokenBatch, autocast

if TYPE_CHECKING:
    pass

_LEFT_AS_IT_IS = 0.1
_RANDOM = 0.1
_IGNORED = -100


def make_head(model: Any) -> Any:  # Any: a SentenceTransformer; a torch module
    """Guesses words from token vectors as BERT's head does; the last matrix is the model's own word embeddings."""
    import torch

    config = model[0].auto_model.config
    words = model[0].auto_model.get_input_embeddings().weight
    width = int(words.shape[1])
    hidden = int(config.hidden_size)
    last = torch.nn.Linear(width, len(words))
    last.weight = words
    torch.nn.init.zeros_(last.bias)
    return torch.nn.Sequential(torch.nn.Linear(hidden, width), torch.nn.GELU(), torch.nn.LayerNorm(width), last)


def mask_of(tokenizer: Any) -> int | None:
    """The token that stands for a hidden one: the mask, else the unknown one; None where a model has neither."""
    mask: int | None = tokenizer.mask_token_id
    return mask if mask is not None else tokenizer.unk_token_id


@dataclass(slots=True)
class MaskedStepper(Stepper):
    """As `Stepper`, for a loss on tokens: each part's loss is its share of the whole, so parts change nothing.

    Attributes:
        share: of tokens that are hidden, of which 80 % become the mask, 10 % another word, 10 % stay (BERT).
    """

    share: float = 0.15

    def _backward(self, batch: TokenBatch, seed: int, loss_scale: float) -> float:
        import torch

        parts = list(batch.parts(self.budget))
        tokenizer = self.model.tokenizer
        hidden = [hide_words(part, tokenizer, self.share, seed + number) for number, part in enumerate(parts)]
        count = max(1, sum(int((labels != _IGNORED).sum()) for _, labels in hidden))
        total = 0.0
        for number, (part, (ids, labels)) in enumerate(zip(parts, hidden, strict=True)):
            self.check()
            torch.manual_seed(seed + number)
            features = part.reader.features(part.rows, self.device)
            features["input_ids"] = torch.from_numpy(ids).to(self.device)
            targets = torch.from_numpy(labels).to(self.device)
            with autocast(self.device, self.precision):
                tokens = self.model[0](features)["token_embeddings"]
                picked = targets != _IGNORED
                guesses = self.head(tokens[picked])
            loss = torch.nn.functional.cross_entropy(guesses.float(), targets[picked], reduction="sum") / count
            (loss * loss_scale).backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        return total


def hide_words(
    part: Part, tokenizer: Any, share: float, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Token ids with a `share` of them hidden, and the true ones at those places, -100 elsewhere."""
    ids = part.reader.features(part.rows, "cpu")["input_ids"].numpy().copy()
    rng = np.random.default_rng([seed % (1 << 63), 3])
    common = ~np.isin(ids, np.array(tokenizer.all_special_ids, np.int64))
    chosen = (rng.random(ids.shape) < share) & common
    if not chosen.any() and common.any():
        places = np.argwhere(common)
        chosen[tuple(places[int(rng.integers(len(places)))])] = True
    labels = np.where(chosen, ids, _IGNORED)
    fate = rng.random(ids.shape)
    ids[chosen & (fate >= _LEFT_AS_IT_IS + _RANDOM)] = mask_of(tokenizer)
    other = chosen & (fate >= _LEFT_AS_IT_IS) & (fate < _LEFT_AS_IT_IS + _RANDOM)
    ids[other] = rng.integers(0, len(tokenizer), int(other.sum()))
    return ids, labels

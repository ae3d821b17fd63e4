"""Cross-encoders: loaded safely, they read a query and a passage together and give one score."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from engine.encode.folders import ModelFacts, bounded_length, read_header, read_modules
from engine.errors import ModelError
from engine.store.files import sha256_of

if TYPE_CHECKING:
    import torch

_TOKENS_CPU, _TOKENS_GPU = 4096, 65_536


def load_plain(folder: Path, *, seed: int = 13) -> tuple[Any, Any]:
    """A transformer with a head of one number, and its tokenizer; the head is new where the folder has none.

    Any: a transformers model and tokenizer.

    Raises:
        ModelError: the folder does not begin with a transformer, or is not what it says.
    """
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    inside = plain_folder(folder)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = AutoModelForSequenceClassification.from_pretrained(
                inside,
                num_labels=1,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                attn_implementation="sdpa",
                dtype=torch.float32,
            )
        tokenizer = AutoTokenizer.from_pretrained(inside, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, ImportError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"The model in {folder} cannot be a reranker: {first}", hint="Choose another.") from error
    if tokenizer.pad_token_id is not None:
        model.config.pad_token_id = tokenizer.pad_token_id
    return model, tokenizer


def length_read(model: Any, tokens: int) -> int:  # Any: a transformers model
    """As many of `tokens` of a pair as the model has places for."""
    return bounded_length(tokens, model.config.to_dict(), (name for name, _ in model.named_parameters()))


def plain_folder(folder: Path) -> Path:
    """The folder of the transformer that a model begins with.

    Raises:
        ModelError: there is none, or the folder holds code.
    """
    if list(folder.rglob("*.py")):
        raise ModelError(f"The model folder {folder.name} holds program code.", hint="Choose another model.")
    if not (folder / "modules.json").exists():
        return folder
    first = read_modules(folder)[0]
    if first.kind != "Transformer":
        raise ModelError(f"{folder.name} is a table of words; a reranker needs a transformer.", hint="Choose another.")
    return first.folder


def reranker_facts(folder: Path) -> ModelFacts:
    """What a reranker's folder holds, read without torch."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ModelError(f"{folder.name} holds no weights.", hint="Choose another reranker.")
    sizes = [int(np.prod(shape)) if shape else 1 for file in files for shape in read_header(file).values()]
    digest = sha256_of(files[0])
    return ModelFacts(folder.name, 1, 512, digest, "", {}, sum(sizes), "")


@dataclass(frozen=True, slots=True)
class CrossEncoder:
    """A loaded reranker."""

    model: Any  # Any: a transformers model
    tokenizer: Any  # Any: its tokenizer
    max_length: int
    device: str
    precision: str
    longest: int = 512

    @classmethod
    def open(cls, folder: Path, *, device: str, precision: str, max_length: int = 512) -> CrossEncoder:
        """Load a finished reranker for use."""
        model, tokenizer = load_plain(folder)
        length = length_read(model, min(max_length, int(getattr(tokenizer, "model_max_length", max_length))))
        return cls(model.to(device).eval(), tokenizer, length, device, precision, length)

    def parts(
        self, pairs: Sequence[tuple[str, str]], budget: int
    ) -> list[tuple[npt.NDArray[np.int64], dict[str, torch.Tensor]]]:
        """Pairs as tokens in micro-batches of like length, longest first, at most `budget` tokens each."""
        from engine.encode.encoder import batches_by_length

        made = self.tokenizer(
            [query for query, _ in pairs],
            [passage for _, passage in pairs],
            truncation="longest_first",
            max_length=self.max_length,
            padding=False,
        )
        lengths = np.fromiter((len(ids) for ids in made["input_ids"]), np.int64, len(pairs))
        found = []
        for rows in batches_by_length(lengths, budget):
            chosen = {name: [values[int(row)] for row in rows] for name, values in made.items()}
            padded = self.tokenizer.pad(chosen, return_tensors="pt")
            found.append((rows, {name: tensor.to(self.device) for name, tensor in padded.items()}))
        return found

    def scores(
        self, pairs: Sequence[tuple[str, str]], check: Callable[[], None] = lambda: None
    ) -> npt.NDArray[np.float32]:
        """Logits of pairs in their order, (n,) float32; higher is more relevant."""
        import torch

        out = np.empty(len(pairs), np.float32)
        if not pairs:
            return out
        kinds = {"bf16": torch.bfloat16, "fp16": torch.float16}
        kind = kinds.get(self.precision)
        cast: Any = torch.autocast(self.device.split(":")[0], dtype=kind) if kind else nullcontext()
        training = self.model.training
        self.model.eval()
        with torch.inference_mode(), cast, _exact_head(self.model):
            for rows, features in self.parts(pairs, _TOKENS_CPU if self.device == "cpu" else _TOKENS_GPU):
                check()
                out[rows] = self.model(**features).logits[:, 0].float().cpu().numpy()
        self.model.train(training)
        return out


@contextmanager
def _exact_head(model: Any) -> Iterator[None]:  # Any: a transformers model
    """Within it the last layer adds up in float32: one number in bf16 has 256 steps, and many pairs would be level."""
    import torch

    def exact(head: torch.nn.Linear, features: torch.Tensor) -> torch.Tensor:
        with torch.autocast(features.device.type, enabled=False):
            return torch.nn.functional.linear(features.float(), head.weight, head.bias)

    linear = [module for module in model.modules() if isinstance(module, torch.nn.Linear)]
    heads = [module for module in linear if module.out_features == model.config.num_labels]
    for head in heads:
        vars(head)["forward"] = partial(exact, head)
    try:
        yield
    finally:
        for head in heads:
            del vars(head)["forward"]

"""An open model that turns texts into unit vectors, in batches of equal length and the device's fastest precision."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from engine.encode.folders import ModelFacts
from engine.errors import ModelError

if TYPE_CHECKING:
    import torch

Kind = Literal["query", "passage"]
Vectors = npt.NDArray[np.float32]
Tokens = list[list[int]]

# Tokens a batch, padding included. CPU: what a batch needs stays near the caches (measured in fp32: 1,024 takes a tenth
# less time than 2,048), and a person who cancels waits for one batch only. GPU: enough to keep it busy.
_TOKENS_CPU = 1024
_TOKENS_GPU = 65_536
# Texts a block: sorted by length among themselves, kept together.
BLOCK = 1024


class Encoder:
    """A loaded model.

    Attributes:
        name: for people.
        key: digest of all that a vector depends on beside its text (which includes the prompt): weights, pooling and
            other modules, tokenizer, max length, dtype.
        dim: numbers a vector.
        max_length: tokens read of a text.
        device: where it computes.
        precision: fp32, bf16 or fp16.
        prompts: put in front of texts, by kind.
        encoded: texts that were given to the model so far.
    """

    def __init__(self, name: str, model: Any, facts: ModelFacts, *, device: str, precision: str) -> None:
        # model: a SentenceTransformer
        self.name = name
        self.device = pick_device(device)
        self.precision = pick_precision(self.device, precision)
        self.dim = facts.dim
        self.max_length = facts.max_length
        self.prompts = facts.prompts
        if hasattr(model[0], "auto_model"):
            model.max_seq_length = min(facts.max_length, model.max_seq_length or facts.max_length)
        self._model = _place(model, self.device, self.precision)
        self._budget = token_budget(self.device)
        self.encoded = 0
        self.key = _key(facts, self.precision)
        self.facts: dict[str, object] = {
            "model": name,
            "weights": facts.weights_digest,
            "pooling": facts.pooling,
            "max_length": facts.max_length,
            "precision": self.precision,
        }

    def prompted(self, text: str, kind: Kind) -> str:
        """The text as the model reads it; what vectors are kept under."""
        return self.prompts.get(kind, "") + text

    def encode(self, texts: Sequence[str], kind: Kind, on_batch: Callable[[int], None] | None = None) -> Vectors:
        """Vectors of `texts` in their order, (n, dim) float32, unit length.

        Args:
            on_batch: told the number of texts finished after each batch; may raise to stop.

        Raises:
            ModelError: the model gives something that is no number, or memory does not suffice for one text.
        """
        blocks = list(self.encode_blocks(texts, kind, on_batch))
        return np.concatenate(blocks) if blocks else np.empty((0, self.dim), np.float32)

    def encode_blocks(
        self, texts: Sequence[str], kind: Kind, on_batch: Callable[[int], None] | None = None
    ) -> Iterator[Vectors]:
        """As `encode`, `BLOCK` texts at a time, each block whole; the next one is tokenised meanwhile."""
        done = 0
        for reader in self._readers(texts, self.prompts.get(kind, "")):
            out = np.empty((len(reader.lengths), self.dim), np.float32)
            for batch in batches_by_length(reader.lengths, self._budget):
                out[batch] = self._forward(reader, batch)
                self.encoded += len(batch)
                done += len(batch)
                if on_batch:
                    on_batch(done)
            if not np.isfinite(out).all():
                raise ModelError(
                    f"The model {self.name} gives vectors that are no numbers in {self.precision}.",
                    hint="Use the precision fp32.",
                )
            yield out

    def _readers(self, texts: Sequence[str], prompt: str) -> Iterator[Reader]:
        def read(start: int) -> Reader:
            return Reader.of(self._model, [prompt + text for text in texts[start : start + BLOCK]], prompt)

        with ThreadPoolExecutor(max_workers=1) as pool:
            following = pool.submit(read, 0)
            for start in range(BLOCK, len(texts) + BLOCK, BLOCK):
                reader = following.result()
                if start < len(texts):
                    following = pool.submit(read, start)
                yield reader

    def _forward(self, reader: Reader, batch: npt.NDArray[np.int64]) -> Vectors:
        """One batch; where memory does not suffice, halves of it, and smaller batches from then on."""
        import torch

        try:
            with torch.inference_mode():
                return unit_vectors(self._model, reader.features(batch, self.device)).cpu().numpy()
        except torch.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            if len(batch) == 1:
                raise ModelError(
                    f"The memory of {self.device} does not suffice for the model {self.name}.", hint="Use device cpu."
                ) from error
        self._budget = max(self._budget // 2, 1)
        half = len(batch) // 2
        return np.concatenate([self._forward(reader, batch[:half]), self._forward(reader, batch[half:])])


@dataclass(frozen=True, slots=True)
class Reader:
    """Texts as tokens, from which any batch can be made with no more padding than its longest text asks for."""

    lengths: npt.NDArray[np.int64]
    tokens: dict[str, Tokens]
    pad: dict[str, int]
    left: bool
    prompt_length: int
    other: Any = None  # Any: a SentenceTransformer whose first module is no transformer
    texts: tuple[str, ...] = ()

    @classmethod
    def of(cls, model: Any, texts: Sequence[str], prompt: str) -> Reader:  # Any: a SentenceTransformer
        """Tokenise `texts`, which begin with `prompt` already."""
        if not hasattr(model[0], "auto_model"):
            lengths = np.fromiter((len(text) for text in texts), np.int64, len(texts))
            return cls(lengths, {}, {}, False, 0, model, tuple(texts))
        tokenizer = model.tokenizer
        tokens = tokenize(model, texts)
        lengths = np.fromiter((len(ids) for ids in tokens["input_ids"]), np.int64, len(texts))
        pad = {"input_ids": tokenizer.pad_token_id or 0, "token_type_ids": tokenizer.pad_token_type_id}
        return cls(lengths, tokens, pad, tokenizer.padding_side == "left", _prompt_length(model, prompt))

    def features(self, batch: npt.NDArray[np.int64], device: str) -> dict[str, Any]:  # Any: tensors and numbers
        """What the model takes for the texts in the rows `batch`."""
        import torch

        if self.other is not None:
            made = self.other.preprocess([self.texts[row] for row in batch])
            return {name: v.to(device) if hasattr(v, "to") else v for name, v in made.items()}
        made = {name: self._padded(name, batch) for name in self.tokens}
        made["attention_mask"] = self._padded("attention_mask", batch)
        tensors: dict[str, Any] = {name: torch.from_numpy(array).to(device) for name, array in made.items()}
        if self.prompt_length:
            tensors["prompt_length"] = self.prompt_length
        return tensors

    def _padded(self, name: str, batch: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        width = int(self.lengths[batch].max())
        out = np.full((len(batch), width), self.pad.get(name, 0), np.int64)
        for place, row in enumerate(batch):
            size = int(self.lengths[row])
            at = slice(width - size, width) if self.left else slice(0, size)
            out[place, at] = 1 if name == "attention_mask" else self.tokens[name][row]
        return out


def tokenize(model: Any, texts: Sequence[str]) -> dict[str, Tokens]:  # Any: a SentenceTransformer
    """Tokens of each text, cut at the model's length, without padding or attention mask."""
    first = model[0]
    read = [text.strip() for text in texts]
    if getattr(first, "do_lower_case", False):
        read = [text.lower() for text in read]
    encoded = model.tokenizer(
        read, truncation=True, max_length=model.max_seq_length, padding=False, return_attention_mask=False
    )
    return dict(encoded)


def unit_vectors(model: Any, features: dict[str, Any]) -> torch.Tensor:  # Any: a SentenceTransformer; tensors
    """Run a model's modules, all after the transformer in float32; (n, dim) unit length."""
    import torch

    features = model[0](features)
    for name in ("token_embeddings", "sentence_embedding"):
        if name in features:
            features[name] = features[name].float()
    for module in list(model)[1:]:
        features = module(features)
    return torch.nn.functional.normalize(features["sentence_embedding"], dim=1)


def batches_by_length(lengths: npt.NDArray[np.int64], budget: int) -> Iterator[npt.NDArray[np.int64]]:
    """Rows in batches of like length, longest first, at most `budget` tokens each with padding (at least one text).

    Where batches begin is chosen so that padding and the batches' own cost together are least; a batch by itself costs
    what a twelfth of the budget does (measured with MiniLM, 1,024 tokens on two cores: 60 to 90 tokens' time).
    """
    order = np.argsort(-lengths, kind="stable")
    widths = np.maximum(lengths[order], 1)
    count, alone = len(order), budget // 12
    least, ends = np.zeros(count + 1), np.zeros(count, np.int64)
    for start in range(count - 1, -1, -1):
        most = min(max(1, budget // int(widths[start])), count - start)
        costs = alone + widths[start] * np.arange(1, most + 1) + least[start + 1 : start + most + 1]
        best = int(np.argmin(costs))
        least[start], ends[start] = costs[best], start + best + 1
    start = 0
    while start < count:
        yield order[start : ends[start]]
        start = int(ends[start])


def token_budget(device: str) -> int:
    """Tokens a batch for encoding on `device`."""
    return _TOKENS_CPU if device == "cpu" else _TOKENS_GPU


def pick_device(device: str) -> str:
    """`auto` becomes cuda, mps or cpu, the first that is there.

    Raises:
        ModelError: a device that this machine does not have.
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(f"There is no device '{device}' here.", hint="Use auto or cpu.") from error
    return device


def pick_precision(device: str, precision: str) -> str:
    """`auto` becomes bf16 where the device computes in it, else fp16 on a GPU and fp32 elsewhere; no fp16 on a CPU."""
    import torch

    if precision == "fp16" and device == "cpu":
        raise ModelError("Processors do not compute in fp16.", hint="Use auto, bf16 or fp32.")
    if precision != "auto":
        return precision
    if device == "cpu":
        return "bf16" if cpu_has_bf16() else "fp32"
    if device.startswith("cuda"):
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "fp32"


def cpu_has_bf16() -> bool:
    """Whether the processor multiplies bf16 in hardware (avx512_bf16 or AMX); emulation is slower than fp32."""
    import torch

    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: False)() for name in checks)


def _key(facts: ModelFacts, precision: str) -> str:
    parts = [facts.weights_digest, facts.other_digest, facts.pooling, facts.max_length, facts.dim, precision]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def _place(model: Any, device: str, precision: str) -> Any:  # Any: a SentenceTransformer
    """Move a model to its device; only the transformer itself leaves float32, pooling adds up too many numbers."""
    import torch

    if precision != "fp32" and hasattr(model[0], "auto_model"):
        model[0].auto_model.to({"bf16": torch.bfloat16, "fp16": torch.float16}[precision])
    return model.to(device).eval()


def _prompt_length(model: Any, prompt: str) -> int:  # Any: a SentenceTransformer
    """Tokens of the prompt that pooling leaves out; 0 for models that pool them too."""
    left_out = any(getattr(module, "include_prompt", True) is False for module in model)
    if not prompt or not left_out:
        return 0
    ids = tokenize(model, [prompt])["input_ids"][0]
    return len(ids) - (ids[-1] in model.tokenizer.all_special_ids)

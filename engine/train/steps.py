"""One training step: vectors in micro-batches of like length, one loss over all, gradients back the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from engine.encode.encoder import Reader, batches_by_length, unit_vectors
from engine.errors import TrainingError
from engine.train.examples import Batch
from engine.train.objectives import Compute

if TYPE_CHECKING:
    import torch

    from engine.train.team import Team

_MOST_SHORTAGES = 3
_BYTES = {"fp32": 4.0, "bf16": 2.6}
"""A kept number takes on average: in bf16 some of them are kept in float32 (MiniLM, 64 to 192 tokens: 0.62 as much)."""


@dataclass(frozen=True, slots=True)
class Part:
    """A micro-batch: rows of a reader's texts, and where their vectors stand among the batch's."""

    reader: Reader
    rows: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]

    @property
    def size(self) -> int:
        """Tokens, padding included."""
        return len(self.rows) * int(self.reader.lengths[self.rows].max())


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """A batch as tokens, ready for the model."""

    queries: Reader
    passages: Reader
    blocked: npt.NDArray[np.bool_]
    rows: npt.NDArray[np.int64] | None = None
    targets: npt.NDArray[np.float32] | None = None
    originals: Reader | None = None

    @classmethod
    def of(cls, model: Any, batch: Batch, prompts: Mapping[str, str]) -> TokenBatch:  # Any: a SentenceTransformer
        query_prompt, passage_prompt = prompts.get(batch.asked, ""), prompts.get("passage", "")
        queries = Reader.of(model, [query_prompt + text for text in batch.queries], query_prompt)
        read = [passage_prompt + text for text in batch.passages]
        passages = Reader.of(model, read, passage_prompt) if read else Reader(np.empty(0, np.int64), {}, {}, False, 0)
        originals = Reader.of(model, list(batch.originals), "") if batch.originals else None
        return cls(queries, passages, batch.blocked, batch.rows, batch.targets, originals)

    @property
    def n_queries(self) -> int:
        return len(self.queries.lengths)

    @property
    def size(self) -> int:
        return self.n_queries + len(self.passages.lengths)

    def parts(self, budget: int) -> Iterator[Part]:
        """Micro-batches of at most `budget` tokens with padding, queries first."""
        for reader, start in ((self.queries, 0), (self.passages, self.n_queries)):
            for rows in batches_by_length(reader.lengths, budget):
                yield Part(reader, rows, rows + start)


@dataclass(slots=True)
class Stepper:
    """Computes gradients of a batch.

    The loss is over the whole batch whatever the micro-batches are (GradCache, arXiv:2101.06983): vectors first, then
    the loss's gradient by vector, then back through the model part by part. Activations of parts beyond `kept_tokens`
    are not kept but computed again, with the same dropout: less memory, half as much time again.

    Attributes:
        model: a SentenceTransformer in train mode.
        loss: what is wrong with the batch's vectors; weights of its own (a head) get their gradients too.
        budget: tokens a micro-batch.
        kept_tokens: tokens whose activations may be kept.
        check: called between parts; may raise to stop.
        shortages: how often memory did not suffice; each time parts were made smaller.
        head: weights of the objective's own, None for most.
        team: processes that share the batch, each with its own parts; None where this one is alone.
    """

    model: Any  # Any: a SentenceTransformer
    device: str
    precision: str
    loss: Compute
    budget: int
    kept_tokens: int
    check: Callable[[], None]
    warn: Callable[[str], None]
    shortages: int = 0
    head: Any = None  # Any: a torch module
    team: Team | None = None

    def backward(self, batch: TokenBatch, seed: int, *, loss_scale: float = 1.0) -> float:
        """Add the batch's gradients to the model's; returns the loss.

        Where memory does not suffice, parts are computed again and halved, the batch stays whole.

        Raises:
            TrainingError: memory does not suffice even so, or in a team.
        """
        import torch

        from engine.train.on_cpu import on_cpu

        while True:
            try:
                with on_cpu(self.device, self.precision):
                    return self._backward(batch, seed, loss_scale)
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not is_shortage(error):
                    raise
                for module in (self.model, *([self.head] if self.head is not None else [])):
                    module.zero_grad(set_to_none=True)
                if self.team:  # the others have parts of the old size already: sums of both would be wrong
                    raise TrainingError(
                        f"The memory of {self.device} does not suffice for its share of a batch.",
                        hint="Use a smaller size of a part, a shorter length, or processes=1.",
                    ) from error
                if self.device.startswith("cuda"):
                    torch.cuda.empty_cache()
                self._make_smaller(error)

    def shrink(self, shortages: int) -> None:
        """Take parts as small as a run before its interruption had to; in a team all take parts of the same size."""
        if shortages and not self.team:
            self.budget, self.kept_tokens, self.shortages = max(self.budget >> shortages, 1), 0, shortages

    def _make_smaller(self, error: Exception) -> None:
        self.shortages += 1
        if self.shortages >= _MOST_SHORTAGES:
            raise TrainingError(
                f"The memory of {self.device} does not suffice for this model.",
                hint="Use a shorter length, a smaller batch, or device cpu.",
            ) from error
        self.budget = max(self.budget // 2, 1)
        self.kept_tokens = 0
        self.warn("Memory ran short; the batch is computed in smaller parts, with the same result, more slowly.")

    def _backward(self, batch: TokenBatch, seed: int, loss_scale: float) -> float:
        import torch

        parts = list(batch.parts(self.budget))
        whole, seeds = len(parts), range(seed, seed + len(parts))
        if self.team:
            parts, seeds = parts[self.team.rank :: self.team.size], seeds[self.team.rank :: self.team.size]
        count = self._count_kept(parts)
        # One autocast around each half: weights are cast once, not once a part, and no cast without gradient is reused.
        with autocast(self.device, self.precision):
            made = [self._forward(part, seeds[number]) for number, part in enumerate(parts[:count])]
        with torch.no_grad(), autocast(self.device, self.precision):
            made += [self._forward(part, seeds[count + number]) for number, part in enumerate(parts[count:])]
        vectors = torch.zeros(batch.size, self._width(made), device=self.device)
        for part, vector in zip(parts, made, strict=True):
            vectors[torch.from_numpy(part.places).to(self.device)] = vector.detach()
        if self.team:
            self.team.add_up(vectors)
        vectors.requires_grad_()
        torch.manual_seed(seed + whole)  # a head may have dropout
        loss = self.loss(vectors[: batch.n_queries], vectors[batch.n_queries :], batch)
        (loss * loss_scale).backward()  # type: ignore[no-untyped-call]
        gradient = vectors.grad
        assert gradient is not None  # for the type: backward made it
        for number, part in enumerate(parts):
            self.check()
            vector = made[number] if number < count else self._again(part, seeds[number])
            made[number] = torch.empty(0)
            torch.autograd.backward(vector, gradient[torch.from_numpy(part.places).to(self.device)])
        if self.team:
            self.team.add_up_gradients(self.model)
        return float(loss.detach())

    def _width(self, made: Sequence[torch.Tensor]) -> int:
        """Numbers a vector; a process of a team may have no part of a small batch."""
        return int(made[0].shape[1]) if made else int(self.model.get_embedding_dimension())

    def _count_kept(self, parts: Sequence[Part]) -> int:
        """How many of the first parts fit into `kept_tokens`."""
        sizes = np.cumsum([part.size for part in parts])
        return int(np.searchsorted(sizes, self.kept_tokens, side="right"))

    def _forward(self, part: Part, seed: int) -> torch.Tensor:
        """A part's vectors; the seed makes dropout the same whenever it is computed."""
        import torch

        self.check()
        torch.manual_seed(seed)
        return unit_vectors(self.model, part.reader.features(part.rows, self.device))

    def _again(self, part: Part, seed: int) -> torch.Tensor:
        with autocast(self.device, self.precision):
            return self._forward(part, seed)


def is_shortage(error: BaseException) -> bool:
    """Whether memory ran short; on a processor torch says so with a plain RuntimeError."""
    import torch

    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def tokens_in_memory(model: Any, length: int, precision: str) -> int:  # Any: a SentenceTransformer
    """Tokens whose activations fit into half of the memory that is free now.

    A transformer layer keeps about ten numbers of the hidden size, three of the inner size and four attention weights a
    head and neighbour for each token (measured with MiniLM at 128 tokens in fp32: 0.35 MB a token, as this gives).
    """
    import psutil

    config = getattr(getattr(model[0], "auto_model", None), "config", None)
    hidden = getattr(config, "hidden_size", None) or 1024
    inner = getattr(config, "intermediate_size", None) or 4 * hidden
    heads = getattr(config, "num_attention_heads", None) or hidden // 64
    layers = getattr(config, "num_hidden_layers", None) or 1
    numbers = layers * (10 * hidden + 3 * inner + 4 * heads * length)
    return int(psutil.virtual_memory().available / 2 / (_BYTES.get(precision, 4.0) * numbers))


def encode_fixed(
    model: Any, reader: Reader, *, dim: int, device: str, precision: str, budget: int, check: Callable[[], None]
) -> npt.NDArray[np.float32]:
    """Vectors of texts that were tokenised before, as the model is now; (n, dim) float32."""
    import torch

    out = np.empty((len(reader.lengths), dim), np.float32)
    training = model.training
    model.eval()
    with torch.inference_mode(), autocast(device, precision):
        for rows in batches_by_length(reader.lengths, budget):
            check()
            out[rows] = unit_vectors(model, reader.features(rows, device)).float().cpu().numpy()
    model.train(training)
    return out


def autocast(device: str, precision: str) -> AbstractContextManager[Any]:  # Any: what torch returns
    """Multiply in bf16 or fp16, add up and keep weights in float32; nothing for fp32."""
    import torch

    if precision == "fp32":
        return nullcontext()
    kind = {"bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    return torch.autocast(device.split(":")[0], dtype=kind)


def parameter_groups(model: Any, weight_decay: float) -> Sequence[dict[str, Any]]:
    """Weights that decay, and biases and norms that do not (as transformers' Trainer groups them)."""
    decays: list[torch.nn.Parameter] = []
    stays: list[torch.nn.Parameter] = []
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            (stays if weight.ndim < 2 or "norm" in name.lower() else decays).append(weight)
    return [{"params": decays, "weight_decay": weight_decay}, {"params": stays, "weight_decay": 0.0}]

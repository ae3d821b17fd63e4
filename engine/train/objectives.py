"""How wrong a batch of vectors is, by objective: our own ranking losses, and those of sentence-transformers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any

from engine.errors import UserError
from engine.objectives import OBJECTIVES
from engine.params import TrainParams

if TYPE_CHECKING:
    import torch

    from engine.train.steps import TokenBatch

_SMALLEST_DIM = 32
_ON_TOKENS = ("tsdae", "mlm")
Compute = Callable[["torch.Tensor", "torch.Tensor", "TokenBatch"], "torch.Tensor"]


@dataclass(frozen=True, slots=True)
class Loss:
    """An objective ready for tensors.

    Attributes:
        compute: (queries (n, dim), passages (m, dim), batch) -> loss, a scalar; vectors have unit length.
        head: weights that are trained beside the model and thrown away at the end, None for most objectives.
    """

    compute: Compute
    head: Any = None  # Any: a torch module


class _Given:
    """Stands for the model of sentence-transformers' losses, where vectors are there already."""

    device = "cpu"

    def __call__(self, features: Any) -> Any:  # Any: what a loss hands its model
        return features


_GIVEN: Any = _Given()  # Any: those losses say that they want a SentenceTransformer


def build_loss(params: TrainParams, model: Any, *, dim: int, classes: int = 0) -> Loss:  # Any: a SentenceTransformer
    """The objective that `params` ask for.

    Raises:
        UserError: Matryoshka is asked for with an objective that has no vectors of smaller size.
    """
    loss = _of_tokens(params, model) if params.objective in _ON_TOKENS else _of_vectors(params, dim, classes)
    if params.matryoshka == "off":
        return loss
    if loss.head is not None or params.objective in _ON_TOKENS:
        title = OBJECTIVES[params.objective].title
        raise UserError(f"'{title}' cannot be combined with Matryoshka.", hint="Set matryoshka=off.")
    return Loss(_matryoshka(loss.compute, matryoshka_dims(dim)))


def ranking_loss(queries: torch.Tensor, passages: torch.Tensor, blocked: torch.Tensor, *, scale: float) -> torch.Tensor:
    """Mean cross-entropy of picking passage i for query i among all passages (InfoNCE, arXiv:1807.03748).

    Equal to sentence-transformers' MultipleNegativesRankingLoss, except that `blocked` pairs do not count as negatives.

    Args:
        queries: (n, dim) float32, unit length.
        passages: (m, dim) float32, unit length, m ≥ n.
        blocked: (n, m) bool, False at (i, i).
        scale: what cosines are multiplied by (1 / temperature).
    """
    import torch

    scores = (queries @ passages.T * scale).masked_fill(blocked, float("-inf"))
    targets = torch.arange(len(queries), device=scores.device)
    return torch.nn.functional.cross_entropy(scores, targets)


def symmetric_loss(
    queries: torch.Tensor, passages: torch.Tensor, blocked: torch.Tensor, *, scale: float
) -> torch.Tensor:
    """Mean of `ranking_loss` and the same from answers to queries (sentence-transformers' symmetric ranking loss)."""
    count = len(queries)
    back = ranking_loss(passages[:count], queries, blocked[:, :count].T, scale=scale)
    return (ranking_loss(queries, passages, blocked, scale=scale) + back) / 2


def matryoshka_dims(dim: int) -> list[int]:
    """All numbers, the first half, quarter, ... down to 32 (arXiv:2205.13147 halves in the same way)."""
    dims = [dim]
    while dims[-1] % 2 == 0 and dims[-1] // 2 >= _SMALLEST_DIM:
        dims.append(dims[-1] // 2)
    return dims


def _matryoshka(compute: Compute, dims: Sequence[int]) -> Compute:
    """The sum over the first numbers of each vector, made unit length again (sentence-transformers' MatryoshkaLoss)."""

    def nested(queries: torch.Tensor, passages: torch.Tensor, batch: TokenBatch) -> torch.Tensor:
        import torch

        parts = []
        for dim in dims:
            cut = [torch.nn.functional.normalize(vectors[:, :dim], dim=1) for vectors in (queries, passages)]
            parts.append(compute(cut[0], cut[1], batch))
        return torch.stack(parts).sum()

    return nested


def _of_vectors(params: TrainParams, dim: int, classes: int) -> Loss:
    makers: dict[str, Callable[[], Loss]] = {
        "mnrl": lambda: Loss(ranking(params.scale)),
        "cached_mnrl": lambda: Loss(ranking(params.scale)),
        "gist": lambda: Loss(ranking(params.scale)),
        "simcse": lambda: Loss(ranking(params.scale)),
        "augmented": lambda: Loss(ranking(params.scale)),
        "symmetric_mnrl": lambda: Loss(_symmetric(params.scale)),
        "triplet": lambda: Loss(_triplets(params.margin)),
        "contrastive": lambda: Loss(_contrastive(params)),
        "online_contrastive": lambda: Loss(_contrastive(params)),
        "margin_ranking": lambda: Loss(_ordered(params.margin)),
        "cosine_similarity": lambda: Loss(_scored(params)),
        "cosent": lambda: Loss(_scored(params)),
        "angle": lambda: Loss(_scored(params)),
        "softmax": lambda: _classes(dim, classes, params.seed),
        "margin_mse": lambda: Loss(_margin_mse()),
        "kl_distill": lambda: Loss(_kl(params.scale)),
    }
    return makers[params.objective]()


def ranking(scale: float) -> Compute:
    """`ranking_loss` of a batch."""

    def compute(queries: torch.Tensor, passages: torch.Tensor, batch: TokenBatch) -> torch.Tensor:
        return ranking_loss(queries, passages, _on(batch.blocked, queries), scale=scale)

    return compute


def _symmetric(scale: float) -> Compute:
    def compute(queries: torch.Tensor, passages: torch.Tensor, batch: TokenBatch) -> torch.Tensor:
        return symmetric_loss(queries, passages, _on(batch.blocked, queries), scale=scale)

    return compute


def _triplets(margin: float) -> Compute:
    """Rows of the batch: (query, one of its negatives); the answer of query i is passage i."""
    from sentence_transformers.sentence_transformer.losses import TripletDistanceMetric, TripletLoss

    loss = TripletLoss(_GIVEN, distance_metric=TripletDistanceMetric.COSINE, triplet_margin=margin)

    def compute(queries: torch.Tensor, passages: torch.Tensor, batch: TokenBatch) -> torch.Tensor:
        rows = _on(batch.rows, queries)
        columns = [queries[rows[:, 0]], passages[rows[:, 0]], passages[rows[:, 1]]]
        found: torch.Tensor = loss.compute_loss_from_embeddings(columns, rows)
        return found

    return compute


def _contrastive(params: TrainParams) -> Compute:
    """Right pairs (query i, passage i), wrong pairs the rows of the batch."""
    from sentence_transformers.sentence_transformer.losses import ContrastiveLoss, OnlineContrastiveLoss

    kind = OnlineContrastiveLoss if params.objective == "online_contrastive" else ContrastiveLoss
    loss = kind(_GIVEN, margin=params.margin)

    def compute(queries: torch.Tensor, passages: torch.Tensor, batch: TokenBatch) -> torch.Tensor:
        import torch

        rows, count = _on(batch.rows, queries), len(queries)
        left = torch.cat([queries, queries[rows[:, 0]]])
        right = torch.cat([passages[:count], passages[rows[:, 1]]])
        labels = torch.cat([torch.ones(count), torch.zeros(len(rows))]).to(queries.device)
        found: torch.Tensor = loss.compute_loss_from_embeddings([left, right], labels)
        return found

    return compute


def _ordered(margin: float) -> Compute:
    """Rows of the batch: (query, better passage, worse passage)."""

    def compute(queries: torch.Tensor, passages: torch.Tensor, batch: TokenBatch) -> torch.Tensor:
        import torch

        rows = _on(batch.rows, queries)
        better, worse = ((queries[rows[:, 0]] * passages[rows[:, column]]).sum(1) for column in (1, 2))
        return torch.nn.functional.margin_ranking_loss(better, worse, torch.ones_like(better), margin=margin)

    return compute


def _scored(params: TrainParams) -> Compute:
    """Rows of the batch: (query, passage), with the pair's score in 0..1 as target."""
    from sentence_transformers.sentence_transformer import losses

    makers: dict[str, Callable[[], Any]] = {
        "cosine_similarity": lambda: losses.CosineSimilarityLoss(_GIVEN),
        "cosent": lambda: losses.CoSENTLoss(_GIVEN, scale=params.scale),
        "angle": lambda: losses.AnglELoss(_GIVEN, scale=params.scale),
    }
    loss = makers[params.objective]()

    def compute(queries: torch.Tensor, passages: torch.Tensor, batch: TokenBatch) -> torch.Tensor:
        rows = _on(batch.rows, queries)
        columns = [queries[rows[:, 0]], passages[rows[:, 1]]]
        found: torch.Tensor = loss.compute_loss_from_embeddings(columns, _on(batch.targets, queries))
        return found

    return compute


def _classes(dim: int, classes: int, seed: int) -> Loss:
    """Rows of the batch: (query, passage), with the number of the pair's class as target."""
    import torch
    from sentence_transformers.sentence_transformer.losses import SoftmaxLoss

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        loss = SoftmaxLoss(_GIVEN, embedding_dimension=dim, num_labels=classes)

    def compute(queries: torch.Tensor, passages: torch.Tensor, batch: TokenBatch) -> torch.Tensor:
        rows = _on(batch.rows, queries)
        columns = [{"sentence_embedding": queries[rows[:, 0]]}, {"sentence_embedding": passages[rows[:, 1]]}]
        found: torch.Tensor = loss(columns, _on(batch.targets, queries).long())
        return found

    return Loss(compute, loss.classifier)


def _margin_mse() -> Compute:
    """Rows of the batch: (query, passages ...), with a teacher's scores in 0..1 as targets; cosines are the pupil's."""
    from sentence_transformers.sentence_transformer.losses import MarginMSELoss

    loss = MarginMSELoss(_GIVEN)

    def compute(queries: torch.Tensor, passages: torch.Tensor, batch: TokenBatch) -> torch.Tensor:
        found: torch.Tensor = loss.compute_loss_from_embeddings(
            _lists(queries, passages, batch), _on(batch.targets, queries)
        )
        return found

    return compute


def _kl(scale: float) -> Compute:
    """Rows as for `margin_mse`; targets are the teacher's logits, the pupil's are cosines times `scale`."""
    from sentence_transformers.sentence_transformer.losses import DistillKLDivLoss

    loss = DistillKLDivLoss(_GIVEN, similarity_fct=lambda left, right: (left * right).sum(1) * scale)

    def compute(queries: torch.Tensor, passages: torch.Tensor, batch: TokenBatch) -> torch.Tensor:
        found: torch.Tensor = loss.compute_loss_from_embeddings(
            _lists(queries, passages, batch), _on(batch.targets, queries)
        )
        return found

    return compute


def _lists(queries: torch.Tensor, passages: torch.Tensor, batch: TokenBatch) -> list[torch.Tensor]:
    rows = _on(batch.rows, queries)
    return [queries[rows[:, 0]], *(passages[rows[:, column]] for column in range(1, rows.shape[1]))]


def _of_tokens(params: TrainParams, model: Any) -> Loss:  # Any: a SentenceTransformer
    """TSDAE's decoder, or the head that guesses hidden words (computed in `engine.train.masked`).

    Raises:
        UserError: the model has no transformer that could do it.
    """
    import torch

    title = OBJECTIVES[params.objective].title
    if not hasattr(model[0], "auto_model"):
        raise UserError(f"'{title}' needs a transformer; this model is a table of words.", hint="Use simcse.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(params.seed)
        if params.objective == "mlm":
            from engine.train.masked import make_head, mask_of

            if mask_of(model.tokenizer) is None:
                raise UserError(f"'{title}' hides words; this model has no sign for a hidden one.", hint="Use simcse.")
            return Loss(_nothing, make_head(model))
        return _tsdae(model, title)


def _tsdae(model: Any, title: str) -> Loss:  # Any: a SentenceTransformer
    import torch
    from sentence_transformers.sentence_transformer.losses import DenoisingAutoEncoderLoss

    kind, size = model[0].auto_model.config.model_type, int(model.get_embedding_dimension())
    unfit = UserError(f"'{title}' does not go with a model of the kind {kind}.", hint="Use simcse.")
    try:
        loss = DenoisingAutoEncoderLoss(model, tie_encoder_decoder=True)
    except (ValueError, OSError, AttributeError) as error:
        raise unfit from error
    decoder, pad = loss.decoder, loss.tokenizer_decoder.pad_token_id
    if "encoder_hidden_states" not in signature(decoder.forward).parameters:
        raise unfit  # it would write without a look at the vector
    if size != decoder.config.hidden_size:
        raise UserError(
            f"'{title}' writes from vectors of {decoder.config.hidden_size} numbers, and this model's have {size}.",
            hint="Use simcse.",
        )
    decoder.config.use_cache = False

    def compute(queries: torch.Tensor, passages: torch.Tensor, batch: TokenBatch) -> torch.Tensor:
        if batch.originals is None:
            raise ValueError("a batch without originals")
        rows = range(len(batch.originals.lengths))
        ids = batch.originals.features(_numbers(rows), str(queries.device))["input_ids"]
        made = decoder(
            input_ids=ids[:, :-1],
            encoder_hidden_states=queries[:, None],
            encoder_attention_mask=torch.ones(len(queries), 1, device=queries.device),
            use_cache=False,
        )
        logits = made[0].float()
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), ignore_index=pad)

    return Loss(compute, decoder)


def _nothing(queries: torch.Tensor, passages: torch.Tensor, batch: TokenBatch) -> torch.Tensor:
    raise NotImplementedError("this objective has no loss on vectors")


def _on(array: Any, beside: torch.Tensor) -> torch.Tensor:  # Any: a numpy array
    import torch

    return torch.from_numpy(array).to(beside.device)


def _numbers(rows: range) -> Any:  # Any: a numpy array
    import numpy as np

    return np.arange(len(rows))

"""What can be taught: every objective of training with its words, the data it needs, its defaults and its source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Objective = Literal[
    "mnrl", "symmetric_mnrl", "cached_mnrl", "gist",
    "triplet", "contrastive", "online_contrastive", "margin_ranking",
    "cosine_similarity", "cosent", "angle", "softmax", "margin_mse", "kl_distill",
    "simcse", "augmented", "tsdae", "mlm",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ObjectiveFacts:
    """What a person needs to know of an objective; the engine's side is `engine.train.objectives`.

    Attributes:
        title: its name for people.
        words: what it teaches, in one line.
        needs: the data it takes: answers, negatives, scores, scores in order (of one query), classes, a teacher's
            scores, or texts.
        source: where objective and defaults come from.
        defaults: settings of `TrainParams` that differ for it, where neither the person nor the preset says.
        own: settings that only some objectives have (`OWN_SETTINGS`), of which this one makes use.
    """

    title: str
    words: str
    needs: Literal["answers", "negatives", "scores", "order", "classes", "teacher", "texts"]
    source: str
    defaults: dict[str, Any] = field(default_factory=dict)  # Any: values of TrainParams' fields
    own: tuple[str, ...] = ()


OWN_SETTINGS = ("scale", "margin", "guide", "noise", "num_negatives", "matryoshka")
"""Settings that say nothing to objectives that do not name them as their own."""
_RANKING = ("scale", "num_negatives", "matryoshka")
_PAIRS = ("margin", "num_negatives", "matryoshka")
_MARGIN_HALF = {"margin": 0.5}
OBJECTIVES: dict[Objective, ObjectiveFacts] = {
    "mnrl": ObjectiveFacts(
        "Ranking (InfoNCE)",
        "Each query nearer to its answer than to every other passage of the batch",
        "answers",
        "arXiv:1807.03748; sentence-transformers MultipleNegativesRankingLoss, scale 20",
        own=_RANKING,
    ),
    "symmetric_mnrl": ObjectiveFacts(
        "Ranking, both ways",
        "As ranking, and each answer nearer to its query than to the others",
        "answers",
        "CLIP, arXiv:2103.00020; sentence-transformers MultipleNegativesSymmetricRankingLoss",
        own=_RANKING,
    ),
    "cached_mnrl": ObjectiveFacts(
        "Ranking, less memory",
        "As ranking with the same result; activations are computed again instead of kept",
        "answers",
        "GradCache, arXiv:2101.06983",
        own=_RANKING,
    ),
    "gist": ObjectiveFacts(
        "Ranking with a guide",
        "As ranking; passages that a guide model finds nearer than the answer count as nothing",
        "answers",
        "GISTEmbed, arXiv:2402.16829, temperature 0.01",
        {"scale": 100.0},
        own=("guide", *_RANKING),
    ),
    "triplet": ObjectiveFacts(
        "Triplets",
        "Answer nearer than a negative by a margin",
        "negatives",
        "FaceNet, arXiv:1503.03832, margin 0.2 of cosine distance",
        own=_PAIRS,
    ),
    "contrastive": ObjectiveFacts(
        "Contrastive pairs",
        "Right pairs together, wrong pairs apart by a margin",
        "negatives",
        "Hadsell et al. 2006; sentence-transformers ContrastiveLoss, margin 0.5",
        _MARGIN_HALF,
        own=_PAIRS,
    ),
    "online_contrastive": ObjectiveFacts(
        "Contrastive, hard pairs only",
        "As contrastive, from the hardest pairs of each batch",
        "negatives",
        "sentence-transformers OnlineContrastiveLoss, margin 0.5",
        _MARGIN_HALF,
        own=_PAIRS,
    ),
    "margin_ranking": ObjectiveFacts(
        "Better before worse",
        "Of two judged passages the better one nearer by a margin",
        "order",
        "torch MarginRankingLoss; margin 0.2 as in PaddleNLP's pair-wise recipe",
        own=("margin", "matryoshka"),
    ),
    "cosine_similarity": ObjectiveFacts(
        "Score as cosine",
        "The cosine of a pair becomes its score",
        "scores",
        "sentence-transformers CosineSimilarityLoss",
        own=("matryoshka",),
    ),
    "cosent": ObjectiveFacts(
        "Order of scores (CoSENT)",
        "Pairs of higher score get higher cosines",
        "scores",
        "sentence-transformers CoSENTLoss, scale 20",
        own=("scale", "matryoshka"),
    ),
    "angle": ObjectiveFacts(
        "Order of scores (AnglE)",
        "As CoSENT, on angles in the complex plane",
        "scores",
        "AnglE, arXiv:2309.12871; sentence-transformers AnglELoss, scale 20",
        own=("scale", "matryoshka"),
    ),
    "softmax": ObjectiveFacts(
        "Classes of pairs",
        "Tells from a pair's vectors which label it has",
        "classes",
        "SBERT, arXiv:1908.10084; sentence-transformers SoftmaxLoss",
    ),
    "margin_mse": ObjectiveFacts(
        "Teacher's margins",
        "Differences of cosines become those of a reranker's scores",
        "teacher",
        "arXiv:2010.02666; sentence-transformers MarginMSELoss",
        own=("num_negatives", "matryoshka"),
    ),
    "kl_distill": ObjectiveFacts(
        "Teacher's ranking",
        "The model spreads its scores over passages as a reranker does",
        "teacher",
        "arXiv:2010.11386; sentence-transformers DistillKLDivLoss, temperature 1",
        own=_RANKING,
    ),
    "simcse": ObjectiveFacts(
        "Same text twice (SimCSE)",
        "A passage read twice with other dropout is nearer to itself than to others",
        "texts",
        "SimCSE, arXiv:2104.08821, temperature 0.05, learning rate 3e-5",
        {"learning_rate": 3e-5},
        own=("scale", "matryoshka"),
    ),
    "augmented": ObjectiveFacts(
        "Piece and whole",
        "A piece of a passage with words left out is nearest to the passage it comes from",
        "texts",
        "ICT, arXiv:1906.00300; word deletion as in EDA, arXiv:1901.11196",
        {"learning_rate": 3e-5, "noise": 0.1},
        own=("scale", "noise", "matryoshka"),
    ),
    "tsdae": ObjectiveFacts(
        "Rebuild the text (TSDAE)",
        "A passage with words left out is written again from its vector alone",
        "texts",
        "TSDAE, arXiv:2104.06979: 60 % of words left out, batches of 8, learning rate 3e-5, no weight decay",
        {"learning_rate": 3e-5, "batch_size": 8, "weight_decay": 0.0, "noise": 0.6},
        own=("noise",),
    ),
    "mlm": ObjectiveFacts(
        "Fill the gaps (masked language)",
        "Guesses hidden words of the corpus; makes the model at home in it before it is tuned",
        "texts",
        "BERT, arXiv:1810.04805: 15 % hidden; arXiv:2004.10964",
        {"learning_rate": 5e-5, "noise": 0.15},
        own=("noise",),
    ),
}

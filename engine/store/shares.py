"""How much a model counts beside BM25 in hybrid search, kept by model."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from engine.records import Model, Run
from engine.store import models
from engine.store.project import Project

HALF = 0.5
_SETTING = "hybrid_shares"


@dataclass(frozen=True, slots=True)
class HybridShare:
    """What was chosen, on how many dev queries, and what they say to it.

    `model`: from 0 to 1, the rest is BM25's. `ndcg` and `ndcg_half`: nDCG@10 on the dev queries with it, and with half
    and half. `weights`: the digest of the model's weights. `content`: a digest of everything the choice depends on.
    """

    model: float
    queries: int
    ndcg: float
    ndcg_half: float
    weights: str
    content: str


def hybrid_share(project: Project, model: Model) -> HybridShare | None:
    """What was chosen for a model; None before hybrid search with it was weighed."""
    kept = (project.meta_json(_SETTING) or {}).get(str(model.id))
    return HybridShare(**kept) if kept and kept["weights"] == model.weights_digest else None


def share_of(project: Project, model: Model) -> float:
    """How much a model counts in hybrid search: what was chosen for it, else one half."""
    chosen = hybrid_share(project, model)
    return chosen.model if chosen else HALF


def keep_hybrid_share(project: Project, model: Model, chosen: HybridShare) -> None:
    """Store what was chosen, in the place of what was before."""
    project.set_meta_json(_SETTING, {**(project.meta_json(_SETTING) or {}), str(model.id): asdict(chosen)})


def mark_of(share: float) -> str:
    """What a hybrid run's content is told by beside its systems; "" for half and half, as runs were at first."""
    return "" if share == HALF else f"share {share:.1f}"


def joined_sentence(chosen: HybridShare) -> str:
    """The choice in words."""
    model = round(100 * chosen.model)
    weighed = f"Hybrid search counts the model {model} % and BM25 {100 - model} %"
    asked = f"{chosen.queries:,} dev queries"
    if chosen.model == HALF:
        return f"{weighed}: {asked} show no better share."
    return f"{weighed}: {chosen.ndcg:.3f} on {asked}, {chosen.ndcg_half:.3f} half and half."


def sentence_of_run(project: Project, run: Run) -> str:
    """How a run of hybrid search was weighed, in words; "" for other runs and where something else was chosen since."""
    found = models.model(project, run.model_id) if run.model_id and run.system.startswith("hybrid") else None
    chosen = hybrid_share(project, found) if found else None
    if chosen is None:
        return ""
    (key,) = project.db.execute("select content_key from runs where id = ?", [run.id]).fetchone()
    held = mark_of(chosen.model) in key if chosen.model != HALF else "share " not in key
    return joined_sentence(chosen) if held else ""

"""Makes a model to start from out of the project's own documents, and makes it the project's base."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from engine.encode.tokens import in_words, measure_tokens
from engine.params import MakeBaseParams, params_to_dict
from engine.store import models
from engine.store.documents import corpus
from engine.store.project import Project
from engine.store.queries import representatives
from engine.task import Task
from engine.train.saving import save_folder
from engine.train.static_models import build_static


@dataclass(frozen=True, slots=True)
class BaseSummary:
    """What was made; shares (0..1) of tokens that the old and the new base model do not know.

    Attributes:
        model: the new model's id.
        way: static or vocabulary.
        tokens: entries of the vocabulary.
        unknown_before: 0 where it was not measured.
        used: whether the project starts from it now.
    """

    model: int
    name: str
    way: str
    tokens: int
    dim: int
    unknown_before: float
    unknown_share: float
    used: bool
    seconds: float


def make_base(project: Project, params: MakeBaseParams, task: Task) -> BaseSummary:
    """Make a model from the documents; its row is `complete` last, and nothing stays of one that was not finished.

    Raises:
        UserError: hardly any documents.
    """
    began, way = time.monotonic(), "static" if params.way == "auto" else params.way
    texts = corpus(project).texts
    name = params.name or _name(project)
    row = models.add_model(project, name=name, kind="base", path="", params={**params_to_dict(params), "way": way})
    place = Path("models") / str(row) / "final"
    try:
        model = build_static(texts, params, task)
        task.progress("save the model", 0, 0)
        facts = save_folder(model, project.path / place, _card(name, facts_of=len(texts), dim=params.dim))
        task.check_cancelled()
        found = models.model(project, row)
        assert found is not None  # for the type: it was added above, and only this process writes
        made = replace(found, path=place.as_posix(), max_length=facts.max_length)
        report = measure_tokens(project, made, [*texts, *(q.text for q in representatives(project))], task)
        before = project.meta_json("token_report") or {}
        summary = BaseSummary(
            model=row,
            name=name,
            way=way,
            tokens=facts.parameters // facts.dim,
            dim=facts.dim,
            unknown_before=float(before.get("unknown_share", 0.0)),
            unknown_share=report.unknown_share,
            used=params.use,
            seconds=round(time.monotonic() - began, 1),
        )
        models.finish_model(
            project,
            row,
            path=made.path,
            weights_digest=facts.weights_digest,
            dim=facts.dim,
            max_length=facts.max_length,
            summary=asdict(summary),
        )
    except BaseException:
        models.drop_model(project, row)
        raise
    if params.use:
        project.set_meta("base_model_id", str(row))
        project.set_meta_json("token_report", {**asdict(report), "sentence": in_words(report)})
    return summary


def _name(project: Project) -> str:
    number = 1 + sum(model.params.get("way") is not None for model in models.models(project))
    return "own words" if number == 1 else f"own words {number}"


def _card(name: str, *, facts_of: int, dim: int) -> str:
    return "\n".join(
        [
            "---",
            "library_name: sentence-transformers",
            "pipeline_tag: sentence-similarity",
            "tags: [sentence-transformers, sentence-similarity, static-embedding, searchsmith]",
            "---",
            "",
            f"# {name}",
            "",
            f"Token vectors of {dim} numbers for the words of {facts_of:,} passages, made with Searchsmith from those "
            "passages alone. A start for tuning: on its own it searches about as weighted word counts do.",
            "",
            "```python",
            "from sentence_transformers import SentenceTransformer",
            "",
            'model = SentenceTransformer("path/to/this/folder")',
            'vectors = model.encode(["a passage"])',
            "```",
            "",
        ]
    )

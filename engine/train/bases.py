"""Makes a model to start from out of the project's own documents, and makes it the project's base."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from engine.encode.models import folder_of
from engine.encode.tokens import in_words, measure_tokens
from engine.errors import UserError
from engine.params import MakeBaseParams, params_to_dict
from engine.store import models
from engine.store.documents import corpus
from engine.store.project import Project
from engine.store.queries import representatives
from engine.task import Task
from engine.train.saving import save_folder
from engine.train.static_models import build_static
from engine.train.static_work import is_static
from engine.train.vocabulary import grow_vocabulary

_FEWEST_TEXTS = 8


@dataclass(frozen=True, slots=True)
class BaseSummary:
    """What was made; shares (0..1) of tokens that the old and the new base model do not know.

    Attributes:
        model: the new model's id.
        way: static or vocabulary.
        tokens: entries of the vocabulary, of the vocabulary way the new ones.
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
    texts = list(dict.fromkeys(corpus(project).texts))
    if len(texts) < _FEWEST_TEXTS:
        raise UserError(
            f"A model cannot be made from {len(texts)} passages.", hint="Import documents first: a few hundred."
        )
    name = params.name or _name(project)
    old = models.base_model(project)
    row = models.add_model(
        project,
        name=name,
        kind="base",
        path="",
        parent_id=old.id if old and way == "vocabulary" else None,
        params={**params_to_dict(params), "way": way},
    )
    place = Path("models") / str(row) / "final"
    try:
        model, tokens, words = _build(project, way, texts, params, task)
        task.progress("save the model", 0, 0)
        facts = save_folder(model, project.path / place, _card(name, words))
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
            tokens=tokens,
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


def _build(
    project: Project, way: str, texts: list[str], params: MakeBaseParams, task: Task
) -> tuple[Any, int, str]:  # Any: a SentenceTransformer
    """The model, how many tokens are its own, and what its card says of it."""
    if way == "static":
        model = build_static(texts, params, task)
        words = (
            f"Token vectors of {params.dim} numbers for the words of {len(texts):,} passages, made with Searchsmith "
            "from those passages alone. A start for tuning: on its own it searches about as weighted word counts do."
        )
        return model, len(model[0].embedding.weight), words
    old = models.resolve_model(project, "base")
    folder = folder_of(project, old)
    if is_static(folder):
        raise UserError(f"{old.name} is a table of vectors; its vocabulary cannot grow.", hint="Make it again instead.")
    model, added = grow_vocabulary(folder, texts, params.tokens, task)
    words = (
        f"{old.name} with {added:,} characters more, found in {len(texts):,} passages by Searchsmith. A start for "
        f"tuning: the new rows are means of known ones. The licence of {old.name} applies to these weights too."
    )
    return model, added, words


def _name(project: Project) -> str:
    number = 1 + sum(model.params.get("way") is not None for model in models.models(project))
    return "own words" if number == 1 else f"own words {number}"


def _card(name: str, words: str) -> str:
    return "\n".join(
        [
            "---",
            "library_name: sentence-transformers",
            "pipeline_tag: sentence-similarity",
            "tags: [sentence-transformers, sentence-similarity, searchsmith]",
            "---",
            "",
            f"# {name}",
            "",
            words,
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

"""What can be taken out of a project, where it would lie, and what was taken before."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication

from engine.formats import NEED_NEGATIVES, QUERIES, SUFFIXES, TRAINING, TRAINING_FOLDERS, WITHOUT_NEGATIVES
from engine.records import ExportRecord, Model, Outcome, Run, Split
from engine.store import jobs, models, negatives, queries, runs
from engine.store.learnt import known_by_run
from engine.store.project import Project


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to take: the job's `what`, `format` and `split`, its name, what is in it, its icon.

    `name` of the file or folder; `%1` stands for the model's; where it is "" it follows from the format, which is one
    of `formats`.
    """

    key: str
    what: str
    format: str
    split: str
    title: str
    sentence: str
    icon: str
    name: str
    formats: tuple[str, ...] = ()

    @property
    def is_of_model(self) -> bool:
        return self.what in ("model", "run")


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model to take from: its reference in jobs, how well it did on the test questions, how it was made.

    `system` names its run in an export; "" where it was not measured.
    """

    model_id: int
    name: str
    score: float | None
    verdict: Outcome | None
    made: str
    system: str
    n_bytes: int
    is_tuned: bool


@dataclass(frozen=True, slots=True)
class ExportFacts:
    """Everything the page shows; `judged` counts judged queries by split."""

    models: tuple[ModelChoice, ...] = ()
    judged: Mapping[str, int] = field(default_factory=dict)
    n_test: int = 0
    has_negatives: bool = False
    folder: str = ""
    history: tuple[ExportRecord, ...] = ()

    def model(self, model_id: int) -> ModelChoice | None:
        return next((model for model in self.models if model.model_id == model_id), None)


def choices() -> list[Choice]:
    """What the engine can write, the most asked for first."""
    return [
        Choice("model", "model", "sentence-transformers", "", _tr("Sentence Transformers folder"),
               _tr("safetensors, tokenizer, pooling, model card"), "box", "%1"),
        Choice("run", "run", "trec", "test", _tr("Ranked lists, TREC run"),
               _tr("the model's first 100 hits of every test query"), "list", "%1-test.run"),
        Choice("qrels", "qrels", "trec", "test", _tr("Judgements, TREC qrels"),
               _tr("test queries; for trec_eval, ranx and the like"), "check", "test.qrels"),
        Choice("beir", "qrels", "beir", "test", _tr("Data set, BEIR folder"),
               _tr("corpus, queries and judgements of all splits"), "folder", "beir"),
        Choice("training", "training", "flagembedding", "train", _tr("Training set"),
               _tr("training queries, their answers and negatives"), "negatives", "", tuple(TRAINING)),
        Choice("negatives", "negatives", "flagembedding", "train", _tr("Hard negatives"),
               _tr("only training queries that have negatives"), "negatives", "",
               tuple(name for name in TRAINING if name not in WITHOUT_NEGATIVES)),
        Choice("queries", "queries", "jsonl", "all", _tr("Queries"),
               _tr("every query with its split"), "query", "", tuple(QUERIES)),
    ]  # fmt: skip


def read_facts(project: Project) -> ExportFacts:
    """Models with their scores, what is judged, and what was taken before."""
    test_runs = runs.newest_runs(project, Split.TEST)
    known = models.models(project)
    base = models.base_model(project)
    shown = [*(m for m in reversed(known) if m.kind == "tuned"), *([base] if base else [])]
    judged = queries.positives(project)
    counts: dict[str, int] = {}
    for query in queries.representatives(project):
        if query.id in judged and query.split:
            counts[query.split.value] = counts.get(query.split.value, 0) + 1
    return ExportFacts(
        tuple(_model_choice(project, model, known, test_runs) for model in shown),
        counts,
        next((run.n_queries for run in test_runs), 0),
        negatives.newest_mining(project) is not None,
        str(project.path / "exports"),
        tuple(jobs.exports(project, limit=20)),
    )


def _model_choice(project: Project, model: Model, known: Sequence[Model], test_runs: Sequence[Run]) -> ModelChoice:
    run = next((run for run in test_runs if run.model_id == model.id and runs.is_of_model(run)), None)
    bm25 = next((run for run in test_runs if run.system == "bm25"), None)
    proven = run is not None and run.id not in known_by_run(project, Split.TEST)
    found = runs.comparison_of(project, run.id, bm25.id) if run and bm25 and proven else None
    parent = next((m.name for m in known if m.id == model.parent_id), "")
    if model.kind != "tuned":
        made = _tr("the base model")
    else:
        made = _tr("tuned from %1").replace("%1", parent) if parent else _tr("tuned here")
    folder = models.model_folder(project, model)
    return ModelChoice(
        model.id,
        model.name,
        run.metrics.get("ndcg@10") if run else None,
        found.verdict if found else None,
        made,
        (str(model.id) if model.kind == "tuned" else "base") if run else "",
        size_of(folder),
        model.kind == "tuned",
    )


def size_of(folder: Path) -> int:
    """Bytes of a model's files, checkpoints left out; 0 where it cannot be read."""
    try:
        return sum(
            path.stat().st_size
            for path in folder.rglob("*")
            if path.is_file() and "checkpoints" not in path.relative_to(folder).parts
        )
    except OSError:
        return 0


def why_not(choice: Choice, model: ModelChoice | None, facts: ExportFacts) -> str:
    """Why something cannot be taken, in words; "" where it can."""
    if choice.is_of_model and model is None:
        return _tr("there is no model yet")
    if choice.what == "run" and model is not None and not model.system:
        return _tr("not measured on the test queries yet")
    if choice.what == "qrels" and choice.format == "beir":
        return "" if facts.judged else _tr("no query is judged")
    if choice.what == "qrels" and not facts.judged.get(choice.split):
        return _tr("no judged query in this split")
    if choice.what == "training" and not facts.judged.get(choice.split):
        return _tr("no judged query in this split")
    needs_negatives = choice.what == "negatives" or choice.format in NEED_NEGATIVES
    if needs_negatives and choice.what != "model" and not facts.has_negatives:
        return _tr("no negatives were mined")
    return ""


def file_name(choice: Choice, model: ModelChoice | None) -> str:
    """The name of what is written, safe on every system."""
    if not choice.name:
        if choice.what == "queries":
            return f"queries.{choice.format}"
        ending = "" if choice.format in TRAINING_FOLDERS else f".{SUFFIXES.get(choice.format, 'jsonl')}"
        return f"{choice.split}-{choice.format}{'-negatives' if choice.what == 'negatives' else ''}{ending}"
    return choice.name.replace("%1", slug(model.name) if model else "model")


def slug(name: str) -> str:
    """A name that every file system takes."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "model"


def params_of(choice: Choice, model: ModelChoice | None, folder: str) -> dict[str, Any]:  # Any: JSON values
    """The export job's params."""
    values: dict[str, Any] = {
        "dest": str(Path(folder) / file_name(choice, model)),
        "what": choice.what,
        "format": choice.format,
    }
    if choice.split:
        values["split"] = choice.split
    if choice.what == "model" and model is not None:
        values["model"] = str(model.model_id)
    if choice.what == "run" and model is not None:
        values["system"] = model.system
    return values


def earlier(choice: Choice, model: ModelChoice | None, folder: str, facts: ExportFacts) -> ExportRecord | None:
    """The last time this was taken to this place."""
    path = str(Path(folder) / file_name(choice, model))
    for record in facts.history:
        same = record.what == choice.what and record.format == choice.format and record.path == path
        if same and (not choice.is_of_model or model is None or record.model_id == model.model_id):
            return record
    return None


def free_bytes(folder: str) -> int:
    """Bytes free where `folder` is or would be; 0 where it cannot be told."""
    path = Path(folder)
    while not path.exists() and path != path.parent:
        path = path.parent
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return 0


def snippet(path: str) -> str:
    """How the exported folder is used elsewhere."""
    return (
        "from sentence_transformers import SentenceTransformer\n\n"
        f"model = SentenceTransformer({path!r})\n"
        'query = model.encode_query("what people ask")\n'
        'passages = model.encode_document(["one text", "another"])\n'
        "print(model.similarity(query, passages))"
    )


def _tr(text: str) -> str:
    return QCoreApplication.translate("export", text)

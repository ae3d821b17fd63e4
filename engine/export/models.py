"""A model as a sentence-transformers folder that loads anywhere, loaded again and compared before it is done."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.errors import ExportError
from engine.export.card import model_card
from engine.export.places import check_folder, folder_beside
from engine.records import Model
from engine.store import documents, queries
from engine.store.project import Project, now
from engine.task import Task

LEAST_COSINE = 0.9999
_TEXTS = 20
_LEFT_BEHIND = ("checkpoints", ".*", "*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt", "runs", "optimizer*", "__pycache__")
_TRIAL = ("A text to compare with.", "Was die Leute suchen", "怎么除水垢")


def export_model(project: Project, model: Model, dest: Path, task: Task) -> tuple[Path, tuple[str, ...], str]:
    """Copy a model's folder with a model card; returns the folder, its files and what the check said.

    Raises:
        UserError: `dest` holds something else or cannot be written.
        ModelError: the model's own folder is unsafe or not there.
        ExportError: the copy gives other vectors; nothing is left then.
    """
    from engine.encode.models import folder_of

    source, dest = folder_of(project, model), check_folder(dest)
    facts: dict[str, object] = {
        "exported": "model",
        "project": project.name,
        "model": model.name,
        "weights": model.weights_digest,
        "at": now(),
    }
    with folder_beside(dest, facts) as beside:
        task.progress("copy the model", 0, 3)
        shutil.copytree(source, beside, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*_LEFT_BEHIND))
        if (beside / "README.md").exists():
            (beside / "README.md").replace(beside / "README.base.md")
        task.progress("load it again and compare", 1, 3)
        check = _compare(project, model, beside)
        (beside / "README.md").write_text(model_card(project, model, check=check), encoding="utf-8", newline="\n")
        task.progress("put it in place", 2, 3)
    task.progress("put it in place", 3, 3)
    files = sorted(str(path.relative_to(dest).as_posix()) for path in dest.rglob("*") if path.is_file())
    return dest, tuple(files), check


def _compare(project: Project, model: Model, folder: Path) -> str:
    """Encode texts of the project with the copy, loaded as anyone would, and with our encoder in float32."""
    from engine.encode.models import open_encoder, quiet_libraries

    quiet_libraries()
    from sentence_transformers import SentenceTransformer

    asked, passages = _texts(project)
    encoder = open_encoder(project, model, device="cpu", precision="fp32")
    try:
        loaded = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise ExportError(
            f"The exported copy of {model.name} cannot be loaded: {error}.", hint="Nothing was exported."
        ) from error
    pairs = [
        (encoder.encode(asked, "query"), loaded.encode_query(asked, normalize_embeddings=True)),
        (encoder.encode(passages, "passage"), loaded.encode_document(passages, normalize_embeddings=True)),
    ]
    cosines = np.concatenate([np.sum(ours * np.asarray(theirs), axis=1) for ours, theirs in pairs if len(ours)])
    least = float(cosines.min())
    if not least >= LEAST_COSINE:
        raise ExportError(
            f"The exported copy of {model.name} gives other vectors than the program (cosine {least:.4f}).",
            hint="Nothing was exported. Train again, or report this with the model's settings.",
        )
    return (
        f"Loaded again with sentence-transformers and compared on {len(cosines)} texts: "
        f"cosine to the program's vectors at least {min(least, 1.0):.6f}."
    )


def _texts(project: Project) -> tuple[list[str], list[str]]:
    """Half queries, half passages, spread over the project; trial texts where there are none."""
    asked = [query.text for query in queries.representatives(project)]
    passages = documents.corpus(project).texts
    half = _TEXTS // 2
    chosen_queries = _spread(asked, half)
    chosen_passages = _spread(passages, _TEXTS - len(chosen_queries))
    if not chosen_queries and not chosen_passages:
        return [], list(_TRIAL)
    return chosen_queries, chosen_passages


def _spread(texts: Sequence[str], count: int) -> list[str]:
    return list(texts[:: max(1, len(texts) // count)][:count])

"""A split as a retrieval task that MTEB loads from a folder: corpus, queries, judgements and the task itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.errors import UserError
from engine.export.identifiers import passage_names, query_names
from engine.export.places import check_folder, folder_beside
from engine.params import MtebParams
from engine.records import Passage, Split
from engine.store import documents, jobs, queries
from engine.store.copies import copies
from engine.store.files import sha256_of
from engine.store.project import Project, now
from engine.task import Task

_BLOCK = 1000
_CONFIGS = ("corpus", "queries", "default")


@dataclass(frozen=True, slots=True)
class MtebSummary:
    """What was written; `check` says what was read back."""

    path: str
    files: tuple[str, ...]
    passages: int
    queries: int
    judgements: int
    check: str


def export_mteb(project: Project, params: MtebParams, task: Task) -> MtebSummary:
    """Write the passages and a split's judged queries as MTEB's retrieval loader reads them.

    Passages of one text are written once, under the first one's name and with the highest grade of all, as they are
    measured here; so MTEB's nDCG@10 of a model is ours.

    Raises:
        UserError: no place, no judged query in the split, or a place that holds something else.
    """
    if not params.dest:
        raise UserError("There is no place for the task.", hint="Name a folder.")
    split = Split(params.split)
    judged = queries.positives(project)
    asked = [query for query in queries.representatives(project, split) if query.id in judged]
    if not asked:
        raise UserError(f"No query of the {split.value} split has a judged answer.", hint="Choose another split.")
    names, asked_names = passage_names(project), query_names(project)
    first = {passage: group[0] for passage, group in copies(project).items()}
    qrels = {query.id: _of_first(judged[query.id], first) for query in asked}
    path = check_folder(Path(params.dest))
    facts: dict[str, object] = {"exported": "task", "format": "mteb", "project": project.name, "at": now()}
    with folder_beside(path, facts) as beside:
        corpus = _write(
            beside / "corpus.jsonl",
            (
                {"_id": names[passage.id], "title": passage.heading, "text": passage.text}
                for passage in _told(documents.all_passages(project), documents.count_passages(project), task)
                if first.get(passage.id, passage.id) == passage.id
            ),
        )
        _write(beside / "queries.jsonl", ({"_id": asked_names[query.id], "text": query.text} for query in asked))
        lines = _write(
            beside / "default.jsonl",
            (
                {"query-id": asked_names[query_id], "corpus-id": names[passage_id], "score": grade}
                for query_id, grades in qrels.items()
                for passage_id, grade in grades.items()
            ),
        )
        (beside / "README.md").write_text(_readme(project.name, split), encoding="utf-8")
        (beside / "project_retrieval.py").write_text(
            _task_module(project.name, split, _digest(beside)), encoding="utf-8"
        )
        known = {str(json.loads(line)["_id"]) for line in _lines(beside / "corpus.jsonl")}
        lost = sum(json.loads(line)["corpus-id"] not in known for line in _lines(beside / "default.jsonl"))
        if lost:
            raise UserError(f"{lost:,} judgements name a passage that was not written.", hint="Export again.")
    check = f"Read again: {corpus:,} passages, {len(asked):,} queries, {lines:,} judgements, each of a passage there."
    jobs.put_export(project, what="task", format="mteb", path=str(path), model_id=None, check=check)
    files = ("README.md", "corpus.jsonl", "queries.jsonl", "default.jsonl", "project_retrieval.py")
    return MtebSummary(str(path), files, corpus, len(asked), lines, check)


def _of_first(grades: Mapping[int, int], first: Mapping[int, int]) -> dict[int, int]:
    kept: dict[int, int] = {}
    for passage_id, grade in grades.items():
        named = first.get(passage_id, passage_id)
        kept[named] = max(grade, kept.get(named, 0))
    return kept


def _told(passages: Iterable[Passage], total: int, task: Task) -> Iterable[Passage]:
    for done, passage in enumerate(passages):
        if done % _BLOCK == 0:
            task.check_cancelled()
            task.progress("write passages", done, total)
        yield passage


def _write(path: Path, rows: Iterable[Mapping[str, object]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def _lines(path: Path) -> Iterable[str]:
    with path.open(encoding="utf-8") as file:
        yield from file


def _readme(name: str, split: Split) -> str:
    configs = "\n".join(
        f"- config_name: {config}\n  data_files:\n  - split: {split.value}\n    path: {config}.jsonl"
        for config in _CONFIGS
    )
    return (
        f"---\nconfigs:\n{configs}\n---\n\n# {' '.join(name.split())}\n\nA retrieval task for MTEB. In this folder:\n\n"
        "```\nimport mteb, project_retrieval\nfrom sentence_transformers import SentenceTransformer\n\n"
        'mteb.evaluate(SentenceTransformer("MODEL"), project_retrieval.ProjectRetrieval())\n```\n\n'
        "Give each export a name of its own: datasets may serve an older folder of the same name from its cache.\n"
    )


def _digest(folder: Path) -> str:
    """Name what was written, as the revision of the data."""
    digests = [sha256_of(folder / f"{config}.jsonl") for config in _CONFIGS]
    return hashlib.sha256("".join(digests).encode("ascii")).hexdigest()[:40]


def _task_module(name: str, split: Split, revision: str) -> str:
    return f'''"""The task of this folder for MTEB."""

from pathlib import Path

from mteb.abstasks.retrieval import AbsTaskRetrieval
from mteb.abstasks.task_metadata import TaskMetadata


class ProjectRetrieval(AbsTaskRetrieval):
    metadata = TaskMetadata(
        name="ProjectRetrieval",
        description={" ".join(name.split())!r},
        dataset={{"path": str(Path(__file__).resolve().parent), "revision": "{revision}"}},
        type="Retrieval",
        category="t2t",
        modalities=["text"],
        eval_splits=["{split.value}"],
        eval_langs=["eng-Latn"],
        main_score="ndcg_at_10",
    )
'''

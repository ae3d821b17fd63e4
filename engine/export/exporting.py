"""Takes models, runs and judgements out of a project, each read again before it is called done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ExportError, UserError
from engine.evaluate.ranking import Ranked
from engine.export import trec
from engine.export.identifiers import passage_names, query_names, without_blanks
from engine.export.labelled import LINE_FORMATS, is_json_line, labelled_rows, write_beir, write_lines
from engine.export.models import export_model
from engine.export.places import check_folder, check_own_file, file_beside, folder_beside
from engine.export.training import export_queries, export_training
from engine.formats import QUERIES, TRAINING, WITHOUT_NEGATIVES
from engine.params import ExportParams
from engine.records import Model, Run, Split
from engine.store import jobs, models, pins, queries, runs
from engine.store.project import Project, now
from engine.store.verdicts import system_name
from engine.task import Task

FORMATS = {
    "model": ("sentence-transformers",),
    "run": ("trec",),
    "qrels": ("trec", "beir", *LINE_FORMATS),
    "queries": tuple(QUERIES),
    "training": tuple(TRAINING),
    "negatives": tuple(name for name in TRAINING if name not in WITHOUT_NEGATIVES),
}


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What was written: `files` are relative to `path` where that is a folder; `check` says how it was proven."""

    what: str
    format: str
    path: str
    files: tuple[str, ...]
    check: str


def export(project: Project, params: ExportParams, task: Task) -> ExportSummary:
    """Write what is asked for beside its place, read it again, put it in place and record it.

    `auto` is the first of `FORMATS`. Imported ids come back; what has none goes by the project's own number.

    Raises:
        UserError: no such format, model or run, a place that holds something else, or a model that lost pinned
            queries where `despite_pins` is not given.
        ExportError: what was written does not give the same answers.
    """
    if not params.dest:
        raise UserError("There is no place to export to.", hint="Name a folder or a file.")
    if params.what not in FORMATS:
        raise UserError(f"There is no export '{params.what}'.", hint=f"Exports: {', '.join(FORMATS)}.")
    known = FORMATS[params.what]
    format = known[0] if params.format == "auto" else params.format
    if format not in known:
        raise UserError(
            f"{params.what.capitalize()} cannot be exported as '{format}'.", hint=f"Formats: {', '.join(known)}."
        )
    dest, model_id = Path(params.dest), None
    if params.what == "model":
        model = models.resolve_model(project, params.model)
        model_id = model.id
        if not params.despite_pins:
            _check_pins(project, model)
        path, files, check = export_model(project, model, dest, task)
    elif params.what == "run":
        run = find_run(project, params.system, Split(params.split))
        model_id = run.model_id
        path, files, check = _export_run(project, run, params.system, dest, task)
    elif params.what == "queries":
        path, files, check = export_queries(project, params, format, task)
    elif params.what in ("training", "negatives"):
        path, files, check = export_training(project, params, format, task)
    else:
        path, files, check = _export_qrels(project, format, Split(params.split), dest, task)
    jobs.put_export(project, what=params.what, format=format, path=str(path), model_id=model_id, check=check)
    return ExportSummary(params.what, format, str(path), files, check)


def _check_pins(project: Project, model: Model) -> None:
    lost = pins.lost_pins(project, model.id)
    if lost:
        first = f"“{lost[0].text[:80]}” ({lost[0].place_words()})"
        more = f" and {len(lost) - 1:,} more" if len(lost) > 1 else ""
        raise UserError(
            f"{model.name} loses pinned queries: {first}{more}.",
            hint="Look at them: searchsmith pins list PROJECT. To export it all the same: --despite-pins.",
        )


def find_run(project: Project, system: str, split: Split) -> Run:
    """The newest run of a system: bm25, base, tuned, hybrid or a model's id.

    Raises:
        UserError: it was not measured.
    """
    label = system.strip()
    run = runs.run_of_system(project, label, split)
    if run is None:
        raise UserError(
            f"There is no run of {system_name(label)} on the {split.value} split.",
            hint=f"Measure it first: searchsmith evaluate PROJECT --systems {label} --split {split.value}",
        )
    return run


def _export_run(project: Project, run: Run, system: str, dest: Path, task: Task) -> tuple[Path, tuple[str, ...], str]:
    tag = trec.tag_of(system)
    path = check_own_file(project, dest, f"{tag}-{run.split.value}.run", trec.is_run_line)
    task.progress("write the run", 0, 2)
    asked, passages = without_blanks(query_names(project)), without_blanks(passage_names(project))
    query_ids, passage_ids, scores = runs.hits(project, run.id)
    kept = [row for row, query_id in enumerate(query_ids.tolist()) if query_id in asked]
    gone = set(passage_ids[passage_ids >= 0].tolist()) - passages.keys()
    if len(kept) < len(query_ids) or gone:
        raise UserError(
            "Queries or passages of this run are not in the project any more.", hint="Evaluate again, then export."
        )
    expected = {
        asked[query_id]: [passages[p] for p in row if p >= 0]
        for query_id, row in zip(query_ids.tolist(), passage_ids.tolist(), strict=True)
    }
    with file_beside(path) as beside:
        lines = trec.write_run(
            beside,
            query_ids.tolist(),
            Ranked(passage_ids, scores),
            tag=tag,
            query_names=asked,
            passage_names=passages,
        )
        task.progress("read it again", 1, 2)
        judged = _named_judgements(project, Split(run.split), asked, passages, of=set(query_ids.tolist()))
        ndcg = trec.check_run(beside, judged, expected)
    task.progress("read it again", 2, 2)
    check = f"Read again: {len(expected):,} queries, {lines:,} hits in the same order, nDCG@10 {ndcg:.6f}."
    return path, (path.name,), check


def _export_qrels(
    project: Project, format: str, split: Split, dest: Path, task: Task
) -> tuple[Path, tuple[str, ...], str]:
    if format == "beir":
        return _export_beir(project, dest, task)
    if format == "trec":
        return _export_trec_qrels(project, split, dest, task)
    path = check_own_file(project, dest, f"{split.value}.jsonl", is_json_line)
    with file_beside(path) as beside:
        lines = write_lines(beside, format, labelled_rows(project, split), task)
        _check_count(beside, lines)
    return path, (path.name,), f"Read again: {lines:,} lines."


def _export_trec_qrels(project: Project, split: Split, dest: Path, task: Task) -> tuple[Path, tuple[str, ...], str]:
    path = check_own_file(project, dest, f"{split.value}.qrels", trec.is_qrels_line)
    task.progress("write judgements", 0, 1)
    asked, passages = without_blanks(query_names(project)), without_blanks(passage_names(project))
    judgements = _judgements(project, split)
    if not judgements:
        raise UserError(f"No query of the {split.value} split is judged.", hint="Import a labelled set, then split.")
    with file_beside(path) as beside:
        lines = trec.write_qrels(beside, judgements, query_names=asked, passage_names=passages)
        if trec.read_qrels(beside) != _named_judgements(project, split, asked, passages):
            raise ExportError("The judgements could not be read back as they were written.", hint="Export again.")
    task.progress("write judgements", 1, 1)
    return path, (path.name,), f"Read again: {len(judgements):,} queries, {lines:,} judgements."


def _export_beir(project: Project, dest: Path, task: Task) -> tuple[Path, tuple[str, ...], str]:
    path = check_folder(dest)
    facts: dict[str, object] = {"exported": "qrels", "format": "beir", "project": project.name, "at": now()}
    with folder_beside(path, facts) as beside:
        files = write_beir(
            beside, project, query_names=query_names(project), passage_names=passage_names(project), task=task
        )
        counts = {name: _lines(beside / name) for name in files}
    check = "Read again: " + ", ".join(f"{name} {count:,} lines" for name, count in counts.items()) + "."
    return path, tuple(files), check


def _judgements(project: Project, split: Split) -> dict[int, dict[int, int]]:
    """Grades of a split's queries, those judged not relevant (0) too."""
    members = {query.id for query in queries.representatives(project, split)}
    return {query_id: grades for query_id, grades in queries.judgements(project).items() if query_id in members}


def _named_judgements(
    project: Project,
    split: Split,
    asked: Mapping[int, str],
    passages: Mapping[int, str],
    *,
    of: set[int] | None = None,
) -> dict[str, dict[str, int]]:
    return {
        asked[query_id]: {passages[passage_id]: grade for passage_id, grade in grades.items()}
        for query_id, grades in _judgements(project, split).items()
        if of is None or query_id in of
    }


def _check_count(path: Path, lines: int) -> None:
    if _lines(path) != lines:
        raise ExportError("The lines could not be read back as they were written.", hint="Export again.")


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)

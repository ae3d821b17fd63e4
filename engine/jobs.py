"""Every piece of heavy work by name: asked for by the window and by the command line, kept in the project's history."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from engine.errors import Cancelled, SearchsmithError, UserError
from engine.params import (
    AutopilotParams,
    CutParams,
    DedupParams,
    EvaluateParams,
    ExportParams,
    GateParams,
    ImportParams,
    MakeBaseParams,
    MakeParams,
    MergeParams,
    MineParams,
    MtebParams,
    NewParams,
    ReimportParams,
    ReportParams,
    RerankerParams,
    RetryParams,
    SampleParams,
    ScoreParams,
    SplitParams,
    TasksParams,
    TrainParams,
    UncutParams,
    params_from_dict,
    params_to_keep,
)
from engine.records import ImportReport, JobState, Probe
from engine.store import jobs as history
from engine.store import models
from engine.store.project import Project
from engine.store.recovering import recover
from engine.store.sqlite import disk_in_words
from engine.task import Task

Summary = dict[str, Any]  # Any: JSON values


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of work. `run` names a function `(project, params, task) -> record`; it is imported when it starts."""

    params: type[Any]  # Any: one of engine.params
    run: str
    changed: tuple[str, ...]
    creates: bool = False


JOBS = {
    "new": Job(NewParams, "engine.jobs:make_new", ("documents", "queries", "models"), creates=True),
    "sample": Job(SampleParams, "engine.jobs:make_sample", ("documents", "queries", "models"), creates=True),
    "import": Job(ImportParams, "engine.jobs:import_paths", ("documents", "queries")),
    "reimport": Job(ReimportParams, "engine.jobs:reimport", ("documents", "queries")),
    "retry": Job(RetryParams, "engine.jobs:retry", ("documents", "queries")),
    "cut": Job(CutParams, "engine.jobs:cut", ("documents", "queries", "negatives")),
    "uncut": Job(UncutParams, "engine.jobs:uncut", ("documents", "queries", "negatives")),
    "make_queries": Job(MakeParams, "engine.curate.making:make_queries", ("queries",)),
    "dedup": Job(DedupParams, "engine.curate.duplicates:dedup", ("queries",)),
    "split": Job(SplitParams, "engine.curate.splits:split", ("queries",)),
    "mine": Job(MineParams, "engine.mine.mining:mine", ("negatives",)),
    "gate": Job(GateParams, "engine.mine.gating:score_candidates", ("negatives",)),
    "train": Job(TrainParams, "engine.train.training:train", ("models",)),
    "make_base": Job(MakeBaseParams, "engine.train.bases:make_base", ("models", "documents")),
    "forecast": Job(TrainParams, "engine.train.forecast:forecast", ()),
    "autopilot": Job(AutopilotParams, "engine.train.rounds:autopilot", ("negatives", "models", "runs")),
    "merge": Job(MergeParams, "engine.train.merging:merge", ("models",)),
    "scores": Job(ScoreParams, "engine.train.teaching:score_pairs", ("queries",)),
    "reranker": Job(RerankerParams, "engine.train.reranking:train_reranker", ("models",)),
    "evaluate": Job(EvaluateParams, "engine.evaluate.evaluation:evaluate", ("runs",)),
    "tasks": Job(TasksParams, "engine.evaluate.tasks:evaluate_tasks", ("runs",)),
    "mteb": Job(MtebParams, "engine.export.mteb:export_mteb", ("exports",)),
    "report": Job(ReportParams, "engine.export.report:report", ("exports",)),
    "export": Job(ExportParams, "engine.export.exporting:export", ("exports",)),
}


def run_job(
    path: Path, kind: str, values: dict[str, Any], task: Task, *, started: Callable[[int], None] | None = None
) -> Summary:
    """Do one job on the project in `path` and keep its record; returns the job's JSON summary.

    `started` is told the record's id. Kinds that create the project make it where there is none.

    Raises:
        UserError: an unknown kind or setting, or a stage without its input.
        ProjectError: the disk is full, or the project cannot be written to.
        Cancelled: the person stopped it; what was committed stays.
    """
    job = JOBS.get(kind)
    if job is None:
        raise UserError(f"There is no job '{kind}'.", hint=f"Jobs: {', '.join(JOBS)}.")
    params = params_from_dict(job.params, values)
    with task.working(), disk_in_words(), _open(path, job, params) as project, project.writing(kind):
        found = recover(project)
        for interrupted in found.kinds:
            task.warn(f"The job '{interrupted}' was interrupted before; what it had finished is kept.")
        for undone in found.undone:
            task.warn(f"An import that was cancelled before is taken back now: {undone.documents:,} documents.")
        ensure_base_model(project)
        record = history.start_job(project, kind, params_to_keep(params))
        if started:
            started(record)
        return _run_recorded(project, job, params, _Recorder(task, history.job_log(project, record)), record)


def _open(path: Path, job: Job, params: object) -> Project:
    if job.creates and not (path / "project.db").exists():
        if isinstance(params, NewParams):
            _check_base(params.base)
        return Project.create(path)
    return Project.open(path)


def _check_base(where: str) -> None:
    """Refuse a model that cannot be read before a folder is made that the next attempt would find taken."""
    from engine.encode.folders import read_facts

    if where not in ("", "bundled"):
        read_facts(Path(where).expanduser().absolute())


def _run_recorded(project: Project, job: Job, params: object, task: Task, record: int) -> Summary:
    began = time.monotonic()

    def end(state: JobState, message: str = "", summary: Summary | None = None) -> None:
        seconds = time.monotonic() - began
        history.end_job(project, record, state, message=message, summary=summary, seconds=seconds)

    try:
        module, name = job.run.split(":")
        summary = as_summary(getattr(import_module(module), name)(project, params, task))
    except (Cancelled, KeyboardInterrupt):  # the second: a person did not wait for the first to be heeded
        end(JobState.CANCELLED)
        raise
    except BaseException as error:
        end(JobState.FAILED, str(error) if isinstance(error, SearchsmithError) else repr(error))
        raise
    end(JobState.DONE, summary=summary)
    return summary


def as_summary(record: object) -> Summary:
    """A stage's record as the JSON object that the command line prints."""
    if isinstance(record, ImportReport):
        counts = asdict(record.counts)
        return {**counts, "format": record.format, "problems": [asdict(problem) for problem in record.problems]}
    if is_dataclass(record) and not isinstance(record, type):
        return asdict(record)
    return dict(record) if isinstance(record, dict) else {}


def make_new(project: Project, params: NewParams, task: Task) -> Summary:
    """Name the project and choose the model it starts from."""
    if params.name:
        project.set_meta("name", params.name)
    if params.base:
        set_base_model(project, params.base)
    base = models.base_model(project)
    return {"project": str(project.path), "name": project.name, "base": base.name if base else ""}


def make_sample(project: Project, params: SampleParams, task: Task) -> ImportReport:
    """Fill the project with the sample and say how well the base model reads it."""
    from engine.ingest.sample import make_sample as fill

    report = fill(project, params, task)
    if not project.meta("named"):
        project.set_meta("name", "Python functions")
    measure_texts(project, task)
    return report


def import_paths(project: Project, params: ImportParams, task: Task) -> Summary:
    """Import, then say how well the base model reads what came, and which files of before are gone from there."""
    from engine.ingest.again import MOST_LISTED, note_vanished
    from engine.ingest.importing import import_paths as take

    report = take(project, params, task)
    gone = note_vanished(project, [str(Path(path).expanduser().absolute()) for path in params.paths])
    if report.counts.new or report.counts.updated or not project.meta("token_report"):
        measure_texts(project, task)
    return {**as_summary(report), "vanished": sorted(gone)[:MOST_LISTED]}


def reimport(project: Project, params: ReimportParams, task: Task) -> Summary:
    """Read again what was imported, then measure the texts if that brought any."""
    from engine.ingest.again import reimport as take

    return _measured(project, as_summary(take(project, params, task)), task)


def retry(project: Project, params: RetryParams, task: Task) -> Summary:
    """Read files again that were not taken, then measure the texts if that brought any."""
    from engine.ingest.again import retry as take

    return _measured(project, as_summary(take(project, params, task)), task)


def _measured(project: Project, summary: Summary, task: Task) -> Summary:
    if summary["new"] or summary["updated"] or summary.get("removed"):
        measure_texts(project, task)
    return summary


def cut(project: Project, params: CutParams, task: Task) -> Summary:
    """Cut the documents again, then say how well the base model reads the passages."""
    from engine.ingest.recut import cut as cut_again

    summary = as_summary(cut_again(project, params, task))
    measure_texts(project, task)
    return summary


def uncut(project: Project, params: UncutParams, task: Task) -> Summary:
    """Take the last cutting back, then measure the passages again."""
    from engine.ingest.recut import uncut as cut_back

    summary = as_summary(cut_back(project, params, task))
    measure_texts(project, task)
    return summary


def measure_texts(project: Project, task: Task) -> None:
    """Measure unknown tokens and cut texts with the base model; keep the figures and warn where it reads badly."""
    from engine.encode.tokens import in_words, measure_tokens
    from engine.store.documents import corpus
    from engine.store.queries import representatives

    base = models.base_model(project)
    texts = [*corpus(project).texts, *(query.text for query in representatives(project))]
    if base is None or not texts:
        return
    report = measure_tokens(project, base, texts, task)
    sentence = in_words(report)
    project.set_meta_json("token_report", {**asdict(report), "sentence": sentence})
    if sentence:
        task.warn(sentence)


def ensure_base_model(project: Project) -> None:
    """Give a project without a base model the bundled one."""
    if models.base_model(project) is None:
        set_base_model(project, "bundled")


def set_base_model(project: Project, where: str) -> int:
    """Make a model the one the project starts from: `bundled`, a folder, an id; returns its id.

    Raises:
        ModelError: the folder cannot be loaded safely.
        UserError: no such model.
    """
    from engine.encode.models import add_model_folder

    known = {str(m.id): m.id for m in models.models(project)}
    same = [m.id for m in models.models(project) if m.path == where]
    model_id = known.get(where) or (same[0] if same else add_model_folder(project, where))
    project.set_meta("base_model_id", str(model_id))
    return model_id


class _Recorder(Task):
    """Passes reports on and appends the rare ones (stages, metrics, warnings) to the job's log on disk."""

    def __init__(self, task: Task, log: Path) -> None:
        super().__init__()
        self._task = task
        self._log = log
        self._stage = ""

    @property
    def is_cancelled(self) -> bool:
        return self._task.is_cancelled

    @property
    def is_finishing(self) -> bool:
        return self._task.is_finishing

    @property
    def paused_seconds(self) -> float:
        return self._task.paused_seconds

    @contextmanager
    def saving(self) -> Iterator[None]:
        with self._task.saving():
            yield

    def check_cancelled(self) -> None:
        self._task.check_cancelled()

    def check_skipped(self, file: str) -> None:
        self._task.check_skipped(file)

    def on_progress(self, stage: str, done: int, total: int, note: str) -> None:
        if stage != self._stage or (total and done == total):
            self._stage = stage
            self._write({"stage": stage, "done": done, "total": total})
        self._task.on_progress(stage, done, total, note)

    def on_metric(self, name: str, step: int, value: float) -> None:
        self._write({"metric": name, "step": step, "value": value})
        self._task.on_metric(name, step, value)

    def on_probes(self, found: Sequence[Probe]) -> None:
        self._write({"probes": {probe.query_id: probe.rank for probe in found}})
        self._task.on_probes(found)

    def on_warning(self, message: str) -> None:
        self._write({"warning": message})
        self._task.on_warning(message)

    def _write(self, event: dict[str, Any]) -> None:  # Any: JSON values
        with self._log.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"time": time.time(), **event}, ensure_ascii=False) + "\n")

"""Where a project stands: a state and a fact for each stage, and the one step that moves it forward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.records import Comparison, JobState, Model, Outcome, Run, Split
from engine.store import documents, jobs, models, negatives, queries, runs
from engine.store.corpus_marks import on_other_passages
from engine.store.learnt import known_by_model, known_by_run
from engine.store.project import Project
from engine.store.reading import base_offer
from engine.store.recuts import cut_since

_OTHER_PASSAGES = "measured before the passages changed"
_KNOWN = "No verdict: the model knows queries that it was measured with"
_OTHER_QUERIES = "measured before the queries were split or merged anew"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the way. `state`: none, ready, done, stale or problem; `fact` is short, `detail` a sentence."""

    name: str
    state: str
    fact: str
    detail: str


@dataclass(frozen=True, slots=True)
class NextStep:
    """What moves the project forward: a page, or a job with its params; `seconds` is an estimate, 0 unknown."""

    label: str
    page: str
    job: str
    params: dict[str, Any]  # Any: JSON values
    seconds: int


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the rail and the first page say about a project."""

    name: str
    passages: int
    queries: int
    stages: tuple[Stage, ...]
    next_step: NextStep
    test_runs: tuple[Run, ...]
    verdicts: tuple[Comparison, ...]


def overview(project: Project) -> Overview:
    """Look at the whole project; reads counts only."""
    n_passages = documents.count_passages(project)
    splits = queries.split_counts(project)
    n_queries = sum(splits.values())
    test_runs = tuple(runs.newest_runs(project, Split.TEST))
    verdicts = verdicts_of(project, test_runs)
    stages = (
        _documents_stage(project, n_passages),
        _queries_stage(project, splits),
        _negatives_stage(project, splits),
        _train_stage(project, splits),
        _evaluate_stage(project, test_runs, verdicts, splits),
        Stage("search", "done" if n_passages else "none", "", "Search with words, vectors or both"),
        _export_stage(project),
    )
    return Overview(
        project.name, n_passages, n_queries, stages, _next_step(project, stages, test_runs), test_runs, verdicts
    )


def verdicts_of(project: Project, test_runs: tuple[Run, ...]) -> tuple[Comparison, ...]:
    """How the newest tuned model compares with BM25 and with the base model, where that was measured."""
    by_system = {run.system: run for run in test_runs if run.system in ("bm25", "base")}
    tuned = newest_tuned_run(test_runs)
    if tuned is None:
        return ()
    found = [runs.comparison(project, tuned.id, by_system[name].id) for name in ("bm25", "base") if name in by_system]
    return tuple(comparison for comparison in found if comparison)


def newest_tuned_run(test_runs: tuple[Run, ...]) -> Run | None:
    """The run of the newest model that was tuned here."""
    tuned = [run for run in test_runs if run.system == "tuned"]
    return max(tuned, key=lambda run: run.model_id or 0, default=None)


def _documents_stage(project: Project, n_passages: int) -> Stage:
    n_documents = documents.count_documents(project)
    if not n_passages:
        return Stage("documents", "ready", "", "Nothing imported yet")
    detail = f"{_amount(n_passages, 'passage', 'passages')} from {_amount(n_documents, 'document', 'documents')}"
    return Stage("documents", "done", f"{n_passages:,}", detail)


def _amount(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _queries_stage(project: Project, splits: dict[str, int]) -> Stage:
    total = sum(splits.values())
    if not total:
        return Stage("queries", "none", "", "No queries yet")
    merged = queries.count_duplicates(project)
    detail = _amount(total, "query", "queries")
    if merged:
        detail += f" after merging {_amount(merged, 'duplicate', 'duplicates')}"
    if not splits.get("test"):
        return Stage("queries", "ready", f"{total:,}", f"{detail}; not split yet")
    parts = ", ".join(f"{splits.get(name, 0):,} {name}" for name in ("train", "dev", "test"))
    return Stage("queries", "done", f"{total:,}", f"{detail}: {parts}")


def _negatives_stage(project: Project, splits: dict[str, int]) -> Stage:
    mining = negatives.newest_mining(project)
    if mining is None:
        state = "ready" if splits.get("train") else "none"
        return Stage("negatives", state, "", "No negatives yet")
    count = negatives.count_negatives(project, mining.id)
    doubtful = int(str(mining.counts.get("doubtful", 0)))
    detail = f"{count:,} chosen" + (f", {doubtful:,} doubtful ones held back" if doubtful else "")
    if cut_since(project, mining.created_at):
        return Stage("negatives", "stale", f"{count:,}", f"{detail}; mined before the documents were cut again")
    return Stage("negatives", "done", f"{count:,}", detail)


def _train_stage(project: Project, splits: dict[str, int]) -> Stage:
    if _interrupted(project):
        return Stage("train", "stale", "interrupted", "Training was interrupted and can go on")
    tuned = [m for m in models.models(project) if m.kind == "tuned"]
    if not tuned:
        state = "ready" if splits.get("train") else "none"
        return Stage("train", state, "", "Not trained yet")
    steps = _amount(int(tuned[-1].summary.get("steps", 0)), "step", "steps")
    if known := known_by_model(project, Split.TEST).get(tuned[-1].id, 0):
        which = _amount(known, "query", "queries")
        return Stage("train", "stale", tuned[-1].name, f"{tuned[-1].name} knows {which} of the test split: train again")
    mining = negatives.newest_mining(project)
    if mining and mining.model_id != tuned[-1].id and mining.id != tuned[-1].mining_id:
        return Stage("train", "stale", tuned[-1].name, f"{tuned[-1].name}, before the newest negatives")
    return Stage("train", "done", tuned[-1].name, f"{tuned[-1].name}, {steps}")


def stale_runs(project: Project, test_runs: tuple[Run, ...]) -> bool:
    """Whether what the verdict, or the start, is told from was measured on other passages or queries."""
    return bool(_stale_words(project, test_runs))


def _stale_words(project: Project, test_runs: tuple[Run, ...]) -> str:
    """What changed since the figures that are told were measured, "" where nothing did."""
    told = [run for run in test_runs if run.system in ("bm25", "base")]
    tuned = newest_tuned_run(test_runs)
    told += [tuned] if tuned else []
    if on_other_passages(project, told):
        return _OTHER_PASSAGES
    return _OTHER_QUERIES if runs.on_other_queries(project, told) else ""


def _evaluate_stage(
    project: Project, test_runs: tuple[Run, ...], verdicts: tuple[Comparison, ...], splits: dict[str, int]
) -> Stage:
    stale = _stale_words(project, test_runs)
    if verdicts:
        first = verdicts[0]
        delta = f"{first.delta:+.3f}".replace("-", "−")
        words = _verdict_words(verdicts)
        if stale:
            return Stage("evaluate", "stale", delta, f"{words}; {stale}")
        if known_by_run(project, Split.TEST).get(first.run_a):
            return Stage("evaluate", "stale", delta, _KNOWN)
        state = "problem" if any(c.verdict is Outcome.LOSS for c in verdicts) else "done"
        return Stage("evaluate", state, delta, words)
    if test_runs:
        names = {"bm25": "BM25", "base": "base model", "tuned": "tuned model"}
        words = ", ".join(f"{names.get(r.system, r.system)} {r.metrics.get('ndcg@10', 0):.3f}" for r in test_runs)
        if stale:
            return Stage("evaluate", "stale", "start", f"{words}; {stale}")
        return Stage("evaluate", "ready", "start", words)
    return Stage("evaluate", "ready" if splits.get("test") else "none", "", "Nothing measured yet")


def _verdict_words(verdicts: tuple[Comparison, ...]) -> str:
    """WIN against BM25 and the base model; LOSS against BM25, WIN against the base model."""
    names = {"bm25": "BM25", "base": "the base model"}
    rivals: dict[str, list[str]] = {}
    for found in verdicts:
        rivals.setdefault(found.verdict.value, []).append(names.get(found.b, found.b))
    return ", ".join(f"{verdict} against {' and '.join(against)}" for verdict, against in rivals.items())


def _export_stage(project: Project) -> Stage:
    taken = jobs.exports(project, limit=1)
    if taken:
        return Stage("export", "done", "", f"{taken[0].what.capitalize()} as {taken[0].format}, written and checked")
    ready = models.newest_tuned(project) is not None
    return Stage("export", "ready" if ready else "none", "", "Nothing taken away yet")


def _next_step(project: Project, stages: tuple[Stage, ...], test_runs: tuple[Run, ...]) -> NextStep:
    state = {stage.name: stage.state for stage in stages}
    if state["documents"] != "done":
        return NextStep("Import documents", "documents", "", {}, 0)
    if offer := base_offer(project):
        return NextStep("Build a model from your documents", "home", "make_base", {}, offer.seconds)
    if state["queries"] == "none":
        return NextStep("Add queries", "queries", "", {}, 0)
    if jobs.last_done(project, "dedup") is None:
        return NextStep("Find duplicate queries", "queries", "dedup", {}, _seconds(project, "dedup", 25))
    if state["queries"] == "ready":
        return NextStep("Split the queries", "queries", "split", {}, 2)
    if not {"bm25", "base"} <= {run.system for run in test_runs}:
        start: dict[str, Any] = {"systems": ["bm25", "base"]}
        return NextStep("Measure the starting point", "evaluate", "evaluate", start, _seconds(project, "evaluate", 60))
    if state["negatives"] != "done":
        return NextStep("Mine negatives", "negatives", "mine", {}, _seconds(project, "mine", 30))
    if interrupted := _interrupted(project):
        resumed = {**interrupted[0].params, "resume": interrupted[0].id}
        return NextStep("Go on training", "train", "train", resumed, 90)
    if state["train"] != "done":
        return NextStep("Train, quick", "train", "train", {"preset": "quick"}, _seconds(project, "train", 180))
    tuned = models.newest_tuned(project)
    if tuned and not any(run.model_id == tuned.id for run in test_runs):
        full: dict[str, Any] = {"systems": ["bm25", "base", "tuned"]}
        return NextStep("See the verdict", "evaluate", "evaluate", full, _seconds(project, "evaluate", 60))
    if state["evaluate"] == "stale":
        again: dict[str, Any] = {"systems": ["bm25", "base", *(["tuned"] if tuned else [])]}
        return NextStep("Measure again", "evaluate", "evaluate", again, _seconds(project, "evaluate", 60))
    if state["export"] != "done":
        return NextStep("Export the model", "export", "", {}, 20)
    return NextStep("Search with it", "search", "", {}, 0)


def _interrupted(project: Project) -> list[Model]:
    """Trainings that wait to go on; none while one is running, which looks the same on disk."""
    last = [jobs.last_job(project, kind) for kind in ("train", "autopilot")]
    running = any(job is not None and job.state is JobState.RUNNING for job in last)
    return [] if running else models.interrupted_models(project)


def _seconds(project: Project, kind: str, otherwise: int) -> int:
    last = jobs.last_done(project, kind)
    return max(1, round(last.seconds)) if last else otherwise

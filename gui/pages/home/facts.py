"""What the first page says about a project, read in one go: counts only, no texts."""

from __future__ import annotations

from dataclasses import dataclass

from engine.records import Comparison, JobRecord, Model, Outcome, Run, Split
from engine.store import imports, jobs, models, negatives
from engine.store.learnt import known_by_run
from engine.store.overview import Overview, newest_tuned_run
from engine.store.project import Project
from engine.store.reading import MANY_CUT, MANY_UNKNOWN, BaseOffer, base_offer
from engine.store.runs import is_of_model
from gui import words
from gui.amounts import amount
from gui.phrases import fill

METRIC = "ndcg@10"


@dataclass(frozen=True, slots=True)
class Round:
    """A model on the way and what it scored on the test questions."""

    name: str
    score: float
    is_tuned: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way; `seconds` is what it cost, 0 unknown; `page` is where it is done."""

    name: str
    state: str
    detail: str
    seconds: float
    page: str


@dataclass(frozen=True, slots=True)
class HomeFacts:
    """Everything the first page shows.

    Attributes:
        counts: the line beside the title.
        runs: the newest test run of BM25, base and tuned, where there is one.
        against: the comparison with BM25, then with the base model.
        known: how many of the queries measured with the tuned model knows from its training.
        doubtful: mined candidates that may be answers and are not judged yet.
        resumable: the newest model or reranker whose training was ended early and can go on.
        reading: how well the model reads these texts, short and as a whole sentence; both "" where it reads them well.
        offer: a base model made from the documents, where the present one cannot read them.
    """

    overview: Overview
    counts: str
    steps: tuple[Step, ...]
    runs: dict[str, Run]
    against: tuple[Comparison, ...]
    known: int
    rounds: tuple[Round, ...]
    doubtful: int
    not_taken: int
    reading: tuple[str, str]
    offer: BaseOffer | None
    activity: tuple[JobRecord, ...]
    interrupted: tuple[JobRecord, ...]
    resumable: Model | None

    @property
    def outcome(self) -> Outcome | None:
        return self.against[0].verdict if self.against else None

    @property
    def last_gain(self) -> float | None:
        """How much the last round added; None before the second."""
        tuned = [r for r in self.rounds if r.is_tuned]
        return tuned[-1].score - tuned[-2].score if len(tuned) > 1 else None


def read_home(project: Project, seen: Overview) -> HomeFacts:
    """Read what the first page needs."""
    mining = negatives.newest_mining(project)
    doubtful = int(str(mining.counts.get("doubtful", 0))) if mining else 0
    return HomeFacts(
        overview=seen,
        counts=_counts(seen),
        steps=_steps(project, seen),
        runs=_runs(seen),
        against=seen.verdicts,
        known=known_by_run(project, Split.TEST).get(seen.verdicts[0].run_a, 0) if seen.verdicts else 0,
        rounds=_rounds(project, seen),
        doubtful=doubtful,
        not_taken=imports.count_problems(project),
        reading=_reading(project),
        offer=base_offer(project),
        activity=tuple(jobs.jobs(project, limit=6)),
        interrupted=tuple(jobs.interrupted_jobs(project)),
        resumable=_resumable(project),
    )


def _resumable(project: Project) -> Model | None:
    """The newest model or reranker that can go on from a checkpoint."""
    found = [model for kind in ("tuned", "reranker") for model in models.interrupted_models(project, kind=kind)]
    return max(found, key=lambda model: model.id, default=None)


def _reading(project: Project) -> tuple[str, str]:
    report = project.meta_json("token_report") or {}
    unknown, cut = float(report.get("unknown_share") or 0), float(report.get("cut_share") or 0)
    short = ""
    if unknown >= MANY_UNKNOWN:
        short = fill(words.translated("%1 of the tokens unknown to the model"), words.share(unknown))
    elif cut >= MANY_CUT:
        short = fill(words.translated("%1 of the texts longer than it reads"), words.share(cut))
    return short, str(report.get("sentence") or "")


def _counts(seen: Overview) -> str:
    if not seen.passages:
        return ""
    passages = amount(seen.passages, words.translated("passage"), words.translated("passages"))
    asked = amount(seen.queries, words.translated("query"), words.translated("queries"))
    return f"{passages}, {asked}"


def _runs(seen: Overview) -> dict[str, Run]:
    found = {run.system: run for run in seen.test_runs if run.system in ("bm25", "base")}
    tuned = newest_tuned_run(seen.test_runs)
    return {**found, "tuned": tuned} if tuned else found


def _rounds(project: Project, seen: Overview) -> tuple[Round, ...]:
    by_model = {run.model_id: run for run in seen.test_runs if is_of_model(run)}
    found = []
    for model in models.models(project):
        run = by_model.get(model.id)
        if run is not None and METRIC in run.metrics:
            found.append(Round(model.name, run.metrics[METRIC], model.kind == "tuned"))
    base = [r for r in found if not r.is_tuned][-1:]
    return (*base, *(r for r in found if r.is_tuned))


def _steps(project: Project, seen: Overview) -> tuple[Step, ...]:
    """The stages as steps; measuring the starting point stands between queries and negatives."""
    stages = {stage.name: stage for stage in seen.stages}
    titles = {
        "documents": words.translated("Documents"),
        "queries": words.translated("Queries"),
        "negatives": words.translated("Negatives"),
        "train": words.translated("Train"),
        "evaluate": words.translated("Evaluate"),
        "export": words.translated("Export"),
    }
    kinds = {
        "documents": ("import", "sample"),
        "queries": ("dedup", "split"),
        "negatives": ("mine",),
        "train": ("train",),
        "evaluate": ("evaluate",),
        "export": ("export",),
    }
    steps = []
    for name, title in titles.items():
        stage = stages[name]
        state = "none" if name == "evaluate" and not seen.verdicts else stage.state
        detail = stage.detail if name != "evaluate" or seen.verdicts else words.translated("No verdict yet")
        seconds = sum(_seconds(project, kind) for kind in kinds[name]) if state != "none" else 0.0
        steps.append(Step(title, state, detail, seconds, name))
        if name == "queries":
            steps.append(_start_step(seen))
    return tuple(steps)


def _start_step(seen: Overview) -> Step:
    runs = _runs(seen)
    title = words.translated("Starting point")
    if {"bm25", "base"} <= set(runs):
        scores = [words.decimal(runs[name].metrics.get(METRIC, 0.0)) for name in ("bm25", "base")]
        detail = fill(words.translated("BM25 %1, base model %2"), *scores)
        return Step(title, "done", detail, sum(runs[name].seconds for name in ("bm25", "base")), "evaluate")
    ready = any(stage.name == "evaluate" and stage.state == "ready" for stage in seen.stages)
    return Step(title, "ready" if ready else "none", words.translated("Not measured yet"), 0.0, "evaluate")


def _seconds(project: Project, kind: str) -> float:
    last = jobs.last_done(project, kind)
    return last.seconds if last else 0.0

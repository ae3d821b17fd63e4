"""What the Train page knows and foretells: the data, what is to beat, how long a run will take, where curves cross."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.objectives import OBJECTIVES
from engine.params import TrainParams, static_params
from engine.records import Comparison, JobRecord, MetricPoint, Model, Passage, Probe, Run, Split
from engine.store import documents, jobs, models, negatives, queries, runs
from engine.store.forecasts import Measured, find_forecast
from engine.store.learnt import known_by_run
from engine.store.project import Project
from engine.store.scores import unmet

SMOOTH = 0.85
# A step of the quick preset (64 triplets of about 90 tokens) on two processor cores without bf16: 8.2 to 11.0 s in the
# 14 steps of an undisturbed tour (docs/results.md); used only until this project has a run of its own.
SECONDS_A_STEP = 10.0
# Of a table of vectors: 54 and 31 steps in 150 s with twice as much other work beside (docs/results.md).
SECONDS_A_STATIC_STEP = 1.5
_TOKENS_A_STEP = 64 * 3 * 128
NDCG = "ndcg@10"


@dataclass(frozen=True, slots=True)
class Beat:
    """A system to beat with its nDCG@10 on the dev and the test questions; None where it was not measured."""

    system: str
    name: str
    dev: float | None
    test: float | None


@dataclass(frozen=True, slots=True)
class Curves:
    """What was recorded while a model was trained; `mixed`: the dev score by per cent of the base mixed in."""

    dev: tuple[MetricPoint, ...] = ()
    loss: tuple[MetricPoint, ...] = ()
    rate: tuple[MetricPoint, ...] = ()
    bm25: float | None = None
    base: float | None = None
    speed: tuple[MetricPoint, ...] = ()
    memory: float = 0.0
    mixed: tuple[MetricPoint, ...] = ()


@dataclass(frozen=True, slots=True)
class Watched:
    """A watched query: its text, the rank of its answer at each look, and what comes first now (title, an answer?)."""

    query_id: int
    text: str
    ranks: tuple[tuple[int, int], ...]
    top: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """A model with everything that was recorded while it was trained, and the verdicts on it, newest first."""

    model: Model | None = None
    curves: Curves = field(default_factory=Curves)
    watched: tuple[Watched, ...] = ()
    verdicts: tuple[Comparison, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainFacts:
    """Everything the page shows before a run.

    Attributes:
        pairs: questions of the train split with at least one answer.
        negatives_each: mean number of chosen negatives a question.
        seconds_a_step: of the newest finished run, scaled to the quick preset's step; 0 where there is none.
        seconds_a_static_step: of the newest run of a table of vectors; 0 where there is none.
        resumable: models whose training can go on.
        tuned: finished tuned models, newest first.
        measured: nDCG@10 on the test questions, by model.
        leaks: of the last split, None where it was not counted.
        lost: a run that was interrupted before its first checkpoint.
        base_id: the model that the project starts from.
        static: models that are tables of vectors, whose presets are others.
        rerankers: finished ones, newest first.
        unmet: what objectives need (`ObjectiveFacts.needs`) and the data lack.
        texts: passages to learn from without labels.
    """

    base: str = ""
    questions: int = 0
    pairs: int = 0
    dev: int = 0
    test: int = 0
    negatives: int = 0
    negatives_each: float = 0.0
    doubtful: int = 0
    beat: tuple[Beat, ...] = ()
    seconds_a_step: float = 0.0
    resumable: tuple[Model, ...] = ()
    tuned: tuple[Model, ...] = ()
    models: tuple[Model, ...] = ()
    measured: Mapping[int, float] = field(default_factory=dict)
    leaks: int | None = None
    lost: JobRecord | None = None
    base_id: int = 0
    static: frozenset[int] = frozenset()
    seconds_a_static_step: float = 0.0
    rerankers: tuple[Model, ...] = ()
    unmet: frozenset[str] = frozenset()
    texts: int = 0

    def other_bases(self) -> list[tuple[str, str]]:
        """What a run can start from beside the project's base, by reference: tuned models first, the newest first."""
        tuned = {model.id for model in self.tuned}
        rest = [model for model in reversed(self.models) if model.id not in tuned and model.id != self.base_id]
        return [(str(model.id), model.name) for model in (*self.tuned, *rest)]


def read_facts(project: Project) -> TrainFacts:
    """Look at the project as far as training needs it."""
    import pyqtgraph  # noqa: F401 - draws the curves; takes longer to load than the window may wait

    splits = queries.split_counts(project)
    train = {query.id for query in queries.representatives(project, Split.TRAIN)}
    judged = [grades for query_id, grades in queries.positives(project).items() if query_id in train]
    mining = negatives.newest_mining(project)
    chosen = negatives.count_negatives(project, mining.id) if mining else 0
    known = models.models(project)
    tuned = [model for model in reversed(known) if model.kind == "tuned"]
    base = models.base_model(project)
    test_runs = runs.newest_runs(project, Split.TEST)
    split = jobs.last_done(project, "split")
    interrupted = read_interrupted(project)
    lost = next((job for job in jobs.interrupted_jobs(project) if job.kind in ("train", "reranker")), None)
    rerankers = [model for model in models.models(project, rerankers=True) if model.kind == "reranker"]
    static = frozenset(model.id for model in known if models.is_static(project, model))
    return TrainFacts(
        base.name if base else "",
        len(judged),
        sum(len(grades) for grades in judged),
        splits.get("dev", 0),
        splits.get("test", 0),
        chosen,
        chosen / len(judged) if judged else 0.0,
        int(str(mining.counts.get("doubtful", 0))) if mining else 0,
        _to_beat(project, test_runs, tuned),
        measured_step([model for model in tuned if model.id not in static]),
        tuple(interrupted),
        tuple(tuned),
        tuple(known),
        {r.model_id: r.metrics[NDCG] for r in test_runs if r.model_id and runs.is_of_model(r) and NDCG in r.metrics},
        int(split.summary["leaks"]) if split and "leaks" in split.summary else None,
        lost if not interrupted else None,
        base.id if base else 0,
        static,
        static_pace([model for model in tuned if model.id in static]),
        tuple(reversed(rerankers)),
        unmet(project),
        documents.count_passages(project),
    )


def read_interrupted(project: Project) -> list[Model]:
    """Models and rerankers whose training can go on, newest first."""
    found = [model for kind in ("tuned", "reranker") for model in models.interrupted_models(project, kind=kind)]
    return sorted(found, key=lambda model: -model.id)


def read_curves(project: Project, model_id: int) -> Curves:
    """The recorded curves of a model."""
    names = ("dev_ndcg@10", "loss", "lr", "dev_bm25", "dev_base", "speed", "memory", "merge_dev")
    dev, loss, rate, bm25, base, speed, memory, mixed = (models.curve(project, model_id, name) for name in names)
    most = max((point.value for point in memory), default=0.0)
    found = models.model(project, model_id)
    own = _last(base) if found and found.kind != "reranker" else None  # a reranker has BM25's order to better
    return Curves(tuple(dev), tuple(loss), tuple(rate), _last(bm25), own, tuple(speed), most, tuple(mixed))


def read_finished(project: Project, model_id: int) -> Finished:
    """A model and its whole story."""
    from engine.store.probes import probes

    found = models.model(project, model_id)
    watched = read_watched(project, probes(project, model_id))
    return Finished(found, read_curves(project, model_id), watched, read_verdicts(project, model_id))


def read_watched(project: Project, found: Sequence[Probe]) -> tuple[Watched, ...]:
    """Watched queries with their texts, in the order of their ids."""
    by_query: dict[int, dict[int, Probe]] = {}
    for probe in found:
        by_query.setdefault(probe.query_id, {})[probe.step] = probe
    texts = queries.queries(project, by_query)
    last = {query_id: looks[max(looks)] for query_id, looks in by_query.items()}
    known = documents.passages(project, {passage_id for probe in last.values() for passage_id in probe.top})
    made = []
    for query_id, looks in sorted(by_query.items()):
        if query_id not in texts:
            continue
        right = {qrel.passage_id for qrel in queries.qrels_of(project, query_id) if qrel.grade > 0}
        top = tuple((_title(known[p]), p in right) for p in last[query_id].top if p in known)
        ranks = tuple((step, looks[step].rank) for step in sorted(looks))
        made.append(Watched(query_id, texts[query_id].text, ranks, top))
    return tuple(made)


def last_run(found: Sequence[Probe]) -> list[Probe]:
    """The looks of the newest run, where a job trains several one after another: steps begin anew."""
    begins = [place for place in range(1, len(found)) if found[place].step < found[place - 1].step]
    return list(found[begins[-1] :] if begins else found)


def joined(before: Sequence[Watched], now: Sequence[Watched]) -> tuple[Watched, ...]:
    """What was watched before an interruption, with what came after it."""
    known = {query.query_id: query for query in before}
    made = []
    for query in now:
        old = known.get(query.query_id)
        first = query.ranks[0][0]
        earlier = tuple(look for look in old.ranks if look[0] < first) if old else ()
        made.append(replace(query, ranks=(*earlier, *query.ranks)))
    return tuple(made)


def _title(passage: Passage) -> str:
    return f"{passage.heading}: {passage.text}"[:160] if passage.heading else passage.text[:160]


def read_verdicts(project: Project, model_id: int) -> tuple[Comparison, ...]:
    """The newest comparisons of a model with BM25 and with the base on test queries; none where it knows some."""
    found: dict[str, Comparison] = {}
    known = known_by_run(project, Split.TEST)
    for comparison in runs.comparisons(project):
        if comparison.run_a in known:
            continue
        run = runs.run(project, comparison.run_a)
        other = runs.run(project, comparison.run_b)
        if run is None or other is None or run.model_id != model_id or run.split is not Split.TEST:
            continue
        if not runs.is_of_model(run) or other.system not in ("bm25", "base") or comparison.metric != NDCG:
            continue
        if other.system not in found or comparison.id > found[other.system].id:
            found[other.system] = comparison
    return tuple(found[system] for system in ("bm25", "base") if system in found)


def read_forecasts(project: Project, plans: Mapping[str, TrainParams]) -> dict[str, Measured]:
    """What was measured on this machine for plans, by their names; those nobody measured are left out."""
    found = {name: find_forecast(project, params) for name, params in plans.items()}
    return {name: measured for name, measured in found.items() if measured is not None}


def _to_beat(project: Project, test_runs: Sequence[Run], tuned: Sequence[Model]) -> tuple[Beat, ...]:
    dev_runs = {run.system: run.metrics.get(NDCG) for run in runs.newest_runs(project, Split.DEV)}
    found = []
    for system, name in (("bm25", "BM25"), ("base", "Base")):
        dev = dev_runs.get(system)
        if dev is None and tuned:
            dev = _last(models.curve(project, tuned[0].id, f"dev_{system}"))
        test = next((run.metrics.get(NDCG) for run in test_runs if run.system == system), None)
        found.append(Beat(system, name, dev, test))
    return tuple(found)


def _last(points: Sequence[MetricPoint]) -> float | None:
    return points[-1].value if points else None


def measured_step(tuned: Sequence[Model]) -> float:
    """Seconds of one step of the newest run that says so, scaled to the quick preset's size; 0 where none does."""
    for model in tuned:
        steps, seconds = model.summary.get("steps", 0), model.summary.get("seconds", 0.0)
        if steps and seconds:
            return float(seconds) / float(steps) / _weight(model.params)
    return 0.0


def static_pace(tuned: Sequence[Model]) -> float:
    """Seconds of one step of the newest run of a table of vectors; 0 where none says so."""
    for model in tuned:
        steps, seconds = model.summary.get("steps", 0), model.summary.get("seconds", 0.0)
        if steps and seconds:
            return float(seconds) / float(steps)
    return 0.0


def is_static_run(params: TrainParams, facts: TrainFacts) -> bool:
    """Whether a table of vectors would be trained in its own way (`engine.train.static_work`)."""
    ranking = params.objective in ("mnrl", "cached_mnrl") and params.matryoshka == "off" and params.processes == 1
    return ranking and is_table(params.base, facts)


def is_table(reference: str, facts: TrainFacts) -> bool:
    """Whether a model to start from is a table of vectors, without layers."""
    newest = facts.tuned[0].id if facts.tuned else 0
    known = {"base": facts.base_id, "tuned": newest}.get(reference)
    return (int(reference) if known is None and reference.isdecimal() else known) in facts.static


def effective(params: TrainParams, facts: TrainFacts) -> TrainParams:
    """What the engine makes of settings: a table of vectors takes larger batches and more passes."""
    return static_params(params) if is_static_run(params, facts) else params


def _weight(values: Mapping[str, Any]) -> float:  # Any: JSON values
    """How much longer a step takes than the quick preset's: texts a step times their length."""
    plain = TrainParams()
    batch = int(values.get("batch_size", plain.batch_size))
    texts = batch * (2 + int(values.get("num_negatives", plain.num_negatives)))
    return max(texts * int(values.get("max_length", plain.max_length)) / _TOKENS_A_STEP, 0.01)


def examples_of(params: TrainParams, facts: TrainFacts) -> int:
    """What one pass goes through: passages, or queries."""
    return facts.texts if OBJECTIVES[params.objective].needs == "texts" else facts.questions


def steps_of(params: TrainParams, questions: int) -> int:
    """How many steps a run takes: what the epochs give, `max_steps` at most."""
    by_epochs = max(1, math.ceil(params.epochs * questions / max(params.batch_size, 1)))
    return min(by_epochs, params.max_steps) if params.max_steps else by_epochs


def seconds_of(params: TrainParams, facts: TrainFacts) -> float:
    """How long a run will take, from the last run's pace or else from a measured one."""
    params_ = effective(params, facts)
    seconds = steps_of(params_, examples_of(params_, facts)) * _pace(params, facts)
    return min(seconds, params.minutes * 60) if params.minutes else seconds


def steps_in_time(params: TrainParams, facts: TrainFacts) -> int:
    """How many steps a run will come to before its time limit, at the pace that `seconds_of` foretells."""
    params_ = effective(params, facts)
    steps = steps_of(params_, examples_of(params_, facts))
    return min(steps, max(1, int(params.minutes * 60 / _pace(params, facts)))) if params.minutes else steps


def _pace(params: TrainParams, facts: TrainFacts) -> float:
    if is_static_run(params, facts):
        return facts.seconds_a_static_step or SECONDS_A_STATIC_STEP
    weight = _weight({name: getattr(params, name) for name in ("batch_size", "num_negatives", "max_length")})
    return weight * (facts.seconds_a_step or SECONDS_A_STEP)


def texts_a_step(params: TrainParams) -> int:
    """Texts that one step reads: question, answer and mined negatives of each."""
    return params.batch_size * (2 + params.num_negatives)


def memory_size(params: TrainParams, facts: TrainFacts) -> int:
    """How much memory a step takes beside the others: 0 little (as `quick`), 1 more, 2 much.

    A table of vectors keeps no activations: 1.0 GB where `quick` on a transformer took 5.5 GB.
    """
    if is_static_run(params, facts):
        return 0
    at_once = params.micro_batch_size if params.objective == "cached_mnrl" else params.batch_size
    tokens = at_once * (2 + params.num_negatives) * params.max_length
    return 0 if tokens <= 1.5 * _TOKENS_A_STEP else 1 if tokens <= 4 * _TOKENS_A_STEP else 2


def smooth(points: Sequence[MetricPoint]) -> list[tuple[float, float]]:
    """Exponentially weighted means (weight 0.85 on the past), corrected for the start as Adam's moments are."""
    mean, found = 0.0, []
    for count, point in enumerate(points, start=1):
        mean = SMOOTH * mean + (1 - SMOOTH) * point.value
        found.append((float(point.step), mean / (1 - SMOOTH**count)))
    return found


def kept_of(looks: Sequence[MetricPoint]) -> MetricPoint | None:
    """The look whose weights are kept: the best after the first step, the later of equals, whatever the base had."""
    after = [look for look in looks if look.step] or looks
    return max(after, key=lambda look: (look.value, look.step), default=None)


def best_of(points: Sequence[MetricPoint]) -> MetricPoint | None:
    """The best point, the earlier one where two are equal."""
    return max(points, key=lambda point: (point.value, -point.step), default=None)

"""What a mining brought, as the negatives page looks at it: selected again at every move of a slider. No Qt here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.params import SelectParams, params_from_dict
from engine.records import Mining, Split
from engine.store import browse, jobs, models, negatives, queries
from engine.store.candidates import Candidates, Flag, likeliness, read_candidates, read_reviews
from engine.store.gates import read_gate
from engine.store.project import Project
from engine.store.selection import STATES, CandidateState, Selection, select

Order = Literal["doubtful", "imported", "short"]
Which = Literal["all", "chosen", "doubtful", "judged", "bm25", "dense", "random", "imported", "near", "document"]
NEAR = 0.1  # of the lowest answer's score, above or below
MARGIN_BINS = 48
UNTIMED = 40


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model to mine with: the reference that jobs take, and its name."""

    reference: str
    name: str


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known before anything is mined: training queries, models, how long mining took last (or may take).

    `reranker`: the newest of the project, None where none was trained.
    """

    training: int
    choices: tuple[ModelChoice, ...]
    seconds: float
    reranker: ModelChoice | None = None


@dataclass(frozen=True, slots=True)
class Warned:
    """A finding of the engine's linter: its code, what is wrong in a sentence, the next step."""

    code: str
    words: str
    hint: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Warned:  # Any: JSON values
        return cls(str(found.get("code", "")), str(found["words"]), str(found["hint"]))

    @property
    def sentence(self) -> str:
        return f"{self.words} {self.hint}".strip()


@dataclass(frozen=True, slots=True)
class Mined:
    """A mining with its candidates and a person's words on them.

    Attributes:
        params: the rules that were kept last.
        kept: the negatives that are kept, as query id × 2³² + passage id, ascending.
        judged: reviews given on its candidates.
        findings: what training would suffer from, each with the next step.
        reranker: the one that has read candidates near the cut, "" for none.
        new: how many negatives the mining before did not have, None for the first one.
        digest: of the weights of the model that mined.
        numbers, bins: (n,) each candidate's query and bin of the histogram (answers in one more), worked out once.
    """

    mining: Mining
    candidates: Candidates
    reviews: NDArray[np.uint8]
    params: SelectParams
    kept: NDArray[np.int64]
    judged: int
    model_name: str
    margin_range: tuple[float, float]
    findings: tuple[Warned, ...] = ()
    reranker: str = ""
    new: int | None = None
    digest: str = ""
    numbers: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    bins: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))

    @property
    def depth(self) -> int:
        """The deepest rank there is, at least 10."""
        deepest = max(int(self.candidates.dense_rank.max(initial=0)), int(self.candidates.bm25_rank.max(initial=0)))
        return max(deepest, 10)


@dataclass(frozen=True, slots=True)
class Picture:
    """What one set of rules leads to.

    Attributes:
        chosen, doubtful: (q,) candidates of each query that were chosen, and that are held back as doubtful.
        edges: (bins + 1,) of the margin; what lies outside is counted in the outermost bins.
        margins: how many candidates are in each bin: all, doubtful and chosen ones.
        is_kept: whether exactly these negatives are kept already, by these rules.
        milliseconds: how long selecting took.
    """

    params: SelectParams
    selection: Selection
    chosen: NDArray[np.int64]
    doubtful: NDArray[np.int64]
    edges: NDArray[np.float64]
    margins: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
    is_kept: bool
    milliseconds: float

    @property
    def total(self) -> int:
        return int(self.chosen.sum())


@dataclass(frozen=True, slots=True)
class Looked:
    """Everything that one set of rules leads to: the picture, the queries' order, the doubtful ones to walk."""

    picture: Picture
    order: NDArray[np.int64]
    walk: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Opened:
    """A query that was opened, with its passages' names; `passage_id` is the candidate to choose, 0 for the first."""

    number: int
    query_id: int
    text: str
    names: Mapping[int, str]
    passage_id: int


def read_ground(project: Project) -> Ground:
    """What mining would work on."""
    base, tuned = models.base_model(project), models.newest_tuned(project)
    choices = [ModelChoice("base", base.name)] if base else []
    if tuned is not None:
        choices.append(ModelChoice("tuned", tuned.name))
    last = jobs.last_done(project, "mine")
    training = queries.split_counts(project).get(Split.TRAIN.value, 0)
    newest = models.newest_reranker(project)
    reranker = ModelChoice(str(newest.id), newest.name) if newest else None
    return Ground(training, tuple(choices), max(last.seconds, 1) if last else UNTIMED, reranker)


def read_mined(project: Project) -> Mined | None:
    """The newest mining, None where there is none."""
    mining = negatives.newest_mining(project)
    if mining is None:
        return None
    candidates = read_candidates(project, mining.id)
    given = read_reviews(project, candidates)
    gate = read_gate(project, mining.id)
    span = margin_range(candidates.margin)
    model = models.model(project, mining.model_id)
    return Mined(
        mining,
        candidates,
        given,
        kept_params(mining.params),
        browse.kept_pairs(project, mining.id),
        int(np.count_nonzero(given)),
        model.name if model else "",
        span,
        read_findings(project, mining.id),
        gate.reranker if gate is not None else "",
        mining.counts.get("new"),
        model.weights_digest if model else "",
        candidates.query_numbers(),
        margin_bins(candidates, span),
    )


def read_findings(project: Project, mining_id: int) -> tuple[Warned, ...]:
    """What the linter kept of this mining."""
    kept = project.meta_json("negatives_lint") or {}
    if kept.get("mining") != mining_id:
        return ()
    return tuple(Warned.of(found) for found in kept["findings"])


def margin_range(margins: NDArray[np.float32]) -> tuple[float, float]:
    """Where nearly all margins lie, in tenths: from -0.3 at the lowest to between 0.3 and 1.2."""
    if not len(margins):
        return -0.1, 0.3
    low, high = np.quantile(margins, [0.001, 0.98])
    return (
        min(-0.1, max(-0.3, float(np.floor(10 * low) / 10))),
        max(0.3, min(1.2, float(np.ceil(10 * high) / 10))),
    )


def kept_params(params: Mapping[str, Any]) -> SelectParams:
    """The rules a mining was selected with; defaults for those an older version did not know."""
    known = SelectParams.__dataclass_fields__
    kept = params.get("select") or {}
    return params_from_dict(SelectParams, {name: value for name, value in kept.items() if name in known})


def picture(mined: Mined, params: SelectParams) -> Picture:
    """Select again and count what the page shows."""
    started = time.perf_counter()
    selection = select(mined.candidates, params, mined.reviews)
    milliseconds = 1000 * (time.perf_counter() - started)
    n = len(mined.candidates.queries)
    held, chosen = np.flatnonzero(selection.held), np.flatnonzero(selection.chosen)
    low, high = mined.margin_range
    kept = params == mined.params
    return Picture(
        params,
        selection,
        np.bincount(mined.numbers[chosen], minlength=n),
        np.bincount(mined.numbers[held], minlength=n),
        np.linspace(low, high, MARGIN_BINS + 1),
        (_bins(mined.bins), _bins(mined.bins[held]), _bins(mined.bins[chosen])),
        kept and np.array_equal(_pairs(mined.candidates, mined.numbers, chosen), mined.kept),
        milliseconds,
    )


def order_of_queries(mined: Mined, shown: Picture, order: Order) -> NDArray[np.int64]:
    """Places of the queries in the order of the list: (q,) int64.

    `doubtful`: the most doubtful candidate first; `short`: those with the fewest negatives first; `imported`: by id.
    """
    n = len(mined.candidates.queries)
    if order == "short":
        return np.argsort(shown.chosen, kind="stable")
    if order == "imported" or not len(mined.candidates):
        return np.arange(n)
    doubt = np.where(shown.selection.held, likeliness(mined.candidates), 0)
    highest = np.zeros(n, np.float32)
    np.maximum.at(highest, mined.numbers, doubt)
    return np.argsort(-highest, kind="stable")


def doubtful_rows(mined: Mined, shown: Picture, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of the doubtful candidates in the order they are walked: by query in `order`, the most doubtful first."""
    rows = np.flatnonzero(shown.selection.held)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    numbers = mined.numbers[rows]
    return rows[np.lexsort((-likeliness(mined.candidates)[rows], place[numbers]))]


def rows_shown(mined: Mined, query_id: int) -> NDArray[np.int64]:
    """Places of a query's candidates in the order of the table: its answers first."""
    found = mined.candidates.rows_of(query_id)
    rows = np.arange(found.start, found.stop)
    answers = (np.asarray(mined.candidates.flags[found]) & np.uint8(Flag.ANSWER)) != 0
    return np.concatenate([rows[answers], rows[~answers]])


def rows_of_interest(mined: Mined, shown: Picture, rows: NDArray[np.int64], which: Which) -> NDArray[np.int64]:
    """Those of `rows` that a filter leaves; answers always stay, to compare with."""
    if which == "all":
        return rows
    all_ = mined.candidates
    flags = np.asarray(all_.flags[rows])
    answers = (flags & np.uint8(Flag.ANSWER)) != 0
    states = shown.selection.states[rows]
    match which:
        case "chosen":
            kept = states == STATES.index(CandidateState.CHOSEN)
        case "doubtful":
            kept = shown.selection.held[rows]
        case "judged":
            kept = mined.reviews[rows] > 0
        case "bm25":
            kept = all_.bm25_rank[rows] > 0
        case "dense":
            kept = all_.dense_rank[rows] > 0
        case "random":
            kept = (flags & np.uint8(Flag.RANDOM)) != 0
        case "imported":
            kept = (flags & np.uint8(Flag.IMPORTED)) != 0
        case "near":
            kept = np.abs(all_.margin[rows]) <= NEAR
        case "document":
            kept = (flags & np.uint8(Flag.SAME_DOCUMENT)) != 0
    found: NDArray[np.int64] = rows[answers | kept]
    return found


def margin_bins(candidates: Candidates, span: tuple[float, float]) -> NDArray[np.uint8]:
    """The bin of each candidate's margin, answers in one after the last."""
    low, high = span
    margin = np.clip(candidates.margin, low, high - 1e-6)
    bins = ((margin - np.float32(low)) * np.float32(MARGIN_BINS / (high - low))).astype(np.uint8)
    bins = np.minimum(bins, np.uint8(MARGIN_BINS - 1))
    bins[(np.asarray(candidates.flags) & np.uint8(Flag.ANSWER)) != 0] = MARGIN_BINS
    return bins


def _pairs(candidates: Candidates, numbers: NDArray[np.int32], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    query_ids = candidates.queries[numbers[rows]].astype(np.int64)
    return np.sort((query_ids << 32) + candidates.passage_id[rows])


def _bins(places: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How many are in each bin, answers left out."""
    return np.bincount(places, minlength=MARGIN_BINS + 1)[:MARGIN_BINS]

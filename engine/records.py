"""The words that every part of the program shares: what a project is made of. Plain data, no heavy import."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Split(StrEnum):
    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


class Source(StrEnum):
    """Where a candidate or negative came from."""

    BM25 = "bm25"
    DENSE = "dense"
    RANDOM = "random"
    IMPORTED = "imported"


class Review(StrEnum):
    """A person's word on a candidate of a query."""

    NEGATIVE = "negative"
    LEFT_OUT = "left_out"
    RELEVANT = "relevant"


class State(StrEnum):
    """Whether what a job makes is there: rows are born `building` and become `complete` last."""

    BUILDING = "building"
    COMPLETE = "complete"
    FAILED = "failed"


class JobState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


class Outcome(StrEnum):
    """What a comparison says: the interval above zero, across it, or below."""

    WIN = "WIN"
    TIE = "TIE"
    LOSS = "LOSS"


def text_hash(text: str) -> str:
    """Name a text by its content: 32 hexadecimal digits of BLAKE2b over its NFC form."""
    normal = unicodedata.normalize("NFC", text)
    return hashlib.blake2b(normal.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Document:
    """An imported unit: a file, or one row of a labelled set's corpus."""

    id: int
    external_id: str
    title: str
    path: str
    kind: str
    content_hash: str
    n_chars: int
    n_passages: int
    import_id: int
    labelled: bool


@dataclass(frozen=True, slots=True)
class Passage:
    """What is retrieved: a piece of a document, `start` and `end` in the document's text.

    `heading` (title or heading path) is put in front of `text` when the passage is encoded, indexed or matched.
    `page` counts from 1, 0 where the document has no pages.
    """

    id: int
    document_id: int
    external_id: str
    ordinal: int
    heading: str
    text: str
    start: int = 0
    end: int = 0
    page: int = 0

    @property
    def search_text(self) -> str:
        """What every system reads: heading, a blank, text (as BEIR's readers join title and text)."""
        return f"{self.heading} {self.text}" if self.heading else self.text


@dataclass(frozen=True, slots=True)
class Query:
    """Something people type. `duplicate_of` is the id of the query it was merged into, None where it stands itself."""

    id: int
    external_id: str
    text: str
    source: str
    split: Split | None = None
    official_split: Split | None = None
    duplicate_of: int | None = None


@dataclass(frozen=True, slots=True)
class Qrel:
    """A judgement; `grade` 0 (judged, not relevant) to 3."""

    query_id: int
    passage_id: int
    grade: int
    source: str = "imported"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that might be a hard negative of a query, before selection.

    Ranks count from 1 and are 0 where the source did not bring it; `margin` is how far `dense_score` lies below the
    lowest positive's, as a share of it (negative: above the positive).
    """

    query_id: int
    passage_id: int
    bm25_rank: int
    bm25_score: float
    dense_rank: int
    dense_score: float
    margin: float
    state: str
    doubt: float = 0.0


@dataclass(frozen=True, slots=True)
class Negative:
    """A passage chosen to be told apart from the answer, with where it came from."""

    query_id: int
    passage_id: int
    source: Source
    rank: int
    score: float
    margin: float
    doubt: float = 0.0


@dataclass(frozen=True, slots=True)
class Mining:
    """One run of mining: its rules, its counts and the candidates' file."""

    id: int
    model_id: int
    round: int
    params: dict[str, Any]
    counts: dict[str, Any]
    state: State
    created_at: str


@dataclass(frozen=True, slots=True)
class Model:
    """A base, tuned or foreign encoder. `path` is absolute, or relative to the project's folder for tuned ones."""

    id: int
    name: str
    kind: str
    path: str
    weights_digest: str
    dim: int
    max_length: int
    parent_id: int | None
    mining_id: int | None
    params: dict[str, Any]
    summary: dict[str, Any]
    state: State
    created_at: str


@dataclass(frozen=True, slots=True)
class Hit:
    """One place in a ranked list; `rank` counts from 1."""

    rank: int
    passage_id: int
    score: float


@dataclass(frozen=True, slots=True)
class Run:
    """Ranked hits of one system over one split, with its metrics."""

    id: int
    system: str
    model_id: int | None
    split: Split
    n_queries: int
    metrics: dict[str, float]
    seconds: float
    state: State
    created_at: str


@dataclass(frozen=True, slots=True)
class QueryMetrics:
    """How one run answered one query; `first_rank` is the rank of the first relevant hit, 0 where none was found."""

    query_id: int
    ndcg10: float
    mrr10: float
    recall10: float
    hit_rate10: float
    map100: float
    first_rank: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """System `a` against system `b` on the same queries: `delta` = a − b with its 95 % interval.

    `p_adjusted` is `p` after Holm's correction for the `family` systems that were compared with `b`.
    """

    id: int
    a: str
    b: str
    run_a: int
    run_b: int
    metric: str
    delta: float
    low: float
    high: float
    p: float
    verdict: Outcome
    fixed: int
    broken: int
    n_queries: int
    p_adjusted: float = 1.0
    family: int = 1


@dataclass(frozen=True, slots=True)
class QueryMovement:
    """A query's first relevant rank under two systems (0: not found)."""

    query_id: int
    text: str
    rank_a: int
    rank_b: int
    ndcg_a: float
    ndcg_b: float


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """One thing that was not taken, and why. `line` counts from 1, 0 where there is none.

    Attributes:
        id: its row in the project, 0 before it is stored.
        path: what the file is known by (its path, or an archive's path and the name within).
        state: `open`, `ignored`, `resolved` (the file was taken later) or `repeated` (a later import says it again).
    """

    file: str
    line: int
    code: str
    reason: str
    id: int = field(default=0, compare=False)
    path: str = field(default="", compare=False)
    state: str = field(default="open", compare=False)

    @property
    def bare_reason(self) -> str:
        return bare_reason(self.file, self.reason)


def bare_reason(file: str, reason: str) -> str:
    """A reason without the file's name in front, for places where that stands beside it."""
    return reason.removeprefix(f"{file.rpartition('/')[2]} ") or reason


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What an import brought. new + updated + unchanged + skipped = units found."""

    documents: int = 0
    passages: int = 0
    queries: int = 0
    qrels: int = 0
    negatives: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class ImportReport:
    """One import, kept with the project."""

    id: int
    created_at: str
    format: str
    paths: tuple[str, ...]
    counts: ImportCounts
    problems: tuple[ImportProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class UnfinishedImport:
    """An import that was ended from outside: it stood at `file`, after `done` of `total` files."""

    id: int
    created_at: str
    paths: tuple[str, ...]
    done: int
    total: int
    file: str


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder that was imported or is watched. `read_at`: when it was last read to the end, "" for never."""

    path: str
    read_at: str
    watched: bool


@dataclass(frozen=True, slots=True)
class TokenReport:
    """How well a model can read texts: shares in 0..1 of unknown tokens and of texts cut at `max_length` tokens."""

    model: str
    texts: int
    unknown_share: float
    cut_share: float
    median_tokens: int
    max_length: int


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A row of the job history. `log` is a path below the project's `logs/`."""

    id: int
    kind: str
    params: dict[str, Any]
    state: JobState
    started_at: str
    ended_at: str
    message: str
    summary: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """Something taken out of the project, and what its check after loading said."""

    id: int
    what: str
    format: str
    path: str
    model_id: int | None
    check: str
    created_at: str


@dataclass(frozen=True, slots=True)
class MetricPoint:
    step: int
    value: float


@dataclass(frozen=True, slots=True)
class Probe:
    """A watched query at one look of a training: the rank of its first answer in the dev pool, and the first passages.

    `rank` counts from 1; `top` holds at most three passages' ids, the first one first.
    """

    query_id: int
    step: int
    rank: int
    top: tuple[int, ...]

"""The names of formats that labelled sets come and go in, and what a preview of an import says. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

# Formats of labelled sets that import knows, by name; the engine's side is `engine.ingest.labelled`.
LABELLED: dict[str, str] = {
    "beir": "BEIR",
    "trec": "TREC",
    "paddlenlp": "PaddleNLP",
    "flagembedding": "FlagEmbedding",
    "sentence-transformers": "sentence-transformers",
    "tevatron": "Tevatron",
    "ms-swift": "ms-swift",
    "nvidia": "NVIDIA NeMo",
    "uniem": "uniem",
    "pylate": "PyLate",
    "gpl": "GPL",
    "llamaindex": "LlamaIndex",
    "triples": "Triples between tabs",
    "table": "Table",
}

Role = Literal["query", "positive", "passage_id", "negative", "score", "group", "split", "ignore"]
# What a column of a table can be for.
ROLES: tuple[Role, ...] = ("query", "positive", "passage_id", "negative", "score", "group", "split", "ignore")

# Formats that hold queries with their answers and negatives, by name; the engine's side is `engine.export.writers`.
# Those that are folders of several files come last.
TRAINING: dict[str, str] = {
    "flagembedding": "FlagEmbedding lines",
    "paddlenlp": "PaddleNLP lines",
    "sentence-transformers": "sentence-transformers triplets",
    "st-pair": "sentence-transformers pairs",
    "st-tuple": "sentence-transformers n-tuples",
    "st-scored": "sentence-transformers scored pairs",
    "st-labelled": "sentence-transformers labelled pairs",
    "st-list": "sentence-transformers lists",
    "st-distill": "sentence-transformers distillation",
    "tevatron": "Tevatron lines (version 1)",
    "ms-swift": "ms-swift messages",
    "nvidia-inline": "NVIDIA NeMo lines",
    "uniem": "uniem lines",
    "tsv": "Triples between tabs, with a header",
    "csv": "CSV table",
    "tevatron-v2": "Tevatron folder (version 2)",
    "nvidia": "NVIDIA NeMo folder",
    "pylate": "PyLate folder",
    "gpl": "GPL folder",
    "trec-folder": "TREC folder (topics, documents, judgements)",
    "llamaindex": "LlamaIndex file",
}
TRAINING_FOLDERS = ("tevatron-v2", "nvidia", "pylate", "gpl", "trec-folder")
# Formats without a place for negatives, so that nothing of them could be read back.
WITHOUT_NEGATIVES = ("st-pair", "trec-folder", "llamaindex")
# Formats that hold a query only with a negative.
NEED_NEGATIVES = ("sentence-transformers", "st-tuple", "st-distill")
# The endings of formats of one file; JSON lines where none is named.
SUFFIXES = {"csv": "csv", "tsv": "tsv", "llamaindex": "json"}
# Formats of queries alone.
QUERIES: dict[str, str] = {"jsonl": "JSON lines", "csv": "CSV table", "tsv": "TSV table"}


@dataclass(frozen=True, slots=True)
class PreviewTable:
    """A table's first rows and what its rows would become under a mapping.

    Attributes:
        names: its columns in order.
        roles: what each is for; `guessed` where no person said so, `remembered` where one did for another such table.
        rows: the first rows as texts, cut short.
        usable: rows that become something.
        unmatched: rows that name a passage which is not there.
        text_only: usable rows that do so, too, of which the text beside the id is taken.
        skipped: other rows that cannot be taken, `why` the first reason.
        existing: usable rows whose query the project has already.
        counted: rows looked at; `complete` where those are all.
        fault: why the mapping cannot work, "" where it can.
    """

    names: tuple[str, ...]
    roles: dict[str, Role]
    guessed: bool
    remembered: bool
    rows: tuple[tuple[str, ...], ...]
    usable: int = 0
    unmatched: int = 0
    skipped: int = 0
    why: str = ""
    existing: int = 0
    counted: int = 0
    complete: bool = True
    fault: str = ""
    text_only: int = 0


@dataclass(frozen=True, slots=True)
class PreviewCounts:
    """What a labelled set would bring: units of each kind in the lines looked at."""

    passages: int = 0
    queries: int = 0
    judgements: int = 0
    negatives: int = 0
    hits: int = 0
    skipped: int = 0
    existing: int = 0
    lines: int = 0
    complete: bool = True


@dataclass(frozen=True, slots=True)
class PreviewFile:
    """A file, or the folder of a labelled set. `choices` are the formats a person can have it read as."""

    path: str
    shown: str
    kind: Literal["documents", "labelled", "skipped"]
    format: str
    reason: str
    code: str = ""
    bytes: int = 0
    choices: tuple[str, ...] = ()
    counts: PreviewCounts | None = None
    table: PreviewTable | None = None


@dataclass(frozen=True, slots=True)
class PreviewKind:
    """How many files of one kind there are."""

    kind: Literal["documents", "labelled", "skipped"]
    format: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """What an import would bring, before anything is stored.

    `files` are labelled sets and tables, then a few of what is left out; documents are only counted. `complete` is
    false where there were too many files to look into each.
    """

    kinds: tuple[PreviewKind, ...] = ()
    files: tuple[PreviewFile, ...] = ()
    complete: bool = True
    sentences: dict[str, str] = field(default_factory=dict)

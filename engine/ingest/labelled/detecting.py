"""Telling the formats of labelled sets apart, with a reason in words; nothing is forced on a file that fits none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.errors import UserError
from engine.ingest.labelled import beir, flagembedding
from engine.ingest.labelled.sentence_transformers import shape_of
from engine.ingest.readers.rows import Columns, sample_rows

FORMATS = ("beir", "paddlenlp", "flagembedding", "sentence-transformers")
NAMES = {
    "beir": "BEIR",
    "paddlenlp": "PaddleNLP",
    "flagembedding": "FlagEmbedding",
    "sentence-transformers": "sentence-transformers",
}
SAMPLE = 20
# A file is of a format when most of its first lines are: dirty lines are reported, not a reason to take it for a text.
ENOUGH = 0.5
SUFFIXES = (".jsonl", ".json", ".ndjson", ".csv", ".tsv", ".jsonl.gz", ".json.gz", ".csv.gz", ".tsv.gz")


@dataclass(frozen=True, slots=True)
class Detection:
    """What a file or folder is. `format` is one of `FORMATS` or "" for none; `reason` says in words what was seen.

    `pool` marks files that hold nothing but passages under a general name (`text`, `content`): whether they belong to
    a labelled set or are documents shows only from the files beside them.
    """

    format: str
    reason: str
    files: tuple[Path, ...] = ()
    pool: bool = False


def detect(path: Path) -> Detection:
    """The format of the labelled set at `path`, a file or a folder; never raises for content it does not know."""
    if path.is_dir():
        return _detect_folder(path)
    if not path.name.lower().endswith(SUFFIXES):
        return Detection("", "not a table or JSON lines")
    if path.name.startswith(("corpus.jsonl", "queries.jsonl")) and beir.is_beir(path.parent):
        return Detection("beir", f"{path.name} is part of a BEIR folder", beir.files_of(path.parent))
    try:
        rows = [row.columns for row in sample_rows(path, SAMPLE)]
    except UserError as error:
        return Detection("", error.message)
    if not rows:
        return Detection("", "no rows with named fields")
    return _detect_rows(path, rows)


def _detect_folder(path: Path) -> Detection:
    if beir.is_beir(path):
        judged = len(beir.qrels_files(path))
        reason = f"a folder with corpus.jsonl, queries.jsonl and {judged} files of judgements"
        return Detection("beir", reason, beir.files_of(path))
    if flagembedding.is_evaluation(path):
        reason = f"a folder with {', '.join(flagembedding.EVALUATION_FILES)}"
        return Detection("flagembedding", reason, flagembedding.files_of(path))
    return Detection("", "a folder without the files of a labelled set")


def _detect_rows(path: Path, rows: list[Columns]) -> Detection:
    tests: tuple[tuple[str, str, Callable[[Columns], bool]], ...] = (
        ("paddlenlp", "`query` and `pos_passage`", lambda row: "query" in row and "pos_passage" in row),
        ("paddlenlp", "`neg_passage` alone", lambda row: "neg_passage" in row and "query" not in row),
        ("flagembedding", "`query` and `pos`", lambda row: "query" in row and "pos" in row),
        (
            "flagembedding",
            "`query` and a list `positive`",
            lambda row: "query" in row and isinstance(row.get("positive"), list),
        ),
    )
    for name, fields, test in tests:
        share = sum(map(test, rows))
        if share > ENOUGH * len(rows):
            return Detection(name, f"{share} of {len(rows)} lines have {fields}", (path,))
    shapes = [shape for row in rows if (shape := shape_of(row))]
    if len(shapes) > ENOUGH * len(rows):
        shape = max(set(shapes), key=shapes.count)
        columns = ", ".join(f"`{name}`" for name in rows[0])
        reason = f"{len(shapes)} of {len(rows)} lines are a {shape} ({columns})"
        return Detection("sentence-transformers", reason, (path,))
    pools = sum(list(row) in (["text"], ["content"]) for row in rows)
    if pools > ENOUGH * len(rows):
        return Detection("flagembedding", f"{pools} of {len(rows)} lines hold a passage alone", (path,), pool=True)
    return Detection("", f"its fields ({', '.join(list(rows[0])[:6])}) are those of no labelled set")

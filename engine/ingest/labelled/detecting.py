"""Telling the formats of labelled sets apart, with a reason in words; nothing is forced on a file that fits none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.errors import UserError
from engine.formats import LABELLED
from engine.ingest.labelled import beir, flagembedding, gpl, llamaindex, nvidia, pylate, swift, tevatron, trec, uniem
from engine.ingest.labelled.folders import files_with
from engine.ingest.labelled.sentence_transformers import shape_of
from engine.ingest.labelled.sheets import SUFFIXES as SHEETS
from engine.ingest.labelled.sheets import as_lines
from engine.ingest.labelled.triples import SUFFIXES as TABBED
from engine.ingest.labelled.triples import share_of_triples
from engine.ingest.readers.rows import Columns, sample_rows

FORMATS = tuple(LABELLED)
NAMES = LABELLED
SAMPLE = 20
# A file is of a format when most of its first lines are: dirty lines are reported, not a reason to take it for a text.
ENOUGH = 0.5
LINES = (".jsonl", ".json", ".ndjson", ".jsonl.gz", ".json.gz")
TABLES = (".csv", ".tsv", ".tab", ".csv.gz", ".tsv.gz", *SHEETS)
SUFFIXES = (*LINES, *TABLES)
# Formats that are folders of files with fixed names, and what they hold.
FOLDERS_ONLY = {
    "beir": "A BEIR folder holds corpus.jsonl, queries.jsonl and qrels/*.tsv.",
    "gpl": "A GPL folder holds corpus.jsonl, qgen-queries.jsonl and qgen-qrels/*.tsv.",
}

_RowTest = Callable[[Columns], bool]
_TESTS: tuple[tuple[str, str, _RowTest], ...] = (
    ("paddlenlp", "`query` and `pos_passage`", lambda row: "query" in row and "pos_passage" in row),
    ("paddlenlp", "`neg_passage` alone", lambda row: "neg_passage" in row and "query" not in row),
    ("flagembedding", "`query` and `pos`", lambda row: "query" in row and "pos" in row),
    (
        "flagembedding",
        "`query` and a list `positive`",
        lambda row: "query" in row and isinstance(row.get("positive"), list),
    ),
    ("tevatron", "`query` and `positive_passages`", tevatron.is_whole),
    ("tevatron", "a query and `positive_document_ids`", tevatron.is_by_id),
    ("ms-swift", "`messages` and `positive_messages`", swift.is_swift),
    ("nvidia", "`query` and `pos_doc`", nvidia.is_inline),
    ("uniem", "`text` and `text_pos`", uniem.is_uniem),
    ("pylate", "`query_id` and `document_ids`", pylate.is_scores),
)


@dataclass(frozen=True, slots=True)
class Detection:
    """What a file or folder is. `format` is one of `FORMATS` or "" for none; `reason` says in words what was seen.

    `pool` marks files that hold nothing but passages under a general name (`text`, `content`): whether they belong to
    a labelled set or are documents shows only from the files beside them. `root` is the folder of the set that a file
    is a part of, and `files` are the files of a set.
    """

    format: str
    reason: str
    files: tuple[Path, ...] = ()
    pool: bool = False
    root: Path | None = None


def detect(path: Path) -> Detection:
    """The format of the labelled set at `path`, a file or a folder; never raises for content it does not know."""
    try:
        if path.is_dir():
            return _detect_folder(path)
        return _detect_part(path) or _detect_file(path)
    except (UserError, OSError) as error:
        return Detection("", getattr(error, "message", str(error)))


def _detect_folder(path: Path) -> Detection:
    if gpl.is_gpl(path):
        reason = f"a folder with corpus.jsonl and {gpl.QUERIES}"
        return Detection("gpl", reason, gpl.files_of(path))
    if beir.is_beir(path):
        judged = len(beir.qrels_files(path))
        reason = f"a folder with corpus.jsonl, queries.jsonl and {judged} files of judgements"
        return Detection("beir", reason, beir.files_of(path))
    if flagembedding.is_evaluation(path):
        reason = f"a folder with {', '.join(flagembedding.EVALUATION_FILES)}"
        return Detection("flagembedding", reason, flagembedding.files_of(path))
    return _detect_by_parts(path) or Detection("", "a folder without the files of a labelled set")


def _detect_by_parts(path: Path) -> Detection | None:
    """Sets whose files have names of any kind and are known by what stands in them."""
    corpus, training = files_with(path, tevatron.is_passage), files_with(path, tevatron.is_by_id)
    if corpus and training:
        reason = f"{corpus[0].name} holds passages with `docid`, {training[0].name} names them"
        return Detection("tevatron", reason, (*corpus, *training))
    if by_id := nvidia.files_by_id(path):
        reason = f"{by_id[0].name} is one object with `corpus` and `data`"
        corpora = [file for one in by_id for file in nvidia.corpus_files(one)]
        metadata = [file.parent / "merlin_metadata.json" for file in corpora]
        return Detection("nvidia", reason, tuple(dict.fromkeys((*by_id, *corpora, *metadata))))
    tests = (pylate.is_scores, pylate.is_document, pylate.is_query)
    found = [files_with(path, test) for test in tests]
    if all(found):
        reason = f"{found[0][0].name} scores documents by query, whose texts lie beside it"
        return Detection("pylate", reason, tuple(file for files in found for file in files))
    if trec.is_trec(path):
        parts = {part: files for part, files in trec.files_of(path).items() if files}
        reason = "a folder with " + ", ".join(f"{part} ({files[0].name})" for part, files in parts.items())
        return Detection("trec", reason, tuple(file for files in parts.values() for file in files))
    return None


def _detect_part(path: Path) -> Detection | None:
    """A file of a set that is a folder; reading it alone would lose what it names."""
    folder = path.parent.parent if path.parent.name in ("qrels", "qgen-qrels") else path.parent
    names = ("corpus.jsonl", "queries.jsonl", gpl.QUERIES, gpl.NEGATIVES, *flagembedding.EVALUATION_FILES)
    if not path.name.startswith(names) and folder == path.parent:
        return None
    found = _detect_folder(folder)
    if found.format in ("gpl", "beir", "flagembedding") and path in found.files:
        reason = f"{path.name} is part of a {NAMES[found.format]} folder"
        return Detection(found.format, reason, found.files, root=folder)
    return None


def _detect_file(path: Path) -> Detection:
    name = path.name.lower()
    part, count, total = trec.part_of(path) if not name.endswith(SHEETS) else ("", 0, 0)
    if part in ("qrels", "run"):
        words = "judgements (query, 0, passage, grade)" if part == "qrels" else "hits of a run"
        return Detection("trec", f"{count} of {total} lines are {words}", (path,))
    if part:
        return Detection("trec", f"its first lines are TREC {part}", (path,))
    if name.endswith(TABBED):
        count, total = share_of_triples(path)
        if count > ENOUGH * total:
            return Detection("triples", f"{count} of {total} lines are three texts between tabs", (path,))
    if not name.endswith(SUFFIXES):
        return Detection("", "not a table or JSON lines")
    if llamaindex.is_llamaindex(path):
        return Detection("llamaindex", "one object with `queries`, `corpus` and `relevant_docs`", (path,))
    if nvidia.is_by_id(path):
        reason = "one object with `corpus` and `data`"
        return Detection("nvidia", reason, (path, *nvidia.corpus_files(path)))
    rows = [row.columns for row in sample_rows(as_lines(path, sample=True), SAMPLE)]
    if not rows:
        return Detection("", "no rows with named fields")
    return _detect_rows(path, rows)


def _detect_rows(path: Path, rows: list[Columns]) -> Detection:
    for name, fields, test in _TESTS:
        count = sum(map(test, rows))
        if count > ENOUGH * len(rows):
            return Detection(name, f"{count} of {len(rows)} lines have {fields}", (path,))
    if all(name in rows[0] for name in ("query", "positive", "grade")):
        return Detection("table", "its header has `query`, `positive` and `grade`", (path,))
    shapes = [shape for row in rows if (shape := shape_of(row))]
    if len(shapes) > ENOUGH * len(rows):
        shape = max(set(shapes), key=shapes.count)
        columns = ", ".join(f"`{name}`" for name in rows[0])
        reason = f"{len(shapes)} of {len(rows)} lines are a {shape} ({columns})"
        return Detection("sentence-transformers", reason, (path,))
    pools = sum(list(row) in (["text"], ["content"]) for row in rows)
    if pools > ENOUGH * len(rows):
        return Detection("flagembedding", f"{pools} of {len(rows)} lines hold a passage alone", (path,), pool=True)
    corpus = sum(map(tevatron.is_passage, rows))
    if corpus > ENOUGH * len(rows):
        return Detection("tevatron", f"{corpus} of {len(rows)} lines are passages with a `docid`", (path,))
    return Detection("", f"its fields ({', '.join(list(rows[0])[:6])}) are those of no labelled set")

"""Rankings that another program made: an imported run, or a TREC run file that is only read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.errors import FormatError, UserError
from engine.evaluate.ranking import DistinctTexts, Ranked
from engine.store.files import sha256_of
from engine.store.imported_runs import imported_hits, imported_runs
from engine.store.outside import passages_named, queries_named
from engine.store.project import Project
from engine.task import Task

_COLUMNS = 6


@dataclass(frozen=True, slots=True)
class ForeignRun:
    """A ranking by query id, best first.

    `content` changes with its hits; `unknown` counts lines that name what is not in the project.
    """

    name: str
    content: str
    hits: Mapping[int, Sequence[tuple[int, float]]]
    unknown: int = 0


def find_foreign_run(project: Project, label: str) -> ForeignRun | None:
    """The imported run of that name, or the TREC run file at that path; None where it is neither."""
    for known in imported_runs(project):
        if known.name == label:
            query_ids, passage_ids, scores = imported_hits(project, known.id)
            lists = {
                int(query): [(int(p), float(s)) for p, s in zip(row, values, strict=True) if p >= 0]
                for query, row, values in zip(query_ids, passage_ids, scores, strict=True)
            }
            digest = hashlib.blake2b(digest_size=16)
            for array in (query_ids, passage_ids, scores):
                digest.update(array.tobytes())
            return ForeignRun(known.name, f"imported:{digest.hexdigest()}", lists)
    path = Path(label).expanduser()
    return read_run_file(project, path) if path.is_file() else None


def read_run_file(project: Project, path: Path) -> ForeignRun:
    """Read `query Q0 passage rank score tag` lines; ranked by falling score, ties by passage id as everywhere here.

    Raises:
        FormatError: a line that is none of a run.
        UserError: not one line names a query and a passage of the project.
    """
    rows = []
    with path.open(encoding="utf-8-sig", errors="replace") as file:  # bytes of another kind are in no id of ours
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            fields = line.split()
            try:
                query, _, passage, _, score, _ = fields
                rows.append((query, passage, float(score)))
            except ValueError:
                raise FormatError(
                    f"{path.name}, line {number}: not a line of a TREC run.",
                    hint=f"A line has {_COLUMNS} columns: query Q0 passage rank score tag.",
                ) from None
    asked = queries_named(project, {row[0] for row in rows})
    found = passages_named(project, {row[1] for row in rows})
    known = [(asked[q], found[p], score) for q, p, score in rows if q in asked and p in found]
    if not known:
        raise UserError(
            f"{path.name} names no query and passage of this project.",
            hint="Its ids must be those that were imported, or those of an export of this project.",
        )
    lists: dict[int, dict[int, float]] = {}
    for query_id, passage_id, value in known:
        lists.setdefault(query_id, {})[passage_id] = value
    ranked = {query: sorted(hits.items(), key=lambda hit: (-hit[1], hit[0])) for query, hits in lists.items()}
    return ForeignRun(path.stem, f"file:{sha256_of(path)}", ranked, len(rows) - len(known))


def rank_foreign(run: ForeignRun, distinct: DistinctTexts, query_ids: Sequence[int], depth: int, task: Task) -> Ranked:
    """Its lists as rows of the distinct texts; of passages with one text the best place counts.

    Queries that it does not answer get an empty list, which counts 0, with a warning.
    """
    missing = sum(query not in run.hits for query in query_ids)
    if missing:
        task.warn(f"{run.name} ranks nothing for {missing:,} of {len(query_ids):,} queries; they count 0.")
    if run.unknown:
        task.warn(f"{run.unknown:,} lines of {run.name} name queries or passages that this project does not have.")
    texts = np.repeat(np.arange(len(distinct)), np.diff(distinct.starts))
    row_of = dict(zip(distinct.passage_ids.tolist(), texts.tolist(), strict=True))
    ids = np.full((len(query_ids), depth), -1, np.int64)
    scores = np.zeros((len(query_ids), depth), np.float32)
    for place, query in enumerate(query_ids):
        best: dict[int, float] = {}
        for passage, score in run.hits.get(query, ()):
            if passage in row_of:
                best.setdefault(row_of[passage], score)
        kept = list(best.items())[:depth]
        ids[place, : len(kept)] = [row for row, _ in kept]
        scores[place, : len(kept)] = [score for _, score in kept]
    return Ranked(ids, scores)

"""Judgements and negatives in the formats that training toolkits read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import UserError
from engine.records import Passage, Query, Split
from engine.store import documents, negatives, queries
from engine.store.project import Project
from engine.task import Task

LINE_FORMATS = ("paddlenlp", "flagembedding", "sentence-transformers")
_BLOCK = 500


@dataclass(frozen=True, slots=True)
class Labelled:
    """One query with what answers it and what does not, as texts; positives by falling grade."""

    query: str
    positives: list[str]
    negatives: list[str]


def labelled_rows(project: Project, split: Split) -> Iterator[Labelled]:
    """A split's judged queries with their positives and the newest mining's negatives."""
    judged = queries.positives(project)
    mining = negatives.newest_mining(project)
    hard: dict[int, list[int]] = {}
    for negative in negatives.negatives(project, mining.id) if mining else []:
        hard.setdefault(negative.query_id, []).append(negative.passage_id)
    asked = [query for query in queries.representatives(project, split) if query.id in judged]
    for start in range(0, len(asked), _BLOCK):
        block = asked[start : start + _BLOCK]
        wanted = {p for query in block for p in (*judged[query.id], *hard.get(query.id, ()))}
        texts = {passage_id: p.search_text for passage_id, p in documents.passages(project, wanted).items()}
        for query in block:
            grades = judged[query.id]
            positives = sorted(grades, key=lambda passage_id: (-grades[passage_id], passage_id))
            yield Labelled(
                query.text,
                [texts[p] for p in positives if p in texts],
                [texts[p] for p in hard.get(query.id, ()) if p in texts and p not in grades],
            )


def write_lines(path: Path, format: str, rows: Iterator[Labelled], task: Task) -> int:
    """Write one of `LINE_FORMATS` as JSON lines; returns how many.

    Raises:
        UserError: sentence-transformers triplets were asked for and no query has a negative.
    """
    lines = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for done, row in enumerate(rows):
            if done % _BLOCK == 0:
                task.progress("write queries", done, 0)
            for line in _lines(format, row):
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                lines += 1
    if not lines:
        raise UserError(
            "There is nothing to write: no query of this split has both an answer and a negative.",
            hint="Mine negatives first, choose another split, or export as trec or beir.",
        )
    return lines


def _lines(format: str, row: Labelled) -> Iterator[dict[str, object]]:
    if format == "paddlenlp":
        yield {"query": row.query, "pos_passage": row.positives, "neg_passage": row.negatives}
    elif format == "flagembedding":
        yield {"query": row.query, "pos": row.positives, "neg": row.negatives}
    else:
        for positive in row.positives:
            for negative in row.negatives:
                yield {"anchor": row.query, "positive": positive, "negative": negative}


def is_json_line(line: str) -> bool:
    """Whether a line could stand in one of these files."""
    return line.lstrip().startswith('{"')


def write_beir(
    folder: Path,
    project: Project,
    *,
    query_names: Mapping[int, str],
    passage_names: Mapping[int, str],
    task: Task,
) -> list[str]:
    """Write corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv; returns the files' names."""
    total = documents.count_passages(project)
    with (folder / "corpus.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        for done, passage in enumerate(documents.all_passages(project)):
            if done % _BLOCK == 0:
                task.progress("write passages", done, total)
            file.write(json.dumps(_corpus_line(passage, passage_names), ensure_ascii=False) + "\n")
    judged = queries.judgements(project)
    asked = [query for query in queries.representatives(project) if query.id in judged]
    with (folder / "queries.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        for query in asked:
            line = {"_id": query_names[query.id], "text": query.text}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    (folder / "qrels").mkdir()
    written = ["corpus.jsonl", "queries.jsonl"]
    for name, members in _by_split(asked).items():
        judgements = {query.id: judged[query.id] for query in members}
        _write_tsv(folder / "qrels" / f"{name}.tsv", judgements, query_names, passage_names)
        written.append(f"qrels/{name}.tsv")
    return written


def _corpus_line(passage: Passage, names: Mapping[int, str]) -> dict[str, str]:
    return {"_id": names[passage.id], "title": passage.heading, "text": passage.text}


def _by_split(asked: Sequence[Query]) -> dict[str, list[Query]]:
    """Queries by split; those without one in `all`, which no reader takes for a test set."""
    found: dict[str, list[Query]] = {}
    for query in asked:
        found.setdefault(query.split.value if query.split else "all", []).append(query)
    return found


def _write_tsv(
    path: Path,
    judgements: Mapping[int, Mapping[int, int]],
    query_names: Mapping[int, str],
    passage_names: Mapping[int, str],
) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("query-id\tcorpus-id\tscore\n")
        for query_id, grades in judgements.items():
            for passage_id, grade in grades.items():
                file.write(f"{query_names[query_id]}\t{passage_names[passage_id]}\t{grade}\n")

"""Training formats that are folders: a corpus with ids, queries, and files that name both."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.export.examples import Example
from engine.export.identifiers import without_blanks
from engine.records import Passage
from engine.store import documents
from engine.store.project import Project

Line = dict[str, Any]  # Any: JSON values


def write_folder(
    folder: Path, format: str, rows: Iterable[Example], project: Project, *, names: Mapping[int, str], split: str
) -> None:
    """Write one of the formats of several files; `names` are those of all passages."""
    kept = list(rows)
    passages = ((names[passage.id], passage) for passage in documents.all_passages(project))
    if format == "tevatron-v2":
        _write(folder / "corpus.jsonl", ({"docid": n, "title": p.heading, "text": p.text} for n, p in passages))
        _write(folder / f"{split}.jsonl", map(_tevatron, kept))
    elif format == "nvidia":
        corpus = folder / "corpus"
        _dump(corpus / "merlin_metadata.json", {"class": "TextQADataset", "corpus_id": "corpus"})
        _write(corpus / "passages.jsonl", ({"id": n, "text": p.search_text} for n, p in passages))
        _dump(folder / f"{split}.json", {"corpus": [{"path": "./corpus"}], "data": [_nvidia(row) for row in kept]})
    elif format == "pylate":
        _write(folder / "documents.jsonl", ({"document_id": n, "text": p.search_text} for n, p in passages))
        _write(folder / "queries.jsonl", ({"query_id": row.name, "text": row.query} for row in kept))
        _write(folder / f"{split}.jsonl", map(_pylate, kept))
    elif format == "gpl":
        _write(folder / "corpus.jsonl", ({"_id": n, "title": p.heading, "text": p.text} for n, p in passages))
        _write(folder / "qgen-queries.jsonl", ({"_id": row.name, "text": row.query} for row in kept))
        _write(folder / "hard-negatives.jsonl", map(_gpl, kept))
        lines = ((row.name, one.name, one.grade) for row in kept for one in row.positives)
        _tabbed(folder / "qgen-qrels" / f"{split}.tsv", lines)
    else:
        _write_trec(folder, kept, passages, split)


def _tevatron(row: Example) -> Line:
    return {
        "query_id": row.name,
        "query_text": row.query,
        "query_image": None,
        "positive_document_ids": [one.name for one in row.positives],
        "negative_document_ids": [one.name for one in row.negatives],
    }


def _nvidia(row: Example) -> Line:
    return {
        "question_id": row.name,
        "question": row.query,
        "corpus_id": "corpus",
        "pos_doc": [{"id": one.name} for one in row.positives],
        "neg_doc": [{"id": one.name} for one in row.negatives],
    }


def _pylate(row: Example) -> Line:
    """A teacher's scores where they put the only answer first, else 1 and 0."""
    listed = (*row.positives, *row.negatives)
    given = [one.score for one in listed]
    known = [value for value in given if value is not None]
    first = len(row.positives) == 1 and len(known) == len(given) and all(value < known[0] for value in known[1:])
    scores = known if first else [float(one.grade > 0) for one in listed]
    return {"query_id": row.name, "document_ids": [one.name for one in listed], "scores": scores}


def _gpl(row: Example) -> Line:
    negatives = {"searchsmith": [one.name for one in row.negatives]}
    return {"qid": row.name, "pos": [one.name for one in row.positives], "neg": negatives}


def _write_trec(folder: Path, rows: list[Example], passages: Iterable[tuple[str, Passage]], split: str) -> None:
    with (folder / "documents.trec").open("w", encoding="utf-8", newline="\n") as file:
        for name, passage in passages:
            title = f"<TITLE>{_escape(passage.heading)}</TITLE>\n" if passage.heading else ""
            file.write(f"<DOC>\n<DOCNO>{_escape(name)}</DOCNO>\n{title}<TEXT>{_escape(passage.text)}</TEXT>\n</DOC>\n")
    with (folder / "topics.xml").open("w", encoding="utf-8", newline="\n") as file:
        file.write("<topics>\n")
        for row in rows:
            number = html.escape(row.name)
            file.write(f'<topic number="{number}">\n<query>{_escape(row.query)}</query>\n</topic>\n')
        file.write("</topics>\n")
    with (folder / f"{split}.qrels").open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            for one in (*row.positives, *row.negatives):
                cells = without_blanks({0: row.name, 1: one.name})
                file.write(f"{cells[0]} 0 {cells[1]} {one.grade}\n")


_ODD = str.maketrans({"\r": "&#13;", "\n": "&#10;", "\ufeff": "&#65279;", "\0": ""})


def _escape(text: str) -> str:
    """As markup, on one line; NUL, which no markup can hold, is left out."""
    return html.escape(text, quote=False).translate(_ODD)


def _write(path: Path, lines: Iterable[Line]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def _dump(path: Path, content: Line) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def _tabbed(path: Path, rows: Iterator[tuple[str, str, int]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("query-id\tcorpus-id\tscore\n")
        file.writelines(f"{query}\t{passage}\t{grade}\n" for query, passage, grade in rows)

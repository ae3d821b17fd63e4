"""Training formats that are one file: what each example becomes, line by line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from engine.export.examples import Example, Shown
from engine.formats import SUFFIXES

Line = dict[str, Any]  # Any: JSON values
_RELEVANT = 0.6  # what readers of scored pairs count as an answer, of a scale of 1


def suffix_of(format: str) -> str:
    """The ending of a format's file."""
    return SUFFIXES.get(format, "jsonl")


def write_file(path: Path, format: str, rows: Iterable[Example], split: str) -> None:
    """Write one of the formats of one file."""
    with path.open("w", encoding="utf-8-sig" if format in ("csv", "tsv") else "utf-8", newline="") as file:
        if format == "csv":
            _write_table(file, ("query", "positive", "grade", "split"), _graded(rows, split), quoting=csv.QUOTE_ALL)
        elif format == "tsv":
            table = ([r.query, p.whole, n.whole if n else ""] for r in rows for p, n in _pairs(r))
            _write_table(file, ("query", "positive", "negative"), table, delimiter="\t")
        elif format == "llamaindex":
            _write_llamaindex(file, rows)
        else:
            for line in _lines(format, rows):
                file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _lines(format: str, rows: Iterable[Example]) -> Iterator[Line]:
    if format == "st-tuple":
        kept = [row for row in rows if row.negatives]
        width = max((len(row.negatives) for row in kept), default=0)
        yield from (line for row in kept for line in _tuples(row, width))
        return
    for row in rows:
        yield from _WRITERS[format](row)


def _lists(query: str, right: str, wrong: str) -> Callable[[Example], Iterator[Line]]:
    def write(row: Example) -> Iterator[Line]:
        yield {query: row.query, right: [p.whole for p in row.positives], wrong: [n.whole for n in row.negatives]}

    return write


def _triplets(row: Example) -> Iterator[Line]:
    for positive in row.positives:
        for negative in row.negatives:
            yield {"anchor": row.query, "positive": positive.whole, "negative": negative.whole}


def _st_pairs(row: Example) -> Iterator[Line]:
    for positive in row.positives:
        yield {"anchor": row.query, "positive": positive.whole}


def _tuples(row: Example, width: int) -> Iterator[Line]:
    """Every line with as many negatives as the longest, as loaders want it; where there are fewer, they come again."""
    for positive in row.positives:
        filled = islice(cycle(row.negatives), width)
        yield {
            "anchor": row.query,
            "positive": positive.whole,
            **{f"negative_{number}": negative.whole for number, negative in enumerate(filled, 1)},
        }


def _scored(row: Example) -> Iterator[Line]:
    for shown in (*row.positives, *row.negatives):
        yield {"sentence1": row.query, "sentence2": shown.whole, "score": _score(shown)}


def _score(shown: Shown) -> float:
    """The stored score where it says the same as the judgement, else 1 or 0."""
    value = shown.score
    if value is not None and 0 <= value <= 1 and (value >= _RELEVANT) == (shown.grade > 0):
        return value
    return float(shown.grade > 0)


def _labelled(row: Example) -> Iterator[Line]:
    for shown in (*row.positives, *row.negatives):
        yield {"query": row.query, "passage": shown.whole, "label": int(shown.grade > 0)}


def _list(row: Example) -> Iterator[Line]:
    listed = (*row.positives, *row.negatives)
    yield {"query": row.query, "docs": [s.whole for s in listed], "labels": [s.grade for s in listed]}


def _distill(row: Example) -> Iterator[Line]:
    known = all(shown.score is not None for shown in (*row.positives, *row.negatives))
    for positive in row.positives:
        for negative in row.negatives:
            label = [positive.score, negative.score] if known else [1.0, 0.0]
            yield {"query": row.query, "positive": positive.whole, "negative": negative.whole, "label": label}


def _tevatron(row: Example) -> Iterator[Line]:
    def passages(shown: Sequence[Shown]) -> list[Line]:
        return [{"docid": one.name, "title": one.heading, "text": one.text} for one in shown]

    yield {
        "query_id": row.name,
        "query": row.query,
        "positive_passages": passages(row.positives),
        "negative_passages": passages(row.negatives),
    }


def _swift(row: Example) -> Iterator[Line]:
    def said(text: str) -> list[Line]:
        return [{"role": "user", "content": text}]

    yield {
        "messages": said(row.query),
        "positive_messages": [said(one.whole) for one in row.positives],
        "negative_messages": [said(one.whole) for one in row.negatives],
    }


def _uniem(row: Example) -> Iterator[Line]:
    for positive, negative in _pairs(row):
        line = {"text": row.query, "text_pos": positive.whole}
        yield {**line, "text_neg": negative.whole} if negative else line


def _pairs(row: Example) -> Iterator[tuple[Shown, Shown | None]]:
    """Every answer with every negative; an answer alone where there is none."""
    for positive in row.positives:
        for negative in row.negatives or (None,):
            yield positive, negative


def _graded(rows: Iterable[Example], split: str) -> Iterator[list[str]]:
    for row in rows:
        for shown in (*row.positives, *row.negatives):
            yield [row.query, shown.whole, str(shown.grade), split]


def _write_table(
    file: io.TextIOBase, names: Sequence[str], rows: Iterable[Sequence[str]], *, delimiter: str = ",", quoting: int = 0
) -> None:
    """Cells are quoted as spreadsheets do; NUL, which no table can hold, is left out."""
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator="\r\n")  # type: ignore[arg-type]
    writer.writerow(names)
    writer.writerows([cell.replace("\0", "") for cell in row] for row in rows)


def _write_llamaindex(file: io.TextIOBase, rows: Iterable[Example]) -> None:
    found: dict[str, Any] = {"queries": {}, "corpus": {}, "relevant_docs": {}, "mode": "text"}
    for row in rows:
        found["queries"][row.name] = row.query
        found["relevant_docs"][row.name] = [one.name for one in row.positives]
        found["corpus"].update({one.name: one.whole for one in (*row.positives, *row.negatives)})
    json.dump(found, file, ensure_ascii=False, indent=1)


_WRITERS: dict[str, Callable[[Example], Iterator[Line]]] = {
    "flagembedding": _lists("query", "pos", "neg"),
    "paddlenlp": _lists("query", "pos_passage", "neg_passage"),
    "nvidia-inline": _lists("query", "pos_doc", "neg_doc"),
    "sentence-transformers": _triplets,
    "st-pair": _st_pairs,
    "st-scored": _scored,
    "st-labelled": _labelled,
    "st-list": _list,
    "st-distill": _distill,
    "tevatron": _tevatron,
    "ms-swift": _swift,
    "uniem": _uniem,
}

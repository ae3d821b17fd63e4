"""Runs and judgements as TREC files, which trec_eval and every evaluation library read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.errors import ExportError
from engine.evaluate.metrics import evaluate_rankings, means
from engine.evaluate.ranking import Ranked

_NO_TAG = re.compile(r"[^\w.+-]+")


def write_run(
    path: Path,
    query_ids: Sequence[int],
    ranked: Ranked,
    *,
    tag: str,
    query_names: Mapping[int, str],
    passage_names: Mapping[int, str],
) -> int:
    """Write `query Q0 passage rank score tag` lines; returns how many.

    Readers sort by score alone and put ties in an order of their own, so equal scores are written as falling in the
    last digit of a float32: every reader sees our order.
    """
    scores = falling(ranked.scores)
    lines = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for query_id, passages, row in zip(query_ids, ranked.ids.tolist(), scores.tolist(), strict=True):
            for rank, (passage_id, score) in enumerate(zip(passages, row, strict=True), start=1):
                if passage_id < 0:
                    break
                file.write(f"{query_names[query_id]} Q0 {passage_names[passage_id]} {rank} {score:.9g} {tag}\n")
                lines += 1
    return lines


def write_qrels(
    path: Path,
    judgements: Mapping[int, Mapping[int, int]],
    *,
    query_names: Mapping[int, str],
    passage_names: Mapping[int, str],
) -> int:
    """Write `query 0 passage grade` lines; returns how many."""
    rows = list(_named(judgements, query_names, passage_names))
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{query} 0 {passage} {grade}\n" for query, passage, grade in rows)
    return len(rows)


def read_run(path: Path) -> dict[str, list[str]]:
    """Passages by query as trec_eval ranks them: by falling score, ties by falling name."""
    found: dict[str, list[tuple[float, str]]] = {}
    with path.open(encoding="utf-8") as file:
        for line in file:
            query, _, passage, _, score, _ = line.split()
            found.setdefault(query, []).append((float(np.float32(score)), passage))
    return {query: [passage for _, passage in sorted(hits, reverse=True)] for query, hits in found.items()}


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Grades by query and passage."""
    found: dict[str, dict[str, int]] = {}
    with path.open(encoding="utf-8") as file:
        for line in file:
            query, _, passage, grade = line.split()
            found.setdefault(query, {})[passage] = int(grade)
    return found


def check_run(path: Path, judgements: Mapping[str, Mapping[str, int]], expected: Mapping[str, Sequence[str]]) -> float:
    """Read an exported run as others will and return its nDCG@10.

    Args:
        path: the file.
        judgements: grades by external names.
        expected: the ranked external names that were to be written.

    Raises:
        ExportError: the file gives another ranking.
    """
    found = read_run(path)
    for query, passages in expected.items():
        if found.get(query, []) != list(passages):
            raise ExportError(
                f"The exported run ranks query {query} in another order than the program.", hint="Export again."
            )
    return ndcg10(found, judgements)


def ndcg10(rankings: Mapping[str, Sequence[str]], judgements: Mapping[str, Mapping[str, int]]) -> float:
    """Mean nDCG@10 of rankings and judgements by name, over all queries with a positive."""
    numbers: dict[str, int] = {}

    def number(name: str) -> int:
        return numbers.setdefault(name, len(numbers))

    queries = {query: row for row, query in enumerate(judgements)}
    qrels = {
        queries[query]: {number(passage): grade for passage, grade in grades.items()}
        for query, grades in judgements.items()
    }
    ranked = {queries[query]: [number(p) for p in passages] for query, passages in rankings.items() if query in queries}
    return means(evaluate_rankings(ranked, qrels, ks=(10,)))["ndcg@10"]


def falling(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The scores with each made smaller than the one before it where it is not, by one step of float32."""
    strict = scores.astype(np.float32).copy()
    for column in range(1, strict.shape[1]):
        below = np.nextafter(strict[:, column - 1], np.float32(-np.inf))
        strict[:, column] = np.minimum(strict[:, column], below)
    return strict


def tag_of(system: str) -> str:
    """What a system's lines carry: one word, of a model's folder or a file its name alone."""
    return _NO_TAG.sub("-", Path(system).name) or "run"


def is_run_line(line: str) -> bool:
    """Whether a line could stand in a run file."""
    return len(line.split()) == 6


def is_qrels_line(line: str) -> bool:
    """Whether a line could stand in a TREC qrels file."""
    fields = line.split()
    return len(fields) == 4 and fields[3].lstrip("-").isdecimal()


def _named(
    judgements: Mapping[int, Mapping[int, int]], query_names: Mapping[int, str], passage_names: Mapping[int, str]
) -> Iterable[tuple[str, str, int]]:
    for query_id, grades in judgements.items():
        for passage_id, grade in grades.items():
            if query_id in query_names and passage_id in passage_names:
                yield query_names[query_id], passage_names[passage_id], grade

"""Where a system gains and loses: the same comparison for short and long queries, by language, source and document."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from engine.records import Split
from engine.store.files import load_arrays, save_arrays
from engine.store.project import Project

By = Literal["length", "overlap", "language", "source", "document"]
BYS: tuple[By, ...] = ("length", "overlap", "language", "source", "document")
_Z = 1.959964  # of 95 %, two-sided
_MOST_DOCUMENTS = 20
_FEWEST = 5

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Slice:
    """Some of the queries: mean nDCG@10 of run a and run b, and a − b with its 95 % interval (paired, Student's t)."""

    name: str
    n: int
    a: float
    b: float
    delta: float
    low: float
    high: float


def keep_features(
    project: Project,
    split: Split,
    *,
    query_ids: Sequence[int],
    words: Sequence[int],
    overlap: Sequence[float],
    language: Sequence[str],
) -> None:
    """Keep what is told of a split's queries.

    Args:
        query_ids: n ids.
        words: n counts of words (of characters where a language writes none apart).
        overlap: n shares (0..1) of a query's words that stand in the best of its answers.
        language: n names of languages or scripts, at most 16 characters each.
    """
    save_arrays(
        project.path / "runs" / f"features-{split.value}",
        {
            "query_ids": np.asarray(query_ids, np.int64),
            "words": np.asarray(words, np.int32),
            "overlap": np.asarray(overlap, np.float32),
            "language": np.asarray(language, "U16"),
        },
    )


def slices(project: Project, run_a: int, run_b: int, by: By) -> list[Slice]:
    """The comparison of two runs in parts, in a natural order; parts of under five queries are left out.

    Empty where the split's features were not kept, as before the first evaluation by this version.
    """
    rows = project.db.execute(
        "select a.query_id, a.ndcg10, b.ndcg10, r.split from query_metrics a "
        "join query_metrics b on b.query_id = a.query_id and b.run_id = ? join runs r on r.id = a.run_id "
        "where a.run_id = ? order by a.query_id",
        [run_b, run_a],
    ).fetchall()
    if not rows:
        return []
    ids = np.array([row[0] for row in rows])
    values = np.array([[row[1], row[2]] for row in rows])
    names = _names(project, ids, by, Split(rows[0][3]))
    order = {name: place for place, name in enumerate(names.order)}
    groups: dict[str, list[int]] = {}
    for place, name in enumerate(names.of):
        if name:
            groups.setdefault(name, []).append(place)
    found = [_slice(name, values[places]) for name, places in groups.items() if len(places) >= _FEWEST]
    if names.order:
        return sorted(found, key=lambda part: order.get(part.name, len(order)))
    return sorted(found, key=lambda part: (-part.n, part.name))[:_MOST_DOCUMENTS]


@dataclass(frozen=True, slots=True)
class _Names:
    of: list[str]
    order: tuple[str, ...] = ()


def _names(project: Project, ids: npt.NDArray[np.int64], by: By, split: Split) -> _Names:
    if by == "source":
        return _Names(_column(project, ids, "select id, coalesce(nullif(source, ''), 'imported') from queries"))
    if by == "document":
        return _Names(
            _column(
                project,
                ids,
                "select q.query_id, max(coalesce(nullif(d.title, ''), d.path)) from qrels q "
                "join passages p on p.id = q.passage_id join documents d on d.id = p.document_id "
                "where q.grade > 0 group by q.query_id",
            )
        )
    folder = project.path / "runs" / f"features-{split.value}"
    if not folder.is_dir():
        return _Names([""] * len(ids))
    arrays, _ = load_arrays(folder)
    row_of = {int(query_id): row for row, query_id in enumerate(arrays["query_ids"])}
    rows = [row_of.get(int(query_id), -1) for query_id in ids]
    if by == "language":
        return _Names([str(arrays["language"][row]) if row >= 0 else "" for row in rows])
    cuts = _LENGTHS if by == "length" else _OVERLAPS
    found = arrays["words" if by == "length" else "overlap"]
    return _Names([_band(float(found[row]), cuts) if row >= 0 else "" for row in rows], tuple(n for _, n in cuts))


_LENGTHS = ((4.0, "1 to 4 words"), (8.0, "5 to 8 words"), (16.0, "9 to 16 words"), (math.inf, "17 words and more"))
_OVERLAPS = (
    (math.nextafter(0.25, 0.0), "under a quarter of its words in the answer"),
    (math.nextafter(0.5, 0.0), "a quarter to a half"),
    (math.nextafter(0.75, 0.0), "a half to three quarters"),
    (math.inf, "three quarters and more"),
)


def _band(value: float, cuts: Sequence[tuple[float, str]]) -> str:
    return next(name for upper, name in cuts if value <= upper)


def _column(project: Project, ids: npt.NDArray[np.int64], sql: str) -> list[str]:
    known = dict(project.db.execute(sql).fetchall())
    return [str(known.get(int(query_id)) or "") for query_id in ids]


def _slice(name: str, values: Floats) -> Slice:
    differences = values[:, 0] - values[:, 1]
    n, delta = len(values), float(differences.mean())
    half = _student(n - 1) * float(differences.std(ddof=1)) / math.sqrt(n)
    a, b = (float(mean) for mean in values.mean(axis=0))
    return Slice(name, n, a, b, delta, delta - half, delta + half)


def _student(df: int) -> float:
    """The 97.5 % quantile of Student's t for 4 degrees of freedom and more, to 0.3 % (Abramowitz and Stegun 26.7.5)."""
    z = _Z
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + math.fsum(term / float(df**power) for power, term in enumerate(terms, 1))

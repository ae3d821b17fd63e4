"""What a project knows of its queries, in the shape every training format can be written from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.export.identifiers import passage_names, query_names
from engine.records import Passage, Query, Review, Split
from engine.store import documents, negatives, queries, scores
from engine.store.project import Project

_BLOCK = 500


@dataclass(frozen=True, slots=True)
class Shown:
    """A passage with the name it goes by outside; `score` is a teacher's or annotator's, None where none was given."""

    name: str
    heading: str
    text: str
    grade: int
    score: float | None = None

    @property
    def whole(self) -> str:
        """What systems read: heading, a blank, text."""
        return f"{self.heading} {self.text}" if self.heading else self.text


@dataclass(frozen=True, slots=True)
class Example:
    """A query with its answers by falling grade, and with passages that do not answer it (grade 0)."""

    name: str
    query: str
    positives: tuple[Shown, ...]
    negatives: tuple[Shown, ...]


def examples(project: Project, split: Split | None) -> Iterator[Example]:
    """Queries that stand for themselves and have an answer, with the judgements of all their duplicates.

    Negatives: those a person confirmed or judged 0, then the newest mining's, then imported ones; never one that
    answers the query or that a person left out.
    """
    judged, wrong = queries.judgements(project), negatives_by_query(project)
    names, asked_names = passage_names(project), query_names(project)
    teachers = scores.sources(project)
    given = scores.scores(project, teachers[0][0]) if teachers else {}
    asked = [query for query in queries.representatives(project, split) if any(judged.get(query.id, {}).values())]
    for start in range(0, len(asked), _BLOCK):
        block = asked[start : start + _BLOCK]
        wanted = {p for query in block for p in (*judged[query.id], *wrong.get(query.id, ()))}
        texts = documents.passages(project, wanted)
        for query in block:
            yield _example(
                query,
                asked_names[query.id],
                judged[query.id],
                wrong.get(query.id, []),
                texts,
                names,
                given.get(query.id, {}),
            )


def _example(
    query: Query,
    name: str,
    grades: Mapping[int, int],
    wrong: list[int],
    texts: Mapping[int, Passage],
    names: Mapping[int, str],
    given: Mapping[int, float],
) -> Example:
    def shown(passage_id: int, grade: int) -> Shown:
        found = texts[passage_id]
        return Shown(names[passage_id], found.heading, found.text, grade, given.get(passage_id))

    right = sorted((p for p, grade in grades.items() if grade > 0 and p in texts), key=lambda p: (-grades[p], p))
    refused = [p for p, grade in grades.items() if grade == 0]
    left = [p for p in dict.fromkeys((*refused, *wrong)) if p in texts and grades.get(p, 0) == 0]
    return Example(name, query.text, tuple(shown(p, grades[p]) for p in right), tuple(shown(p, 0) for p in left))


def negatives_by_query(project: Project) -> dict[int, list[int]]:
    """Passage ids that do not answer a query, in the order of trust: a person's, mined, imported."""
    words = queries.reviews(project)
    wrong: dict[int, list[int]] = {}
    for (query_id, passage_id), verdict in sorted(words.items()):
        if verdict is Review.NEGATIVE:
            wrong.setdefault(query_id, []).append(passage_id)
    mining = negatives.newest_mining(project)
    for negative in negatives.negatives(project, mining.id) if mining else ():
        wrong.setdefault(negative.query_id, []).append(negative.passage_id)
    for query_id, passage_ids in queries.imported_negatives(project).items():
        wrong.setdefault(query_id, []).extend(passage_ids)
    unwanted = {pair for pair, verdict in words.items() if verdict is not Review.NEGATIVE}
    return {
        query_id: [p for p in dict.fromkeys(ids) if (query_id, p) not in unwanted] for query_id, ids in wrong.items()
    }

"""What the Search page needs from the project: the systems to search with, suggestions, cards for hits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.protocol import FoundHit
from engine.records import Model, Passage, Split
from engine.store import browse, documents, models, queries
from engine.store.feedback import votes_on
from engine.store.project import Project
from engine.store.shares import share_of
from gui.session import Mode
from gui.tables.hits import HitCard, hit_card

SUGGESTIONS = 8
DEPTH = 50


@dataclass(frozen=True, slots=True)
class System:
    """Something that ranks: how it is asked (`mode`, `model`), its name, a quiet fact, how its line is drawn."""

    key: str
    mode: Mode
    model: str
    name: str
    fact: str
    line: str


@dataclass(frozen=True, slots=True)
class SearchFacts:
    """All a search can be made of."""

    passages: int = 0
    systems: tuple[System, ...] = ()
    suggestions: tuple[str, ...] = ()
    feedback: int = 0

    def system(self, key: str) -> System | None:
        return next((system for system in self.systems if system.key == key), None)

    def newest(self) -> str:
        """The key of the newest tuned model, "" where there is none."""
        return next((system.key for system in self.systems if system.line == "tuned"), "")


@dataclass(frozen=True, slots=True)
class Found:
    """Hits of one system with their texts, as cards."""

    cards: tuple[HitCard, ...]
    votes: Mapping[int, int]  # ids of thumbs given, by passage


@dataclass(frozen=True, slots=True)
class WhyFacts:
    """What is known of a passage beside its place in a list."""

    passage: Passage
    title: str
    document: str
    answers: bool


def read_facts(project: Project) -> SearchFacts:
    """Systems and suggestions of the project."""
    return SearchFacts(
        documents.count_passages(project),
        tuple(systems_of(project)),
        tuple(suggestions(project)),
        queries.count_feedback(project),
    )


def systems_of(project: Project) -> list[System]:
    """BM25, the base model, tuned models newest first, and both joined by their scores."""
    base = models.base_model(project)
    tuned = [model for model in reversed(models.models(project)) if model.kind == "tuned"]
    found = [System("bm25", "bm25", "base", "BM25", "", "bm25")]
    if base is not None:
        found.append(System("base", "dense", "base", "Base", base.name, "base"))
    for place, model in enumerate(tuned):
        reference = str(model.id)
        found.append(System(f"model-{reference}", "dense", reference, "Tuned", model.name, "tuned"))
        if place == 0:
            found.append(System("hybrid", "hybrid", reference, "Hybrid", _weighed(project, model), "hybrid"))
    if not tuned and base is not None:
        found.append(System("hybrid", "hybrid", "base", "Hybrid", _weighed(project, base), "hybrid"))
    return found


def _weighed(project: Project, model: Model) -> str:
    """A model joined with BM25, with how much each counts where that was chosen."""
    share = round(100 * share_of(project, model))
    return f"{model.name} + BM25" if share == 50 else f"{share} % {model.name} + {100 - share} % BM25"


def default_systems(facts: SearchFacts) -> tuple[str, str]:
    """Base beside the newest tuned model; before there is one, BM25 beside the base model."""
    if tuned := facts.newest():
        return "base", tuned
    return "bm25", "base" if facts.system("base") else "bm25"


def suggestions(project: Project) -> list[str]:
    """A few of the project's own queries, test questions first, spread evenly, short ones only."""
    asked = queries.representatives(project, Split.TEST) or queries.representatives(project)
    texts = [query.text for query in asked if 3 <= len(query.text) <= 90]
    step = max(1, len(texts) // SUGGESTIONS)
    return texts[::step][:SUGGESTIONS]


def read_cards(
    project: Project, query: str, hits: Sequence[FoundHit], ranks_there: Mapping[int, int] | None, shown: int
) -> Found:
    """The first `shown` hits as cards; `ranks_there` are the other list's ranks, None where there is no other."""
    top = hits[:shown]
    ids = [hit.passage_id for hit in top]
    texts, names = documents.passages(project, ids), browse.passage_names(project, ids)
    votes = votes_on(project, query)
    answers = answers_to(project, query)
    cards = []
    for hit in top:
        passage = texts.get(hit.passage_id)
        if passage is None:
            continue
        card = hit_card(
            query,
            rank=hit.rank,
            passage_id=hit.passage_id,
            title=names[hit.passage_id],
            text=passage.text,
            score=hit.score,
            was=-1 if ranks_there is None else ranks_there.get(hit.passage_id, 0),
            answer=hit.passage_id in answers,
            vote=votes[hit.passage_id].vote if hit.passage_id in votes else 0,
        )
        cards.append(card)
    return Found(tuple(cards), {passage_id: vote.id for passage_id, vote in votes.items()})


def answers_to(project: Project, text: str) -> set[int]:
    """Passages judged right for the query of exactly this text, if the project holds it."""
    found = [
        query for query in queries.page_of_queries(project, offset=0, limit=50, contains=text) if query.text == text
    ]
    return {answer.passage.id for query in found for answer in browse.answers_of(project, query.id)}


def read_why(project: Project, query: str, passage_id: int) -> WhyFacts | None:
    """The whole of a passage, None where it is no longer there."""
    passage = documents.passages(project, [passage_id]).get(passage_id)
    if passage is None:
        return None
    document = documents.document(project, passage.document_id)
    title = document.title if document else ""
    name = browse.passage_name(passage.heading, title, passage.text)
    place = f"{title or name}"
    if document and document.n_passages > 1:
        place += f", {passage.ordinal + 1} / {document.n_passages}"
    if passage.page:
        place += f", p. {passage.page}"
    return WhyFacts(passage, name, place, passage_id in answers_to(project, query))


def new_in_top(left: Sequence[int], right: Sequence[int], k: int) -> int:
    """How many of the first `k` at the right are not among the first `k` at the left."""
    return len(set(right[:k]) - set(left[:k]))

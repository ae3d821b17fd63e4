"""A small project with a tiny model: enough to walk every stage in seconds."""

from __future__ import annotations

from pathlib import Path

from engine.encode.models import add_model_folder, read_facts
from engine.records import ImportCounts, Qrel, Split, State
from engine.store import documents, imports, models, queries
from engine.store.documents import NewDocument, NewPassage
from engine.store.project import Project
from engine.store.queries import NewQuery
from tests.tiny_model import build_tiny_model

TOPICS = (
    "kettle vinegar descale boil water", "bicycle tyre puncture repair patch", "tomato seedling greenhouse frost spring",
    "passport renewal embassy photo form", "violin bow rosin string tuning", "sourdough starter flour oven crust",
    "router firmware password wireless reset", "mortgage interest deposit bank loan", "marathon training shoes stretch knee",
    "telescope lens planet orbit night", "invoice refund receipt payment customer", "chess opening bishop castle endgame",
)  # fmt: skip


def tiny_model(folder: Path, *, seed: int = 0) -> Path:
    """A tiny model with random weights that knows the topics' words."""
    words = list(dict.fromkeys([*" ".join(TOPICS).split(), "how", "to", "a", "note"]))
    return build_tiny_model(folder, words=words, seed=seed, layers=1)


def small_project(path: Path) -> Project:
    """12 topics: 24 passages `p1`... of which two are equal in text, 24 test queries `q1`..., 4 of the train split."""
    project = Project.create(path)
    import_id = imports.start_import(project, ["made"], "made")
    rows = []
    for number, topic in enumerate(TOPICS):
        words = topic.split()
        for part, text in enumerate([f"How to {' '.join(words[:3])}", f"A {' '.join(words[2:])} {words[0]}"]):
            external = f"p{2 * number + part + 1}"
            document = NewDocument("", "", "labelled", f"h{external}", external_id=external, labelled=True)
            rows.append((document, NewPassage(text, heading=f"Note {number}", external_id=external)))
    copy = NewDocument("", "", "labelled", "hcopy", external_id="copy of p1", labelled=True)
    rows.append((copy, NewPassage(rows[0][1].text, heading="Note 0", external_id="copy of p1")))
    passage_ids = documents.put_labelled(project, rows, import_id=import_id)
    asked = [f"{topic.split()[0]} {topic.split()[position]}" for position in (1, 4) for topic in TOPICS]
    new = [NewQuery(text, external_id=f"q{row + 1}") for row, text in enumerate(asked)]
    query_ids = [query_id for query_id, _ in queries.put_queries(project, new, import_id=import_id)]
    queries.put_qrels(
        project,
        [Qrel(query_ids[row], passage_ids[2 * (row % 12) + row // 12], 1 + row % 2) for row in range(24)],
    )
    queries.set_splits(
        project, {query_id: Split.TEST if row < 20 else Split.TRAIN for row, query_id in enumerate(query_ids)}
    )
    counts = ImportCounts(documents=len(rows), passages=len(rows), queries=len(new), qrels=len(new), new=len(rows))
    imports.finish_import(project, import_id, counts)
    return project


def add_base(project: Project, folder: Path) -> int:
    return add_model_folder(project, str(folder))


def add_tuned(project: Project, folder: Path, *, parent_id: int) -> int:
    """Make a folder known as a model tuned here."""
    facts = read_facts(folder)
    return models.add_model(
        project, name="round 1", kind="tuned", path=str(folder), weights_digest=facts.weights_digest, dim=facts.dim,
        max_length=facts.max_length, parent_id=parent_id, params={"max_steps": 60}, state=State.COMPLETE,
    )  # fmt: skip

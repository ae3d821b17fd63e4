"""Passages whose text stands in the corpus more than once."""

from __future__ import annotations

from engine.store.project import Project


def copies(project: Project) -> dict[int, tuple[int, ...]]:
    """Every passage that has copies, with all passages of its text in order of id, itself among them."""
    rows = project.db.execute(
        "select text_hash, id from passages where text_hash in "
        "(select text_hash from passages group by text_hash having count(*) > 1) order by id"
    )
    groups: dict[str, list[int]] = {}
    for digest, passage_id in rows:
        groups.setdefault(digest, []).append(passage_id)
    return {passage_id: tuple(group) for group in groups.values() for passage_id in group}


def copies_of_answers(project: Project) -> dict[int, list[int]]:
    """The other passages of the same text, by passage that answers some query; without those that have none."""
    rows = project.db.execute(
        "select a.id, c.id from (select distinct passage_id from qrels where grade > 0) j "
        "join passages a on a.id = j.passage_id join passages c on c.text_hash = a.text_hash and c.id <> a.id"
    )
    found: dict[int, list[int]] = {}
    for passage_id, copy in rows:
        found.setdefault(passage_id, []).append(copy)
    return found


def document_of_passage(project: Project) -> dict[int, int]:
    """Document by passage; empty where every document is one passage, so that both are the same."""
    several = project.db.execute("select 1 from passages where ordinal > 0 limit 1").fetchone()
    return dict(project.db.execute("select id, document_id from passages").fetchall()) if several else {}

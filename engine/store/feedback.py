"""Thumbs that a person gave to hits, with their ids, so that each can be taken back."""

from __future__ import annotations

from dataclasses import dataclass

from engine.store.project import Project


@dataclass(frozen=True, slots=True)
class Vote:
    """A thumb: `vote` 1 up, -1 down."""

    id: int
    vote: int


def votes_on(project: Project, text: str) -> dict[int, Vote]:
    """The last thumb by passage for one searched text."""
    rows = project.db.execute("select passage_id, id, vote from feedback where text = ? order by id", [text])
    return {passage_id: Vote(vote_id, vote) for passage_id, vote_id, vote in rows}

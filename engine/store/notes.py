"""What a person wrote about a model or a run."""

from __future__ import annotations

from engine.store.project import Project, now


def put_note(project: Project, kind: str, owner: int, text: str) -> None:
    """Keep a note, replacing the one before; an empty text removes it."""
    if not text.strip():
        project.db.execute("delete from notes where kind = ? and owner = ?", [kind, owner])
        return
    project.db.execute(
        "insert or replace into notes (kind, owner, text, changed_at) values (?, ?, ?, ?)", [kind, owner, text, now()]
    )


def note(project: Project, kind: str, owner: int) -> str:
    row = project.db.execute("select text from notes where kind = ? and owner = ?", [kind, owner]).fetchone()
    return str(row[0]) if row else ""

"""Queries that must keep their answer in the first k, whatever else a model gains."""

from __future__ import annotations

from dataclasses import dataclass

from engine.store.project import Project, now


@dataclass(frozen=True, slots=True)
class Pin:
    """A pinned query. `rank` is that of its first answer under the run asked about, 0 where not found, -1 unknown."""

    query_id: int
    text: str
    k: int
    rank: int = -1

    @property
    def is_broken(self) -> bool:
        return self.rank == 0 or self.rank > self.k


def pin_query(project: Project, query_id: int, k: int) -> None:
    project.db.execute(
        "insert or replace into pinned_queries (query_id, k, created_at) values (?, ?, ?)", [query_id, k, now()]
    )


def unpin_query(project: Project, query_id: int) -> None:
    project.db.execute("delete from pinned_queries where query_id = ?", [query_id])


def pins(project: Project, run_id: int = 0) -> list[Pin]:
    """Pinned queries in order of id, with their rank under a run where it asked them."""
    rows = project.db.execute(
        "select p.query_id, q.text, p.k, coalesce(m.first_rank, -1) from pinned_queries p "
        "join queries q on q.id = p.query_id "
        "left join query_metrics m on m.query_id = p.query_id and m.run_id = ? order by p.query_id",
        [run_id],
    )
    return [Pin(*row) for row in rows]


def broken_pins(project: Project, run_id: int) -> list[Pin]:
    """Pinned queries whose answer is not in the first k under a run."""
    return [pin for pin in pins(project, run_id) if pin.is_broken]

"""Queries that must keep their answer in the first k, whatever else a model gains."""

from __future__ import annotations

from dataclasses import dataclass

from engine.store import runs
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

    def place_words(self) -> str:
        """Where the answer stands: "rank 14, not in the first 10"."""
        if self.rank < 0:
            return "not asked"
        found = f"rank {self.rank}" if self.rank else "not found"
        return f"{found}, not in the first {self.k}" if self.is_broken else f"{found}, in the first {self.k}"


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


def lost_pins(project: Project, model_id: int) -> list[Pin]:
    """Pinned queries that a model's newest run on the test queries has lost; none where it was not measured."""
    found = [run for run in runs.newest_runs(project) if run.model_id == model_id and runs.is_of_model(run)]
    return broken_pins(project, max(run.id for run in found)) if found else []

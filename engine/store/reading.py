"""Whether the base model can read the project's texts, and what to offer where it cannot."""

from __future__ import annotations

from dataclasses import dataclass

from engine.store import jobs, models
from engine.store.project import Project

UNREADABLE = 0.2
"""Share of unknown tokens from which on a model of the documents' own words is offered: search is poor by then."""

MANY_UNKNOWN = 0.05
MANY_CUT = 0.10
"""Shares of unknown tokens, and of texts longer than the model reads, from which on a person is told."""

_SECONDS_AT_LEAST = 15.0
_LETTERS_A_SECOND = 40_000  # measured on two cores with 1.1 million letters


@dataclass(frozen=True, slots=True)
class BaseOffer:
    """A base model made from the documents, because `model` does not know `unknown_share` (0..1) of their tokens.

    `seconds`: about how long making it takes.
    """

    model: str
    unknown_share: float
    seconds: int


def base_offer(project: Project) -> BaseOffer | None:
    """What was measured after the last import, as an offer; None where the base reads well or a person keeps it."""
    report = project.meta_json("token_report")
    base = models.base_model(project)
    if not report or base is None or report.get("model") != base.name:
        return None
    share = float(report.get("unknown_share") or 0.0)
    if share < UNREADABLE or project.meta("kept_base") == str(base.id):
        return None
    last = jobs.last_done(project, "make_base")
    letters = project.db.execute("select coalesce(sum(length(text)), 0) from passages").fetchone()[0]
    seconds = last.seconds if last else _SECONDS_AT_LEAST + letters / _LETTERS_A_SECOND
    return BaseOffer(base.name, share, round(seconds))


def keep_base(project: Project) -> None:
    """Do not offer another base model in place of the present one."""
    base = models.base_model(project)
    project.set_meta("kept_base", str(base.id) if base else "")

"""What can be done with a training that was ended before it was done, from the Home and the Train page alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from engine.records import JobRecord, Model
from engine.store import jobs
from gui import words
from gui.dialogs.question import Question
from gui.phrases import fill

if TYPE_CHECKING:
    from gui.session import Session


def discard_run(session: Session, model: Model, parent: QWidget) -> bool:
    """Ask, then throw an unfinished training away with its checkpoints; returns whether the person wanted it."""
    question = Question(
        fill(_tr("Discard “%1”?"), words.plain(model.name, 60)),
        _tr(
            "Its checkpoints and its curves are deleted, and it can no longer go on. Finished models stay as they are."
        ),
        _tr("Discard it"),
        _tr("Keep it"),
        parent,
    )
    if not question.exec():
        return False
    session.edit("discard_model", {"model_id": model.id}, lambda _values: _forget_job(session, model))
    return True


def _forget_job(session: Session, model: Model) -> None:
    """The job that was interrupted in this training has nothing left to tell."""
    if session.project is not None:
        for job in jobs.interrupted_jobs(session.project):
            if _is_of(job, model):
                session.edit("dismiss_job", {"job_id": job.id})


def _is_of(job: JobRecord, model: Model) -> bool:
    """Whether a job began this training or went on with it."""
    if job.kind != ("reranker" if model.kind == "reranker" else "train"):
        return False
    resumed = job.params.get("resume", 0)
    return bool(resumed == model.id if resumed else job.started_at <= model.created_at <= job.ended_at)


def _tr(text: str) -> str:
    return QCoreApplication.translate("interrupted", text)
